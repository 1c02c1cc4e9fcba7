using System.Buffers.Text;
using System.Text;
using Brokkr.Core.Log;
using Brokkr.Kafka.Tests.Security;
using Brokkr.Kafka.Tokens;
using Brokkr.Testing.Http;
using Brokkr.Testing.Kafka.Security;
using Microsoft.Extensions.Time.Testing;

namespace Brokkr.Kafka.Tests.Tokens;

/// <summary>The client credentials grant as providers answer it.</summary>
public sealed class TokenEndpointTests
{
    private static readonly DateTimeOffset Now = new(2031, 5, 1, 12, 0, 0, TimeSpan.Zero);

    [Theory]
    [InlineData("/token")]
    [InlineData("/body")]
    public async Task The_secret_goes_where_the_provider_takes_it(string path)
    {
        await using var server = await TokenServer.StartAsync();
        using var endpoint = Endpoint(server.Url + path);
        for (var i = 0; i < 3; i++)
        {
            Assert.Equal(Now.AddMinutes(10), (await endpoint.IssueAsync(TestContext.Current.CancellationToken)).Expires);
        }

        // It is tried out once.
        Assert.Equal(path == "/body" ? 4 : 3, server.At(path).Count);
        Assert.All(server.At(path), request => Assert.Contains("scope=kafka+all", Encoding.UTF8.GetString(request.Body.Span)));
    }

    [Theory]
    [InlineData("""{"access_token":"opaque","expires_in":60}""", 60)]
    [InlineData("""{"access_token":"opaque","expires_in":"60"}""", 60)]
    [InlineData("""{"access_token":"opaque"}""", 300)]
    [InlineData("""{"access_token":"a.b.c","expires_in":null}""", 300)]
    [InlineData("""{"access_token":"opaque","expires_in":1e300}""", 365 * 24 * 3600)]
    public async Task The_answer_says_when_the_token_ends(string answer, int seconds) =>
        Assert.Equal(Now.AddSeconds(seconds), (await AskAsync(TokenServer.Json(200, answer))).Expires);

    [Fact]
    public async Task Else_the_token_says_it_itself()
    {
        var claims = Base64Url.EncodeToString(Encoding.UTF8.GetBytes($$"""{"exp":{{Now.AddSeconds(77).ToUnixTimeSeconds()}}}"""));
        var token = await AskAsync(TokenServer.Json(200, $$"""{"access_token":"e30.{{claims}}.x"}"""));
        Assert.Equal(Now.AddSeconds(77), token.Expires);
        Assert.DoesNotContain(claims, token.ToString());
    }

    [Theory]
    [InlineData(200, "<html>", "its answer is not JSON")]
    [InlineData(200, "{}", "it answered 200 without a token")]
    [InlineData(200, "[]", "it answered 200 without a token")]
    [InlineData(200, """{"access_token":"a\u0001b"}""", "characters that no token may have")]
    [InlineData(302, "", "it answered 302 without a token")]
    [InlineData(500, "oops", "it answered 500 without a token")]
    [InlineData(
        400,
        """{"error":"invalid_scope","error_description":"no\nsuch scope"}""",
        "refuses client 'brokkr oauth': invalid_scope no such scope"
    )]
    public async Task An_answer_without_a_token_is_told(int status, string answer, string expected)
    {
        var failure = await Assert.ThrowsAsync<LogUnavailableException>(() => AskAsync(TokenServer.Json(status, answer)));
        Assert.Contains(expected, failure.Message);
        Assert.DoesNotContain(TokenServer.Secret, failure.ToString());
    }

    [Fact]
    public async Task A_provider_that_is_away_is_told()
    {
        using var endpoint = Endpoint($"http://127.0.0.1:{Brokkr.Testing.FreePort.Next()}/token?secret=1");
        var failure = await Assert.ThrowsAsync<LogUnavailableException>(() => endpoint.IssueAsync(TestContext.Current.CancellationToken));
        Assert.Contains("/token: ", failure.Message);
        Assert.DoesNotContain("secret=1", failure.Message);
    }

    private static async Task<BearerToken> AskAsync(Answer answer)
    {
        await using var server = await TokenServer.StartAsync();
        server.OnPath("/scripted", answer);
        using var endpoint = Endpoint(server.Url + "/scripted");
        return await endpoint.IssueAsync(TestContext.Current.CancellationToken);
    }

    private static TokenEndpoint Endpoint(string url) =>
        new(
            new ClientCredentials(
                new Uri(url),
                TokenServer.Id,
                TokenServer.Secret,
                "kafka all",
                new Dictionary<string, string>(StringComparer.Ordinal),
                null
            ),
            new FakeTimeProvider(Now)
        );
}
