using Brokkr.Core.Log;
using Brokkr.Testing;
using Brokkr.Testing.Kafka;
using Microsoft.Extensions.Logging.Abstractions;

namespace Brokkr.Kafka.Tests;

/// <summary>The log port on a real Apache Kafka.</summary>
public sealed class KafkaLogTests(RealKafka fixture) : LogConformance(fixture), IClassFixture<RealKafka>;

/// <summary>The log port on the mock cluster of the native client.</summary>
public sealed class MockKafkaLogTests(MockKafka fixture) : LogConformance(fixture), IClassFixture<MockKafka>;

/// <summary>A Kafka of one node of its own, since outages are part of the suite.</summary>
public sealed class RealKafka : LogConformanceFixture
{
    private KafkaCluster? _cluster;

    public override TimeSpan Patience => TimeSpan.FromSeconds(45);

    public override async ValueTask InitializeAsync() => _cluster = await KafkaCluster.StartAsync();

    public override ValueTask<ILog> OpenAsync() => new(KafkaLogs.Open(_cluster!.BootstrapServers));

    public override ValueTask MakeUnavailableAsync()
    {
        _cluster!.Nodes[0].Freeze();
        return ValueTask.CompletedTask;
    }

    public override ValueTask MakeAvailableAsync()
    {
        _cluster!.Nodes[0].Thaw();
        return ValueTask.CompletedTask;
    }

    public override async ValueTask DisposeAsync()
    {
        if (_cluster is not null)
        {
            await _cluster.DisposeAsync();
        }

        await base.DisposeAsync();
    }
}

/// <summary>The mock cluster: fast, in this process, and without administration.</summary>
public sealed class MockKafka : LogConformanceFixture
{
    private readonly MockCluster _cluster = new();

    public override string? Missing(LogCapability capability) =>
        capability switch
        {
            LogCapability.TopicAdministration => "the mock cluster has no requests to create or delete topics",
            LogCapability.TopicSettings => "the mock cluster has no topic settings",
            LogCapability.Description => "the mock cluster names no controller, which these requests go to",
            LogCapability.ChangingTopics => "the mock cluster does not assign anew when a member changes its topics",
            LogCapability.SharedOwnership => "the mock cluster does not share partitions out when a second member joins",
            LogCapability.GroupDeletion => "the mock cluster has no request to delete groups",
            _ => null,
        };

    /// <summary>Each with a group of its own: the mock cluster assigns nothing to a member that joins while an earlier one has not quite left.</summary>
    public override ValueTask<ILog> OpenAsync() => new(KafkaLogs.Open(_cluster.BootstrapServers, $"ownership-{Guid.NewGuid():n}"));

    public override ValueTask CreateTopicAsync(ILog log, string topic, int partitions)
    {
        _cluster.CreateTopic(topic, partitions);
        return ValueTask.CompletedTask;
    }

    public override ValueTask MakeUnavailableAsync()
    {
        _cluster.Down();
        return ValueTask.CompletedTask;
    }

    public override ValueTask MakeAvailableAsync()
    {
        _cluster.Up();
        return ValueTask.CompletedTask;
    }

    public override async ValueTask DisposeAsync()
    {
        await _cluster.DisposeAsync();
        await base.DisposeAsync();
    }
}

internal static class KafkaLogs
{
    public static KafkaLog Open(string servers, string ownershipGroup = "ownership") =>
        new(
            servers,
            new Dictionary<string, string>(),
            new KafkaOptions
            {
                ProducerProperties = new Dictionary<string, string>(StringComparer.Ordinal) { ["delivery.timeout.ms"] = "5000" },
                MetadataRefresh = TimeSpan.FromSeconds(1),
                RequestTimeout = TimeSpan.FromSeconds(8),
                OwnershipGroup = ownershipGroup,

                // One group, so that every change of topics is a change within a group.
                OwnershipShards = 1,
            },
            NullLogger<KafkaLog>.Instance
        );
}
