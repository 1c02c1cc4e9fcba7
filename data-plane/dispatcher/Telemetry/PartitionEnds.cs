using Brokkr.Core.Log;

namespace Brokkr.Dispatcher.Telemetry;

/// <summary>
/// Asks the logs how far the owned partitions go, each time before the metrics are shown. What is read does not tell: nothing is read on for Triggers that
/// take nothing, and it is their lag that people want to see.
/// </summary>
internal static class PartitionEnds
{
    /// <summary>Topics that are asked about at once.</summary>
    private const int AtOnce = 8;

    /// <summary>Brings the ends of all feeds up to date. Where a log does not answer, the last known ends stay.</summary>
    public static Task RefreshAsync(LogSites sites, CancellationToken cancellation)
    {
        // Several sites on one log may own the same partition and have the same feed then.
        var asks = sites
            .Open.SelectMany(static site => site.Feeds.Select(feed => (site.Log, Feed: feed)))
            .Distinct()
            .GroupBy(static owned => (owned.Log, owned.Feed.Partition.Topic), static owned => owned.Feed);
        return Parallel.ForEachAsync(
            asks,
            new ParallelOptions { MaxDegreeOfParallelism = AtOnce, CancellationToken = cancellation },
            static async (ask, token) => await RefreshAsync(ask.Key.Log.Topics, ask.Key.Topic, [.. ask], token)
        );
    }

    private static async Task RefreshAsync(
        ITopics topics,
        string topic,
        IReadOnlyList<Feed.PartitionFeed> feeds,
        CancellationToken cancellation
    )
    {
        try
        {
            var bounds = await topics.BoundsAsync(topic, [.. feeds.Select(feed => feed.Partition.Partition)], cancellation);
            foreach (var feed in feeds)
            {
                if (bounds.TryGetValue(feed.Partition.Partition, out var known))
                {
                    feed.ReachesTo(known.End);
                }
            }
        }
        catch (Exception e) when (e is LogUnavailableException or ObjectDisposedException)
        {
            // The readers and the committer say so in the log; here the last answer has to do.
            _ = e;
        }
    }
}
