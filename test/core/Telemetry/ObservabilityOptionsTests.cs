using Brokkr.Core.Telemetry;
using Brokkr.Testing;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;

namespace Brokkr.Core.Tests.Telemetry;

/// <summary>receiver-and-core §14.1: config-observability.</summary>
public sealed class ObservabilityOptionsTests
{
    [Theory]
    [InlineData("prometheus", "", true, 9090, "/metrics")]
    [InlineData(" Prometheus\n", "http://127.0.0.1:8123/m", true, 8123, "/m")]
    [InlineData("prometheus", "http://example", true, 9090, "/metrics")]
    [InlineData("prometheus", "http://example:80/x/y", true, 80, "/x/y")]
    [InlineData("prometheus", "http://[::1]/x", true, 9090, "/x")]
    [InlineData("prometheus", "127.0.0.1:8123", true, 8123, "/metrics")]
    [InlineData("prometheus", ":8123", true, 8123, "/metrics")]
    [InlineData("prometheus", "nonsense", true, 9090, "/metrics")]
    [InlineData("prometheus", "host:99999", true, 9090, "/metrics")]
    [InlineData("none", "http://127.0.0.1:8123/m", false, 9090, "/metrics")]
    [InlineData("", "", false, 9090, "/metrics")]
    public void Protocol_and_endpoint(string protocol, string endpoint, bool prometheus, int port, string path) =>
        Assert.Equal(
            new ObservabilityOptions
            {
                Metrics = prometheus ? MetricsProtocol.Prometheus : MetricsProtocol.None,
                Port = port,
                Path = path,
            },
            ObservabilityOptions.From(Entries(("metrics-protocol", protocol), ("metrics-endpoint", endpoint)), NullLogger.Instance)
        );

    [Theory]
    [InlineData("grpc", "collector:4317", "", MetricsProtocol.Grpc, "http://collector:4317/", 60)]
    [InlineData(" HTTP/protobuf\n", "https://c/v1/metrics", " 90s\n", MetricsProtocol.HttpProtobuf, "https://c/v1/metrics", 90)]
    [InlineData("grpc", "", "", MetricsProtocol.None, null, 60)]
    [InlineData("prometheus", "collector:4317", "90s", MetricsProtocol.Prometheus, null, 60)]
    public void Sending(string protocol, string endpoint, string interval, MetricsProtocol expected, string? url, double seconds)
    {
        var options = ObservabilityOptions.From(
            Entries(("metrics-protocol", protocol), ("metrics-endpoint", endpoint), ("metrics-export-interval", interval)),
            NullLogger.Instance
        );
        Assert.Equal(expected, options.Metrics);
        Assert.Equal(url, options.MetricsEndpoint?.ToString());
        Assert.Equal(seconds, options.ExportInterval.TotalSeconds);
    }

    [Theory]
    [InlineData("prometheus", "metrics-endpoint", "nonsense")]
    [InlineData("grpc", "metrics-endpoint", "ftp://x")]
    [InlineData("http/protobuf", "metrics-endpoint", "")]
    [InlineData("grpc", "metrics-export-interval", "often")]
    [InlineData("grpc", "metrics-export-interval", "0s")]
    [InlineData("grpc", "metrics-export-interval", "48h")]
    public void What_cannot_be_meant_is_said_once(string protocol, string key, string value)
    {
        using var log = new RememberedLog();
        ObservabilityOptions.From(Entries(("metrics-protocol", protocol), ("metrics-endpoint", "c:4317"), (key, value)), log);
        var line = Assert.Single(log.Lines).Text;
        Assert.Contains(key, line, StringComparison.Ordinal);
        Assert.Contains(value, line, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("", "http://c:4318/v1/traces", "0.5", TracingProtocol.None, null, 0)]
    [InlineData("none", "", "", TracingProtocol.None, null, 0)]
    [InlineData("grpc", "http://collector:4317", "0.1", TracingProtocol.Grpc, "http://collector:4317/", 0.1)]
    [InlineData(" HTTP/protobuf\n", "https://c/v1/traces", "", TracingProtocol.HttpProtobuf, "https://c/v1/traces", 0)]
    [InlineData("grpc", "collector:4317", "1", TracingProtocol.Grpc, "http://collector:4317/", 1)]
    [InlineData("stdout", "", "1.0", TracingProtocol.Stdout, null, 1)]
    public void Tracing(string protocol, string endpoint, string rate, TracingProtocol expected, string? url, double share)
    {
        var options = ObservabilityOptions.From(
            Entries(("tracing-protocol", protocol), ("tracing-endpoint", endpoint), ("tracing-sampling-rate", rate)),
            NullLogger.Instance
        );
        Assert.Equal(expected, options.Tracing);
        Assert.Equal(url, options.TracingEndpoint?.ToString());
        Assert.Equal(share, options.SamplingRate);
    }

    [Theory]
    [InlineData("tracing-sampling-rate", "2")]
    [InlineData("tracing-sampling-rate", "much")]
    [InlineData("tracing-endpoint", "ftp://x")]
    [InlineData("tracing-endpoint", "")]
    public void What_cannot_be_meant_for_tracing_is_said_once(string key, string value)
    {
        using var log = new RememberedLog();
        ObservabilityOptions.From(Entries(("tracing-protocol", "grpc"), ("tracing-endpoint", "http://c:4317"), (key, value)), log);
        Assert.Contains($"{key} is \"{value}\"", Assert.Single(log.Lines).Text, StringComparison.Ordinal);
    }

    [Fact]
    public void Files_are_entries_and_dot_files_are_not()
    {
        using var folder = new TemporaryFolder();
        folder.Write("metrics-protocol", " prometheus \n");
        folder.Write(".metrics-endpoint", "http://x:1/y");
        folder.Write("..data/metrics-endpoint", "http://x:1/y");
        Assert.Equal(
            new ObservabilityOptions { Metrics = MetricsProtocol.Prometheus },
            ObservabilityOptions.Load(folder.Path, NullLogger.Instance)
        );
    }

    [Fact]
    public void A_missing_folder_is_no_metrics() =>
        Assert.Equal(MetricsProtocol.None, ObservabilityOptions.Load("/nonexistent/dir", NullLogger.Instance).Metrics);

    private static Dictionary<string, string> Entries(params (string Key, string Value)[] entries)
    {
        var result = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (var (key, value) in entries)
        {
            result[key] = value;
        }

        return result;
    }
}
