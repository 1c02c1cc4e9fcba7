namespace Brokkr.Core.Log;

/// <summary>Up to where a consumer group is done with a partition.</summary>
/// <param name="Offset">The next offset to deliver: everything before it is finished.</param>
/// <param name="Metadata">
/// A short text stored beside the offset, empty if none; the dispatcher keeps the finished offsets beyond <paramref name="Offset"/> in it. At most
/// 4096 bytes, Kafka's limit. Text that others wrote is returned as it is.
/// </param>
public readonly record struct CursorPosition(long Offset, string Metadata);

/// <summary>Loads and stores positions of consumer groups without joining the groups.</summary>
public interface ICursorStore
{
    /// <summary>
    /// Positions of a group. A partition without one is absent from the answer.
    /// </summary>
    /// <param name="group">The consumer group.</param>
    /// <param name="topic">The topic.</param>
    /// <param name="cancellation">Ends the wait.</param>
    /// <exception cref="LogUnavailableException">The log did not answer in time; nothing is known.</exception>
    Task<IReadOnlyDictionary<int, CursorPosition>> LoadAsync(string group, string topic, CancellationToken cancellation);

    /// <summary>Stores positions of a group: all given partitions, also backwards.</summary>
    /// <exception cref="LogUnavailableException">The log did not confirm in time; it may or may not have stored them.</exception>
    Task StoreAsync(
        string group,
        IReadOnlyCollection<KeyValuePair<TopicPartition, CursorPosition>> positions,
        CancellationToken cancellation
    );

    /// <summary>Forgets a group. A group that does not exist is no error.</summary>
    /// <exception cref="LogUnavailableException">The log did not confirm in time.</exception>
    Task DeleteAsync(string group, CancellationToken cancellation);
}

/// <summary>The log did not answer, or refused in a way that may pass.</summary>
public sealed class LogUnavailableException : Exception
{
    /// <summary>Creates the exception.</summary>
    public LogUnavailableException(string message)
        : base(message) { }

    /// <summary>Creates the exception.</summary>
    public LogUnavailableException(string message, Exception inner)
        : base(message, inner) { }

    /// <summary>Creates the exception.</summary>
    public LogUnavailableException() { }
}
