using System.Text.Json.Nodes;
using Brokkr.Core.Contract.Wire;
using Brokkr.Receiver.Authentication;
using Brokkr.Testing;
using Microsoft.Extensions.Time.Testing;
using static Brokkr.Receiver.Tests.Authentication.TestIssuer;

namespace Brokkr.Receiver.Tests.Authentication;

/// <summary>Which tokens count, end to end (receiver-and-core §11.3).</summary>
public sealed class TokenTests
{
    private static readonly TestKey Key = new("k-1");

    [Theory]
    [InlineData("RS256")]
    [InlineData("RS384")]
    [InlineData("RS512")]
    [InlineData("PS256")]
    [InlineData("PS384")]
    [InlineData("PS512")]
    [InlineData("ES256")]
    [InlineData("ES384")]
    [InlineData("ES512")]
    public async Task RSEC_05_KBR_22_A_valid_token_is_accepted(string algorithm)
    {
        var key = new TestKey("k", algorithm);
        await using var issuer = await TestIssuer.StartAsync(Key, key);
        await using var receiver = await StartAsync(issuer);
        var token = key.Sign(Claims());
        (await SendAsync(receiver, token)).Is(202);
        (await SendAsync(receiver, token)).Is(202);
        Assert.Equal(2, (await receiver.RecordsAsync("t-a")).Count);
        Assert.Equal(1, issuer.Fetches);
    }

    [Theory]
    [InlineData("iss", "\"https://other.test\"", "issuer")]
    [InlineData("iss", null, "issuer")]
    [InlineData("iss", "[\"https://issuer.test\"]", "issuer")]
    [InlineData("aud", "\"eventing.knative.dev/broker/ns/b\"", "audience")]
    [InlineData("aud", "[]", "audience")]
    [InlineData("aud", null, "audience")]
    [InlineData("aud", "\"eventing.knative.dev/broker/ns/a/b\"", "audience")]
    [InlineData("exp", "1000000000", "expired")]
    [InlineData("exp", "\"9999999999\"", "numbers")]
    [InlineData("exp", "1e999", "numbers")]
    [InlineData("nbf", "9999999999", "not valid yet")]
    public async Task RSEC_02_RSEC_04_A_token_with_a_wrong_claim_is_401(string claim, string? value, string said)
    {
        await using var issuer = await TestIssuer.StartAsync(Key);
        await using var receiver = await StartAsync(issuer);
        var claims = Claims((claim, value is null ? null : JsonNode.Parse(value)));
        await RefusedAsync(receiver, Key.Sign(claims), said);
    }

    [Theory]
    [InlineData("""{"alg":"none","kid":"k-1"}""", "not signed")]
    [InlineData("""{"alg":"None","kid":"k-1"}""", "not signed")]
    [InlineData("""{"alg":"HS256","kid":"k-1"}""", "not signed")]
    [InlineData("""{"alg":"rs256","kid":"k-1"}""", "not signed")]
    [InlineData("""{"alg":"RS256","kid":"k-2"}""", "key")]
    [InlineData("""{"alg":"RS512","kid":"k-1"}""", "key")]
    [InlineData("""{"alg":"ES256","kid":"k-1"}""", "key")]
    [InlineData("""{"alg":"RS256","kid":"k-1","crit":["b64"],"b64":false}""", "first part")]
    [InlineData("""{"alg":"RS256","alg":"RS256","kid":"k-1"}""", "first part")]
    [InlineData("""{"kid":"k-1"}""", "first part")]
    [InlineData("""["RS256"]""", "first part")]
    [InlineData("""{"alg":"RS256"} {}""", "first part")]
    [InlineData("""{"alg":"\ud800"}""", "first part")]
    public async Task A_token_with_a_header_that_does_not_count_is_401(string header, string said)
    {
        await using var issuer = await TestIssuer.StartAsync(Key);
        await using var receiver = await StartAsync(issuer);
        await RefusedAsync(receiver, Key.Sign(Claims().ToJsonString(), header), said);
    }

    [Theory]
    [InlineData("[1]", "no JSON object")]
    [InlineData("{", "no valid JSON")]
    [InlineData("""{"iss":"https://issuer.test","iss":"https://issuer.test"}""", "no valid JSON")]
    [InlineData("""{"iss":"https://issuer.test","sub":"\udfff"}""", "no valid JSON")]
    public async Task A_signed_token_with_claims_that_are_none_is_401(string claims, string said)
    {
        await using var issuer = await TestIssuer.StartAsync(Key);
        await using var receiver = await StartAsync(issuer);
        await RefusedAsync(receiver, Key.Sign(claims), said);
    }

