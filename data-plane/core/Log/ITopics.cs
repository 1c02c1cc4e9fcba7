namespace Brokkr.Core.Log;

/// <summary>What a topic should be.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Partitions">Number of partitions; at least 1.</param>
/// <param name="ReplicationFactor">Copies of each partition; -1 for the cluster's default. The embedded log has one copy, whatever this says.</param>
/// <param name="Settings">Topic settings by Kafka's names, such as <c>retention.ms</c> and <c>retention.bytes</c>.</param>
public sealed record TopicSpecification(string Name, int Partitions, short ReplicationFactor, IReadOnlyDictionary<string, string> Settings);

/// <summary>What a topic is.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Partitions">Number of partitions.</param>
/// <param name="ReplicationFactor">Copies of each partition.</param>
public sealed record TopicDescription(string Name, int Partitions, short ReplicationFactor);

/// <summary>The first and the next offset of a partition.</summary>
/// <param name="Start">Offset of the oldest record that is kept.</param>
/// <param name="End">Offset that the next record will get.</param>
public readonly record struct PartitionBounds(long Start, long End);

/// <summary>Creates, describes and deletes topics.</summary>
public interface ITopics
{
    /// <summary>Creates a topic. Returns false if it existed before; it is then left as it is.</summary>
    /// <exception cref="LogUnavailableException">The log did not answer in time.</exception>
    /// <exception cref="TopicRefusedException">The log will not create it: name, settings or rights.</exception>
    Task<bool> CreateAsync(TopicSpecification topic, CancellationToken cancellation);

    /// <summary>Describes a topic; null if there is none. Never creates it.</summary>
    /// <exception cref="LogUnavailableException">The log did not answer in time.</exception>
    Task<TopicDescription?> DescribeAsync(string topic, CancellationToken cancellation);

    /// <summary>Bounds of partitions of a topic. Never creates it.</summary>
    /// <exception cref="LogUnavailableException">The log did not answer in time, or a partition has no leader or does not exist.</exception>
    Task<IReadOnlyDictionary<int, PartitionBounds>> BoundsAsync(
        string topic,
        IReadOnlyCollection<int> partitions,
        CancellationToken cancellation
    );

    /// <summary>Deletes a topic with its records. Returns false if there was none.</summary>
    /// <exception cref="LogUnavailableException">The log did not answer in time.</exception>
    /// <exception cref="TopicRefusedException">The log will not delete it.</exception>
    Task<bool> DeleteAsync(string topic, CancellationToken cancellation);
}

/// <summary>The log refuses an operation on a topic for good.</summary>
public sealed class TopicRefusedException : Exception
{
    /// <summary>Creates the exception.</summary>
    public TopicRefusedException(string message)
        : base(message) { }

    /// <summary>Creates the exception.</summary>
    public TopicRefusedException(string message, Exception inner)
        : base(message, inner) { }

    /// <summary>Creates the exception.</summary>
    public TopicRefusedException() { }
}
