using System.Text;
using Brokkr.Core.Contract.Wire;
using Brokkr.Core.Events;
using Brokkr.Core.Filters;
using Brokkr.Core.Log;
using Brokkr.Dispatcher.Cursors;
using Brokkr.Dispatcher.Delivery;
using Brokkr.Dispatcher.Feed;
using Brokkr.Dispatcher.Telemetry;

namespace Brokkr.Dispatcher;

/// <summary>
/// One log that this process serves: the partitions it owns there, and the Triggers on them. A consumer group that shares its partitions by itself owns others than the
/// rest and so has a site of its own; what sites of one log have in common is their <see cref="LogShare"/>.
/// </summary>
internal sealed class LogSite : IOwnershipListener, IAsyncDisposable
{
    private readonly DispatcherParts _parts;
    private readonly LogShare _share;
    private readonly Lock _lock = new();
    private readonly Lock _serving = new();
    private readonly Dictionary<TopicPartition, PartitionFeed> _feeds = [];
    private readonly List<Trigger> _triggers = [];
    private readonly Dictionary<string, TaskCompletionSource> _groups = new(StringComparer.Ordinal);
    private readonly IOwnership _ownership;
    private HashSet<string> _served = [];
    private Task _closing = Task.CompletedTask;

    public LogSite(LogShare share, string consumerGroup, DispatcherParts parts, LogSites all)
    {
        All = all;
        ConsumerGroup = consumerGroup;
        _share = share;
        _parts = parts;
        parts.Startup.Finished += AllStarted;
        _ownership = share.Log.Join(this, consumerGroup);
    }

    public ILog Log => _share.Log;

    /// <summary>The group that shares its partitions by itself here; empty where all Triggers are served.</summary>
    public string ConsumerGroup { get; }

    /// <summary>This and the other sites of the process.</summary>
    public LogSites All { get; }

    public DeadLetterTopics DeadLetters => _share.DeadLetters;

    /// <summary>How often positions of all Triggers on the log are committed.</summary>
    public CommitPace Commits => _share.Commits;

    /// <summary>How many Triggers hold this site. Guarded by the lock of <see cref="LogSites"/>.</summary>
    public int Users { get; set; }

    /// <summary>Feeds of the owned partitions, for tests and metrics.</summary>
    public IReadOnlyList<PartitionFeed> Feeds
    {
        get
        {
            lock (_lock)
            {
                return [.. _feeds.Values];
            }
        }
    }

    /// <summary>
    /// Waits until no other Trigger of this process uses a consumer group, and takes it: a Trigger that is made anew under another uid begins where the
    /// old one has stored its positions.
    /// </summary>
    public async Task ClaimGroupAsync(string group, CancellationToken cancellation)
    {
        while (true)
        {
            Task released;
            lock (_lock)
            {
                if (!_groups.TryGetValue(group, out var holder))
                {
                    _groups[group] = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
                    return;
                }

                released = holder.Task;
            }

            await released.WaitAsync(cancellation);
        }
    }

    public void ReleaseGroup(string group)
    {
        TaskCompletionSource? holder;
        lock (_lock)
        {
            _groups.Remove(group, out holder);
        }

        holder?.TrySetResult();
    }

    /// <summary>Serves a Trigger from now on.</summary>
    public void Add(Trigger trigger)
    {
        lock (_lock)
        {
            _triggers.Add(trigger);
            Begin(trigger, _feeds.Values);
        }

        Serve();
    }

    /// <summary>
    /// Whether some Trigger here would take an event from a topic. Where it lies in the log is not known yet: a filter that asks for that may be mistaken.
    /// </summary>
    public bool IsWanted(EventBuffer candidate, string topic)
    {
        Trigger[] triggers;
        lock (_lock)
        {
            triggers = [.. _triggers];
        }

        var place = new PartitionName(new TopicPartition(topic, 0));
        CloudEvent? seen = null;
        foreach (var trigger in triggers)
        {
            if (!trigger.Topics.Contains(topic))
            {
                continue;
            }

            var settings = trigger.Settings;
            if (settings.Filter is not { } filter)
            {
                return true;
            }

            seen ??= candidate.ToCloudEvent();
            try
            {
                if (filter.Matches(new FilterInput(seen, settings.Overrides.At(place, 0))))
                {
                    return true;
                }
            }
            catch (Exception failure)
            {
                _parts.Logger.FilterFailed(
                    failure,
                    Encoding.UTF8.GetString(seen.Get(CoreAttribute.Id)),
                    Encoding.UTF8.GetString(seen.Get(CoreAttribute.Source)),
                    topic,
                    0,
                    0,
                    trigger.Uid
                );
            }
        }

        return false;
    }

