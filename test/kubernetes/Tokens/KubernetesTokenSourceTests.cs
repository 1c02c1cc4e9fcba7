using System.Security.Cryptography.X509Certificates;
using System.Text;
using System.Text.Json.Nodes;
using Brokkr.Core.Tokens;
using Brokkr.Kubernetes.Api;
using Brokkr.Kubernetes.Tokens;
using Brokkr.Testing;
using Brokkr.Testing.Http;
using Brokkr.Testing.Kubernetes;
using Brokkr.Testing.Tls;
using Microsoft.Extensions.Time.Testing;

namespace Brokkr.Kubernetes.Tests.Tokens;

/// <summary>TokenRequest as API servers answer it, the real one among them (dispatcher §7.9).</summary>
public sealed class KubernetesTokenSourceTests : IDisposable
{
    private const string Audience = "eventing.knative.dev/broker/ns/b";
    private static readonly DateTimeOffset Now = new(2031, 5, 1, 12, 0, 0, TimeSpan.Zero);
    private static readonly TokenIdentity Identity = new("ns", "sa", Audience);

    private readonly TemporaryFolder _folder = new();
    private readonly TestAuthority _authority = new();
    private readonly X509Certificate2 _certificate;
    private readonly List<ApiConnection> _connections = [];

    public KubernetesTokenSourceTests()
    {
        _certificate = _authority.Issue(TestUsage.Server);
        _folder.Write("ca.crt", _authority.Pem);
        _folder.Write("token", "pod-1\n");
    }

    public void Dispose()
    {
        _connections.ForEach(static connection => connection.Dispose());
        _certificate.Dispose();
        _authority.Dispose();
        _folder.Dispose();
    }

    [Fact]
    public async Task The_API_server_makes_a_token_of_the_service_account_for_the_audience()
    {
        var api = await ApiServer.SharedAsync();
        var @namespace = await api.CreateNamespaceAsync();
        await api.CreateServiceAccountAsync(@namespace, "trigger");
        await api.CreateServiceAccountAsync(@namespace, "dispatcher");
        _folder.Write("token", await api.TokenAsync(@namespace, "dispatcher"));
        var source = Source(new Uri(api.Url), TimeProvider.System, api.CaFile);
        var identity = new TokenIdentity(@namespace, "trigger", Audience);

        // As long as nobody has allowed it, the API server says who may not do what.
        var refused = await source.IssueAsync(identity, TestContext.Current.CancellationToken);
        Assert.Null(refused.Token);
        Assert.StartsWith("the API server answered 403: serviceaccounts \"trigger\" is forbidden", refused.Problem);

        await api.AllowTokensAsync(@namespace, "dispatcher");
        SubscriberToken? token = null;
        await Eventually.True(
            async () => (token = (await source.IssueAsync(identity, TestContext.Current.CancellationToken)).Token) is not null,
            "the right takes effect"
        );
        var claims = JsonNode.Parse(System.Buffers.Text.Base64Url.DecodeFromChars(token!.Value.Split('.')[1]))!;
        Assert.Equal($"system:serviceaccount:{@namespace}:trigger", (string?)claims["sub"]);
        Assert.Equal(Audience, (string?)Assert.Single(claims["aud"]!.AsArray()));
        Assert.Equal(3600, (long)claims["exp"]! - (long)claims["iat"]!);
        var left = token.Expires - TimeProvider.System.GetUtcNow();
        Assert.InRange(left.TotalMinutes, 55, 60);
        Assert.InRange((token.Renew - TimeProvider.System.GetUtcNow()).TotalMinutes, 43, 48);

        var unknown = await source.IssueAsync(identity with { ServiceAccount = "nobody" }, TestContext.Current.CancellationToken);
        Assert.Contains("answered 404: serviceaccounts \"nobody\" not found", unknown.Problem);
    }

