using Brokkr.Benchmarks.Measuring;
using Brokkr.Testing.Kafka;

namespace Brokkr.Benchmarks.Scenarios;

/// <summary>What all scenarios share: a Kafka of one node, and how long to measure.</summary>
internal sealed class Bench(KafkaCluster kafka, TimeSpan warmUp, TimeSpan time)
{
    public const int Partitions = 10;

    public string Servers => kafka.BootstrapServers;

    /// <summary>For loops that do one thing.</summary>
    public TimeSpan WarmUp => warmUp;

    /// <summary>For whole roles and servers, whose code is compiled for speed only after some tens of thousands of calls.</summary>
    public TimeSpan RoleWarmUp => TimeSpan.FromSeconds(20);

    public TimeSpan Time => time;

    public async Task<string> TopicAsync(string what)
    {
        var topic = $"{what}-{Guid.NewGuid():N}";
        await kafka.CreateTopicAsync(topic, Partitions);
        return topic;
    }

    /// <summary>A topic with records of 1 KiB; with buckets, the extension <c>bucket</c> counts round.</summary>
    public async Task<string> FilledTopicAsync(string what, int records, int buckets = 0)
    {
        var topic = await TopicAsync(what);
        await using var fill = await Child.StartAsync("fill", Servers, topic, $"{records}", $"{buckets}");
        return topic;
    }
}
