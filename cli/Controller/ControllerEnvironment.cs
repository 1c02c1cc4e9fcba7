using Brokkr.Controller.Admission;
using Brokkr.Controller.Kubernetes;
using Brokkr.Controller.Reconcilers;
using Brokkr.Core.Configuration;

namespace Brokkr.Cli.Controller;

/// <summary>The environment variables of the controller (control-plane §1.2). Those that mean nothing here are accepted.</summary>
internal sealed record ControllerEnvironment
{
    /// <summary>How the API server is reached.</summary>
    public required ClusterOptions Cluster { get; init; }

    /// <summary>What the control plane is to do.</summary>
    public required ControlPlaneOptions ControlPlane { get; init; }

    /// <summary>The ConfigMap with the settings of the leader election.</summary>
    public required string LeaderElectionConfigMap { get; init; }

    /// <summary>The admission webhook; null where <c>WEBHOOK_NAME</c> is not given and another process serves it.</summary>
    public required WebhookOptions? Webhook { get; init; }

    /// <summary>Port of <c>/health</c> and <c>/readiness</c>.</summary>
    public required int HealthPort { get; init; }

    /// <summary>Reads the variables; problems are noted in the reader.</summary>
    /// <param name="environment">The variables.</param>
    /// <param name="resolverFile">Where the cluster's DNS domain is looked up.</param>
    public static ControllerEnvironment Read(EnvironmentReader environment, string resolverFile = "/etc/resolv.conf")
    {
        var cluster = ClusterOptions.From(environment);
        var domain = DomainOf(environment, resolverFile);
        return new ControllerEnvironment
        {
            Cluster = cluster,
            ControlPlane = new ControlPlaneOptions
            {
                SystemNamespace = cluster.SystemNamespace,
                ClusterDomain = domain,
                Broker = Ingress(environment, "BROKER", IngressOptions.Broker, cluster.SystemNamespace),
                KafkaSink = Ingress(environment, "SINK", IngressOptions.KafkaSink, cluster.SystemNamespace),
            },
            Webhook = environment.Optional("WEBHOOK_NAME") is null
                ? null
                : WebhookOptions.From(environment, cluster.SystemNamespace, domain),
            LeaderElectionConfigMap = environment.Optional("CONFIG_LEADERELECTION_NAME", LeaderElectionOptions.DefaultConfigMap),
            HealthPort = environment.OptionalInteger("HEALTH_PORT", "the port of /health and /readiness", 8080, 0, ushort.MaxValue),
        };
    }

    private static IngressOptions Ingress(EnvironmentReader environment, string prefix, IngressOptions defaults, string systemNamespace)
    {
        var format = environment.Optional($"{prefix}_CONTRACT_CONFIG_MAP_FORMAT", "json");
        if (format is not ("json" or "protobuf"))
        {
            environment.Report($"{prefix}_CONTRACT_CONFIG_MAP_FORMAT is \"{format}\": set it to json or protobuf, or leave it out.");
        }

        return defaults with
        {
            ServiceName = environment.Optional($"{prefix}_INGRESS_NAME", defaults.ServiceName),
            ContractNamespace = environment.Optional($"{prefix}_DATA_PLANE_CONFIG_MAP_NAMESPACE", systemNamespace),
            DataPlaneConfigMap = environment.Optional($"{prefix}_DATA_PLANE_CONFIG_CONFIG_MAP_NAME", defaults.DataPlaneConfigMap),
            PodPort = environment.OptionalInteger(
                $"{prefix}_INGRESS_POD_PORT",
                "the receiver's port for http",
                defaults.PodPort,
                1,
                ushort.MaxValue
            ),
            PodTlsPort = environment.OptionalInteger(
                $"{prefix}_INGRESS_POD_TLS_PORT",
                "the receiver's port for https",
                defaults.PodTlsPort,
                1,
                ushort.MaxValue
            ),
        };
    }

    /// <summary>As the variable says it, else as the resolver's search list does: <c>svc.DOMAIN</c>.</summary>
    private static string DomainOf(EnvironmentReader environment, string resolverFile)
    {
        const string Default = "cluster.local";
        const string Prefix = "svc.";
        if (environment.Optional("CLUSTER_DOMAIN") is { } domain)
        {
            return domain;
        }

        try
        {
            var search = File.ReadLines(resolverFile)
                .Select(line => line.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries))
                .Where(words => words is ["search", ..])
                .SelectMany(words => words.Skip(1))
                .FirstOrDefault(word => word.StartsWith(Prefix, StringComparison.Ordinal));
            return search is null ? Default : search[Prefix.Length..].TrimEnd('.');
        }
        catch (IOException)
        {
            return Default;
        }
    }
}
