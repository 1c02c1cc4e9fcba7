using Brokkr.Core.Log;

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
}