    [Fact]
    public async Task The_request_shows_the_token_of_the_pod_as_it_is_now()
    {
        await using var server = await Subscriber.StartAsync(certificate: () => _certificate);
        server.Otherwise(_ => Issued("""{"expirationSeconds":600}""", "a.b.c"));
        var source = Source(new Uri(server.Url));
        Assert.NotNull((await AskAsync(source)).Token);
        _folder.Write("token", "pod-2");
        var token = (await AskAsync(source)).Token!;
        Assert.Equal("a.b.c", token.Value);
        Assert.Equal(Now.AddMinutes(10), token.Expires);
        Assert.Equal(Now.AddMinutes(8), token.Renew);
        Assert.Equal(["Bearer pod-1", "Bearer pod-2"], server.Requests.Select(request => request["authorization"]));
        var request = server.Requests[0];
        Assert.Equal("POST", request.Method);
        Assert.Equal("/api/v1/namespaces/ns/serviceaccounts/sa/token", request.Path);
        Assert.StartsWith("application/json", request["content-type"]);
        Assert.Equal(
            $$$"""{"apiVersion":"authentication.k8s.io/v1","kind":"TokenRequest","spec":{"audiences":["{{{Audience}}}"],"expirationSeconds":3600}}""",
            request.Text
        );
    }

    [Fact]
    public async Task A_new_authority_of_the_cluster_is_believed_and_the_old_one_no_more()
    {
        using var next = new TestAuthority();
        using var renewed = next.Issue();
        var shown = _certificate;
        await using var server = await Subscriber.StartAsync(certificate: () => shown);
        server.Otherwise(_ => Issued("{}", "token") with { Headers = [("connection", "close"), ("content-type", "application/json")] });
        var source = Source(new Uri(server.Url));
        Assert.NotNull((await AskAsync(source)).Token);
        shown = renewed;
        Assert.Contains("cannot be reached", (await AskAsync(source)).Problem);
        Assert.Single(server.Requests);
        _folder.Write("ca.crt", next.Pem);
        Assert.NotNull((await AskAsync(source)).Token);
        shown = _certificate;
        Assert.Contains("cannot be reached", (await AskAsync(source)).Problem);
        Assert.Equal(2, server.Count);
    }

    [Theory]
    [InlineData(200, "{}", "without a token")]
    [InlineData(201, """{"status":{}}""", "without a token")]
    [InlineData(201, """{"status":{"token":""}}""", "without a token")]
    [InlineData(201, """{"status":{"token":"a b"}}""", "without a token")]
    [InlineData(201, "null", "without a token")]
    [InlineData(201, "<html>", "cannot be read")]
    [InlineData(201, """{"status":{"token":7}}""", "cannot be read")]
    [InlineData(302, "", "answered 302")]
    [InlineData(401, """{"kind":"Status","message":"Unauthorized"}""", "answered 401: Unauthorized")]
    [InlineData(500, "oops", "answered 500")]
    [InlineData(503, "null", "answered 503")]
    public async Task An_answer_without_a_token_is_told(int status, string body, string expected)
    {
        await using var server = await Subscriber.StartAsync(certificate: () => _certificate);
        server.Otherwise(_ => Json(status, body));
        var source = Source(new Uri(server.Url));
        var result = await AskAsync(source);
        Assert.Null(result.Token);
        Assert.Contains(expected, result.Problem);
        Assert.DoesNotContain("pod-1", result.Problem);
    }

    [Fact]
    public async Task By_the_time_stamp_where_the_answer_does_not_say_how_long_it_lasts()
    {
        await using var server = await Subscriber.StartAsync(certificate: () => _certificate);
        server.Otherwise(_ => Json(201, """{"status":{"token":"t","expirationTimestamp":"2031-05-01T12:30:00Z"}}"""));
        var source = Source(new Uri(server.Url));
        Assert.Equal(Now.AddMinutes(30), (await AskAsync(source)).Token!.Expires);
    }

