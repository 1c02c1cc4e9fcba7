namespace Brokkr.Controller.Reconcilers;

/// <summary>One of the two kinds of ingress: that of Brokers or that of KafkaSinks (control-plane §1.2).</summary>
public sealed record IngressOptions
{
    /// <summary>Name of the receiver's Service: <c>INGRESS_NAME</c>.</summary>
    public required string ServiceName { get; init; }

    /// <summary>Label <c>app</c> of the receiver's Pods.</summary>
    public required string ReceiverApp { get; init; }

    /// <summary>Secret in the data plane's namespace whose <c>ca.crt</c> is told to those who send by https.</summary>
    public required string CertificateSecret { get; init; }

    /// <summary>Namespace of the contracts and of <see cref="DataPlaneConfigMap"/>: <c>DATA_PLANE_CONFIG_MAP_NAMESPACE</c>.</summary>
    public required string ContractNamespace { get; init; }

    /// <summary>ConfigMap with the data plane's settings: <c>DATA_PLANE_CONFIG_CONFIG_MAP_NAME</c>.</summary>
    public required string DataPlaneConfigMap { get; init; }

    /// <summary>Port of a receiver for http: <c>INGRESS_POD_PORT</c>.</summary>
    public int PodPort { get; init; } = 8080;

    /// <summary>Port of a receiver for https: <c>INGRESS_POD_TLS_PORT</c>.</summary>
    public int PodTlsPort { get; init; } = 8443;

    /// <summary>That of Brokers as the original ships it.</summary>
    public static IngressOptions Broker { get; } =
        new()
        {
            ServiceName = "kafka-broker-ingress",
            ReceiverApp = "kafka-broker-receiver",
            CertificateSecret = "kafka-broker-ingress-server-tls",
            ContractNamespace = "knative-eventing",
            DataPlaneConfigMap = "config-kafka-broker-data-plane",
        };

    /// <summary>That of KafkaSinks as the original ships it.</summary>
    public static IngressOptions KafkaSink { get; } =
        new()
        {
            ServiceName = "kafka-sink-ingress",
            ReceiverApp = "kafka-sink-receiver",
            CertificateSecret = "kafka-sink-ingress-server-tls",
            ContractNamespace = "knative-eventing",
            DataPlaneConfigMap = "config-kafka-sink-data-plane",
        };
}

/// <summary>What the control plane of a cluster is to do.</summary>
public sealed record ControlPlaneOptions
{
    /// <summary>Namespace of the installation: <c>SYSTEM_NAMESPACE</c>.</summary>
    public string SystemNamespace { get; init; } = "knative-eventing";

    /// <summary>DNS domain of the cluster.</summary>
    public string ClusterDomain { get; init; } = "cluster.local";

    /// <summary>The ingress of Brokers.</summary>
    public IngressOptions Broker { get; init; } = IngressOptions.Broker;

    /// <summary>The ingress of KafkaSinks.</summary>
    public IngressOptions KafkaSink { get; init; } = IngressOptions.KafkaSink;

    /// <summary>Label <c>app</c> of the dispatcher's Pods, and the name of its StatefulSet.</summary>
    public string DispatcherApp { get; init; } = "kafka-broker-dispatcher";

    /// <summary>Folder of certificates that probes trust beside the system's, as the original has it.</summary>
    public string CertificateFolder { get; init; } = "/knative-custom-certs";

    /// <summary>How many objects are worked on at the same time; at least 1.</summary>
    public int Workers { get; init; } = 4;

    /// <summary>Time for one call to a log.</summary>
    public TimeSpan LogTimeout { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>How many calls to one log are under way at the same time; at least 1.</summary>
    public int CallsPerLog { get; init; } = 4;

    /// <summary>How long a log that did not answer is left alone.</summary>
    public TimeSpan LogPause { get; init; } = TimeSpan.FromSeconds(1);

    /// <summary>First wait before a failed call to a log is tried again; it doubles up to <see cref="LongestRetryDelay"/>.</summary>
    public TimeSpan RetryDelay { get; init; } = TimeSpan.FromSeconds(1);

    /// <summary>Longest wait before a failed call to a log is tried again.</summary>
    public TimeSpan LongestRetryDelay { get; init; } = TimeSpan.FromMinutes(1);

    /// <summary>How long an answer of a log is taken for true: that a topic is there.</summary>
    public TimeSpan FactAge { get; init; } = TimeSpan.FromMinutes(5);

    /// <summary>Time for one probe of a receiver.</summary>
    public TimeSpan ProbeTimeout { get; init; } = TimeSpan.FromSeconds(2);

    /// <summary>How long a receiver that serves a path is taken to go on serving it.</summary>
    public TimeSpan ProbeAge { get; init; } = TimeSpan.FromMinutes(30);

    /// <summary>How long the deletion of an object waits for the data plane to let go of it.</summary>
    public TimeSpan LetGoTime { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>How often cleaning up in Kafka is tried before an object is let go without it.</summary>
    public int CleanUpAttempts { get; init; } = 5;

    /// <summary>Largest contract that is written into one ConfigMap, in bytes; a larger one is written into several.</summary>
    public int MaxContractBytes { get; init; } = 200 * 1024;
}
