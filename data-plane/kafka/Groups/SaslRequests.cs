namespace Brokkr.Kafka.Groups;

/// <summary>Names the mechanism of the login that follows.</summary>
internal sealed class SaslHandshakeRequest(string mechanism) : Request<(short Error, IReadOnlyList<string> Known)>(Api.SaslHandshake)
{
    public override void Write(FrameWriter writer, short version) => writer.String(mechanism);

    public override (short Error, IReadOnlyList<string> Known) Read(ref FrameReader reader, short version)
    {
        var error = reader.Int16();
        var known = new List<string>();
        for (var left = reader.Count(sizeof(short)); left > 0; left--)
        {
            known.Add(reader.String());
        }

        return (error, known);
    }
}

/// <summary>What the broker says to one step of a login.</summary>
/// <param name="Error">0 for none.</param>
/// <param name="Message">What the broker says about the error.</param>
/// <param name="Bytes">What the mechanism goes on with.</param>
/// <param name="Lifetime">After how many milliseconds the broker wants a new login; 0 for never.</param>
internal readonly record struct SaslStep(short Error, string? Message, byte[] Bytes, long Lifetime);

/// <summary>One step of a login.</summary>
internal sealed class SaslAuthenticateRequest(byte[] bytes) : Request<SaslStep>(Api.SaslAuthenticate)
{
    public override void Write(FrameWriter writer, short version) => writer.Bytes(bytes);

    public override SaslStep Read(ref FrameReader reader, short version)
    {
        var error = reader.Int16();
        var message = reader.NullableString();
        var answer = reader.Bytes();
        return new SaslStep(error, message, answer, version >= 1 ? reader.Int64() : 0);
    }
}
