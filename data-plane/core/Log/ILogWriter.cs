namespace Brokkr.Core.Log;

/// <summary>How an append ended.</summary>
public enum AppendOutcome
{
    /// <summary>Durable: on Kafka all in-sync replicas have it, on the embedded log the disk has it.</summary>
    Stored,

    /// <summary>The log is away, behind, or its queue is full. The same append may succeed later.</summary>
    RetryLater,

    /// <summary>The record exceeds what the client or the topic accepts. It will never succeed.</summary>
    TooLarge,

    /// <summary>The credentials may not write to the topic.</summary>
    Unauthorized,

    /// <summary>The topic does not exist, or not yet.</summary>
    UnknownTopic,

    /// <summary>Any other failure that a retry will not mend, such as an invalid topic name.</summary>
    Fatal,
}

/// <summary>The answer to an append.</summary>
/// <param name="Outcome">How it ended.</param>
/// <param name="Partition">The partition, when stored; else -1.</param>
/// <param name="Offset">The offset, when stored; else -1.</param>
/// <param name="Error">What the log said, for people; null when stored.</param>
public readonly record struct AppendResult(AppendOutcome Outcome, int Partition, long Offset, string? Error)
{
    /// <summary>A failed append.</summary>
    public static AppendResult Failed(AppendOutcome outcome, string error) => new(outcome, -1, -1, error);
}

/// <summary>Appends records to topics.</summary>
public interface ILogWriter
{
    /// <summary>
    /// Appends a record. The record is copied before this returns, so its buffer may be disposed at once; the task completes when the record is
    /// durable or has failed, at the latest after the log's own delivery deadline. A record with a key goes to the partition that the Java client's
    /// murmur2 partitioner gives (receiver-and-core §8.1); one without may go to any. Expected failures are results, never exceptions.
    /// </summary>
    /// <param name="topic">Name of the topic.</param>
    /// <param name="record">The record; not kept.</param>
    ValueTask<AppendResult> AppendAsync(string topic, RecordBuffer record);
}