    [Fact]
    public async Task RSEC_03_A_token_with_a_corrupted_signature_is_401()
    {
        await using var issuer = await TestIssuer.StartAsync(Key);
        await using var receiver = await StartAsync(issuer);
        var token = Key.Sign(Claims());
        var signature = token.LastIndexOf('.') + 1;
        var changed = token[..(signature + 9)] + (token[signature + 9] == 'A' ? 'B' : 'A') + token[(signature + 10)..];
        await RefusedAsync(receiver, changed, "signature");
        await RefusedAsync(receiver, token[..signature], "signature");
        await RefusedAsync(receiver, new TestKey("k-1").Sign(Claims()), "signature");
        await RefusedAsync(receiver, Key.SignWithPublicKey(Claims()), "not signed");
        (await SendAsync(receiver, token)).Is(202);
    }

    [Theory]
    [InlineData("abc.def.ghi")]
    [InlineData("abc")]
    [InlineData("a.b")]
    [InlineData("a.b.c.d.e")]
    [InlineData("..")]
    [InlineData("=.=.=")]
    [InlineData("eyJhbGciOiJSUzI1NiJ9.e30.é")]
    public async Task What_is_no_token_is_401(string token)
    {
        await using var issuer = await TestIssuer.StartAsync(Key);
        await using var receiver = await StartAsync(issuer);
        await RefusedAsync(receiver, token, "token");
    }

    [Theory]
    [InlineData("")]
    [InlineData("Authorization:\r\n")]
    [InlineData("Authorization: Bearer\r\n")]
    [InlineData("Authorization: Bearer  \r\n")]
    [InlineData("Authorization: Basic dXNlcjpwYXNz\r\n")]
    [InlineData("Authorization: Bearerx.y.z\r\n")]
    [InlineData("Authorization: Bearer a.b.c\r\nAuthorization: Bearer a.b.c\r\n")]
    public async Task OIN_09_Without_a_token_the_answer_is_401(string authorization)
    {
        await using var issuer = await TestIssuer.StartAsync(Key);
        await using var receiver = await StartAsync(issuer);
        using var client = await RawClient.ConnectAsync(receiver.Port);
        var answer = await client.SendAsync(RawClient.Event("/ns/a", new string('x', 300_000), authorization));
        answer.IsProblem(401, "unauthenticated");
        Assert.Equal("Bearer", answer["www-authenticate"]);
        Assert.Empty(await receiver.RecordsAsync("t-a"));

        // The refused body does not stall the connection (receiver-and-core §18.17).
        (await client.SendAsync("GET /healthz HTTP/1.1\r\nHost: x.test\r\n\r\n")).Is(200);
    }

    [Fact]
    public async Task The_scheme_is_read_in_any_case_and_an_expiry_is_not_required()
    {
        await using var issuer = await TestIssuer.StartAsync(Key);
        await using var receiver = await StartAsync(issuer);
        var token = Key.Sign(Claims(("exp", null), ("nbf", null), ("aud", Audience)));
        (await RawClient.OnceAsync(receiver.Port, RawClient.Event("/ns/a", more: $"Authorization: bEARER   {token}\r\n"))).Is(202);
    }

    [Fact]
    public async Task A_token_without_the_name_of_a_key_is_tried_with_those_that_fit()
    {
        await using var issuer = await TestIssuer.StartAsync(new TestKey("k-0"), Key, new TestKey("k-2", "ES256"));
        await using var receiver = await StartAsync(issuer);
        (await SendAsync(receiver, Key.Sign(Claims(), new JsonObject { ["alg"] = "RS256" }))).Is(202);
    }

    [Fact]
    public async Task Every_way_to_send_an_event_needs_the_token_and_what_is_no_event_is_400_with_one()
    {
        await using var issuer = await TestIssuer.StartAsync(Key);
        await using var receiver = await StartAsync(issuer);
        const string one = """{"specversion":"1.0","id":"1","source":"/s","type":"t"}""";
        (string Type, string Body, int Status)[] requests =
        [
            ("application/cloudevents+json", one, 202),
            ("application/cloudevents-batch+json", $"[{one},{one}]", 202),
            ("application/cloudevents+json", "{}", 400),
            ("text/plain", "no event", 400),
        ];
        foreach (var (type, body, status) in requests)
        {
            (await RawClient.OnceAsync(receiver.Port, RawClient.Body(type, body, "/ns/a"))).IsProblem(401, "unauthenticated");
            var more = $"Authorization: Bearer {Key.Sign(Claims())}\r\n";
            (await RawClient.OnceAsync(receiver.Port, RawClient.Body(type, body, "/ns/a", more))).Is(status);
        }

        Assert.Equal(3, (await receiver.RecordsAsync("t-a")).Count);
    }

