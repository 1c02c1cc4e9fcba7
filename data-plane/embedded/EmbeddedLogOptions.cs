using Brokkr.Core.Log;

namespace Brokkr.Embedded;

/// <summary>Settings of the embedded log. All bounds are per log, not per topic, unless they say otherwise.</summary>
public sealed record EmbeddedLogOptions
{
    /// <summary>
    /// The data folder; created if it is missing. It holds <c>brokkr.db</c> (with SQLite's <c>-wal</c> and <c>-shm</c> beside it) and
    /// <c>brokkr.lock</c> and <c>brokkr.pid</c>, and belongs to one process at a time.
    /// </summary>
    public required string Folder { get; init; }

    /// <summary>
    /// Largest record in bytes (<see cref="RecordBuffer.SizeInBytes"/>) that a topic without the setting <c>max.message.bytes</c> takes. Kafka's own
    /// default for that setting.
    /// </summary>
    public int MaxRecordBytes { get; init; } = 1_048_588;

    /// <summary>
    /// Age at which a topic without the setting <c>retention.ms</c> drops records. Seven days, Kafka's own default;
    /// <see cref="Timeout.InfiniteTimeSpan"/> keeps them for ever.
    /// </summary>
    public TimeSpan Retention { get; init; } = TimeSpan.FromDays(7);

    /// <summary>
    /// Bytes of records above which each partition of a topic without the setting <c>retention.bytes</c> drops its oldest ones. -1, Kafka's own
    /// default, sets no limit.
    /// </summary>
    public long RetentionBytes { get; init; } = -1;

    /// <summary>How often retention is applied. What has expired may stay that much longer. Kafka looks every five minutes.</summary>
    public TimeSpan SweepInterval { get; init; } = TimeSpan.FromMinutes(1);

    /// <summary>Appends that may wait for the disk, in records; more are answered <see cref="AppendOutcome.RetryLater"/> at once.</summary>
    public int QueueRecords { get; init; } = 16_384;

    /// <summary>Appends that may wait for the disk, in bytes. One record is always let in, however large.</summary>
    public long QueueBytes { get; init; } = 64 * 1024 * 1024;

    /// <summary>
    /// Time after which an append that the disk has not confirmed is answered <see cref="AppendOutcome.RetryLater"/>, and anything else that is
    /// written fails with <see cref="LogUnavailableException"/>. 30 seconds: a disk that stalls longer than that is as good as gone.
    /// </summary>
    public TimeSpan Deadline { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>
    /// How long the writer waits when another program has locked the file (a tool that writes to it) before what is to be written fails.
    /// </summary>
    public TimeSpan BusyTimeout { get; init; } = TimeSpan.FromSeconds(1);

    /// <summary>Reads of the file that run at the same moment. Readers beyond that take turns; any number may be open.</summary>
    public int ConcurrentReads { get; init; } = 4;

    /// <summary>What <see cref="IOwnershipListener.LosingAsync"/> may take when partitions are given up.</summary>
    public TimeSpan HandOverBudget { get; init; } = TimeSpan.FromSeconds(20);

    /// <summary>Throws if a value is out of range.</summary>
    /// <exception cref="LogConfigurationException">A value is out of range; the message names it.</exception>
    internal void Validate()
    {
        Require(!string.IsNullOrWhiteSpace(Folder), nameof(Folder), "must name a folder");
        Require(
            MaxRecordBytes is > 0 and <= TopicSettings.LargestRecord,
            nameof(MaxRecordBytes),
            $"must be 1 to {TopicSettings.LargestRecord}"
        );
        Require(Retention > TimeSpan.Zero || Retention == Timeout.InfiniteTimeSpan, nameof(Retention), "must be positive or infinite");
        Require(RetentionBytes >= -1, nameof(RetentionBytes), "must be -1 or more");
        Require(SweepInterval > TimeSpan.Zero, nameof(SweepInterval), "must be positive");
        Require(QueueRecords > 0, nameof(QueueRecords), "must be positive");
        Require(QueueBytes > 0, nameof(QueueBytes), "must be positive");
        Require(Deadline > TimeSpan.Zero, nameof(Deadline), "must be positive");
        Require(BusyTimeout >= TimeSpan.Zero, nameof(BusyTimeout), "must not be negative");
        Require(ConcurrentReads is > 0 and <= 64, nameof(ConcurrentReads), "must be 1 to 64");
        Require(HandOverBudget > TimeSpan.Zero, nameof(HandOverBudget), "must be positive");
    }

    private static void Require(bool condition, string name, string what)
    {
        if (!condition)
        {
            throw new LogConfigurationException($"embedded log: {name} {what}");
        }
    }
}
