using System.Collections.Concurrent;
using System.Globalization;
using System.Text;
using Brokkr.Core.Log;
using Brokkr.Testing;
using Brokkr.Testing.Kafka;

namespace Brokkr.Kafka.Tests;

/// <summary>The log port on a Kafka of three nodes of which one dies: nothing that was acknowledged is lost, and the work goes on.</summary>
public sealed class NodeLossTests
{
    private const int Partitions = 6;

    [Fact]
    public async Task What_was_acknowledged_survives_the_loss_of_a_node_and_writers_readers_and_cursors_go_on()
    {
        await using var cluster = await KafkaCluster.StartAsync(nodes: 3);
        await using var log = KafkaLogs.Open(cluster.BootstrapServers);
        var topic = $"loss-{Guid.NewGuid():N}";
        await cluster.CreateTopicAsync(topic, Partitions);
        var acknowledged = new ConcurrentDictionary<string, bool>(StringComparer.Ordinal);
        using var stop = new CancellationTokenSource();
        var writers = Enumerable.Range(0, 16).Select(writer => Task.Run(() => WriteAsync(writer))).ToArray();
        await Eventually.True(() => acknowledged.Count > 500, "500 records before the loss");

        await cluster.Nodes[1].KillAsync();
        var before = acknowledged.Count;
        await Eventually.True(() => acknowledged.Count > before + 2000, "2000 more records after the loss", TimeSpan.FromSeconds(60));
        var group = $"group-{Guid.NewGuid():N}";
        await Eventually.True(
            async () =>
            {
                try
                {
                    await log.Cursors.StoreAsync(
                        group,
                        [KeyValuePair.Create(new TopicPartition(topic, 0), new CursorPosition(7, "seven"))],
                        CancellationToken.None
                    );
                    return true;
                }
                catch (LogUnavailableException)
                {
                    return false;
                }
            },
            "a cursor is stored after the loss",
            TimeSpan.FromSeconds(60)
        );
        Assert.Equal(new CursorPosition(7, "seven"), (await log.Cursors.LoadAsync(group, topic, CancellationToken.None))[0]);
        await stop.CancelAsync();
        await Task.WhenAll(writers);

        var found = new HashSet<string>(StringComparer.Ordinal);
        using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(60));
        foreach (var (partition, bounds) in await log.Topics.BoundsAsync(topic, [.. Enumerable.Range(0, Partitions)], patience.Token))
        {
            await using var reader = await log.Readers.OpenAsync(new TopicPartition(topic, partition), 0, ReadPurpose.Feed, patience.Token);
            var records = new List<StoredRecord>();
            for (long next = 0; next < bounds.End; )
            {
                next = await reader.ReadAsync(records, 1 << 20, patience.Token);
                found.UnionWith(records.Select(record => Encoding.UTF8.GetString(record.Value.Span)));
            }
        }

        Assert.Empty(acknowledged.Keys.Except(found, StringComparer.Ordinal));

        async Task WriteAsync(int writer)
        {
            for (var i = 0; !stop.IsCancellationRequested; i++)
            {
                var value = string.Create(CultureInfo.InvariantCulture, $"{writer}/{i}");
                using var record = RecordBuffer.Rent();
                record.AppendValue(Encoding.UTF8.GetBytes(value));
                if ((await log.Writer.AppendAsync(topic, record)).Outcome == AppendOutcome.Stored)
                {
                    acknowledged[value] = true;
                }
            }
        }
    }

    [Fact]
    public async Task Partitions_are_handed_over_while_a_node_dies()
    {
        await using var cluster = await KafkaCluster.StartAsync(nodes: 3);
        await using var first = KafkaLogs.Open(cluster.BootstrapServers);
        await using var second = KafkaLogs.Open(cluster.BootstrapServers);
        var topic = $"handover-{Guid.NewGuid():N}";
        await cluster.CreateTopicAsync(topic, Partitions);
        var (firstMember, secondMember) = (new Member(), new Member());
        await using var firstOwnership = first.Join(firstMember);
        firstOwnership.Serve([topic]);
        await Eventually.True(() => firstMember.Owned.Count == Partitions, "the first member has all", TimeSpan.FromSeconds(60));

        await using var secondOwnership = second.Join(secondMember);
        secondOwnership.Serve([topic]);
        await cluster.Nodes[2].KillAsync();
        await Eventually.True(
            () =>
                firstMember.Owned.Count == Partitions / 2
                && secondMember.Owned.Count == Partitions / 2
                && !firstMember.Owned.Keys.Intersect(secondMember.Owned.Keys).Any(),
            "each member has half",
            TimeSpan.FromSeconds(90)
        );
        await firstOwnership.DisposeAsync();
        await Eventually.True(() => secondMember.Owned.Count == Partitions, "the second member has all", TimeSpan.FromSeconds(60));
        Assert.Empty(firstMember.Owned);
    }

    private sealed class Member : IOwnershipListener
    {
        public ConcurrentDictionary<TopicPartition, bool> Owned { get; } = new();

        public void Gained(IReadOnlyList<TopicPartition> partitions)
        {
            foreach (var partition in partitions)
            {
                Owned[partition] = true;
            }
        }

        public Task LosingAsync(IReadOnlyList<TopicPartition> partitions, CancellationToken budget)
        {
            Lost(partitions);
            return Task.CompletedTask;
        }

        public void Lost(IReadOnlyList<TopicPartition> partitions)
        {
            foreach (var partition in partitions)
            {
                Owned.TryRemove(partition, out _);
            }
        }
    }
}
