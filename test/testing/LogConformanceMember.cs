using System.Collections.Concurrent;
using Brokkr.Core.Log;

namespace Brokkr.Testing;

/// <summary>Remembers what an ownership says, and may work on the partitions as a dispatcher would.</summary>
internal sealed class LogConformanceMember : IOwnershipListener
{
    private readonly Lock _gate = new();
    private readonly HashSet<TopicPartition> _owned = [];
    private readonly ConcurrentDictionary<TopicPartition, (CancellationTokenSource Stop, Task Work)> _work = new();
    private int _calls;

    /// <summary>What to do with a partition until the token is cancelled; nothing if null.</summary>
    public Func<TopicPartition, CancellationToken, Task>? Work { get; init; }

    /// <summary>Everything that was said, in order: <c>+topic[0]</c> gained, <c>-topic[0]</c> losing, <c>!topic[0]</c> lost.</summary>
    public ConcurrentQueue<string> Said { get; } = new();

    /// <summary>Whether two calls ran at once.</summary>
    public bool Overlapped { get; private set; }

    public IReadOnlyCollection<TopicPartition> Owned
    {
        get
        {
            lock (_gate)
            {
                return [.. _owned];
            }
        }
    }

    public bool Owns(string topic, int partitions) => Owned.Count(partition => partition.Topic == topic) == partitions;

    public void Gained(IReadOnlyList<TopicPartition> partitions)
    {
        Enter();
        foreach (var partition in partitions)
        {
            Said.Enqueue($"+{partition}");
            lock (_gate)
            {
                _owned.Add(partition);
            }

            if (Work is { } work)
            {
                var stop = new CancellationTokenSource();
                _work[partition] = (stop, Task.Run(() => work(partition, stop.Token)));
            }
        }

        Leave();
    }

    public async Task LosingAsync(IReadOnlyList<TopicPartition> partitions, CancellationToken budget)
    {
        Enter();
        foreach (var partition in partitions)
        {
            Said.Enqueue($"-{partition}");
            await Stop(partition);
        }

        Leave();
    }

    public void Lost(IReadOnlyList<TopicPartition> partitions)
    {
        Enter();
        foreach (var partition in partitions)
        {
            Said.Enqueue($"!{partition}");
            if (_work.TryGetValue(partition, out var work))
            {
                work.Stop.Cancel();
            }

            lock (_gate)
            {
                _owned.Remove(partition);
            }
        }

        Leave();
    }

    private async Task Stop(TopicPartition partition)
    {
        if (_work.TryRemove(partition, out var work))
        {
            await work.Stop.CancelAsync();
            await work.Work;
            work.Stop.Dispose();
        }

        lock (_gate)
        {
            _owned.Remove(partition);
        }
    }

    private void Enter() => Overlapped |= Interlocked.Increment(ref _calls) != 1;

    private void Leave() => Interlocked.Decrement(ref _calls);
}
