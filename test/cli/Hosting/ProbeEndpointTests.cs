using System.Globalization;
using System.Net;
using Brokkr.Cli.Hosting;
using Microsoft.Extensions.Logging.Abstractions;

namespace Brokkr.Cli.Tests.Hosting;

public sealed class ProbeEndpointTests
{
    private static readonly CancellationToken Cancellation = TestContext.Current.CancellationToken;

    [Fact]
    public async Task Readiness_follows_the_role_and_says_why_not()
    {
        string? why = "no contract has been read yet";
        await using var probes = await ProbeEndpoint.StartAsync(0, () => why, NullLoggerFactory.Instance, Cancellation);
        using var client = new HttpClient
        {
            BaseAddress = new Uri(string.Create(CultureInfo.InvariantCulture, $"http://127.0.0.1:{probes.Port}")),
        };

        using var before = await client.GetAsync(new Uri("/readyz", UriKind.Relative), Cancellation);
        Assert.Equal(HttpStatusCode.ServiceUnavailable, before.StatusCode);
        Assert.Equal("no contract has been read yet\n", await before.Content.ReadAsStringAsync(Cancellation));

        why = null;
        using var after = await client.GetAsync(new Uri("/readyz", UriKind.Relative), Cancellation);
        Assert.Equal(HttpStatusCode.OK, after.StatusCode);
    }

    [Fact]
    public async Task The_process_is_alive_whether_it_is_ready_or_not()
    {
        await using var probes = await ProbeEndpoint.StartAsync(0, () => "stopping", NullLoggerFactory.Instance, Cancellation);
        using var client = new HttpClient
        {
            BaseAddress = new Uri(string.Create(CultureInfo.InvariantCulture, $"http://127.0.0.1:{probes.Port}")),
        };

        using var alive = await client.GetAsync(new Uri("/healthz", UriKind.Relative), Cancellation);
        using var other = await client.GetAsync(new Uri("/metrics", UriKind.Relative), Cancellation);

        Assert.Equal(HttpStatusCode.OK, alive.StatusCode);
        Assert.Equal(HttpStatusCode.NotFound, other.StatusCode);
    }
}
