using System.Diagnostics.Metrics;
using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Brokkr.Cli.Hosting;
using Brokkr.Core.Configuration;
using Brokkr.Core.Telemetry;
using Brokkr.Testing;

namespace Brokkr.Cli.Tests.Hosting;

/// <summary>receiver-and-core §14.1: the scrape endpoint.</summary>
public sealed class ScrapeEndpointTests : IDisposable
{
    private static readonly HttpClient Client = new(
        new SocketsHttpHandler
        {
            UseProxy = false,
            SslOptions = new System.Net.Security.SslClientAuthenticationOptions
            {
                RemoteCertificateValidationCallback = (_, certificate, _, _) => certificate?.Subject == "CN=localhost",
            },
        }
    );

    private readonly Meter _meter = new($"Brokkr.Scrape.{Guid.NewGuid():N}");
    private readonly PrometheusMetrics _metrics;

    public ScrapeEndpointTests() => _metrics = new PrometheusMetrics(new PrometheusOptions { Meters = [_meter.Name] }, TimeProvider.System);

    public void Dispose()
    {
        _metrics.Dispose();
        _meter.Dispose();
    }

    [Theory]
    [InlineData("GET", "/metrics", 200, "text/plain; version=0.0.4; charset=utf-8", "x_total 1.0\n")]
    [InlineData("POST", "/metrics", 200, "text/plain; version=0.0.4; charset=utf-8", "x_total 1.0\n")]
    [InlineData("FOO", "/metrics?x=1", 200, "text/plain; version=0.0.4; charset=utf-8", "x_total 1.0\n")]
    [InlineData("HEAD", "/metrics", 200, "text/plain; version=0.0.4; charset=utf-8", "")]
    [InlineData("GET", "/metrics/", 404, null, "")]
    [InlineData("GET", "/Metrics", 404, null, "")]
    [InlineData("GET", "/", 404, null, "")]
    public async Task Any_method_on_the_path_gets_the_metrics_and_everything_else_404(
        string method,
        string path,
        int status,
        string? contentType,
        string ends
    )
    {
        _meter.CreateCounter<long>("x").Add(1);
        await using var endpoint = await StartAsync(new ScrapeEndpointOptions { Host = "127.0.0.1", Port = 0 });
        using var request = new HttpRequestMessage(new HttpMethod(method), new Uri(new Uri(endpoint.Address), path));
        using var answer = await Client.SendAsync(request, TestContext.Current.CancellationToken);
        Assert.Equal(status, (int)answer.StatusCode);
        Assert.Equal(contentType, answer.Content.Headers.ContentType?.ToString());
        var body = await answer.Content.ReadAsStringAsync(TestContext.Current.CancellationToken);
        Assert.EndsWith(ends, body, StringComparison.Ordinal);
        Assert.Equal(ends.Length == 0, body.Length == 0);
        Assert.False(answer.Headers.Contains("Server"));
    }

    [Fact]
    public async Task Very_many_series_are_served_whole()
    {
        var counter = _meter.CreateCounter<long>("many");
        for (var i = 0; i < 5000; i++)
        {
            counter.Add(1, new KeyValuePair<string, object?>("n", $"{i}"));
        }

        await using var endpoint = await StartAsync(new ScrapeEndpointOptions { Host = "127.0.0.1", Port = 0 });
        var text = await Client.GetStringAsync(new Uri(endpoint.Address), TestContext.Current.CancellationToken);
        Assert.Equal(5000, text.Split('\n').Count(line => line.StartsWith("many_total{", StringComparison.Ordinal)));
    }

    [Fact]
    public async Task With_a_PEM_pair_it_is_HTTPS()
    {
        using var folder = new TemporaryFolder();
        using var key = RSA.Create(2048);
        using var certificate = new CertificateRequest(
            "CN=localhost",
            key,
            HashAlgorithmName.SHA256,
            RSASignaturePadding.Pkcs1
        ).CreateSelfSigned(TimeProvider.System.GetUtcNow().AddDays(-1), TimeProvider.System.GetUtcNow().AddDays(1));
        await using var endpoint = await StartAsync(
            new ScrapeEndpointOptions
            {
                Host = "127.0.0.1",
                Port = 0,
                Tls = (
                    folder.Write("tls.crt", certificate.ExportCertificatePem()),
                    folder.Write("tls.key", key.ExportPkcs8PrivateKeyPem())
                ),
            }
        );
        Assert.StartsWith("https://", endpoint.Address, StringComparison.Ordinal);
        using var answer = await Client.GetAsync(new Uri(endpoint.Address), TestContext.Current.CancellationToken);
        Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
    }

    [Fact]
    public async Task A_certificate_that_cannot_be_used_is_a_configuration_error()
    {
        using var folder = new TemporaryFolder();
        var error = await Assert.ThrowsAsync<ConfigurationException>(() =>
            StartAsync(
                new ScrapeEndpointOptions
                {
                    Host = "127.0.0.1",
                    Port = 0,
                    Tls = (folder.Write("a", "x"), folder.Write("b", "y")),
                }
            )
        );
        Assert.Contains("METRICS_PEM_CERT_PATH", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_host_that_does_not_exist_is_a_configuration_error()
    {
        var error = await Assert.ThrowsAsync<ConfigurationException>(() =>
            StartAsync(new ScrapeEndpointOptions { Host = "no.such.host.invalid", Port = 0 })
        );
        Assert.Contains("METRICS_HOST", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_port_in_use_is_an_IO_error()
    {
        await using var first = await StartAsync(new ScrapeEndpointOptions { Host = "127.0.0.1", Port = 0 });
        await Assert.ThrowsAnyAsync<IOException>(() =>
            StartAsync(new ScrapeEndpointOptions { Host = "127.0.0.1", Port = new Uri(first.Address).Port })
        );
    }

    private Task<ScrapeEndpoint> StartAsync(ScrapeEndpointOptions options) =>
        ScrapeEndpoint.StartAsync(
            options,
            _metrics,
            Microsoft.Extensions.Logging.Abstractions.NullLoggerFactory.Instance,
            TestContext.Current.CancellationToken
        );
}
