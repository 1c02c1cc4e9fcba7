using Brokkr.Core.Contract.Wire;
using static Brokkr.Receiver.Tests.TestReceiver;

namespace Brokkr.Receiver.Tests;

/// <summary>What is answered before anything is decoded (receiver-and-core §6.2).</summary>
public sealed class MethodTests
{
    [Theory]
    [InlineData("GET")]
    [InlineData("PUT")]
    [InlineData("DELETE")]
    [InlineData("PATCH")]
    [InlineData("FOO")]
    [InlineData("post")]
    public async Task OIN_04_RDP_05_Any_other_method_is_405_with_Allow(string method)
    {
        await using var receiver = await StartAsync(Broker("br"));
        var answer = await RawClient.OnceAsync(receiver.Port, $"{method} /ns/br HTTP/1.1\r\nHost: x.test\r\nContent-Length: 0\r\n\r\n");
        answer.IsProblem(405, "method-not-allowed");
        Assert.Equal("POST", answer["allow"]);
    }

    [Fact]
    public async Task OIN_01_The_method_is_looked_at_before_the_path()
    {
        await using var receiver = await StartAsync(Broker("br"));
        (await RawClient.OnceAsync(receiver.Port, "PUT /ns/nope HTTP/1.1\r\nHost: x.test\r\nContent-Length: 0\r\n\r\n")).IsProblem(
            405,
            "method-not-allowed"
        );
    }

    [Fact]
    public async Task OIN_01_The_path_is_looked_at_before_token_and_event()
    {
        await using var receiver = await StartAsync(Broker("br"), NeedsToken("oidc"));
        var noEvent = "Host: x.test\r\nContent-Length: 2\r\n\r\nhi";
        (await RawClient.OnceAsync(receiver.Port, $"POST /ns/nope HTTP/1.1\r\n{noEvent}")).IsProblem(404, "unknown-resource");
        (await RawClient.OnceAsync(receiver.Port, $"POST /ns/oidc HTTP/1.1\r\n{noEvent}")).IsProblem(401, "unauthenticated");
        (await RawClient.OnceAsync(receiver.Port, $"POST /ns/br HTTP/1.1\r\n{noEvent}")).IsProblem(400, "invalid-event");
    }

    [Fact]
    public async Task A_HEAD_is_405_without_a_body()
    {
        await using var receiver = await StartAsync(Broker("br"));
        var answer = await RawClient.OnceAsync(receiver.Port, "HEAD /ns/br HTTP/1.1\r\nHost: x.test\r\n\r\n");
        Assert.Equal(405, answer.Status);
        Assert.Equal("POST", answer["allow"]);
    }

    /// <summary>CEW-11.</summary>
    [Fact]
    public async Task DEV_16_DP_03_OPTIONS_says_what_is_allowed()
    {
        await using var receiver = await StartAsync(Broker("br"));
        var answer = await RawClient.OnceAsync(receiver.Port, "OPTIONS /ns/br HTTP/1.1\r\nHost: x.test\r\n\r\n");
        Assert.Equal(200, answer.Status);
        Assert.Equal("POST, OPTIONS", answer["allow"]);
        Assert.Null(answer["webhook-allowed-origin"]);
        var star = await RawClient.OnceAsync(receiver.Port, "OPTIONS * HTTP/1.1\r\nHost: x.test\r\n\r\n");
        Assert.Equal("POST, OPTIONS", star["allow"]);
    }

    /// <summary>CEW-10.</summary>
    [Fact]
    public async Task DEV_16_OPTIONS_agrees_to_the_handshake_of_webhooks()
    {
        await using var receiver = await StartAsync(Broker("br"));
        var answer = await RawClient.OnceAsync(
            receiver.Port,
            "OPTIONS /ns/br HTTP/1.1\r\nHost: x.test\r\nWebHook-Request-Origin: e.test\r\nWebHook-Request-Rate: 100\r\n\r\n"
        );
        Assert.Equal(200, answer.Status);
        Assert.Equal("e.test", answer["webhook-allowed-origin"]);
        Assert.Equal("*", answer["webhook-allowed-rate"]);
    }