    /// <summary>Serves a Trigger no more; it has stopped.</summary>
    public void Remove(Trigger trigger)
    {
        lock (_lock)
        {
            _triggers.Remove(trigger);
        }

        Serve();
    }

    public void Gained(IReadOnlyList<TopicPartition> partitions)
    {
        _parts.Metrics.HandedOver(PartitionChange.Gained, partitions.Count);
        _parts.Logger.PartitionsGained(string.Join(", ", partitions));
        lock (_lock)
        {
            var added = new List<PartitionFeed>(partitions.Count);
            foreach (var partition in partitions)
            {
                if (!_feeds.ContainsKey(partition))
                {
                    var feed = _share.TakeFeed(partition);
                    _feeds.Add(partition, feed);
                    added.Add(feed);
                }
            }

            foreach (var trigger in _triggers)
            {
                Begin(trigger, added);
            }
        }
    }

    public async Task LosingAsync(IReadOnlyList<TopicPartition> partitions, CancellationToken budget)
    {
        var (triggers, feeds) = Take(partitions);
        await Task.WhenAll(triggers.Select(trigger => trigger.GiveUpAsync(partitions, budget)));
        foreach (var feed in feeds)
        {
            await _share.ReleaseFeedAsync(feed);
        }

        _parts.Metrics.HandedOver(PartitionChange.GivenUp, partitions.Count);
        _parts.Logger.PartitionsGivenUp(string.Join(", ", partitions));
    }

    public void Lost(IReadOnlyList<TopicPartition> partitions)
    {
        _parts.Metrics.HandedOver(PartitionChange.Lost, partitions.Count);
        _parts.Logger.PartitionsLost(string.Join(", ", partitions));
        var (triggers, feeds) = Take(partitions);
        foreach (var trigger in triggers)
        {
            trigger.Lost(partitions);
        }

        lock (_lock)
        {
            _closing = Task.WhenAll([_closing, .. feeds.Select(_share.ReleaseFeedAsync)]);
        }
    }

    /// <summary>Gives all partitions up.</summary>
    public async ValueTask DisposeAsync()
    {
        _parts.Startup.Finished -= AllStarted;
        await _ownership.DisposeAsync();
        PartitionFeed[] left;
        Task closing;
        lock (_lock)
        {
            left = [.. _feeds.Values];
            _feeds.Clear();
            closing = _closing;
        }

        foreach (var feed in left)
        {
            await _share.ReleaseFeedAsync(feed);
        }

        await closing;
    }

    private void AllStarted()
    {
        foreach (var feed in Feeds)
        {
            feed.AllStarted();
        }
    }

    private static void Begin(Trigger trigger, IReadOnlyCollection<PartitionFeed> feeds)
    {
        foreach (
            var topic in feeds
                .Where(f => trigger.Topics.Contains(f.Partition.Topic))
                .GroupBy(f => f.Partition.Topic, StringComparer.Ordinal)
        )
        {
            trigger.Gained(topic.Key, [.. topic]);
        }
    }

    private (Trigger[] Triggers, PartitionFeed[] Feeds) Take(IReadOnlyList<TopicPartition> partitions)
    {
        lock (_lock)
        {
            var feeds = new List<PartitionFeed>();
            foreach (var partition in partitions)
            {
                if (_feeds.Remove(partition, out var feed))
                {
                    feeds.Add(feed);
                }
            }

            return ([.. _triggers], [.. feeds]);
        }
    }

    /// <summary>Not under the lock that the calls of the log need.</summary>
    private void Serve()
    {
        lock (_serving)
        {
            HashSet<string> topics;
            lock (_lock)
            {
                topics = _triggers.SelectMany(trigger => trigger.Topics).ToHashSet(StringComparer.Ordinal);
            }

            if (!topics.SetEquals(_served))
            {
                _served = topics;
                _ownership.Serve([.. topics]);
            }
        }
    }
}