    [Fact]
    public async Task A_server_that_is_away_slow_or_a_stranger_is_told_and_does_not_see_the_pods_token()
    {
        var away = Source(new Uri($"https://127.0.0.1:{FreePort.Next()}"));
        Assert.Contains("cannot be reached", (await AskAsync(away)).Problem);

        using var stranger = new TestAuthority();
        using var strange = stranger.Issue();
        await using var foreign = await Subscriber.StartAsync(certificate: () => strange);
        Assert.Contains("cannot be reached", (await AskAsync(Source(new Uri(foreign.Url)))).Problem);
        Assert.Empty(foreign.Requests);

        await using var slow = await Subscriber.StartAsync(certificate: () => _certificate);
        slow.Otherwise(_ => Answer.Never);
        var time = new FakeTimeProvider(Now);
        var asking = AskAsync(Source(new Uri(slow.Url), time));
        await slow.CountAsync(1);
        time.Advance(TimeSpan.FromSeconds(10));
        Assert.Contains("did not answer within 10 s", (await Eventually.Completes(asking, "the time of the request")).Problem);
    }

    [Fact]
    public async Task Without_credentials_or_a_service_account_nobody_is_asked()
    {
        await using var server = await Subscriber.StartAsync(certificate: () => _certificate);
        var source = Source(new Uri(server.Url));
        Assert.Contains("does not name the service account", (await AskAsync(source, Identity with { ServiceAccount = "" })).Problem);
        Assert.Contains("does not name the service account", (await AskAsync(source, Identity with { Namespace = ".." })).Problem);
        _folder.Write("ca.crt", "no certificate");
        Assert.Contains("no credentials for the API server", (await AskAsync(source)).Problem);
        File.Delete(_folder["ca.crt"]);
        Assert.Contains("no credentials for the API server", (await AskAsync(source)).Problem);
        Assert.Empty(server.Requests);
    }

    [Fact]
    public async Task What_the_contract_says_stays_in_its_place_in_the_address()
    {
        await using var server = await Subscriber.StartAsync(certificate: () => _certificate);
        server.Otherwise(_ => Issued("{}", "token"));
        var source = Source(new Uri(server.Url));
        await AskAsync(source, new TokenIdentity("x/../..", "a/b?c#d", "\"}"));
        var request = Assert.Single(server.Requests);
        Assert.Equal("/api/v1/namespaces/x%2F..%2F../serviceaccounts/a%2Fb%3Fc%23d/token", request.Path);
        Assert.Equal("\"}", (string?)JsonNode.Parse(request.Text)!["spec"]!["audiences"]![0]);
    }

    [Fact]
    public void Nothing_that_is_printed_shows_a_token()
    {
        Assert.DoesNotContain("shown-to-nobody", new TokenRequestStatus { Token = "shown-to-nobody" }.ToString(), StringComparison.Ordinal);
        Assert.DoesNotContain("shown-to-nobody", ApiMaterial.Given("shown-to-nobody").ToString(), StringComparison.Ordinal);
    }

    private static Answer Issued(string spec, string token) => Json(201, $$$"""{"spec":{{{spec}}},"status":{"token":"{{{token}}}"}}""");

    private static Answer Json(int status, string text) =>
        Answer.Status(status) with
        {
            Headers = [("content-type", "application/json")],
            Body = Encoding.UTF8.GetBytes(text),
        };

    private static Task<TokenResult> AskAsync(KubernetesTokenSource source, TokenIdentity? identity = null) =>
        source.IssueAsync(identity ?? Identity, TestContext.Current.CancellationToken);

    private KubernetesTokenSource Source(Uri address, TimeProvider? time = null, string? caFile = null)
    {
        time ??= new FakeTimeProvider(Now);
        var connection = new ApiConnection(
            new ApiServerOptions
            {
                Address = address,
                Authorities = ApiMaterial.InFile(caFile ?? _folder["ca.crt"]),
                Token = ApiMaterial.InFile(_folder["token"]),
            },
            time
        );
        _connections.Add(connection);
        return new KubernetesTokenSource(connection, time);
    }
}
