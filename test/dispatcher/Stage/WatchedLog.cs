using System.Collections.Concurrent;
using Brokkr.Core.Log;

namespace Brokkr.Dispatcher.Tests.Stage;

/// <summary>A real log that is watched: what is read through it is counted, and it can be made to refuse things.</summary>
internal sealed class WatchedLog(ILog inner) : ILog, ILogReaders, ICursorStore, ITopics, ILogWriter
{
    private long _bytesRead;
    private long _recordsRead;
    private int _feeds;
    private int _catchUps;
    private int _openCatchUps;
    private int _stores;

    /// <summary>Bytes of all records that were handed out by readers.</summary>
    public long BytesRead => Interlocked.Read(ref _bytesRead);

    public long RecordsRead => Interlocked.Read(ref _recordsRead);

    public int FeedsOpened => Volatile.Read(ref _feeds);

    public int CatchUpsOpened => Volatile.Read(ref _catchUps);

    public int CatchUpsOpen => Volatile.Read(ref _openCatchUps);

    /// <summary>How often positions were stored.</summary>
    public int Stores => Volatile.Read(ref _stores);

    /// <summary>Topics that cannot be created now.</summary>
    public ConcurrentDictionary<string, bool> RefusedTopics { get; } = new();

    /// <summary>Topics that cannot be appended to now.</summary>
    public ConcurrentDictionary<string, AppendOutcome> RefusedAppends { get; } = new();

    /// <summary>Topics that take no record of more bytes.</summary>
    public ConcurrentDictionary<string, int> LargestAppends { get; } = new();

    /// <summary>Offsets that have no record, as far as readers can see.</summary>
    public Predicate<long>? IsHidden { get; set; }

    /// <summary>Whether positions can be loaded and stored now.</summary>
    public bool CursorsAreAway { get; set; }

    /// <summary>Groups whose positions were stored, in order, with what was stored.</summary>
    public ConcurrentQueue<(string Group, TopicPartition Partition, CursorPosition Position)> Commits { get; } = new();

    public ILogWriter Writer => this;

    public ILogReaders Readers => this;

    public ICursorStore Cursors => this;

    public ITopics Topics => this;

    public IOwnership Join(IOwnershipListener listener, string consumerGroup = "") => inner.Join(listener, consumerGroup);

    public ValueTask<bool> IsReachableAsync(CancellationToken cancellation) => inner.IsReachableAsync(cancellation);

    public ValueTask DisposeAsync() => inner.DisposeAsync();

    public async ValueTask<ILogReader> OpenAsync(TopicPartition partition, long offset, ReadPurpose purpose, CancellationToken cancellation)
    {
        var reader = await inner.Readers.OpenAsync(partition, offset, purpose, cancellation);
        Interlocked.Increment(ref purpose == ReadPurpose.Feed ? ref _feeds : ref _catchUps);
        if (purpose == ReadPurpose.CatchUp)
        {
            Interlocked.Increment(ref _openCatchUps);
        }

        return new WatchedReader(this, reader, purpose);
    }

    public Task<IReadOnlyDictionary<int, CursorPosition>> LoadAsync(string group, string topic, CancellationToken cancellation) =>
        CursorsAreAway ? throw new LogUnavailableException("away") : inner.Cursors.LoadAsync(group, topic, cancellation);

    public async Task StoreAsync(
        string group,
        IReadOnlyCollection<KeyValuePair<TopicPartition, CursorPosition>> positions,
        CancellationToken cancellation
    )
    {
        if (CursorsAreAway)
        {
            throw new LogUnavailableException("away");
        }

        Interlocked.Increment(ref _stores);
        await inner.Cursors.StoreAsync(group, positions, cancellation);
        foreach (var (partition, position) in positions)
        {
            Commits.Enqueue((group, partition, position));
        }
    }

    public Task DeleteAsync(string group, CancellationToken cancellation) => inner.Cursors.DeleteAsync(group, cancellation);

    public Task<bool> CreateAsync(TopicSpecification topic, CancellationToken cancellation) =>
        RefusedTopics.ContainsKey(topic.Name)
            ? throw new TopicRefusedException("not allowed")
            : inner.Topics.CreateAsync(topic, cancellation);

    public Task<TopicDescription?> DescribeAsync(string topic, CancellationToken cancellation) =>
        inner.Topics.DescribeAsync(topic, cancellation);

    public Task<IReadOnlyDictionary<int, PartitionBounds>> BoundsAsync(
        string topic,
        IReadOnlyCollection<int> partitions,
        CancellationToken cancellation
    ) => inner.Topics.BoundsAsync(topic, partitions, cancellation);

    Task<bool> ITopics.DeleteAsync(string topic, CancellationToken cancellation) => inner.Topics.DeleteAsync(topic, cancellation);

    public ValueTask<AppendResult> AppendAsync(string topic, RecordBuffer record) =>
        RefusedAppends.TryGetValue(topic, out var outcome) ? new ValueTask<AppendResult>(AppendResult.Failed(outcome, "refused"))
        : LargestAppends.TryGetValue(topic, out var largest) && record.SizeInBytes > largest
            ? new ValueTask<AppendResult>(AppendResult.Failed(AppendOutcome.TooLarge, "too large"))
        : inner.Writer.AppendAsync(topic, record);

    private sealed class WatchedReader(WatchedLog log, ILogReader reader, ReadPurpose purpose) : ILogReader
    {
        public async ValueTask<long> ReadAsync(List<StoredRecord> records, int maxBytes, CancellationToken cancellation)
        {
            var next = await reader.ReadAsync(records, maxBytes, cancellation);
            if (log.IsHidden is { } isHidden)
            {
                records.RemoveAll(record => isHidden(record.Offset));
            }

            Interlocked.Add(ref log._recordsRead, records.Count);
            Interlocked.Add(ref log._bytesRead, records.Sum(r => (long)r.SizeInMemory));
            return next;
        }

        public ValueTask DisposeAsync()
        {
            if (purpose == ReadPurpose.CatchUp)
            {
                Interlocked.Decrement(ref log._openCatchUps);
            }

            return reader.DisposeAsync();
        }
    }
}
