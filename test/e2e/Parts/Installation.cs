using System.Globalization;
using System.Text.Json;
using Brokkr.Testing;
using Brokkr.Testing.Kafka;
using Brokkr.Testing.Processes;

namespace Brokkr.EndToEnd.Tests.Parts;

/// <summary>
/// The least of a <see cref="DataPlane"/>: one receiver, one dispatcher, which dies and is killed sooner than as shipped, and one Broker at <c>/shop/orders</c>.
/// </summary>
internal sealed class Installation(KafkaCluster kafka, string topic) : IAsyncDisposable
{
    public const string Path = "/shop/orders";

    private const string ReceiverPod = "receiver-0";
    private const string DispatcherPod = "dispatcher-0";

    private readonly Dictionary<string, int> _metricsPorts = new(StringComparer.Ordinal)
    {
        ["receiver"] = FreePort.Next(),
        ["dispatcher"] = FreePort.Next(),
    };
    private DataPlane? _plane;
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
    public string UrlOf(string path) => Plane.Url(path);

    /// <summary>Replaces the contract.</summary>
    /// <param name="contract">The contract as JSON.</param>
    public void Publish(string contract)
    {
        Plane.Contract(ReceiverPod).Put(("data", contract));
        Plane.Contract(DispatcherPod).Put(("data", contract));
    }

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
        Publish(JsonSerializer.Serialize(contract));
    }

    /// <summary>Starts the receiver, also again after it was killed, and waits until the Broker is served.</summary>
    public async Task StartReceiverAsync() => Receiver = await Plane.StartReceiverAsync(ReceiverPod, Path);

    /// <summary>Starts a dispatcher, also again after it was killed.</summary>
    public void StartDispatcher() => Dispatcher = Plane.StartDispatcher(DispatcherPod);

    public ValueTask DisposeAsync() => _plane?.DisposeAsync() ?? ValueTask.CompletedTask;

    private DataPlane Plane =>
        _plane ??= new DataPlane(
            consumer: "auto.offset.reset=earliest\nsession.timeout.ms=6000\nauto.commit.interval.ms=1000\n",
            producer: "delivery.timeout.ms=20000\n"
        )
        {
            Variables = Variables,
            Observability = ObservabilityOf,
        };

    private IEnumerable<(string Key, string Value)> ObservabilityOf(string role)
    {
        var (metricsProtocol, metricsEndpoint) = Metrics ?? ("prometheus", $"http://0.0.0.0:{_metricsPorts[role]}/metrics");
        yield return ("metrics-protocol", metricsProtocol);
        yield return ("metrics-endpoint", metricsEndpoint);
        yield return ("metrics-export-interval", "500ms");
        if (Tracing is var (protocol, endpoint))
        {
            yield return ("tracing-protocol", protocol);
            yield return ("tracing-endpoint", endpoint);
        }
    }
}
