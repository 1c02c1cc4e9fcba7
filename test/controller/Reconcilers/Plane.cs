using System.Text.Json.Nodes;
using Brokkr.Controller.Reconcilers;
using Brokkr.Controller.Tests.Folders;
using Brokkr.Core.Contract;
using Brokkr.Core.Contract.Wire;
using Brokkr.Core.Log;
using Brokkr.Embedded;
using Microsoft.Extensions.Logging.Abstractions;

namespace Brokkr.Controller.Tests.Reconcilers;

/// <summary>A control plane on a cluster in memory and a real embedded log, with a data plane that reports what it is told to.</summary>
internal sealed class Plane : IAsyncDisposable
{
    public const string Topic = "knative-broker-shop-orders";
    public const string Group = "knative-trigger-shop-ship";

    public const string Config = """
        apiVersion: v1
        kind: ConfigMap
        metadata: {name: kafka, namespace: knative-eventing}
        data: {bootstrap.servers: "kafka:9092", default.topic.partitions: "3", default.topic.replication.factor: "1"}
        """;

    public const string Broker = """
        apiVersion: eventing.knative.dev/v1
        kind: Broker
        metadata: {name: orders, namespace: shop, annotations: {eventing.knative.dev/broker.class: Kafka}}
        spec: {config: {apiVersion: v1, kind: ConfigMap, name: kafka, namespace: knative-eventing}}
        """;

    public const string Trigger = """
        apiVersion: eventing.knative.dev/v1
        kind: Trigger
        metadata: {name: ship, namespace: shop}
        spec: {broker: orders, subscriber: {uri: "http://ship.example.com/"}}
        """;

    public const string Sink = """
        apiVersion: eventing.knative.dev/v1alpha1
        kind: KafkaSink
        metadata: {name: audit, namespace: shop}
        spec: {topic: audit, bootstrapServers: ["kafka:9092"], numPartitions: 2, replicationFactor: 1}
        """;

    private readonly TemporaryFolder _data = new();
    private readonly CancellationTokenSource _stop = new();
    private readonly EmbeddedLog _log;
    private ClusterControlPlane _control;
    private CancellationTokenSource _term = new();
    private Task _running = Task.CompletedTask;

    private Plane(EmbeddedLog log)
    {
        _log = log;
        Logs = new DevFolder.SwitchedLogs(new EmbeddedLogProvider(log));
        _control = Make();
    }

    public FakeCluster Cluster { get; } = new();

    public DevFolder.SwitchedLogs Logs { get; }

    public ILog Log => _log;

    public ControlPlaneOptions Options { get; set; } =
        new()
        {
            RetryDelay = TimeSpan.FromMilliseconds(20),
            LongestRetryDelay = TimeSpan.FromMilliseconds(100),
            LogPause = TimeSpan.FromMilliseconds(10),
            LetGoTime = TimeSpan.FromSeconds(30),
            CleanUpAttempts = 3,
        };

    /// <summary>A control plane with an installed data plane, and what else is given.</summary>
    public static async Task<Plane> StartAsync(params string[] manifests)
    {
        var plane = await PrepareAsync();
        plane.Cluster.Put(Config);
        plane.Cluster.Put(manifests);
        plane.AddPod("kafka-broker-receiver");
        plane.AddPod("kafka-broker-dispatcher");
        plane.AddPod("kafka-sink-receiver");
        plane.Start();
        return plane;
    }

    public static async Task<Plane> PrepareAsync()
    {
        var data = new TemporaryFolder();
        var log = await EmbeddedLog.OpenAsync(
            new EmbeddedLogOptions { Folder = data.Path },
            TimeProvider.System,
            NullLoggerFactory.Instance
        );
        return new Plane(log);
    }

    public void Start()
    {
        _term = CancellationTokenSource.CreateLinkedTokenSource(_stop.Token);
        _control = Make();
        _running = _control.RunAsync(_term.Token);
    }

    /// <summary>Ends the control plane as a process that dies does, as far as memory goes.</summary>
    public async Task EndAsync()
    {
        await _term.CancelAsync();
        await _running;
        _control.Dispose();
    }

    /// <summary>A Pod that reports; it has applied everything unless a test says otherwise.</summary>
    public void AddPod(string app, ulong applied = ulong.MaxValue, string name = "") =>
        Cluster.Put(
            $$"""
            apiVersion: v1
            kind: Pod
            metadata:
              name: {{(name.Length > 0 ? name : app + "-0")}}
              namespace: knative-eventing
              labels: {app: {{app}}}
              annotations: {kafka.eventing.knative.dev/reports-contract: "true"}
            status:
              phase: Running
              conditions:
                - {type: Ready, status: "True"}
                - {type: kafka.eventing.knative.dev/ContractApplied, status: "True", message: "{{applied}}"}
            """
        );

    public async Task<JsonObject> ConditionAsync(string kind, string name, string type, string status, string? reason = null)
    {
        JsonObject? found = null;
        await Eventually.True(
            () =>
            {
                found = Condition(kind, name, type);
                return found?["status"]?.GetValue<string>() == status && (reason is null || found["reason"]?.GetValue<string>() == reason);
            },
            () => $"{kind} {name} {type}={status} {reason}; is {Cluster.Find(kind, name)?["status"]?.ToJsonString()}"
        );
        return found!;
    }

    public Task ReadyAsync(string kind, string name) => ConditionAsync(kind, name, "Ready", "True");

    public JsonObject? Condition(string kind, string name, string type) =>
        (Cluster.Find(kind, name)?["status"]?["conditions"] as JsonArray)
            ?.OfType<JsonObject>()
            .FirstOrDefault(condition => condition["type"]!.GetValue<string>() == type);

    public Task GoneAsync(string kind, string name) =>
        Eventually.True(
            () => Cluster.Find(kind, name) is null,
            () => $"{kind} {name} gone; is {Cluster.Find(kind, name)?.ToJsonString()}; events: {string.Join('\n', Cluster.Events)}"
        );

    public Task IdleAsync() => Eventually.True(() => _control.IsIdle, () => "nothing to do");

    /// <summary>What the contracts hold together.</summary>
    public List<Resource> Contract() => [.. Contracts().SelectMany(contract => contract.Resources)];

    public List<string> TrustBundles() => [.. Contracts().SelectMany(contract => contract.TrustBundles)];

    private IEnumerable<Contract> Contracts() =>
        Cluster
            .All("ConfigMap")
            .Where(map => map["metadata"]!["labels"]?["kafka.eventing.knative.dev/contract"] is not null)
            .Select(map => ContractFormat.Read(Convert.FromBase64String(map["binaryData"]!["data"]!.GetValue<string>())));

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await _running;
        _control.Dispose();
        await _log.DisposeAsync();
        _data.Dispose();
    }

    private ClusterControlPlane Make() => new(Cluster, Options, Logs, TimeProvider.System, NullLoggerFactory.Instance);
}
