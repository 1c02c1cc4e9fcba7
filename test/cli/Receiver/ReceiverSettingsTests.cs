using System.Net;
using Brokkr.Cli.Receiver;
using Brokkr.Core.Configuration;
using Brokkr.Receiver;
using Brokkr.Receiver.Authentication;
using Brokkr.Receiver.Tls;
using Microsoft.Extensions.Logging.Abstractions;

namespace Brokkr.Cli.Tests.Receiver;

/// <summary>What the receiver takes from its environment and files (receiver-and-core §2, §6.7).</summary>
public sealed class ReceiverSettingsTests
{
    private static readonly ReceiverOptions Defaults = new();
    private static readonly Dictionary<string, string> NoFeatures = [];

    [Fact]
    public void The_shipped_properties_change_nothing() => Assert.Equal(Defaults, Apply("idleTimeout=0"));

    [Theory]
    [InlineData("idleTimeout=2", 2000)]
    [InlineData("idleTimeout=2\nidleTimeoutUnit=MINUTES", 120_000)]
    [InlineData("idleTimeoutUnit=milliseconds\nidleTimeout=1500", 1500)]
    [InlineData("idleTimeout=-1", 0)]
    [InlineData("idleTimeout=soon", 0)]
    public void An_idle_timeout_has_a_unit(string properties, int milliseconds) =>
        Assert.Equal(TimeSpan.FromMilliseconds(milliseconds), Apply(properties).IdleTimeout);

    [Fact]
    public void Properties_with_a_counterpart_are_honoured()
    {
        var options = Apply(
            """
            maxInitialLineLength=10000
            maxHeaderSize=65536
            acceptBacklog=100
            tcpNoDelay=false
            host=127.0.0.1
            decompressionSupported=true
            http2ClearTextEnabled=false
            initialSettings.maxConcurrentStreams=7
            """
        );
        Assert.Equal(
            Defaults with
            {
                MaxRequestLineBytes = 10000,
                MaxHeaderBytes = 65536,
                AcceptBacklog = 100,
                NoDelay = false,
                Address = IPAddress.Loopback,
                Decompress = true,
                Http2 = false,
                MaxStreamsPerConnection = 7,
            },
            options
        );
        options.Validate();
    }

    [Theory]
    [InlineData("whatever=x\nport=1\nhandle100ContinueAutomatically=true")]
    [InlineData("acceptBacklog=-1")]
    [InlineData("host=not an address")]
    [InlineData("initialSettings.maxConcurrentStreams=0")]
    public void What_means_nothing_here_changes_nothing(string properties) => Assert.Equal(Defaults, Apply(properties));

    [Theory]
    [InlineData("maxHeaderSize=0")]
    [InlineData("maxHeaderSize=99999999999")]
    [InlineData("maxInitialLineLength=-5")]
    [InlineData("idleTimeout=1e300")]
    [InlineData("idleTimeoutUnit=DAYS\nidleTimeout=2147483647")]
    public void Absurd_values_do_not_keep_the_receiver_from_starting(string properties) => Apply(properties).Validate();

    [Fact]
    public void The_producer_decides_about_the_deadline_and_may_allow_larger_bodies()
    {
        var environment = Read();
        var options = environment.ToOptions(JavaProperties.Parse("delivery.timeout.ms=10000\nmax.request.size=2000000"), NoFeatures);
        Assert.Equal(TimeSpan.FromSeconds(15), options.AppendDeadline);
        Assert.Equal(2_000_000, options.MaxBodyBytes);
        options = environment.ToOptions(JavaProperties.Parse("max.request.size=2000"), NoFeatures);
        Assert.Equal(Defaults.MaxBodyBytes, options.MaxBodyBytes);
        Assert.Equal(8081, options.Port);
        Assert.Equal("/alive", options.LivenessPath);
        Assert.Equal("/ready", options.ReadinessPath);
        options.Validate();
    }

    [Fact]
    public void Ours_can_be_set_too()
    {
        var options = Read(("INGRESS_MAX_BODY_BYTES", "5000"), ("DRAIN_DELAY_SECONDS", "0"), ("DRAIN_BUDGET_SECONDS", "7"))
            .ToOptions(JavaProperties.Parse(""), NoFeatures);
        Assert.Equal(5000, options.MaxBodyBytes);
        Assert.Equal(TimeSpan.Zero, options.DrainDelay);
        Assert.Equal(TimeSpan.FromSeconds(7), options.DrainBudget);
    }

