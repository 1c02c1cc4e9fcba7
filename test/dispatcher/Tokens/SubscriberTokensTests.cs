using System.Globalization;
using Brokkr.Core.Telemetry;
using Brokkr.Core.Tokens;
using Brokkr.Dispatcher.Tokens;
using Brokkr.Testing;
using Microsoft.Extensions.Time.Testing;

namespace Brokkr.Dispatcher.Tests.Tokens;

/// <summary>Tokens are kept, renewed early, and asked for once at a time (dispatcher §7.9).</summary>
public sealed class SubscriberTokensTests : IDisposable
{
    private static readonly TokenIdentity Identity = new("ns", "sa", "audience");

    private readonly FakeTimeProvider _time = new();
    private readonly RememberedLog _log = new();
    private readonly DispatcherMetrics _metrics = new(new EventTypeTags(), NoMetricSeries.Instance, TimeProvider.System);
    private readonly ScriptedTokens _source;
    private readonly SubscriberTokens _tokens;

    public SubscriberTokensTests()
    {
        _source = new ScriptedTokens { Time = _time };
        _tokens = new SubscriberTokens(_source, _metrics, _time, _log);
    }

    public void Dispose()
    {
        _tokens.Stop();
        _metrics.Dispose();
    }

    [Fact]
    public async Task A_token_is_kept_per_namespace_service_account_and_audience()
    {
        TokenIdentity[] identities =
        [
            Identity,
            Identity with
            {
                Namespace = "n2",
            },
            Identity with
            {
                ServiceAccount = "s2",
            },
            Identity with
            {
                Audience = "a2",
            },
        ];
        for (var i = 0; i < 3; i++)
        {
            foreach (var identity in identities)
            {
                Assert.StartsWith($"Bearer {identity.ServiceAccount}-for-{identity.Audience}-", (await GetAsync(identity)).Value);
            }
        }

        Assert.Equal(identities, _source.Asked);
    }

    [Fact]
    public async Task Many_who_need_a_token_at_once_share_one_request()
    {
        var released = new TaskCompletionSource();
        _source.Until = released.Task;
        var waiting = Enumerable.Range(0, 100).Select(_ => GetAsync(Identity)).ToArray();
        released.SetResult();
        Assert.Single((await Task.WhenAll(waiting)).Distinct());
        Assert.Single(_source.Asked);
    }

