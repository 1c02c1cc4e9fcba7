using Brokkr.Core.Log;
using Brokkr.Embedded.Writing;
using Microsoft.Extensions.Logging;

namespace Brokkr.Embedded;

/// <summary>Topics. Bounds and descriptions come from memory.</summary>
internal sealed class EmbeddedTopics(TopicTable topics, Writer writer, Sweeper sweeper, EmbeddedLogOptions options, ILogger logger)
    : ITopics
{
    private const int MostPartitions = 10_000;

    public async Task<bool> CreateAsync(TopicSpecification topic, CancellationToken cancellation)
    {
        if (TopicNames.Problem(topic.Name) is { } problem)
        {
            throw new TopicRefusedException(problem);
        }

        if (topic.Partitions is < 1 or > MostPartitions)
        {
            throw new TopicRefusedException($"a topic has 1 to {MostPartitions} partitions, not {topic.Partitions}");
        }

        var settings = TopicSettings.Parse(topic.Settings, options);
        var created = await writer.WriteAsync(new CreateTopic(topic, settings), cancellation);
        if (created && TopicSettings.WithoutEffect(topic.Settings) is var unused && unused.Any())
        {
            logger.UnusedSettings(topic.Name, string.Join(", ", unused));
        }

        return created;
    }

    public Task<TopicDescription?> DescribeAsync(string topic, CancellationToken cancellation)
    {
        cancellation.ThrowIfCancellationRequested();
        return Task.FromResult(topics.TryGet(topic, out var state) ? new TopicDescription(topic, state.Partitions.Length, 1) : null);
    }

    public Task<IReadOnlyDictionary<int, PartitionBounds>> BoundsAsync(
        string topic,
        IReadOnlyCollection<int> partitions,
        CancellationToken cancellation
    )
    {
        cancellation.ThrowIfCancellationRequested();
        if (!topics.TryGet(topic, out var state))
        {
            return Task.FromException<IReadOnlyDictionary<int, PartitionBounds>>(new LogUnavailableException($"there is no topic {topic}"));
        }

        var bounds = new Dictionary<int, PartitionBounds>(partitions.Count);
        foreach (var number in partitions)
        {
            if ((uint)number >= (uint)state.Partitions.Length)
            {
                return Task.FromException<IReadOnlyDictionary<int, PartitionBounds>>(
                    new LogUnavailableException($"there is no partition {new TopicPartition(topic, number)}")
                );
            }

            var partition = state.Partitions[number];
            bounds[number] = new PartitionBounds(partition.Start, partition.End);
        }

        return Task.FromResult<IReadOnlyDictionary<int, PartitionBounds>>(bounds);
    }

    public async Task<bool> DeleteAsync(string topic, CancellationToken cancellation)
    {
        var deleted = await writer.WriteAsync(new DeleteTopic(topic), cancellation);
        if (deleted)
        {
            sweeper.Request();
        }

        return deleted;
    }
}
