using Brokkr.Core.Log;
using Brokkr.Dispatcher.Cursors;
using Brokkr.Dispatcher.Delivery;
using Brokkr.Dispatcher.Feed;

namespace Brokkr.Dispatcher;

/// <summary>What all sites on one log have in common: one read of a partition, however many of them own it, its dead letters, and the pace of commits.</summary>
internal sealed class LogShare(ILog log, DispatcherParts parts)
{
    private readonly FeedSurroundings _surroundings = new(
        log,
        parts.Options,
        parts.Memory,
        parts.CatchUpPlaces,
        parts.Startup,
        parts.Metrics,
        parts.Time,
        parts.Logger
    );

    private readonly Lock _lock = new();
    private readonly Dictionary<TopicPartition, (PartitionFeed Feed, int Owners)> _feeds = [];

    public ILog Log { get; } = log;

    public DeadLetterTopics DeadLetters { get; } = new(log);

    /// <summary>How often positions of all Triggers on the log are committed.</summary>
    public CommitPace Commits { get; } = new(parts.Options.CommitsPerSecond, parts.Time);

    /// <summary>The feed of a partition that a site owns from now on.</summary>
    public PartitionFeed TakeFeed(TopicPartition partition)
    {
        lock (_lock)
        {
            var (feed, owners) = _feeds.GetValueOrDefault(partition);
            feed ??= new PartitionFeed(partition, _surroundings);
            _feeds[partition] = (feed, owners + 1);
            return feed;
        }
    }

    /// <summary>A site owns a partition no more. With the last one its feed is closed.</summary>
    public async Task ReleaseFeedAsync(PartitionFeed feed)
    {
        lock (_lock)
        {
            var owners = _feeds[feed.Partition].Owners - 1;
            if (owners > 0)
            {
                _feeds[feed.Partition] = (feed, owners);
                return;
            }

            _feeds.Remove(feed.Partition);
        }

        await feed.DisposeAsync();
    }
}
