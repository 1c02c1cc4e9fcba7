using System.Globalization;
using System.Text;
using Brokkr.Core.Contract;
using Brokkr.Core.Contract.Wire;
using Brokkr.Core.Events;
using Brokkr.Core.Log;
using Brokkr.Embedded;
using Brokkr.Testing;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;

namespace Brokkr.Receiver.Tests;

/// <summary>A receiver on a port of its own, an embedded log behind it, and a contract that the test writes.</summary>
internal sealed class TestReceiver : IAsyncDisposable
{
    /// <summary>Bootstrap servers that lead to the embedded log.</summary>
    public const string Here = "here:9092";

    private readonly TemporaryFolder _folder;
    private readonly ContractPublisher _contracts = new();
    private ulong _generation;

    private TestReceiver(TemporaryFolder folder, EmbeddedLog log)
    {
        _folder = folder;
        Log = log;
        Logs = new TestLogs(log);
    }

    public EmbeddedLog Log { get; }

    public TestLogs Logs { get; }

    public ReceiverHost Host { get; private set; } = null!;

    public int Port => Host.Port;

    public string Url => $"http://127.0.0.1:{Port}";

    /// <summary>Starts one with a contract, once each of its resources has been tried.</summary>
    public static Task<TestReceiver> StartAsync(params Resource[] resources) => StartAsync(new ReceiverOptions(), resources);

    public static async Task<TestReceiver> StartAsync(ReceiverOptions options, params Resource[] resources)
    {
        var receiver = await OpenAsync(options);
        receiver.Publish(resources);
        await receiver.ReadyAsync();
        return receiver;
    }

    /// <summary>Starts one without a contract.</summary>
    public static async Task<TestReceiver> OpenAsync(
        ReceiverOptions options,
        TimeProvider? time = null,
        ILoggerFactory? loggers = null,
        IEventTypeRegistry? registry = null
    )
    {
        var folder = new TemporaryFolder();
        var log = await EmbeddedLog.OpenAsync(new EmbeddedLogOptions { Folder = folder.Path });
        var receiver = new TestReceiver(folder, log);
        receiver.Host = await ReceiverHost.StartAsync(
            options with
            {
                Address = System.Net.IPAddress.Loopback,
                Port = 0,
                DrainDelay = options.DrainDelay == new ReceiverOptions().DrainDelay ? TimeSpan.Zero : options.DrainDelay,
            },
            receiver._contracts,
            receiver.Logs,
            loggers ?? NullLoggerFactory.Instance,
            time: time,
            registry: registry
        );
        return receiver;
    }

    public static Resource Broker(string uid, string? path = null, string? topic = null, string host = "", string servers = Here) =>
        Resource(uid, "Broker", path ?? $"/ns/{uid}", topic ?? $"t-{uid}", host, servers);

    public static Resource Sink(string uid, ContentMode mode) =>
        With(Resource(uid, "KafkaSink", $"/ns/{uid}", $"t-{uid}", "", Here), resource => resource.Ingress.ContentMode = mode);

    public static Resource With(Resource resource, Action<Resource> change)
    {
        var changed = resource.Clone();
        change(changed);
        return changed;
    }

    private static Resource Resource(string uid, string kind, string path, string topic, string host, string servers) =>
        new()
        {
            Uid = uid,
            Topics = { topic },
            BootstrapServers = servers,
            Ingress = new Ingress { Path = path, Host = host },
            Reference = new Reference
            {
                Uuid = uid,
                Namespace = "ns",
                Name = uid,
                Kind = kind,
                GroupVersion = "eventing.knative.dev/v1",
            },
        };

    /// <summary>Replaces the contract, and creates the topics it names on the embedded log.</summary>
    public void Publish(params Resource[] resources)
    {
        foreach (var resource in resources)
        {
            foreach (var topic in resource.Topics)
            {
                Logs.WantTopic(topic);
            }
        }

        var contract = new Contract { Generation = ++_generation };
        contract.Resources.Add(resources);
        _contracts.Publish(contract);
    }

    /// <summary>Creates a topic on the embedded log.</summary>
    public Task CreateTopicAsync(string topic) =>
        Log.Topics.CreateAsync(new TopicSpecification(topic, 1, 1, new Dictionary<string, string>(StringComparer.Ordinal)), default);

    public Task ReadyAsync() => Eventually.True(() => Host.IsReady, () => $"ready; {Host.NotReadyReason}");

    /// <summary>Waits until a path is served, or not.</summary>
    public Task ServedAsync(string path, bool served = true, string host = "x.test") =>
        Eventually.True(
            async () =>
            {
                using var client = await RawClient.ConnectAsync(Port);
                var answer = await client.SendAsync($"GET {path} HTTP/1.1\r\nHost: {host}\r\nK-Network-Probe: probe\r\n\r\n");
                return answer.Status == (served ? 200 : 404);
            },
            $"{path} {(served ? "served" : "not served")}"
        );

    /// <summary>All records of a topic's only partition.</summary>
    public async Task<IReadOnlyList<StoredRecord>> RecordsAsync(string topic)
    {
        var partition = new TopicPartition(topic, 0);
        var bounds = await Log.Topics.BoundsAsync(topic, [0], default);
        var all = new List<StoredRecord>();
        await using var reader = await Log.Readers.OpenAsync(partition, bounds[0].Start, ReadPurpose.Feed, default);
        var some = new List<StoredRecord>();
        for (var next = bounds[0].Start; next < bounds[0].End; )
        {
            next = await reader.ReadAsync(some, 1 << 20, default);
            all.AddRange(some);
        }

        return all;
    }

    /// <summary>The only record of a topic.</summary>
    public async Task<StoredRecord> RecordAsync(string topic) => Assert.Single(await RecordsAsync(topic));

    /// <summary>A record as text: key, headers and value, a line each.</summary>
    public static string Text(StoredRecord record)
    {
        var text = new StringBuilder();
        if (record.HasKey)
        {
            text.Append(CultureInfo.InvariantCulture, $"key={Encoding.UTF8.GetString(record.Key)}\n");
        }

        foreach (var header in record.Headers)
        {
            text.Append(
                CultureInfo.InvariantCulture,
                $"{Encoding.UTF8.GetString(record.NameOf(header))}={Encoding.UTF8.GetString(record.ValueOf(header))}\n"
            );
        }

        return text.Append(record.HasValue ? Encoding.UTF8.GetString(record.Value.Span) : "<null>").ToString();
    }

    public async ValueTask DisposeAsync()
    {
        await Host.DisposeAsync();
        await Log.DisposeAsync();
        _folder.Dispose();
    }
}
