using Brokkr.Core.Log;
using Brokkr.Testing;
using Brokkr.Testing.Kafka;
using Brokkr.Testing.Processes;

namespace Brokkr.Kafka.Tests;

/// <summary>OEG-14 on a real Kafka: the markers that transactions of others leave in a partition.</summary>
public sealed class TransactionTests
{
    private const int Records = 2000;

    [Fact]
    public async Task Markers_are_passed_over_in_the_middle_of_a_partition_and_at_its_end()
    {
        var kafka = await KafkaCluster.SharedAsync();
        var topic = $"transactions-{Guid.NewGuid():n}";
        await kafka.CreateTopicAsync(topic);
        await ChildProcess.RunAsync(
            Path.Combine(Environment.GetEnvironmentVariable("KAFKA_HOME")!, "bin", "kafka-producer-perf-test.sh"),
            [
                "--topic",
                topic,
                "--num-records",
                $"{Records}",
                "--record-size",
                "10",
                "--throughput",
                "2000",
                "--transaction-duration-ms",
                "100",
                "--transactional-id",
                topic,
                "--bootstrap-server",
                kafka.BootstrapServers,
            ]
        );
        await using var log = KafkaLogs.Open(kafka.BootstrapServers);
        var bounds = (await log.Topics.BoundsAsync(topic, [0], TestContext.Current.CancellationToken))[0];

        // Else there are too few markers for this test to see one in the middle.
        Assert.True(bounds.End > Records + 1, $"{bounds.End} offsets for {Records} records");
        await using var reader = await log.Readers.OpenAsync(
            new TopicPartition(topic, 0),
            0,
            ReadPurpose.Feed,
            TestContext.Current.CancellationToken
        );
        var offsets = new List<long>();
        var batch = new List<StoredRecord>();
        for (long next = 0; next < bounds.End; )
        {
            next = await reader.ReadAsync(batch, 1 << 20, TestContext.Current.CancellationToken);
            offsets.AddRange(batch.Select(record => record.Offset));
        }

        Assert.Equal(Records, offsets.Count);
        Assert.True(offsets[^1] < bounds.End - 1, "a marker is the last thing in the partition");
        Assert.Contains(offsets.Zip(offsets.Skip(1)), pair => pair.Second - pair.First > 1);
    }
}
