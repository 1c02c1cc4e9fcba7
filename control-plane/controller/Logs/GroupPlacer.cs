using Brokkr.Core.Log;
using Microsoft.Extensions.Logging;

namespace Brokkr.Controller.Logs;

/// <summary>
/// Gives a new consumer group its place, the end of the topic (control-plane §5.4). Done before the contract with the Trigger is in force: once a Trigger is said to be
/// ready, no later event can pass it by (CPT-12).
/// </summary>
internal static class GroupPlacer
{
    /// <summary>Places those groups that have no position yet.</summary>
    /// <param name="log">The log.</param>
    /// <param name="topic">The topic that they read.</param>
    /// <param name="groups">Names of the groups.</param>
    /// <param name="logger">Is told what was chosen.</param>
    /// <param name="cancellation">Ends the wait.</param>
    /// <exception cref="LogUnavailableException">The log did not answer in time, or there is no such topic.</exception>
    public static async Task PlaceAtEndAsync(
        ILog log,
        string topic,
        IReadOnlyCollection<string> groups,
        ILogger logger,
        CancellationToken cancellation
    )
    {
        var ends = new Lazy<Task<Dictionary<TopicPartition, CursorPosition>>>(() => EndsAsync(log, topic, cancellation));
        await Task.WhenAll(
            groups.Select(async group =>
            {
                // A group that has a position somewhere is no new one: where it has none, a partition is new, and is read from its beginning.
                var known = await log.Cursors.LoadAsync(group, topic, cancellation);
                if (known.Count == 0)
                {
                    await log.Cursors.StoreAsync(group, await ends.Value, cancellation);
                    logger.GroupPlaced(group, topic);
                }
            })
        );
    }

    private static async Task<Dictionary<TopicPartition, CursorPosition>> EndsAsync(ILog log, string topic, CancellationToken cancellation)
    {
        var description =
            await log.Topics.DescribeAsync(topic, cancellation) ?? throw new LogUnavailableException($"The topic {topic} does not exist.");
        var bounds = await log.Topics.BoundsAsync(topic, [.. Enumerable.Range(0, description.Partitions)], cancellation);
        return bounds.ToDictionary(entry => new TopicPartition(topic, entry.Key), entry => new CursorPosition(entry.Value.End, ""));
    }
}
