using Brokkr.Core.Configuration;
using Brokkr.Kubernetes.Api;
using Brokkr.Kubernetes.Contract;

namespace Brokkr.Cli.Hosting;

/// <summary>The environment variables that receiver and dispatcher have in common (receiver-and-core §2, dispatcher §1.2).</summary>
internal sealed record DataPlaneEnvironment
{
    /// <summary><c>DATA_PLANE_CONFIG_FILE_PATH</c>: the contract, a file or a folder. Empty where it is in ConfigMaps.</summary>
    public required string ContractPath { get; init; }

    /// <summary><c>PRODUCER_CONFIG_FILE_PATH</c>: properties of the Kafka producer.</summary>
    public required string ProducerPropertiesPath { get; init; }

    /// <summary><c>CONFIG_OBSERVABILITY_PATH</c>: folder with the entries of <c>config-observability</c>.</summary>
    public required string ObservabilityPath { get; init; }

    /// <summary><c>WAIT_STARTUP_SECONDS</c>: how long the start may take.</summary>
    public required TimeSpan StartupBudget { get; init; }

    /// <summary><c>METRICS_HOST</c>: address of the scrape endpoint. Default <c>0.0.0.0</c>.</summary>
    public required string MetricsHost { get; init; }

    /// <summary><c>METRICS_PEM_CERT_PATH</c> and <c>METRICS_PEM_KEY_PATH</c>: with both the scrape endpoint is HTTPS. Default null: HTTP.</summary>
    public (string Certificate, string Key)? MetricsTls { get; init; }

    /// <summary><c>METRICS_DISABLE_EVENT_TYPE_TAG</c>: every event type is <c>unknown</c> in the metrics. Default false.</summary>
    public required bool EventTypeTagDisabled { get; init; }

    /// <summary><c>METRICS_PUBLISH_QUANTILES</c>: more histogram bounds. Default false.</summary>
    public required bool MoreHistogramBounds { get; init; }

    /// <summary><c>METRICS_JVM_ENABLED</c>: metrics of the .NET runtime. Default false.</summary>
    public required bool RuntimeMetrics { get; init; }

    /// <summary><c>DISABLE_KAFKA_CLIENTS_METRICS</c>: the series of the original's Kafka clients are left out. Default false.</summary>
    public bool KafkaClientMetricsDisabled { get; init; }

    /// <summary>
    /// The API server: that of <c>KUBECONFIG</c>; else, in a pod, that of its cluster (<c>KUBERNETES_SERVICE_HOST</c>, <c>KUBERNETES_SERVICE_PORT</c>,
    /// <c>SERVICE_ACCOUNT_PATH</c>). Default null: there is none.
    /// </summary>
    public ApiServerOptions? ApiServer { get; init; }

    /// <summary>
    /// <c>CONTRACT_LABEL_SELECTOR</c> (ours): which ConfigMaps hold the contract, in the namespace <c>CONTRACT_NAMESPACE</c>, else <c>SYSTEM_NAMESPACE</c>, else
    /// that of the pod. Default null: none, it is in files.
    /// </summary>
    public ContractConfigMapsOptions? ContractConfigMaps { get; init; }

    /// <summary><c>POD_NAME</c>: the Pod whose condition says what this process works by, in the namespace of the pod. Default null: none.</summary>
    public (string Namespace, string Name)? Pod { get; init; }

    /// <summary><c>SERVICE_NAME</c>. Default <c>Knative</c>.</summary>
    public required string ServiceName { get; init; }

    /// <summary><c>SERVICE_NAMESPACE</c>. Default <c>Knative</c>; the dispatcher requires it.</summary>
    public required string ServiceNamespace { get; init; }

    /// <summary>Reads the variables. Problems are noted in the reader.</summary>
    public static DataPlaneEnvironment Read(EnvironmentReader environment)
    {
        var certificate = environment.Optional("METRICS_PEM_CERT_PATH");
        var key = environment.Optional("METRICS_PEM_KEY_PATH");
        var api = ApiServerEnvironment.Read(environment);
        var home = api?.Namespace ?? environment.Optional("SERVICE_NAMESPACE");
        var configMaps = ReadConfigMaps(environment, api, home);
        return new DataPlaneEnvironment
        {
            ContractPath = configMaps is null
                ? environment.Required("DATA_PLANE_CONFIG_FILE_PATH", "the contract file, such as /etc/contract-resources/data")
                : "",
            ContractConfigMaps = configMaps,
            Pod = configMaps is not null && home is not null && environment.Optional("POD_NAME") is { } pod ? (home, pod) : null,
            ProducerPropertiesPath = environment.Required("PRODUCER_CONFIG_FILE_PATH", "the properties file of the Kafka producer"),
            ObservabilityPath = environment.Required("CONFIG_OBSERVABILITY_PATH", "the folder where config-observability is mounted"),
            StartupBudget = TimeSpan.FromSeconds(
                environment.RequiredInteger("WAIT_STARTUP_SECONDS", "the seconds that the start may take, such as 8")
            ),
            MetricsHost = environment.Optional("METRICS_HOST", "0.0.0.0"),
            MetricsTls = certificate is not null && key is not null ? (certificate, key) : null,
            EventTypeTagDisabled = environment.Flag("METRICS_DISABLE_EVENT_TYPE_TAG"),
            MoreHistogramBounds = environment.Flag("METRICS_PUBLISH_QUANTILES"),
            RuntimeMetrics = environment.Flag("METRICS_JVM_ENABLED"),
            KafkaClientMetricsDisabled = environment.Flag("DISABLE_KAFKA_CLIENTS_METRICS"),
            ApiServer = api,
            ServiceName = environment.Optional("SERVICE_NAME", "Knative"),
            ServiceNamespace = environment.Optional("SERVICE_NAMESPACE", "Knative"),
        };
    }

    private static ContractConfigMapsOptions? ReadConfigMaps(EnvironmentReader environment, ApiServerOptions? api, string? home)
    {
        if (environment.Optional("CONTRACT_LABEL_SELECTOR") is not { } selector)
        {
            return null;
        }

        var place = environment.Optional("CONTRACT_NAMESPACE") ?? environment.Optional("SYSTEM_NAMESPACE") ?? home;
        if (api is null)
        {
            environment.Report("CONTRACT_LABEL_SELECTOR is set, but there is no API server: run in a pod, or set KUBECONFIG.");
        }
        else if (place is null)
        {
            environment.Report("CONTRACT_NAMESPACE is not set: set it to the namespace of the ConfigMaps with the contract.");
        }

        return new ContractConfigMapsOptions { Namespace = place ?? "", LabelSelector = selector };
    }
}
