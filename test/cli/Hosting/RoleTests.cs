using System.Text.Json;
using Brokkr.Testing;
using Brokkr.Testing.Processes;

namespace Brokkr.Cli.Tests.Hosting;

/// <summary>What every role does as a process: settings, log lines, signals, exit codes (receiver-and-core §2, §14, §15; dispatcher §1).</summary>
public sealed class RoleTests : IDisposable
{
    private static readonly HttpClient Client = new(new SocketsHttpHandler { UseProxy = false });

    private readonly TemporaryFolder _folder = new();
    private readonly int _metricsPort = FreePort.Next();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData("receiver", "INGRESS_PORT", "LIVENESS_PROBE_PATH", "DATA_PLANE_CONFIG_FILE_PATH", "WAIT_STARTUP_SECONDS")]
    [InlineData(
        "dispatcher",
        "CONSUMER_CONFIG_FILE_PATH",
        "EGRESSES_INITIAL_CAPACITY",
        "DATA_PLANE_CONFIG_FILE_PATH",
        "WAIT_STARTUP_SECONDS"
    )]
    public async Task Without_its_settings_a_role_ends_with_1_and_names_them_all(string role, params string[] missing)
    {
        await using var child = BrokkrProcess.Start(
            [role],
            Settings(role).ToDictionary(setting => setting.Key, _ => (string?)null, StringComparer.Ordinal)
        );
        Assert.Equal(1, await child.ExitAsync());
        Assert.All(missing, name => Assert.Contains($"brokkr {role}: {name} is not set: set it to ", child.Text, StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("receiver", "WAIT_STARTUP_SECONDS", "8s", "WAIT_STARTUP_SECONDS is \"8s\"")]
    [InlineData("receiver", "INGRESS_PORT", "x", "INGRESS_PORT is \"x\"")]
    [InlineData("receiver", "DATA_PLANE_CONFIG_FILE_PATH", "/nonexistent/dir/data", "/nonexistent/dir")]
    [InlineData("dispatcher", "DATA_PLANE_CONFIG_FILE_PATH", "/nonexistent/dir/data", "/nonexistent/dir")]
    [InlineData("dispatcher", "METRICS_HOST", "no.such.host.invalid", "METRICS_HOST is \"no.such.host.invalid\"")]
    public async Task A_wrong_setting_ends_a_role_with_1_and_says_what_is_wrong(string role, string name, string value, string says)
    {
        var settings = Settings(role);
        settings[name] = value;
        await using var child = BrokkrProcess.Start([role], settings);
        Assert.Equal(1, await child.ExitAsync());
        Assert.Contains(says, child.Text, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("receiver")]
    [InlineData("dispatcher")]
    public async Task A_role_serves_its_metrics_logs_JSON_and_ends_with_0_on_SIGTERM(string role)
    {
        await using var child = BrokkrProcess.Start([role], Settings(role));
        await child.LineAsync("Metrics are served at http://127.0.0.1:");
        var metrics = await Client.GetStringAsync(
            new Uri($"http://127.0.0.1:{_metricsPort}/metrics"),
            TestContext.Current.CancellationToken
        );
        Assert.DoesNotContain("kn_eventing", metrics, StringComparison.Ordinal);
        await child.LineAsync("Contract 1 read");
        Assert.Equal(0, await child.TerminateAsync());
        foreach (var line in child.Lines)
        {
            using var json = JsonDocument.Parse(line);
            Assert.NotEmpty(json.RootElement.GetProperty("message").GetString()!);
            Assert.NotEmpty(json.RootElement.GetProperty("level").GetString()!);
        }

        Assert.Contains($"brokkr {role} has ended", child.Text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_second_signal_ends_a_role_at_once()
    {
        var settings = Settings("receiver");
        settings["DRAIN_DELAY_SECONDS"] = "3600";
        await using var child = BrokkrProcess.Start(["receiver"], settings);
        await child.LineAsync("Receiver is ready");
        child.Send(Signal.Terminate);
        await child.LineAsync("stops");
        child.Send(Signal.Terminate);
        Assert.Equal(143, await child.ExitAsync());
    }

    [Fact]
    public async Task Levels_of_the_logging_configuration_are_honoured_and_followed()
    {
        var settings = Settings("receiver");
        settings["LOGGING_CONFIG_FILE_PATH"] = _folder.Write("config.xml", """<configuration><root level="ERROR"/></configuration>""");
        await using var child = BrokkrProcess.Start(["receiver"], settings);
        await Eventually.True(
            async () =>
            {
                try
                {
                    using var answer = await Client.GetAsync(
                        new Uri($"http://127.0.0.1:{settings["INGRESS_PORT"]}/healthz"),
                        TestContext.Current.CancellationToken
                    );
                    return answer.IsSuccessStatusCode;
                }
                catch (HttpRequestException)
                {
                    return false;
                }
            },
            "the receiver to be up"
        );
        Assert.Empty(child.Lines);

        // Replaced as the kubelet does, without a restart.
        _folder.Write("config.xml", """<configuration><root level="DEBUG"/></configuration>""");
        await child.LineAsync("config.xml has changed: logging at Debug");
        Assert.Equal(0, await child.TerminateAsync());
        Assert.Contains("brokkr receiver has ended", child.Text, StringComparison.Ordinal);
    }

    private Dictionary<string, string?> Settings(string role)
    {
        _folder.Write("observability/metrics-protocol", "prometheus");
        _folder.Write("observability/metrics-endpoint", $"http://0.0.0.0:{_metricsPort}/metrics");
        Directory.CreateDirectory(_folder["features"]);
        return new Dictionary<string, string?>(StringComparer.Ordinal)
        {
            ["DATA_PLANE_CONFIG_FILE_PATH"] = _folder.Write("contract/data", """{"generation":"1"}"""),
            ["PRODUCER_CONFIG_FILE_PATH"] = _folder.Write("producer.properties", "acks=all\n"),
            ["CONSUMER_CONFIG_FILE_PATH"] = _folder.Write("consumer.properties", ""),
            ["HTTPSERVER_CONFIG_FILE_PATH"] = _folder.Write("httpserver.properties", "idleTimeout=0\n"),
            ["WEBCLIENT_CONFIG_FILE_PATH"] = _folder.Write("webclient.properties", ""),
            ["CONFIG_OBSERVABILITY_PATH"] = _folder["observability"],
            ["CONFIG_FEATURES_PATH"] = _folder["features"],
            ["METRICS_HOST"] = "127.0.0.1",
            ["WAIT_STARTUP_SECONDS"] = "8",
            ["EGRESSES_INITIAL_CAPACITY"] = "20",
            ["SERVICE_NAMESPACE"] = "knative-eventing",
            ["LIVENESS_PROBE_PATH"] = "/healthz",
            ["READINESS_PROBE_PATH"] = "/readyz",
            ["INGRESS_PORT"] = role == "receiver" ? $"{FreePort.Next()}" : null,
            ["INGRESS_TLS_PORT"] = "0",
            ["DRAIN_DELAY_SECONDS"] = "0",
        };
    }
}
