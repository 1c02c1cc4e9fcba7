using System.Runtime.InteropServices;
using Brokkr.Kafka.Native;
using Microsoft.Extensions.Logging.Abstractions;

namespace Brokkr.Kafka.Tests;

/// <summary>The mock cluster that librdkafka carries: one broker in this process, speaking the protocol over a socket.</summary>
internal sealed partial class MockCluster : IAsyncDisposable
{
    private readonly NativeClient _client;
    private readonly nint _cluster;

    static MockCluster() => NativeLibraryLoader.RegisterFor(typeof(MockCluster).Assembly);

    public unsafe MockCluster()
    {
        _client = NativeClient.Create(Rd.TypeProducer, new Dictionary<string, string>(), null, 0, NullLogger.Instance);
        _cluster = ClusterNew(_client.Handle, 1);
        BootstrapServers = Rd.Text(Bootstraps(_cluster));
    }

    public string BootstrapServers { get; }

    public void CreateTopic(string topic, int partitions) => Assert.Equal(0, TopicCreate(_cluster, topic, partitions, 1));

    /// <summary>Lets a partition of a topic be without a leader, or gives it its leader.</summary>
    public void HasLeader(string topic, int partition, bool hasLeader) =>
        Assert.Equal(0, PartitionSetLeader(_cluster, topic, partition, hasLeader ? 1 : -1));

    public void Down() => Assert.Equal(0, SetDown(_cluster, 1));

    public void Up() => Assert.Equal(0, SetUp(_cluster, 1));

    public async ValueTask DisposeAsync()
    {
        ClusterDestroy(_cluster);
        await _client.DisposeAsync();
    }

    [LibraryImport("librdkafka", EntryPoint = "rd_kafka_mock_cluster_new")]
    private static partial nint ClusterNew(nint client, int brokers);

    [LibraryImport("librdkafka", EntryPoint = "rd_kafka_mock_cluster_destroy")]
    private static partial void ClusterDestroy(nint cluster);

    [LibraryImport("librdkafka", EntryPoint = "rd_kafka_mock_cluster_bootstraps")]
    private static unsafe partial byte* Bootstraps(nint cluster);

    [LibraryImport("librdkafka", EntryPoint = "rd_kafka_mock_topic_create", StringMarshalling = StringMarshalling.Utf8)]
    private static partial int TopicCreate(nint cluster, string topic, int partitions, int replicas);

    [LibraryImport("librdkafka", EntryPoint = "rd_kafka_mock_partition_set_leader", StringMarshalling = StringMarshalling.Utf8)]
    private static partial int PartitionSetLeader(nint cluster, string topic, int partition, int broker);

    [LibraryImport("librdkafka", EntryPoint = "rd_kafka_mock_broker_set_down")]
    private static partial int SetDown(nint cluster, int broker);

    [LibraryImport("librdkafka", EntryPoint = "rd_kafka_mock_broker_set_up")]
    private static partial int SetUp(nint cluster, int broker);
}
