using Brokkr.Core.Log;
using Microsoft.Extensions.Logging;

namespace Brokkr.Dispatcher.Cursors;

/// <summary>Where a group begins on partitions of a topic. A position that it does not have yet is chosen and stored at once (OEG-17).</summary>
/// <param name="log">The log.</param>
/// <param name="initial">Where a new group begins.</param>
/// <param name="logger">Is told what was chosen and why.</param>
internal sealed class StartPositions(ILog log, InitialOffset initial, ILogger logger)
{
    /// <summary>Finds the positions of a group.</summary>
    /// <param name="group">The group.</param>
    /// <param name="topic">The topic.</param>
    /// <param name="partitions">The partitions that this process serves.</param>
    /// <param name="mayBegin">
    /// Whether a group that has no position on the topic may be given all of them now. Only one process should do that: if each began with its own
    /// partitions, the others would take theirs for newly added ones, which start at the beginning.
    /// </param>
    /// <param name="cancellation">Ends the wait.</param>
    /// <returns>A position for each of the partitions; null if the group is new and somebody else should begin.</returns>
    /// <exception cref="LogUnavailableException">The log did not answer, or did not confirm what was stored.</exception>
    public async Task<Dictionary<int, CursorPosition>?> FindAsync(
        string group,
        string topic,
        IReadOnlyCollection<int> partitions,
        bool mayBegin,
        CancellationToken cancellation
    )
    {
        var known = await log.Cursors.LoadAsync(group, topic, cancellation);
        if (known.Count == 0)
        {
            return mayBegin ? await BeginAsync(group, topic, partitions, cancellation) : null;
        }

        var bounds = await log.Topics.BoundsAsync(topic, partitions, cancellation);
        var found = new Dictionary<int, CursorPosition>();
        var chosen = new Dictionary<TopicPartition, CursorPosition>();
        foreach (var partition in partitions)
        {
            if (!known.TryGetValue(partition, out var position))
            {
                // The group has been here before, the partition has not: nothing on it may be skipped (dispatcher §17.1 W8).
                position = Choose(group, topic, partition, bounds[partition].Start, "the partition is new to the group", chosen);
            }
            else if (position.Offset > bounds[partition].End)
            {
                position = Choose(
                    group,
                    topic,
                    partition,
                    Initial(bounds[partition]),
                    $"its position {position.Offset} is beyond the end",
                    chosen
                );
            }

            found[partition] = position;
        }

        await StoreAsync(group, chosen, cancellation);
        return found;
    }

    private async Task<Dictionary<int, CursorPosition>> BeginAsync(
        string group,
        string topic,
        IReadOnlyCollection<int> partitions,
        CancellationToken cancellation
    )
    {
        var description =
            await log.Topics.DescribeAsync(topic, cancellation) ?? throw new LogUnavailableException($"The topic {topic} does not exist.");
        var all = Enumerable.Range(0, description.Partitions).Union(partitions).ToArray();
        var bounds = await log.Topics.BoundsAsync(topic, all, cancellation);
        var chosen = new Dictionary<TopicPartition, CursorPosition>();
        foreach (var partition in all)
        {
            Choose(group, topic, partition, Initial(bounds[partition]), "the group is new", chosen);
        }

        await StoreAsync(group, chosen, cancellation);
        return partitions.ToDictionary(p => p, p => chosen[new TopicPartition(topic, p)]);
    }

    private long Initial(PartitionBounds bounds) => initial == InitialOffset.Earliest ? bounds.Start : bounds.End;

    private CursorPosition Choose(
        string group,
        string topic,
        int partition,
        long offset,
        string reason,
        Dictionary<TopicPartition, CursorPosition> chosen
    )
    {
        logger.PositionChosen(group, offset, topic, partition, reason);
        return chosen[new TopicPartition(topic, partition)] = new CursorPosition(offset, "");
    }

    private Task StoreAsync(string group, Dictionary<TopicPartition, CursorPosition> chosen, CancellationToken cancellation) =>
        chosen.Count == 0 ? Task.CompletedTask : log.Cursors.StoreAsync(group, chosen, cancellation);
}
