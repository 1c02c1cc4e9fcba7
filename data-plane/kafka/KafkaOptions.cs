using System.Collections.ObjectModel;

namespace Brokkr.Kafka;

/// <summary>How this process talks to Kafka. The same for all clusters; addresses and credentials come from the contract.</summary>
public sealed record KafkaOptions
{
    /// <summary>Java client properties of the mounted producer file; those without a counterpart are reported once.</summary>
    public IReadOnlyDictionary<string, string> ProducerProperties { get; init; } = ReadOnlyDictionary<string, string>.Empty;

    /// <summary>Java client properties of the mounted consumer file; those without a counterpart are reported once.</summary>
    public IReadOnlyDictionary<string, string> ConsumerProperties { get; init; } = ReadOnlyDictionary<string, string>.Empty;

    /// <summary>
    /// Prefix of the consumer groups by which dispatcher processes share the partitions; a number follows. Processes with the same prefix must have
    /// the same contract. A consumer group that shares its partitions by itself has its name after the prefix.
    /// </summary>
    public string OwnershipGroup { get; init; } = "brokkr-dispatcher";

    /// <summary>
    /// Number of ownership groups that topics are spread over. A change of one topic makes only its group rebalance; each costs one idle client.
    /// </summary>
    public int OwnershipShards { get; init; } = 16;

    /// <summary>How long a partition that is to move may keep its running requests before it moves anyway.</summary>
    public TimeSpan HandOverBudget { get; init; } = TimeSpan.FromSeconds(8);

    /// <summary>How often topics are looked at for new partitions; an upper bound for <c>metadata.max.age.ms</c> of the consumer file.</summary>
    public TimeSpan MetadataRefresh { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>KiB that the client may hold ahead of the dispatcher for each partition that feeds Triggers.</summary>
    public int FeedPrefetchKilobytes { get; init; } = 512;

    /// <summary>KiB that the client may hold ahead of the dispatcher for each partition of a catch-up reader.</summary>
    public int CatchUpPrefetchKilobytes { get; init; } = 256;

    /// <summary>Catch-up readers of one partition that may be open at the same time; each needs a client of its own.</summary>
    public int CatchUpClients { get; init; } = 2;

    /// <summary>How often the Secrets of open logs are looked at for changes.</summary>
    public TimeSpan SecretInterval { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>Deadline of one administrative request: topics, positions of groups.</summary>
    public TimeSpan RequestTimeout { get; init; } = TimeSpan.FromSeconds(10);
}
