namespace Brokkr.Core.Log;

/// <summary>Opens readers of partitions.</summary>
public interface ILogReaders
{
    /// <summary>
    /// Opens a reader of a partition. Any number of readers of one partition may be open at different offsets; where the log must limit them, this
    /// waits for one to be closed. An offset below the oldest record starts at the oldest, one beyond the end waits there.
    /// </summary>
    /// <param name="partition">What to read.</param>
    /// <param name="offset">Offset of the first record wanted.</param>
    /// <param name="purpose">What the reader is for: the log may serve the two kinds from different connections.</param>
    /// <param name="cancellation">Ends the wait.</param>
    ValueTask<ILogReader> OpenAsync(TopicPartition partition, long offset, ReadPurpose purpose, CancellationToken cancellation);
}

/// <summary>What a reader is for.</summary>
public enum ReadPurpose
{
    /// <summary>The one reader of an owned partition that feeds every Trigger; follows the end of the partition.</summary>
    Feed,

    /// <summary>Brings one Trigger that fell behind up to the others; short-lived.</summary>
    CatchUp,
}

/// <summary>Reads one partition in the order of its offsets. Not thread-safe. Disposing frees its buffers and its place.</summary>
public interface ILogReader : IAsyncDisposable
{
    /// <summary>
    /// Waits until there is at least one more record, then takes what is at hand. Offsets only grow, but may have gaps (compaction, transaction
    /// markers). While the log is away this waits; it does not throw for that.
    /// </summary>
    /// <param name="records">Cleared, then filled with records in order.</param>
    /// <param name="maxBytes">Stop after the record that reaches this many bytes (<see cref="StoredRecord.SizeInMemory"/>).</param>
    /// <param name="cancellation">Ends the wait.</param>
    /// <returns>
    /// The next offset to be read: one past the last record, or further where it is known that nothing lies between (trailing transaction
    /// markers); in that case the list may be empty.
    /// </returns>
    /// <exception cref="PartitionGoneException">The topic or partition was deleted, or may not be read any more.</exception>
    ValueTask<long> ReadAsync(List<StoredRecord> records, int maxBytes, CancellationToken cancellation);
}

/// <summary>A partition cannot be read any more: its topic was deleted or access was withdrawn.</summary>
public sealed class PartitionGoneException : Exception
{
    /// <summary>Creates the exception.</summary>
    public PartitionGoneException(string message)
        : base(message) { }

    /// <summary>Creates the exception.</summary>
    public PartitionGoneException(string message, Exception inner)
        : base(message, inner) { }

    /// <summary>Creates the exception.</summary>
    public PartitionGoneException() { }
}
