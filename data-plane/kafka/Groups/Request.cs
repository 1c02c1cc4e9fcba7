namespace Brokkr.Kafka.Groups;

/// <summary>The requests in use, by their numbers in the protocol.</summary>
internal enum Api : short
{
    Metadata = 3,
    OffsetCommit = 8,
    OffsetFetch = 9,
    FindCoordinator = 10,
    SaslHandshake = 17,
    ApiVersions = 18,
    SaslAuthenticate = 36,
    DeleteGroups = 42,
}

/// <summary>A request and how to read its answer. Can be sent again.</summary>
/// <typeparam name="T">What the answer says.</typeparam>
internal abstract class Request<T>(Api api)
{
    /// <summary>Its number.</summary>
    public Api Api { get; } = api;

    /// <summary>Writes the body.</summary>
    public abstract void Write(FrameWriter writer, short version);

    /// <summary>Reads the body of the answer.</summary>
    /// <exception cref="ProtocolException">It is not such an answer.</exception>
    public abstract T Read(ref FrameReader reader, short version);
}

/// <summary>What an answer about a group says: an error code of the protocol and, without error, a value.</summary>
/// <param name="Error">0 for none.</param>
/// <param name="Value">The value; meaningless with an error.</param>
/// <param name="Where">What the error is about, if it is not the group as a whole.</param>
internal readonly record struct GroupAnswer<T>(short Error, T? Value, string? Where = null);
