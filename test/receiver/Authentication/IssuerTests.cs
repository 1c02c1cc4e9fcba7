using Brokkr.Receiver.Authentication;
using Brokkr.Testing;
using Brokkr.Testing.Tls;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;
using static Brokkr.Receiver.Tests.Authentication.TestIssuer;
using static Brokkr.Receiver.Tests.Authentication.TokenTests;

namespace Brokkr.Receiver.Tests.Authentication;

/// <summary>Where the keys come from, and what happens while they do not (receiver-and-core §11.2, §18.21).</summary>
public sealed class IssuerTests
{
    private static readonly TestKey Key = new("k-1");

    [Fact]
    public async Task A_new_key_is_found_with_the_first_token_that_it_signed_and_a_withdrawn_one_counts_no_more()
    {
        await using var issuer = await TestIssuer.StartAsync(Key);
        await using var receiver = await TokenTests.StartAsync(issuer);
        var before = Key.Sign(Claims());
        (await SendAsync(receiver, before)).Is(202);
        var next = new TestKey("k-2", "ES256");
        issuer.Keys = [Key, next];
        (await SendAsync(receiver, next.Sign(Claims()))).Is(202);
        (await SendAsync(receiver, before)).Is(202);
        var last = new TestKey("k-3");
        issuer.Keys = [next, last];
        (await SendAsync(receiver, last.Sign(Claims()))).Is(202);

        // Its signature was right, but the key that made it is gone.
        (await SendAsync(receiver, before)).IsProblem(401, "unauthenticated");
        (await SendAsync(receiver, next.Sign(Claims()))).Is(202);
    }

    [Fact]
    public async Task Made_up_keys_do_not_hammer_the_issuer()
    {
        await using var issuer = await TestIssuer.StartAsync(Key);
        await using var receiver = await TestReceiver.StartAsync(
            new ReceiverOptions { Issuer = issuer.Options with { RefreshGap = TimeSpan.FromDays(1) } },
            Guarded("a")
        );
        await Eventually.True(() => issuer.Fetches > 0, "the keys are fetched because the contract needs them");
        for (var i = 0; i < 20; i++)
        {
            (await SendAsync(receiver, new TestKey($"no-{i}", "ES256").Sign(Claims()))).IsProblem(401, "unauthenticated");
        }

        Assert.Equal(1, issuer.Fetches);
    }

    [Fact]
    public async Task Many_who_wait_for_a_new_key_share_one_fetch()
    {
        await using var issuer = await TestIssuer.StartAsync(Key);
        await using var keys = new IssuerKeys(
            issuer.Options with
            {
                RefreshGap = TimeSpan.FromMinutes(1),
            },
            new FakeTimeProvider(),
            NullLogger.Instance
        );
        var verifier = new TokenVerifier(keys);
        var token = Key.Sign(Claims());
        var verdicts = await Task.WhenAll(Enumerable.Range(0, 50).Select(_ => verifier.VerifyAsync(token.AsMemory()).AsTask()));
        Assert.All(verdicts, verdict => Assert.NotNull(verdict.Token));
        Assert.Equal(1, issuer.Fetches);
        Assert.Equal(1, keys.Current!.Verified.Count);
    }

    [Fact]
    public async Task While_the_issuer_is_down_nothing_is_open_and_when_it_comes_back_senders_are_let_in()
    {
        var port = FreePort.Next();
        await using var receiver = await TestReceiver.StartAsync(
            new ReceiverOptions
            {
                Issuer = new IssuerOptions
                {
                    Address = new Uri($"http://127.0.0.1:{port}"),
                    CaFile = null,
                    TokenFile = null,
                    LongestPause = TimeSpan.FromMilliseconds(50),
                },
            },
            Guarded("a", new Core.Contract.Wire.EventPolicy { TokenMatchers = { Prefix("sub", "") } })
        );
        var answer = (await SendAsync(receiver, Key.Sign(Claims()))).IsProblem(503, "issuer-unavailable");
        Assert.Equal("1", answer["retry-after"]);
        (await RawClient.OnceAsync(receiver.Port, RawClient.Event("/ns/a"))).IsProblem(401, "unauthenticated");
        Assert.Empty(await receiver.RecordsAsync("t-a"));
        await using var issuer = await TestIssuer.StartAsync(null, port, Key);
        await Eventually.True(async () => (await SendAsync(receiver, Key.Sign(Claims()))).Status == 202, "senders are let in");
    }

