using Brokkr.Core.Log;
using Brokkr.Kafka.Native;

namespace Brokkr.Kafka.Clients;

/// <summary>
/// Tells readers that wait when their topic or partition does not exist any more, which a native client does not always do. One request in a few
/// seconds for all topics that have a reader that waits; none while all readers have something to read, no timer while there is none.
/// </summary>
internal sealed class TopicWatch(KafkaTopics topics, TimeProvider time) : IAsyncDisposable
{
    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(5);

    /// <summary>One broker may be late to hear of a topic; what is gone is gone when asked a second time, too.</summary>
    private static readonly TimeSpan Confirmation = TimeSpan.FromSeconds(1);

    private readonly Lock _lock = new();
    private readonly CancellationTokenSource _stop = new();
    private readonly HashSet<PartitionReader> _readers = [];
    private HashSet<PartitionReader> _missing = [];
    private Task _watching = Task.CompletedTask;
    private bool _isWatching;

    /// <summary>Begins to watch for a reader.</summary>
    public void Add(PartitionReader reader)
    {
        lock (_lock)
        {
            _readers.Add(reader);
            if (!_isWatching && !_stop.IsCancellationRequested)
            {
                _isWatching = true;
                _watching = WatchAsync();
            }
        }
    }

    /// <summary>Ends it. Afterwards the reader is not called any more.</summary>
    public void Remove(PartitionReader reader)
    {
        lock (_lock)
        {
            _readers.Remove(reader);
        }
    }

    public async ValueTask DisposeAsync()
    {
        Task watching;
        lock (_lock)
        {
            _stop.Cancel();
            watching = _watching;
        }

        await watching;
        _stop.Dispose();
    }

    private async Task WatchAsync()
    {
        try
        {
            while (true)
            {
                await Task.Delay(_missing.Count > 0 ? Confirmation : Interval, time, _stop.Token);
                List<PartitionReader> waiting;
                lock (_lock)
                {
                    if (_readers.Count == 0)
                    {
                        _isWatching = false;
                        _missing = [];
                        return;
                    }

                    waiting = [.. _readers.Where(static reader => !reader.TakeHeard())];
                }

                _missing = waiting.Count > 0 ? await MissingAsync(waiting) : [];
            }
        }
        catch (OperationCanceledException)
        {
            // Closed.
        }
    }

    private async Task<HashSet<PartitionReader>> MissingAsync(List<PartitionReader> waiting)
    {
        var counts = new Dictionary<string, int>(StringComparer.Ordinal);
        try
        {
            var names = waiting.Select(static reader => reader.Partition.Topic).ToHashSet(StringComparer.Ordinal);
            foreach (var (code, description) in await topics.DescribeManyAsync(names, _stop.Token))
            {
                counts[description.Name] = code switch
                {
                    ErrorCodes.None => description.Partitions,
                    ErrorCodes.UnknownTopicOrPartition => 0,
                    // Not known, hence nothing to tell.
                    _ => int.MaxValue,
                };
            }
        }
        catch (LogUnavailableException)
        {
            return [];
        }

        var missing = new HashSet<PartitionReader>();
        foreach (var reader in waiting)
        {
            if (reader.Partition.Partition < counts.GetValueOrDefault(reader.Partition.Topic, int.MaxValue))
            {
                continue;
            }

            missing.Add(reader);
            lock (_lock)
            {
                if (_missing.Contains(reader) && _readers.Contains(reader))
                {
                    reader.TellGone();
                }
            }
        }

        return missing;
    }
}
