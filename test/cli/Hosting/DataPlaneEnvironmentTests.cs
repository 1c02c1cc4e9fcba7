using Brokkr.Cli.Hosting;
using Brokkr.Core.Configuration;

namespace Brokkr.Cli.Tests.Hosting;

/// <summary>receiver-and-core §2, dispatcher §1.2: what both roles read.</summary>
public sealed class DataPlaneEnvironmentTests
{
    private static readonly Dictionary<string, string> Shipped = new(StringComparer.Ordinal)
    {
        ["DATA_PLANE_CONFIG_FILE_PATH"] = "/etc/contract-resources/data",
        ["PRODUCER_CONFIG_FILE_PATH"] = "/etc/config/producer.properties",
        ["CONFIG_OBSERVABILITY_PATH"] = "/etc/observability",
        ["WAIT_STARTUP_SECONDS"] = "8",
    };

    [Fact]
    public void The_shipped_values_are_enough_and_the_rest_has_its_defaults()
    {
        var environment = new EnvironmentReader(Shipped.GetValueOrDefault);
        var read = DataPlaneEnvironment.Read(environment);
        environment.ThrowIfInvalid();
        Assert.Equal(
            new DataPlaneEnvironment
            {
                ContractPath = "/etc/contract-resources/data",
                ProducerPropertiesPath = "/etc/config/producer.properties",
                ObservabilityPath = "/etc/observability",
                StartupBudget = TimeSpan.FromSeconds(8),
                MetricsHost = "0.0.0.0",
                EventTypeTagDisabled = false,
                MoreHistogramBounds = false,
                RuntimeMetrics = false,
                ServiceName = "Knative",
                ServiceNamespace = "Knative",
            },
            read
        );
    }

    [Fact]
    public void The_contract_may_be_in_ConfigMaps_of_the_API_server()
    {
        (string Name, string Value)[] pod =
        [
            ("KUBERNETES_SERVICE_HOST", "10.96.0.1"),
            ("CONTRACT_LABEL_SELECTOR", "a=b"),
            ("POD_NAME", "p"),
        ];
        Assert.Equal("", With([.. pod, ("CONTRACT_NAMESPACE", "there"), ("SYSTEM_NAMESPACE", "system")]).ContractPath);
        Assert.Equal(
            "there",
            With([.. pod, ("CONTRACT_NAMESPACE", "there"), ("SYSTEM_NAMESPACE", "system")]).ContractConfigMaps!.Namespace
        );
        Assert.Equal("system", With([.. pod, ("SYSTEM_NAMESPACE", "system"), ("SERVICE_NAMESPACE", "own")]).ContractConfigMaps!.Namespace);
        var own = With([.. pod, ("SERVICE_NAMESPACE", "own")]);
        Assert.Equal("own", own.ContractConfigMaps!.Namespace);
        Assert.Equal("a=b", own.ContractConfigMaps.LabelSelector);
        Assert.Equal(("own", "p"), own.Pod);
        Assert.Null(With(("POD_NAME", "p")).Pod);

        var environment = new EnvironmentReader(name => name == "CONTRACT_LABEL_SELECTOR" ? "a=b" : Shipped.GetValueOrDefault(name));
        DataPlaneEnvironment.Read(environment);
        Assert.Contains("there is no API server", Assert.Single(environment.Problems), StringComparison.Ordinal);
    }

    [Fact]
    public void Metrics_are_HTTPS_only_with_both_files()
    {
        Assert.Null(With(("METRICS_PEM_CERT_PATH", "c")).MetricsTls);
        Assert.Null(With(("METRICS_PEM_KEY_PATH", "k")).MetricsTls);
        Assert.Equal(("c", "k"), With(("METRICS_PEM_CERT_PATH", "c"), ("METRICS_PEM_KEY_PATH", "k")).MetricsTls);
    }

    [Theory]
    [InlineData("DATA_PLANE_CONFIG_FILE_PATH")]
    [InlineData("PRODUCER_CONFIG_FILE_PATH")]
    [InlineData("CONFIG_OBSERVABILITY_PATH")]
    [InlineData("WAIT_STARTUP_SECONDS")]
    public void Each_required_variable_is_missed(string name)
    {
        var environment = new EnvironmentReader(variable => variable == name ? null : Shipped.GetValueOrDefault(variable));
        DataPlaneEnvironment.Read(environment);
        Assert.StartsWith(name + " is not set", Assert.Single(environment.Problems), StringComparison.Ordinal);
    }

    private static DataPlaneEnvironment With(params (string Name, string Value)[] variables) =>
        DataPlaneEnvironment.Read(
            new EnvironmentReader(name =>
                variables.FirstOrDefault(variable => variable.Name == name).Value ?? Shipped.GetValueOrDefault(name)
            )
        );
}
