using System.Threading.Channels;
using Brokkr.Core.Log;
using Microsoft.Extensions.Logging;

namespace Brokkr.Embedded;

/// <summary>
/// The process that has the folder has every partition. What the listener was told is brought in line with the topics that are served and exist,
/// whenever one of the two changes; one call at a time.
/// </summary>
internal sealed class EmbeddedOwnership : IOwnership
{
    private readonly IOwnershipListener _listener;
    private readonly TopicTable _topics;
    private readonly TimeSpan _budget;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;
    private readonly Dictionary<string, TopicState> _owned = new(StringComparer.Ordinal);
    private readonly Channel<bool> _changed = Channel.CreateBounded<bool>(
        new BoundedChannelOptions(1) { FullMode = BoundedChannelFullMode.DropWrite, SingleReader = true }
    );
    private readonly Task _running;
    private volatile HashSet<string> _served = [];
    private int _disposed;

    public EmbeddedOwnership(IOwnershipListener listener, TopicTable topics, TimeSpan budget, TimeProvider time, ILogger logger)
    {
        _listener = listener;
        _topics = topics;
        _budget = budget;
        _time = time;
        _logger = logger;
        _topics.Changed += Wake;
        _running = Task.Run(RunAsync);
    }

    public void Serve(IReadOnlyCollection<string> topics)
    {
        _served = new HashSet<string>(topics, StringComparer.Ordinal);
        Wake();
    }

    public async ValueTask DisposeAsync()
    {
        if (Interlocked.Exchange(ref _disposed, 1) == 0)
        {
            _topics.Changed -= Wake;
            _changed.Writer.TryComplete();
        }

        await _running;
    }

    private void Wake() => _changed.Writer.TryWrite(true);

    private async Task RunAsync()
    {
        await foreach (var _ in _changed.Reader.ReadAllAsync())
        {
            await AlignAsync(_served);
        }

        await AlignAsync([]);
    }

    private async Task AlignAsync(HashSet<string> served)
    {
        var gone = new List<TopicPartition>();
        var leaving = new List<TopicPartition>();
        foreach (var (name, topic) in _owned.ToArray())
        {
            if (topic.Gone)
            {
                AddPartitions(gone, topic);
                _owned.Remove(name);
            }
            else if (!served.Contains(name))
            {
                AddPartitions(leaving, topic);
                _owned.Remove(name);
            }
        }

        if (gone.Count > 0)
        {
            Tell(() => _listener.Lost(gone));
        }

        if (leaving.Count > 0)
        {
            await GiveUpAsync(leaving);
        }

        var gained = new List<TopicPartition>();
        foreach (var name in served)
        {
            if (!_owned.ContainsKey(name) && _topics.TryGet(name, out var topic))
            {
                _owned[name] = topic;
                AddPartitions(gained, topic);
            }
        }

        if (gained.Count > 0)
        {
            Tell(() => _listener.Gained(gained));
        }
    }

    private async Task GiveUpAsync(List<TopicPartition> partitions)
    {
        using var budget = new CancellationTokenSource(_budget, _time);
        try
        {
            await _listener.LosingAsync(partitions, budget.Token).WaitAsync(budget.Token);
        }
        catch (OperationCanceledException) when (budget.IsCancellationRequested)
        {
            // Whatever still runs is ignored from here on; nobody else takes the partitions.
        }
        catch (Exception e)
        {
            _logger.ListenerFailed(e);
        }
    }

    private void Tell(Action call)
    {
        try
        {
            call();
        }
        catch (Exception e)
        {
            _logger.ListenerFailed(e);
        }
    }

    private static void AddPartitions(List<TopicPartition> to, TopicState topic)
    {
        foreach (var partition in topic.Partitions)
        {
            to.Add(partition.Name);
        }
    }
}
