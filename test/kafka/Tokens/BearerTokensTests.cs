using System.Globalization;
using System.Threading.Channels;
using Brokkr.Core.Log;
using Brokkr.Kafka.Tests.Security;
using Brokkr.Kafka.Tokens;
using Brokkr.Testing;
using Microsoft.Extensions.Time.Testing;

namespace Brokkr.Kafka.Tests.Tokens;

/// <summary>Tokens are there before they are needed, and one that cannot be had now is no loss of the one that is there.</summary>
public sealed class BearerTokensTests : IAsyncDisposable
{
    private readonly FakeTimeProvider _time = new();
    private readonly Issuer _issuer = new();
    private readonly RememberedLog _lines = new();
    private readonly BearerTokens _tokens;

    public BearerTokensTests()
    {
        _issuer.Time = _time;
        _tokens = new BearerTokens(_issuer, _time, _lines);
    }

    [Fact]
    public async Task Nothing_is_asked_before_somebody_needs_it_and_then_once_for_all()
    {
        Assert.Equal(0, _issuer.Asked);
        var both = Task.WhenAll(GetAsync(), GetAsync());
        await _issuer.GiveAsync("one");
        Assert.Equal(["one", "one"], await both);
        Assert.Equal("one", await GetAsync());
        Assert.Equal(1, _issuer.Asked);
    }

    [Fact]
    public async Task A_new_token_comes_while_the_old_one_lives_and_reaches_every_client()
    {
        var holder = new Holder();
        _tokens.Attach(holder);
        await _issuer.GiveAsync("one");
        Assert.Equal("one", await holder.NextAsync());
        var late = new Holder();
        _tokens.Attach(late);
        Assert.Equal("one", await late.NextAsync());
        await AskedAsync(2);
        Assert.Equal("one", await GetAsync());
        await _issuer.GiveAsync("two");
        Assert.Equal("two", await holder.NextAsync());
        Assert.Equal("two", await late.NextAsync());
        Assert.Equal("two", await GetAsync());
    }

    [Fact]
    public async Task While_none_can_be_had_the_old_one_counts_until_its_end()
    {
        var first = GetAsync();
        await _issuer.GiveAsync("one");
        await first;
        await AskedAsync(2);
        await _issuer.RefuseAsync("away");
        await Eventually.True(() => _lines.With("away").Length == 1, "the warning");
        Assert.Equal("one", await GetAsync());
        await AskedAsync(3);
        Assert.Equal("one", await GetAsync());
        _time.Advance(TimeSpan.FromSeconds(40));
        await _issuer.RefuseAsync("away");
        var failure = await Assert.ThrowsAsync<LogUnavailableException>(GetAsync);
        Assert.Equal("away", failure.Message);
        await AskedAsync(4);
        await _issuer.GiveAsync("two");
        await Eventually.True(() => _lines.With("a token again").Length == 1, "the end of the warning");
        Assert.Equal("two", await GetAsync());
        Assert.Single(_lines.With("away"));
    }

    public ValueTask DisposeAsync() => _tokens.DisposeAsync();

    private Task<string> GetAsync() => _tokens.GetAsync(TestContext.Current.CancellationToken).AsTask();

    /// <summary>Lets time pass until a request is made.</summary>
    private Task AskedAsync(int asked) =>
        Eventually.True(
            () =>
            {
                if (_issuer.Asked < asked)
                {
                    _time.Advance(TimeSpan.FromSeconds(1));
                }

                return _issuer.Asked >= asked;
            },
            $"request {asked.ToString(CultureInfo.InvariantCulture)}"
        );

    private sealed class Holder : ITokenHolder
    {
        private readonly Channel<string> _taken = Channel.CreateUnbounded<string>();

        public void Take(BearerToken token, string principal, IReadOnlyDictionary<string, string> extensions) =>
            _taken.Writer.TryWrite(token.Value);

        public async Task<string> NextAsync() => await _taken.Reader.ReadAsync(TestContext.Current.CancellationToken);
    }

    /// <summary>Gives tokens of 100 seconds when the test says so.</summary>
    private sealed class Issuer : ITokenIssuer
    {
        private readonly Channel<(string? Token, string? Refusal)> _answers = Channel.CreateBounded<(string?, string?)>(1);
        private int _asked;

        public TimeProvider Time { get; set; } = TimeProvider.System;

        public int Asked => Volatile.Read(ref _asked);

        public string Principal => "me";

        public IReadOnlyDictionary<string, string> Extensions { get; } = new Dictionary<string, string>(StringComparer.Ordinal);

        public async Task<BearerToken> IssueAsync(CancellationToken cancellation)
        {
            Interlocked.Increment(ref _asked);
            var (token, refusal) = await _answers.Reader.ReadAsync(cancellation);
            return token is null
                ? throw new LogUnavailableException(refusal!)
                : new BearerToken(token, Time.GetUtcNow() + TimeSpan.FromSeconds(100));
        }

        public ValueTask GiveAsync(string token) => _answers.Writer.WriteAsync((token, null));

        public ValueTask RefuseAsync(string reason) => _answers.Writer.WriteAsync((null, reason));

        public void Dispose() { }
    }
}