    [Fact]
    public async Task Keys_that_were_fetched_stay_in_force_while_the_issuer_fails()
    {
        await using var issuer = await TestIssuer.StartAsync(Key);
        await using var receiver = await TokenTests.StartAsync(issuer);
        (await SendAsync(receiver, Key.Sign(Claims()))).Is(202);
        issuer.Status = StatusCodes.Status500InternalServerError;
        (await SendAsync(receiver, new TestKey("k-2", "ES256").Sign(Claims()))).IsProblem(401, "unauthenticated");
        (await SendAsync(receiver, Key.Sign(Claims()))).Is(202);
    }

    [Fact]
    public async Task Keys_are_fetched_again_from_time_to_time_and_sooner_after_a_failure()
    {
        var time = new FakeTimeProvider();
        await using var issuer = await TestIssuer.StartAsync(Key);
        var options = issuer.Options with { RefreshInterval = TimeSpan.FromMinutes(5), LongestPause = TimeSpan.FromSeconds(4) };
        await using var keys = new IssuerKeys(options, time, NullLogger.Instance);
        keys.Start();
        keys.Start();
        await Eventually.True(() => keys.Current is not null, "keys");
        var first = keys.Current!;
        await FetchAfterAsync(TimeSpan.FromMinutes(5));
        Assert.Same(first, keys.Current);
        issuer.Status = StatusCodes.Status503ServiceUnavailable;
        await FetchAfterAsync(TimeSpan.FromMinutes(5));
        foreach (var pause in new[] { 1, 2, 4, 4 })
        {
            await FetchAfterAsync(TimeSpan.FromSeconds(pause));
        }

        Assert.Same(first, keys.Current);
        issuer.Status = StatusCodes.Status200OK;
        issuer.Keys = [new TestKey("k-2")];
        await FetchAfterAsync(TimeSpan.FromSeconds(4));
        await Eventually.True(() => !ReferenceEquals(first, keys.Current), "new keys");

        async Task FetchAfterAsync(TimeSpan pause)
        {
            // The timer is set a moment after the fetch that came before has been answered.
            await keys.IdleAsync();
            var before = issuer.Requests.Count;
            time.Advance(pause - TimeSpan.FromMilliseconds(1));
            Assert.Equal(before, issuer.Requests.Count);
            time.Advance(TimeSpan.FromMilliseconds(1));
            await Eventually.True(() => issuer.Requests.Count > before, $"a fetch after {pause}");
        }
    }

    [Theory]
    [InlineData("")]
    [InlineData("null")]
    [InlineData("[]")]
    [InlineData("""{"keys":{}}""")]
    [InlineData("""{"keys":[]}""")]
    [InlineData("""{"keys":[null,1,{}]}""")]
    [InlineData("""{"keys":[{"kty":"oct","k":"AAAA"}]}""")]
    [InlineData("""{"keys":[{"kty":"RSA","n":"AQAB"}]}""")]
    [InlineData("""{"keys":[{"kty":"RSA","n":"!","e":"AQAB"}]}""")]
    [InlineData("""{"keys":[{"kty":"RSA","n":"","e":""}]}""")]
    [InlineData("""{"keys":[{"kty":"EC","crv":"P-256","x":"AAAA","y":"AAAA"}]}""")]
    [InlineData("""{"keys":[{"kty":"EC","crv":"secp256k1","x":"AAAA","y":"AAAA"}]}""")]
    public void A_set_without_a_key_that_is_of_use_is_refused(string source) =>
        Assert.ThrowsAny<System.Text.Json.JsonException>(() => KeySet.Read(Name, System.Text.Encoding.UTF8.GetBytes(source), 10));