    [Theory]
    [InlineData("GET", "K-Network-Probe: probe\r\nK-Network-Hash: a\u0001b", "k-network-hash")]
    [InlineData("GET", "K-Network-Probe: probe\r\nK-Network-Hash: a\u007Fb", "k-network-hash")]
    [InlineData("OPTIONS", "WebHook-Request-Origin: a\u001Fb", "webhook-allowed-origin")]
    public async Task Control_characters_are_not_given_back_in_an_answer(string method, string headers, string name)
    {
        await using var receiver = await StartAsync(Broker("br"));
        var answer = await RawClient.OnceAsync(receiver.Port, $"{method} /ns/br HTTP/1.1\r\nHost: x.test\r\n{headers}\r\n\r\n");
        answer.Is(200);
        Assert.Null(answer[name]);
    }

    [Fact]
    public async Task OPTIONS_of_an_unknown_path_is_404()
    {
        await using var receiver = await StartAsync(Broker("br"));
        (await RawClient.OnceAsync(receiver.Port, "OPTIONS /ns/nope HTTP/1.1\r\nHost: x.test\r\n\r\n")).IsProblem(404, "unknown-resource");
    }

    [Theory]
    [InlineData("/healthz", 200)]
    [InlineData("/readyz", 200)]
    [InlineData("/healthz?x=1", 200)]
    [InlineData("/healthz/", 405)]
    [InlineData("/HEALTHZ", 405)]
    public async Task OIN_02_Health_paths_are_exact(string path, int status)
    {
        await using var receiver = await StartAsync(Broker("br"));
        (await RawClient.OnceAsync(receiver.Port, $"GET {path} HTTP/1.1\r\nHost: any.test\r\n\r\n")).Is(status);
    }

    [Fact]
    public async Task A_POST_to_a_health_path_is_routed_like_any_other()
    {
        await using var receiver = await StartAsync(Broker("br", "/healthz"));
        (await RawClient.OnceAsync(receiver.Port, RawClient.Event("/healthz"))).Is(202);
    }

    [Theory]
    [InlineData("K-Network-Probe: probe\r\nK-Network-Hash: hash-1", 200, "hash-1")]
    [InlineData("k-network-probe: probe\r\nk-network-hash: h", 200, "h")]
    [InlineData("K-Network-Probe: probe", 200, null)]
    [InlineData("K-Network-Probe: Probe\r\nK-Network-Hash: h", 405, null)]
    [InlineData("K-Network-Probe: activator", 405, null)]
    [InlineData("K-Network-Hash: h", 405, null)]
    public async Task OIN_03_The_control_plane_probes_a_resource(string headers, int status, string? hash)
    {
        await using var receiver = await StartAsync(Broker("br"));
        var answer = await RawClient.OnceAsync(receiver.Port, $"GET /ns/br HTTP/1.1\r\nHost: x.test\r\n{headers}\r\n\r\n");
        answer.Is(status);
        Assert.Equal(hash, answer["k-network-hash"]);
    }

    [Fact]
    public async Task OIN_03_A_probe_needs_no_token_and_tells_unknown_from_known()
    {
        await using var receiver = await StartAsync(NeedsToken("oidc"));
        await receiver.ServedAsync("/ns/oidc");
        await receiver.ServedAsync("/ns/nope", served: false);
    }

    [Fact]
    public async Task A_probe_header_on_a_POST_changes_nothing()
    {
        await using var receiver = await StartAsync(Broker("br"));
        var answer = await RawClient.OnceAsync(receiver.Port, RawClient.Event(more: "K-Network-Probe: probe\r\nK-Network-Hash: h\r\n"));
        answer.Is(202);
        Assert.Null(answer["k-network-hash"]);
    }

    [Theory]
    [InlineData("", 401, "unauthenticated")]
    [InlineData("Authorization: Basic dXNlcjpwYXNz\r\n", 401, "unauthenticated")]
    [InlineData("Authorization: Bearer abc.def.ghi\r\n", 503, "issuer-unavailable")]
    public async Task OIN_09_A_resource_with_an_audience_takes_nothing_where_no_issuer_is_known(
        string authorization,
        int status,
        string type
    )
    {
        await using var receiver = await StartAsync(NeedsToken("oidc"));
        (await RawClient.OnceAsync(receiver.Port, RawClient.Event("/ns/oidc", more: authorization))).IsProblem(status, type);
        Assert.Empty(await receiver.RecordsAsync("t-oidc"));
    }

    private static Resource NeedsToken(string uid) =>
        With(Broker(uid), resource => resource.Ingress.Audience = $"eventing.knative.dev/broker/ns/{uid}");
}
