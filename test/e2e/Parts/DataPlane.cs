using System.Globalization;
using Brokkr.Testing;
using Brokkr.Testing.Processes;

namespace Brokkr.EndToEnd.Tests.Parts;

/// <summary>
/// The pods of the original's Deployments and StatefulSets as processes: their environment, and their ConfigMaps and Secrets mounted as files, with the content
/// that the original ships (receiver-and-core §2, §17, dispatcher §1, §13). Paths and ports are free ones, and Secrets lie where <c>SECRETS_PATH</c> says.
/// </summary>
/// <param name="consumer">Lines for the consumer's properties that win over the shipped ones.</param>
/// <param name="producer">The same for the producer's.</param>
internal sealed class DataPlane(string consumer = "", string producer = "") : IAsyncDisposable
{
    /// <summary>A name of its own, so that dispatchers share partitions with no process of another test.</summary>
    private readonly string _namespace = $"knative-eventing-{Guid.NewGuid():n}";

    private readonly TemporaryFolder _folder = new();
    private readonly List<ChildProcess> _processes = [];
    private readonly Dictionary<string, MountedVolume> _volumes = new(StringComparer.Ordinal);

    /// <summary>More variables for all pods. They win over those of the original's manifests: an empty one takes one away.</summary>
    public IReadOnlyDictionary<string, string> Variables { get; init; } = new Dictionary<string, string>(StringComparer.Ordinal);

    /// <summary>What <c>config-observability</c> holds for a role, beside or instead of what is there anyway.</summary>
    public Func<string, IEnumerable<(string Key, string Value)>> Observability { get; init; } = static _ => [];

    /// <summary>The port of the receiver.</summary>
    public int Port { get; } = FreePort.Next();

    /// <summary>Address of a path of the receiver.</summary>
    public string Url(string path) => $"http://127.0.0.1:{Port}{path}";

    /// <summary>The folder where a pod has its contract, in a file named <c>data</c>.</summary>
    public MountedVolume Contract(string pod) => Volume($"{pod}/contract-resources");

    /// <summary>A Secret that the contract may name.</summary>
    public MountedVolume Secret(string namespaceName, string name) => Volume($"secrets/{namespaceName}/{name}");

    /// <summary>Starts the receiver, and waits until it serves these paths. A pod that was killed may be started again.</summary>
    public async Task<ChildProcess> StartReceiverAsync(string pod, params IEnumerable<string> paths)
    {
        var process = StartReceiver(pod);
        foreach (var path in paths)
        {
            await Ingress.ServedAsync(Url(path), process);
        }

        return process;
    }

    /// <summary>Starts the receiver.</summary>
    /// <param name="pod">Its name.</param>
    /// <param name="contract">Another contract than the file <c>data</c> in <see cref="Contract"/>.</param>
    public ChildProcess StartReceiver(string pod, string? contract = null) => Start("receiver", pod, "broker", contract);

    /// <summary>Starts a dispatcher. A pod that was killed may be started again.</summary>
    /// <param name="pod">Its name.</param>
    /// <param name="kind"><c>broker</c>, <c>channel</c> or <c>source</c>.</param>
    /// <param name="contract">Another contract than the file <c>data</c> in <see cref="Contract"/>.</param>
    public ChildProcess StartDispatcher(string pod, string kind = "broker", string? contract = null) =>
        Start("dispatcher", pod, kind, contract);

    public async ValueTask DisposeAsync()
    {
        foreach (var process in _processes)
        {
            await process.DisposeAsync();
        }

        _folder.Dispose();
    }

    private MountedVolume Volume(string name)
    {
        if (!_volumes.TryGetValue(name, out var volume))
        {
            _volumes.Add(name, volume = new MountedVolume(_folder[name]));
        }

        return volume;
    }

    private ChildProcess Start(string role, string pod, string kind, string? contract)
    {
        var config = Volume($"{pod}/config");
        config.Put(
            ShippedConfiguration
                .Of(kind)
                .Select(file =>
                    file.Key.Contains("consumer", StringComparison.Ordinal) ? (file.Key, file.Value + consumer)
                    : file.Key.Contains("producer", StringComparison.Ordinal) ? (file.Key, file.Value + producer)
                    : file
                )
        );
        var observability = Volume($"{pod}/observability");
        var settings = new Dictionary<string, string>(StringComparer.Ordinal)
        {
            ["metrics-protocol"] = "prometheus",
            ["metrics-endpoint"] = $"http://0.0.0.0:{FreePort.Next()}/metrics",
            ["tracing-protocol"] = "none",
        };
        foreach (var (key, value) in Observability(role))
        {
            settings[key] = value;
        }

        observability.Put(settings.Select(static setting => (setting.Key, setting.Value)));
        var features = Volume($"{pod}/features");
        features.Put(("authentication-oidc", "disabled"), ("transport-encryption", "disabled"), ("eventtype-auto-create", "disabled"));
        var environment = new Dictionary<string, string?>(StringComparer.Ordinal)
        {
            ["SERVICE_NAME"] = $"kafka-{kind}-{role}",
            ["SERVICE_NAMESPACE"] = _namespace,
            ["PRODUCER_CONFIG_FILE_PATH"] = config[$"config-kafka-{kind}-producer.properties"],
            ["CONSUMER_CONFIG_FILE_PATH"] = config[$"config-kafka-{kind}-consumer.properties"],
            ["WEBCLIENT_CONFIG_FILE_PATH"] = config[$"config-kafka-{kind}-webclient.properties"],
            ["HTTPSERVER_CONFIG_FILE_PATH"] = config[$"config-kafka-{kind}-httpserver.properties"],
            ["DATA_PLANE_CONFIG_FILE_PATH"] = contract ?? Contract(pod)["data"],
            ["EGRESSES_INITIAL_CAPACITY"] = "20",
            ["INSTANCE_ID"] = Guid.NewGuid().ToString(),
            ["INGRESS_PORT"] = Port.ToString(CultureInfo.InvariantCulture),
            ["INGRESS_TLS_PORT"] = FreePort.Next().ToString(CultureInfo.InvariantCulture),
            ["LIVENESS_PROBE_PATH"] = "/healthz",
            ["READINESS_PROBE_PATH"] = "/readyz",
            ["METRICS_PUBLISH_QUANTILES"] = "false",
            ["METRICS_JVM_ENABLED"] = "false",
            ["CONFIG_OBSERVABILITY_PATH"] = observability.Path,
            ["CONFIG_FEATURES_PATH"] = features.Path,
            ["WAIT_STARTUP_SECONDS"] = "8",
            ["HTTP2_DISABLE"] = "true",
            ["JAVA_TOOL_OPTIONS"] = "-XX:+CrashOnOutOfMemoryError",
            ["SECRETS_PATH"] = _folder["secrets"],
        };
        foreach (var (name, value) in Variables)
        {
            environment[name] = value;
        }

        var process = BrokkrProcess.Start([role], environment);
        _processes.Add(process);
        return process;
    }
}
