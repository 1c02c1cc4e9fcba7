using System.Buffers.Text;
using System.Text;
using Brokkr.Core.Tokens;
using Brokkr.Dispatcher.Tokens;
using Brokkr.Testing;
using Microsoft.Extensions.Time.Testing;

namespace Brokkr.Dispatcher.Tests.Tokens;

/// <summary>Tokens from files, as somebody puts them there.</summary>
public sealed class FileTokenSourceTests : IDisposable
{
    private const string Audience = "eventing.knative.dev/broker/ns/b";
    private const string Name = "eventing.knative.dev%2Fbroker%2Fns%2Fb";
    private readonly TemporaryFolder _folder = new();
    private readonly FakeTimeProvider _time = new(new DateTimeOffset(2031, 5, 1, 12, 0, 0, TimeSpan.Zero));

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task That_of_the_service_account_comes_before_that_for_all()
    {
        _folder.Write(Name, "common\n");
        Assert.Equal("common", (await AskAsync()).Token?.Value);
        Assert.Equal("common", (await AskAsync(new TokenIdentity("", "", Audience))).Token?.Value);
        _folder.Write($"ns/sa/{Name}", " own ");
        Assert.Equal("own", (await AskAsync()).Token?.Value);
        Assert.Equal("common", (await AskAsync(new TokenIdentity("ns", "other", Audience))).Token?.Value);
    }

    [Fact]
    public async Task It_lasts_as_long_as_it_says_and_is_read_again_soon()
    {
        var now = _time.GetUtcNow();
        _folder.Write(Name, "opaque");
        var opaque = (await AskAsync()).Token!;
        Assert.Equal(now.AddMinutes(5), opaque.Expires);
        Assert.Equal(now.AddSeconds(10), opaque.Renew);
        _folder.Write(Name, Jwt(now.AddHours(2)));
        var token = (await AskAsync()).Token!;
        Assert.Equal(now.AddHours(2), token.Expires);
        Assert.Equal(now.AddSeconds(10), token.Renew);
    }

    [Fact]
    public async Task What_is_not_there_or_no_token_is_told_with_the_name_of_the_file()
    {
        Assert.Contains(Name, (await AskAsync()).Problem);
        _folder.Write(Name, "two tokens");
        Assert.Contains("is no token", (await AskAsync()).Problem);
        _folder.Write(Name, "\n");
        Assert.Contains("is no token", (await AskAsync()).Problem);
        _folder.Write(Name, Jwt(_time.GetUtcNow().AddSeconds(-1)));
        Assert.Contains("has ended", (await AskAsync()).Problem);
        Assert.DoesNotContain("eyJ", (await AskAsync()).Problem);
    }

    [Theory]
    [InlineData("ns", "sa", "..")]
    [InlineData("ns", "sa", ".")]
    [InlineData("ns", "sa", "../secret")]
    [InlineData("..", "sub", "secret")]
    [InlineData(".", "..", "secret")]
    [InlineData("ns", "../..", "secret")]
    [InlineData("/", "ns", "secret")]
    public async Task Names_lead_nowhere_else(string @namespace, string serviceAccount, string audience)
    {
        _folder.Write("secret", "secret");
        _folder.Write("tokens/ns/sa/x", "x");
        var source = new FileTokenSource(_folder["tokens"], _time);
        var result = await source.IssueAsync(
            new TokenIdentity(@namespace, serviceAccount, audience),
            TestContext.Current.CancellationToken
        );
        Assert.Null(result.Token);
        Assert.NotNull(result.Problem);
    }

    private static string Jwt(DateTimeOffset end)
    {
        var claims = Base64Url.EncodeToString(Encoding.UTF8.GetBytes($$"""{"sub":"x","exp":{{end.ToUnixTimeSeconds()}}}"""));
        return $"e30.{claims}.c2ln";
    }

    private Task<TokenResult> AskAsync(TokenIdentity? identity = null) =>
        new FileTokenSource(_folder.Path, _time).IssueAsync(
            identity ?? new TokenIdentity("ns", "sa", Audience),
            TestContext.Current.CancellationToken
        );
}
