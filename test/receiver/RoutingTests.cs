using Brokkr.Core.Contract.Wire;
using static Brokkr.Receiver.Tests.TestReceiver;

namespace Brokkr.Receiver.Tests;

/// <summary>Which requests reach which resource (receiver-and-core §5.4).</summary>
public sealed class RoutingTests
{
    private const string Channel = "ch-kn-channel.ns.svc.cluster.local";

    private static Resource[] Resources() =>
        [
            Broker("br"),
            Broker("upper", "/NS/Br"),
            Broker("deep", "/ns/br/deep"),
            Broker("pct", "/ns/p%20q"),
            Broker("trail", "/ns/trail/"),
            Broker("channel", "/ns/ch", host: Channel),
            Broker("rooted", "/", host: "rooted.test"),
            Broker("ported", "", host: "ported.test:8080"),
        ];

    [Theory]
    [InlineData("/ns/br", "x.test", "br")]
    [InlineData("/ns/br/", "x.test", "br")]
    [InlineData("/ns/br?x=1", "x.test", "br")]
    [InlineData("/ns/br/?x=1", "x.test", "br")]
    [InlineData("/ns/br?a=/b/", "x.test", "br")]
    [InlineData("/ns/br?", "x.test", "br")]
    [InlineData("http://x.test/ns/br", "x.test", "br")]
    [InlineData("http://x.test/ns/br?x=1", "x.test", "br")]
    [InlineData("/NS/Br", "x.test", "upper")]
    [InlineData("/ns/br/deep", "x.test", "deep")]
    [InlineData("/ns/p%20q", "x.test", "pct")]
    [InlineData("/ns/trail//", "x.test", "trail")]
    [InlineData("/ns/ch", "x.test", "channel")]
    [InlineData("/", Channel, "channel")]
    [InlineData("/whatever", Channel, "channel")]
    [InlineData("/", Channel + ":80", "channel")]
    [InlineData("/", "CH-kn-channel.ns.svc.cluster.local", "channel")]
    [InlineData("/ns/br", Channel, "br")]
    [InlineData("/", "rooted.test", "rooted")]
    [InlineData("/", "ported.test:8080", "ported")]
    public async Task OIN_05_A_request_reaches_the_resource_of_its_path_else_of_its_host(string target, string host, string uid)
    {
        await using var receiver = await StartAsync(Resources());
        (await RawClient.OnceAsync(receiver.Port, RawClient.Event(target, host: host))).Is(202);
        await receiver.RecordAsync($"t-{uid}");
    }

    [Theory]
    [InlineData("/ns/nope", "x.test")]
    [InlineData("/", "x.test")]
    [InlineData("/ns/br//", "x.test")]
    [InlineData("//ns/br", "x.test")]
    [InlineData("/ns//br", "x.test")]
    [InlineData("/ns/b%72", "x.test")]
    [InlineData("/ns%2Fbr", "x.test")]
    [InlineData("/ns/./br", "x.test")]
    [InlineData("/ns/x/../br", "x.test")]
    [InlineData("/NS/BR", "x.test")]
    [InlineData("/ns/br;v=1", "x.test")]
    [InlineData("/ns/b", "x.test")]
    [InlineData("/ns/br/x", "x.test")]
    [InlineData("/ns/trail", "x.test")]
    [InlineData("/ns/trail/", "x.test")]
    [InlineData("/ns/p%2520q", "x.test")]
    [InlineData("http://x.test", "x.test")]
    [InlineData("/", "ch-kn-channel.ns.svc")]
    [InlineData("/", Channel + ".")]
    [InlineData("/", "ported.test")]
    [InlineData("/", "ported.test:80")]
    public async Task OIN_05_Everything_else_is_unknown(string target, string host)
    {
        await using var receiver = await StartAsync(Resources());
        (await RawClient.OnceAsync(receiver.Port, RawClient.Event(target, host: host))).IsProblem(404, "unknown-resource");
    }

    [Fact]
    public async Task Forwarded_hosts_do_not_count()
    {
        await using var receiver = await StartAsync(Resources());
        var request = RawClient.Event("/", more: $"X-Forwarded-Host: {Channel}\r\nForwarded: host={Channel}\r\n");
        (await RawClient.OnceAsync(receiver.Port, request)).IsProblem(404, "unknown-resource");
    }

    [Fact]
    public async Task A_request_without_host_is_answered()
    {
        await using var receiver = await StartAsync(Resources());
        (await RawClient.OnceAsync(receiver.Port, "POST /zzz HTTP/1.0\r\nContent-Length: 0\r\n\r\n")).IsProblem(404, "unknown-resource");
        var known = RawClient.Event().Replace("HTTP/1.1\r\nHost: x.test", "HTTP/1.0", StringComparison.Ordinal);
        (await RawClient.OnceAsync(receiver.Port, known)).Is(202);
    }
}