    [Fact]
    public void The_cluster_issues_the_tokens_that_count_and_the_feature_has_its_keys_fetched_at_the_start()
    {
        Assert.Equal(new IssuerOptions(), Read().ToOptions(NoFeatures, NoFeatures).Issuer);
        foreach (var (value, atStart) in new[] { ("enabled", true), ("Enabled", true), ("disabled", false), ("", false) })
        {
            var features = new Dictionary<string, string>(StringComparer.Ordinal) { ["authentication-oidc"] = value };
            Assert.Equal(new IssuerOptions { AtStart = atStart }, Read().ToOptions(NoFeatures, features).Issuer);
        }
    }

    [Fact]
    public void Another_issuer_neither_gets_the_pods_token_nor_has_a_certificate_of_the_cluster_unless_that_is_said()
    {
        var issuer = new IssuerOptions
        {
            Address = new Uri("https://issuer.example.com/x"),
            CaFile = null,
            TokenFile = null,
        };
        Assert.Equal(issuer, Read(("OIDC_ISSUER_URL", "https://issuer.example.com/x")).ToOptions(NoFeatures, NoFeatures).Issuer);
        var options = Read(("OIDC_ISSUER_URL", "https://issuer.example.com/x"), ("OIDC_CA_FILE", "/ca"), ("OIDC_TOKEN_FILE", "/token"))
            .ToOptions(NoFeatures, NoFeatures);
        Assert.Equal(issuer with { CaFile = "/ca", TokenFile = "/token" }, options.Issuer);
        options.Validate();
        var reader = Reader(("OIDC_ISSUER_URL", "issuer.example.com"));
        ReceiverEnvironment.Read(reader);
        Assert.Contains(reader.Problems, problem => problem.StartsWith("OIDC_ISSUER_URL", StringComparison.Ordinal));
    }

    [Fact]
    public void HTTPS_has_its_port_and_the_original_folder_and_strict_encryption_closes_HTTP()
    {
        var options = Read().ToOptions(NoFeatures, NoFeatures);
        Assert.Equal(new TlsOptions { Port = 8443, Folder = "/etc/receiver-tls-secret" }, options.Tls);
        Assert.False(options.RequireTls);
        options = Read(("INGRESS_TLS_PORT", "9443"), ("INGRESS_TLS_SECRET_PATH", "/tls"))
            .ToOptions(NoFeatures, new Dictionary<string, string>(StringComparer.Ordinal) { ["transport-encryption"] = "Strict" });
        Assert.Equal(new TlsOptions { Port = 9443, Folder = "/tls" }, options.Tls);
        Assert.True(options.RequireTls);
        options = HttpServerProperties.Apply(JavaProperties.Parse("useAlpn=true"), options, NullLogger.Instance);
        Assert.True(options.Tls!.Http2);
        options.Validate();
    }

    [Fact]
    public void A_probe_path_without_a_slash_is_a_problem()
    {
        var reader = Reader(("LIVENESS_PROBE_PATH", "alive"));
        ReceiverEnvironment.Read(reader);
        Assert.Contains(reader.Problems, problem => problem.StartsWith("LIVENESS_PROBE_PATH", StringComparison.Ordinal));
    }

    private static ReceiverOptions Apply(string properties) =>
        HttpServerProperties.Apply(JavaProperties.Parse(properties), Defaults, NullLogger.Instance);

    private static ReceiverEnvironment Read(params (string Name, string Value)[] more)
    {
        var reader = Reader(more);
        var environment = ReceiverEnvironment.Read(reader);
        reader.ThrowIfInvalid();
        return environment;
    }

    private static EnvironmentReader Reader(params (string Name, string Value)[] more)
    {
        var values = new Dictionary<string, string>(StringComparer.Ordinal)
        {
            ["DATA_PLANE_CONFIG_FILE_PATH"] = "/contract/data",
            ["PRODUCER_CONFIG_FILE_PATH"] = "/producer",
            ["CONFIG_OBSERVABILITY_PATH"] = "/observability",
            ["WAIT_STARTUP_SECONDS"] = "8",
            ["INGRESS_PORT"] = "8081",
            ["INGRESS_TLS_PORT"] = "8443",
            ["LIVENESS_PROBE_PATH"] = "/alive",
            ["READINESS_PROBE_PATH"] = "/ready",
            ["HTTPSERVER_CONFIG_FILE_PATH"] = "/httpserver",
        };
        foreach (var (name, value) in more)
        {
            values[name] = value;
        }

        return new EnvironmentReader(name => values.GetValueOrDefault(name));
    }
}