    [Fact]
    public async Task Who_gives_up_waiting_does_not_end_the_request_for_others()
    {
        var released = new TaskCompletionSource();
        _source.Until = released.Task;
        using var impatient = new CancellationTokenSource();
        var first = _tokens.GetAsync(Identity, impatient.Token).AsTask();
        var second = GetAsync(Identity);
        await impatient.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => first);
        released.SetResult();
        Assert.NotNull((await second).Value);
        Assert.Single(_source.Asked);
    }

    [Fact]
    public async Task It_is_renewed_early_in_the_background_while_the_old_one_goes_on()
    {
        var first = (await GetAsync(Identity)).Value;
        _time.Advance(TimeSpan.FromMinutes(47.9));
        Assert.Equal(first, (await GetAsync(Identity)).Value);
        Assert.Single(_source.Asked);
        var released = new TaskCompletionSource();
        _source.Until = released.Task;
        _time.Advance(TimeSpan.FromMinutes(0.2));
        for (var i = 0; i < 10; i++)
        {
            // Nobody waits for the new one.
            var got = GetAsync(Identity);
            Assert.True(got.IsCompletedSuccessfully);
            Assert.Equal(first, (await got).Value);
        }

        released.SetResult();
        await Eventually.True(async () => (await GetAsync(Identity)).Value != first, "the new token");
        Assert.Equal(2, _source.Asked.Count);
    }

    [Fact]
    public async Task While_it_cannot_be_renewed_the_old_one_goes_on_until_its_end_and_no_longer()
    {
        var first = (await GetAsync(Identity)).Value;
        _source.Problem = "the issuer is away";
        _time.Advance(TimeSpan.FromMinutes(50));
        Assert.Equal(first, (await GetAsync(Identity)).Value);
        await Eventually.True(() => _log.Of(5024).Any(), "the failure is told");
        _time.Advance(TimeSpan.FromMinutes(9.9));
        Assert.Equal(first, (await GetAsync(Identity)).Value);
        _time.Advance(TimeSpan.FromMinutes(0.1));
        var none = await Eventually.Completes(NoneAsync(), "no token");
        Assert.Equal("there is no token for audience 'audience' as service account 'ns/sa': the issuer is away", none.Problem);
        Assert.Single(_log.Of(5024));

        _source.Problem = null;
        _time.Advance(TimeSpan.FromSeconds(10));
        Assert.NotEqual(first, (await GetAsync(Identity)).Value);
        Assert.Single(_log.Of(5025));
    }

    [Fact]
    public async Task After_a_failure_there_is_a_pause_that_grows_to_eight_seconds()
    {
        _source.Failure = new InvalidOperationException("broken");
        Assert.Contains("InvalidOperationException: broken", (await GetAsync(Identity)).Problem);
        var asked = 1;
        foreach (var pause in (double[])[1, 2, 4, 8, 8])
        {
            _time.Advance(TimeSpan.FromSeconds(pause - 0.01));
            for (var i = 0; i < 5; i++)
            {
                Assert.NotNull((await GetAsync(Identity)).Problem);
            }

            Assert.Equal(asked, _source.Asked.Count);
            _time.Advance(TimeSpan.FromSeconds(0.01));
            Assert.NotNull((await GetAsync(Identity)).Problem);
            Assert.Equal(++asked, _source.Asked.Count);
        }

        _source.Failure = null;
        _time.Advance(TimeSpan.FromSeconds(8));
        Assert.NotNull((await GetAsync(Identity)).Value);
    }

    [Fact]
    public async Task A_token_that_is_about_to_end_when_it_comes_is_none()
    {
        _source.Life = TimeSpan.FromSeconds(4);
        Assert.Contains("has ended or is about to", (await GetAsync(Identity)).Problem);
        _source.Life = TimeSpan.FromSeconds(10);
        _time.Advance(TimeSpan.FromSeconds(1));
        Assert.NotNull((await GetAsync(Identity)).Value);

        // And it is not used in its last moments.
        _source.Problem = "no more";
        _time.Advance(TimeSpan.FromSeconds(5));
        Assert.NotNull((await GetAsync(Identity)).Problem);
    }

    [Fact]
    public async Task The_cache_is_bounded_and_what_was_not_used_for_longest_goes()
    {
        for (var i = 0; i < SubscriberTokens.Limit; i++)
        {
            await GetAsync(Identity with { Audience = i.ToString(CultureInfo.InvariantCulture) });
            _time.Advance(TimeSpan.FromTicks(1));
        }

        await GetAsync(Identity with { Audience = "0" });
        _time.Advance(TimeSpan.FromTicks(1));
        await GetAsync(Identity with { Audience = "one more" });
        Assert.Equal(SubscriberTokens.Limit, _tokens.Count);
        var asked = _source.Asked.Count;
        await GetAsync(Identity with { Audience = "0" });
        Assert.Equal(asked, _source.Asked.Count);
        await GetAsync(Identity with { Audience = "1" });
        Assert.Equal(asked + 1, _source.Asked.Count);
        Assert.Equal(SubscriberTokens.Limit, _tokens.Count);
    }

    [Fact]
    public async Task Without_a_source_there_is_none()
    {
        var none = await new SubscriberTokens(null, _metrics, _time, _log).GetAsync(Identity, TestContext.Current.CancellationToken);
        Assert.Null(none.Value);
        Assert.Contains("no source of tokens", none.Problem);
    }

    [Fact]
    public async Task Nothing_that_is_printed_shows_a_token()
    {
        var got = await GetAsync(Identity);
        var token = got.Value!["Bearer ".Length..];
        Assert.DoesNotContain(token, got.ToString());
        Assert.DoesNotContain(token, new SubscriberToken(token, default, default).ToString());
        Assert.DoesNotContain(token, new TokenResult(new SubscriberToken(token, default, default), null).ToString());
        Assert.Empty(_log.With(token));
    }

    private Task<Authorization> GetAsync(TokenIdentity identity) =>
        _tokens.GetAsync(identity, TestContext.Current.CancellationToken).AsTask();

    private async Task<Authorization> NoneAsync()
    {
        Authorization got = default;
        await Eventually.True(async () => (got = await GetAsync(Identity)).Value is null, "no token");
        return got;
    }
}
