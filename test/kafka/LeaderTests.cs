using Brokkr.Core.Log;
using Brokkr.Testing.Kafka;
using Microsoft.Extensions.Logging.Abstractions;

namespace Brokkr.Kafka.Tests;

/// <summary>Partitions without a leader: at the end of an election, and just after a topic was created.</summary>
public sealed class LeaderTests
{
    [Fact]
    public async Task Bounds_wait_for_a_leader()
    {
        await using var cluster = new MockCluster();
        cluster.CreateTopic("orders", 1);
        cluster.HasLeader("orders", 0, false);
        await using var log = KafkaLogs.Open(cluster.BootstrapServers);

        var bounds = log.Topics.BoundsAsync("orders", [0], TestContext.Current.CancellationToken);
        await Assert.ThrowsAsync<TimeoutException>(() =>
            bounds.WaitAsync(TimeSpan.FromSeconds(1), TimeProvider.System, TestContext.Current.CancellationToken)
        );
        cluster.HasLeader("orders", 0, true);

        Assert.Equal(new PartitionBounds(0, 0), (await bounds)[0]);
    }

    /// <summary>What the client remembers of the topic from before must not stand in the way until it has forgotten it.</summary>
    [Fact]
    public async Task Bounds_of_an_added_partition_are_known_at_once()
    {
        var kafka = await KafkaCluster.SharedAsync();
        var topic = $"grown-{Guid.NewGuid():n}";
        await kafka.CreateTopicAsync(topic);
        await using var log = new KafkaLog(
            kafka.BootstrapServers,
            new Dictionary<string, string>(),
            new KafkaOptions { RequestTimeout = TimeSpan.FromSeconds(5) },
            NullLogger<KafkaLog>.Instance
        );
        Assert.Equal(new PartitionBounds(0, 0), (await log.Topics.BoundsAsync(topic, [0], TestContext.Current.CancellationToken))[0]);

        await kafka.AddPartitionsAsync(topic, 2);

        Assert.Equal(new PartitionBounds(0, 0), (await log.Topics.BoundsAsync(topic, [1], TestContext.Current.CancellationToken))[1]);
    }
}
