using Brokkr.Cli.Controller;
using Brokkr.Core.Configuration;
using Brokkr.Testing;

namespace Brokkr.Cli.Tests.Controller;

/// <summary>The environment variables of the controller.</summary>
public sealed class ControllerEnvironmentTests
{
    [Fact]
    public void Variables_of_the_original_are_understood()
    {
        var (environment, problems) = Read(
            ("SYSTEM_NAMESPACE", "knative-eventing"),
            ("CLUSTER_DOMAIN", "example.org"),
            ("BROKER_DATA_PLANE_CONFIG_MAP_NAMESPACE", "contracts"),
            ("BROKER_INGRESS_NAME", "in"),
            ("BROKER_INGRESS_POD_PORT", "1234"),
            ("SINK_INGRESS_POD_TLS_PORT", "4321"),
            ("BROKER_CONTRACT_CONFIG_MAP_FORMAT", "protobuf"),
            ("POD_CAPACITY", "20"),
            ("CONFIG_LEADERELECTION_NAME", "leases")
        );
        Assert.Empty(problems);
        Assert.Equal("example.org", environment.ControlPlane.ClusterDomain);
        Assert.Equal("contracts", environment.ControlPlane.Broker.ContractNamespace);
        Assert.Equal("in", environment.ControlPlane.Broker.ServiceName);
        Assert.Equal(1234, environment.ControlPlane.Broker.PodPort);
        Assert.Equal(8443, environment.ControlPlane.Broker.PodTlsPort);
        Assert.Equal("knative-eventing", environment.ControlPlane.KafkaSink.ContractNamespace);
        Assert.Equal(4321, environment.ControlPlane.KafkaSink.PodTlsPort);
        Assert.Equal("leases", environment.LeaderElectionConfigMap);
        Assert.Equal(8080, environment.HealthPort);
        Assert.Null(environment.Webhook);
        Assert.Equal(
            "kafka-webhook-eventing",
            Read(("SYSTEM_NAMESPACE", "knative-eventing"), ("WEBHOOK_NAME", "kafka-webhook-eventing")).Environment.Webhook?.ServiceName
        );
    }

    [Fact]
    public void Mistakes_are_told_all_at_once()
    {
        var (_, problems) = Read(("BROKER_INGRESS_POD_PORT", "many"), ("SINK_CONTRACT_CONFIG_MAP_FORMAT", "xml"), ("HEALTH_PORT", "-1"));
        Assert.Equal(4, problems.Count);
        Assert.Contains(problems, problem => problem.Contains("SYSTEM_NAMESPACE", StringComparison.Ordinal));
        Assert.Contains(problems, problem => problem.Contains("BROKER_INGRESS_POD_PORT", StringComparison.Ordinal));
        Assert.Contains(problems, problem => problem.Contains("SINK_CONTRACT_CONFIG_MAP_FORMAT is \"xml\"", StringComparison.Ordinal));
        Assert.Contains(problems, problem => problem.Contains("HEALTH_PORT", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("nameserver 10.0.0.10\nsearch shop.svc.corp.example svc.corp.example. corp.example\n", "corp.example")]
    [InlineData("nameserver 10.0.0.10\n", "cluster.local")]
    public void Domain_of_the_cluster_is_that_of_the_resolver(string resolver, string domain)
    {
        using var folder = new TemporaryFolder();
        File.WriteAllText(folder["resolv.conf"], resolver);
        var reader = new EnvironmentReader(name => name is "SYSTEM_NAMESPACE" ? "knative-eventing" : null);
        Assert.Equal(domain, ControllerEnvironment.Read(reader, folder["resolv.conf"]).ControlPlane.ClusterDomain);
    }

    private static (ControllerEnvironment Environment, IReadOnlyList<string> Problems) Read(params (string Name, string Value)[] variables)
    {
        var values = variables.ToDictionary(variable => variable.Name, variable => variable.Value, StringComparer.Ordinal);
        var reader = new EnvironmentReader(values.GetValueOrDefault);
        return (ControllerEnvironment.Read(reader), reader.Problems);
    }
}