    [Fact]
    public void Keys_that_are_of_no_use_are_passed_over()
    {
        var weak = new TestKey("weak", rsaBits: 1024).ToJson();
        var encryption = new TestKey("enc").ToJson();
        encryption["use"] = "enc";
        var set = new System.Text.Json.Nodes.JsonObject
        {
            ["keys"] = new System.Text.Json.Nodes.JsonArray(weak, encryption, new TestKey("es", "ES384").ToJson()),
        };
        var keys = KeySet.Read(Name, System.Text.Encoding.UTF8.GetBytes(set.ToJsonString()), 10);
        Assert.Equal(1, keys.Count);
        Assert.Equal(["key 1 of 3: it has less than 2048 bits", "key 2 of 3: it is not meant for signatures"], keys.Skipped);
    }

    [Fact]
    public async Task The_token_of_the_pod_is_shown_to_the_issuer_as_it_is_now()
    {
        using var folder = new TemporaryFolder();
        var file = Path.Combine(folder.Path, "token");
        await File.WriteAllTextAsync(file, "pod-1\n", TestContext.Current.CancellationToken);
        await using var issuer = await TestIssuer.StartAsync(Key);
        var discovery = new Discovery(issuer.Options with { TokenFile = file });
        await discovery.AskAsync(null, TestContext.Current.CancellationToken);
        await File.WriteAllTextAsync(file, "pod-2", TestContext.Current.CancellationToken);
        await discovery.AskAsync(null, TestContext.Current.CancellationToken);
        Assert.Equal(
            ["Bearer pod-1", "Bearer pod-1", "Bearer pod-2", "Bearer pod-2"],
            issuer.Requests.Select(request => request.Authorization)
        );
    }

    [Fact]
    public async Task Keys_elsewhere_are_not_fetched_in_clear_text()
    {
        await using var elsewhere = await TestIssuer.StartAsync(Key);
        await using var issuer = await TestIssuer.StartAsync(Key);
        issuer.KeysAddress = new Uri(elsewhere.Address, "/keys").AbsoluteUri;
        await Assert.ThrowsAsync<System.Text.Json.JsonException>(() =>
            new Discovery(issuer.Options).AskAsync(null, TestContext.Current.CancellationToken)
        );
        Assert.Empty(elsewhere.Requests);
    }

    [Fact]
    public async Task An_https_issuer_must_have_a_certificate_of_the_given_authority_and_so_must_who_sees_the_pods_token()
    {
        using var folder = new TemporaryFolder();
        using var authority = new TestAuthority();
        using var stranger = new TestAuthority();
        var options = new IssuerOptions { CaFile = Path.Combine(folder.Path, "ca.crt"), TokenFile = Path.Combine(folder.Path, "token") };
        await File.WriteAllTextAsync(options.CaFile, authority.Pem, TestContext.Current.CancellationToken);
        await File.WriteAllTextAsync(options.TokenFile, "pod", TestContext.Current.CancellationToken);
        using var certificate = authority.Issue();
        using var strange = stranger.Issue();
        await using var issuer = await TestIssuer.StartAsync(certificate, 0, Key);
        await using var second = await TestIssuer.StartAsync(certificate, 0, Key);
        await using var foreign = await TestIssuer.StartAsync(strange, 0, Key);
        options = options with { Address = issuer.Address };
        issuer.KeysAddress = new Uri(second.Address, "/keys").AbsoluteUri;
        var keys = await new Discovery(options).AskAsync(null, TestContext.Current.CancellationToken);
        Assert.Equal(1, keys.Count);
        Assert.Equal("Bearer pod", Assert.Single(second.Requests).Authorization);

        // Neither the authority of the cluster nor those of the system know this one.
        issuer.KeysAddress = new Uri(foreign.Address, "/keys").AbsoluteUri;
        await Assert.ThrowsAsync<HttpRequestException>(() => new Discovery(options).AskAsync(null, TestContext.Current.CancellationToken));
        await Assert.ThrowsAsync<HttpRequestException>(() =>
            new Discovery(options with { Address = foreign.Address }).AskAsync(null, TestContext.Current.CancellationToken)
        );
        Assert.Empty(foreign.Requests);
    }
}
