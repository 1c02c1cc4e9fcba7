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
        var asks = new List<(ITopics Topics, IGrouping<string, Feed.PartitionFeed> Feeds)>();
        foreach (var site in sites.Open)
        {
            foreach (var topic in site.Feeds.GroupBy(feed => feed.Partition.Topic, StringComparer.Ordinal))
            {
                asks.Add((site.Log.Topics, topic));
            }
        }

        return Parallel.ForEachAsync(
            asks,
            new ParallelOptions { MaxDegreeOfParallelism = AtOnce, CancellationToken = cancellation },
            static async (ask, token) => await RefreshAsync(ask.Topics, ask.Feeds, token)
        );
    }

    private static async Task RefreshAsync(ITopics topics, IGrouping<string, Feed.PartitionFeed> feeds, CancellationToken cancellation)
    {
        try
        {
            var bounds = await topics.BoundsAsync(feeds.Key, [.. feeds.Select(feed => feed.Partition.Partition)], cancellation);
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