    [Fact]
    public async Task A_token_counts_until_the_second_it_expires_and_not_before_it_begins()
    {
        var now = new DateTimeOffset(2030, 1, 1, 0, 0, 0, TimeSpan.Zero);
        var time = new FakeTimeProvider(now);
        await using var issuer = await TestIssuer.StartAsync(Key);
        await using var keys = new IssuerKeys(issuer.Options, time, Microsoft.Extensions.Logging.Abstractions.NullLogger.Instance);
        var verifier = new TokenVerifier(keys);
        var begin = now.ToUnixTimeSeconds();
        var verdict = await verifier.VerifyAsync(Key.Sign(Claims(("nbf", begin + 0.5), ("exp", begin + 10))).AsMemory());
        string? FaultAt(double seconds) => verdict.Token!.FaultFor(Audience, now.AddSeconds(seconds));
        Assert.Contains("not valid yet", FaultAt(0.4), StringComparison.Ordinal);
        Assert.Null(FaultAt(0.5));
        Assert.Null(FaultAt(9.9));
        Assert.Contains("expired", FaultAt(10), StringComparison.Ordinal);
    }

    [Fact]
    public async Task OIN_01_A_probe_needs_no_token()
    {
        await using var issuer = await TestIssuer.StartAsync(Key);
        await using var receiver = await StartAsync(issuer);
        await receiver.ServedAsync("/ns/a");
    }

    [Fact]
    public async Task Tokens_work_over_http_2_too()
    {
        await using var issuer = await TestIssuer.StartAsync(Key);
        await using var receiver = await StartAsync(issuer);
        using var client = new HttpClient
        {
            DefaultRequestVersion = new Version(2, 0),
            DefaultVersionPolicy = HttpVersionPolicy.RequestVersionExact,
        };
        foreach (var (token, status) in new[] { (Key.Sign(Claims()), 202), ("x", 401), (Key.Sign(Claims()), 202) })
        {
            using var request = new HttpRequestMessage(HttpMethod.Post, receiver.Url + "/ns/a")
            {
                Content = new ByteArrayContent(new byte[100_000]),
            };
            request.Headers.Add("ce-specversion", "1.0");
            request.Headers.Add("ce-id", "1");
            request.Headers.Add("ce-source", "/s");
            request.Headers.Add("ce-type", "t");
            request.Headers.TryAddWithoutValidation("Authorization", "Bearer " + token);
            using var response = await client.SendAsync(request, TestContext.Current.CancellationToken);
            Assert.Equal(status, (int)response.StatusCode);
        }
    }

    /// <summary>A receiver with one Broker, for tokens of an issuer; everybody who has one may send.</summary>
    internal static Task<TestReceiver> StartAsync(TestIssuer issuer, params EventPolicy[] policies) =>
        TestReceiver.StartAsync(
            new ReceiverOptions { Issuer = issuer.Options },
            Guarded("a", policies.Length > 0 ? policies : [new EventPolicy { TokenMatchers = { Prefix("sub", "") } }])
        );

    internal static Resource Guarded(string uid, params EventPolicy[] policies) =>
        TestReceiver.With(
            TestReceiver.Broker(uid),
            resource =>
            {
                resource.Ingress.Audience = Audience;
                resource.Ingress.EventPolicies.Add(policies);
            }
        );

    internal static TokenMatcher Prefix(string claim, string text) => new() { Prefix = new Prefix { Attributes = { [claim] = text } } };

    internal static Task<RawAnswer> SendAsync(TestReceiver receiver, string token, string path = "/ns/a") =>
        RawClient.OnceAsync(receiver.Port, RawClient.Event(path, more: $"Authorization: Bearer {token}\r\n"));

    private static async Task RefusedAsync(TestReceiver receiver, string token, string said)
    {
        var answer = (await SendAsync(receiver, token)).IsProblem(401, "unauthenticated");
        Assert.Equal("Bearer error=\"invalid_token\"", answer["www-authenticate"]);
        Assert.Contains(said, JsonNode.Parse(answer.Body)!["detail"]!.GetValue<string>(), StringComparison.OrdinalIgnoreCase);
        foreach (var part in token.Split('.').Where(part => part.Length > 10))
        {
            Assert.DoesNotContain(part, answer.Body, StringComparison.Ordinal);
        }

        Assert.Empty(await receiver.RecordsAsync("t-a"));
    }
}
