namespace Brokkr.Core.Log;

/// <summary>One partition of a topic.</summary>
/// <param name="Topic">Name of the topic.</param>
/// <param name="Partition">Number of the partition, from 0.</param>
public readonly record struct TopicPartition(string Topic, int Partition)
{
    /// <summary><c>topic[partition]</c>, as Kafka's tools write it.</summary>
    public override string ToString() => $"{Topic}[{Partition}]";
}
