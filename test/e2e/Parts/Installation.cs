using System.Globalization;
using System.Text.Json;
using Brokkr.Testing;
using Brokkr.Testing.Kafka;
using Brokkr.Testing.Processes;

namespace Brokkr.EndToEnd.Tests.Parts;

/// <summary>
/// A receiver and a dispatcher as processes of their own, as in a Kubernetes installation: environment, mounted property files, and a contract file that is
/// replaced as a whole. One Broker at <c>/shop/orders</c>.
/// </summary>
internal sealed class Installation(KafkaCluster kafka, string topic) : IAsyncDisposable
{
    public const string Path = "/shop/orders";

    private readonly TemporaryFolder _folder = new();
    private readonly int _port = FreePort.Next();
    private readonly Dictionary<string, int> _metricsPorts = new(StringComparer.Ordinal)
    {
        ["receiver"] = FreePort.Next(),
        ["dispatcher"] = FreePort.Next(),
    };
    private int _generation;

    /// <summary>Protocol and endpoint that spans are sent by; null for no tracing.</summary>
    public (string Protocol, string Endpoint)? Tracing { get; init; }

    /// <summary>How metrics are sent, instead of being served; null for serving.</summary>
    public (string Protocol, string Endpoint)? Metrics { get; init; }

    /// <summary>More variables for both roles.</summary>
    public IReadOnlyDictionary<string, string> Variables { get; init; } = new Dictionary<string, string>(StringComparer.Ordinal);

    public ChildProcess? Receiver { get; private set; }

    public ChildProcess? Dispatcher { get; private set; }

    public string Url => UrlOf(Path);

    /// <summary>Host and port of the metrics of a role.</summary>
    public string MetricsOf(string role) => $"127.0.0.1:{_metricsPorts[role]}";

    /// <summary>The address of a path of the receiver.</summary>
    public string UrlOf(string path) => $"http://127.0.0.1:{_port}{path}";

    /// <summary>Replaces the contract.</summary>
    /// <param name="contract">The contract as JSON.</param>
    public void Publish(string contract) => _folder.Write("contract/data", contract);

    /// <summary>Replaces the contract.</summary>
    /// <param name="triggers">Consumer group and destination of each Trigger.</param>
    public void Publish(params (string Group, string Destination)[] triggers)
    {
        var contract = new
        {
            generation = (++_generation).ToString(CultureInfo.InvariantCulture),
            resources = new[]
            {
                new
                {
                    uid = topic,
                    topics = new[] { topic },
                    bootstrapServers = kafka.BootstrapServers,
                    ingress = new { path = Path },
                    reference = new
                    {
                        uuid = topic,
                        @namespace = "shop",
                        name = "orders",
                        kind = "Broker",
                        groupVersion = "eventing.knative.dev/v1",
                    },
                    egresses = triggers
                        .Select(trigger => new
                        {
                            uid = trigger.Group,
                            consumerGroup = trigger.Group,
                            destination = trigger.Destination,
                            replyToOriginalTopic = new { },
                            egressConfig = new
                            {
                                retry = 10,
                                backoffPolicy = "Linear",
                                backoffDelay = "100",
                                timeout = "10000",
                            },
                            reference = new
                            {
                                uuid = trigger.Group,
                                @namespace = "shop",
                                name = trigger.Group,
                                kind = "Trigger",
                                groupVersion = "eventing.knative.dev/v1",
                            },
                        })
                        .ToArray(),
                },
            },
        };
        _folder.Write("contract/data", JsonSerializer.Serialize(contract));
    }

    /// <summary>Starts the receiver, also again after it was killed, and waits until the Broker is served.</summary>
    public async Task StartReceiverAsync()
    {
        Receiver = BrokkrProcess.Start(["receiver"], Describe("receiver"));
        await Ingress.ServedAsync(Url, Receiver);
    }

    /// <summary>Starts a dispatcher, also again after it was killed.</summary>
    public void StartDispatcher() => Dispatcher = BrokkrProcess.Start(["dispatcher"], Describe("dispatcher"));

    public async ValueTask DisposeAsync()
    {
        if (Receiver is not null)
        {
            await Receiver.DisposeAsync();
        }

        if (Dispatcher is not null)
        {
            await Dispatcher.DisposeAsync();
        }

        _folder.Dispose();
    }

    private Dictionary<string, string?> Describe(string role)
    {
        Directory.CreateDirectory(_folder["features"]);
        var observability = $"observability-{role}";
        var metrics = Metrics ?? ("prometheus", $"http://0.0.0.0:{_metricsPorts[role]}/metrics");
        _folder.Write($"{observability}/metrics-protocol", metrics.Protocol);
        _folder.Write($"{observability}/metrics-endpoint", metrics.Endpoint);
        _folder.Write($"{observability}/metrics-export-interval", "500ms");
        if (Tracing is var (protocol, endpoint))
        {
            _folder.Write($"{observability}/tracing-protocol", protocol);
            _folder.Write($"{observability}/tracing-endpoint", endpoint);
        }

        var variables = new Dictionary<string, string?>(StringComparer.Ordinal)
        {
            ["PRODUCER_CONFIG_FILE_PATH"] = _folder.Write(
                "producer.properties",
                "acks=all\nlinger.ms=0\nrequest.timeout.ms=2000\ndelivery.timeout.ms=20000\nmax.request.size=1048576\n"
            ),
            ["CONSUMER_CONFIG_FILE_PATH"] = _folder.Write(
                "consumer.properties",
                "auto.offset.reset=earliest\nsession.timeout.ms=6000\nheartbeat.interval.ms=1000\nenable.auto.commit=false\nauto.commit.interval.ms=1000\n"
            ),
            ["HTTPSERVER_CONFIG_FILE_PATH"] = _folder.Write("httpserver.properties", "idleTimeout=0\n"),
            ["WEBCLIENT_CONFIG_FILE_PATH"] = _folder.Write("webclient.properties", "idleTimeout=10000\nmaxPoolSize=100\n"),
            ["CONFIG_OBSERVABILITY_PATH"] = _folder[observability],
            ["CONFIG_FEATURES_PATH"] = _folder["features"],
            ["DATA_PLANE_CONFIG_FILE_PATH"] = _folder["contract/data"],
            ["LIVENESS_PROBE_PATH"] = "/healthz",
            ["READINESS_PROBE_PATH"] = "/readyz",
            ["METRICS_PUBLISH_QUANTILES"] = "false",
            ["METRICS_JVM_ENABLED"] = "false",
            ["EGRESSES_INITIAL_CAPACITY"] = "20",
            ["WAIT_STARTUP_SECONDS"] = "8",
            ["SERVICE_NAME"] = $"kafka-broker-{role}",
            ["SERVICE_NAMESPACE"] = "knative-eventing",
            ["INSTANCE_ID"] = $"{role}-0",
            ["INGRESS_PORT"] = _port.ToString(CultureInfo.InvariantCulture),
            ["INGRESS_TLS_PORT"] = FreePort.Next().ToString(CultureInfo.InvariantCulture),
        };
        foreach (var (name, value) in Variables)
        {
            variables[name] = value;
        }

        return variables;
    }
}
