using System.Collections.Concurrent;
using System.Diagnostics.CodeAnalysis;
using Brokkr.Core.Tokens;
using Microsoft.Extensions.Logging;

namespace Brokkr.Dispatcher.Tokens;

/// <summary>What goes into the header <c>Authorization</c>: one of the two. Never printed.</summary>
/// <param name="Value">Its value.</param>
/// <param name="Problem">Why there is none.</param>
internal readonly record struct Authorization(string? Value, string? Problem)
{
    public override string ToString() => Problem ?? "a token";
}

/// <summary>
/// The tokens in use. One that is there costs a look-up; from the moment on at which it wants to be renewed the next one is fetched in the background,
/// and the old one goes on until its end. All who need the same token share one request; after a failure there is a pause before the next.
/// </summary>
[SuppressMessage("Design", "CA1001", Justification = "A source of cancellation without a timer or a wait handle holds nothing.")]
internal sealed class SubscriberTokens
{
    /// <summary>Tokens that are kept; beyond it the one goes that was asked for longest ago.</summary>
    internal const int Limit = 4096;

    /// <summary>A token that ends within this time is not sent any more: it has to arrive and be looked at.</summary>
    private static readonly TimeSpan Margin = TimeSpan.FromSeconds(5);

    private readonly ITokenSource? _source;
    private readonly DispatcherMetrics _metrics;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;
    private readonly ConcurrentDictionary<TokenIdentity, Entry> _entries = new();
    private readonly CancellationTokenSource _stopping = new();
    private readonly Lock _adding = new();

    /// <param name="source">Makes the tokens; null for none, then no token can be had.</param>
    /// <param name="metrics">Counts what came of asking for tokens.</param>
    /// <param name="time">Says when tokens end.</param>
    /// <param name="logger">Is told when a token cannot be had, and when it can again.</param>
    public SubscriberTokens(ITokenSource? source, DispatcherMetrics metrics, TimeProvider time, ILogger logger)
    {
        _source = source;
        _metrics = metrics;
        _time = time;
        _logger = logger;
    }

    /// <summary>How many tokens are kept.</summary>
    internal int Count => _entries.Count;

    /// <summary>What requests with this identity carry.</summary>
    /// <param name="identity">For whom and for what.</param>
    /// <param name="cancellation">Ends the wait, not the request for a token, which others may wait for too.</param>
    /// <exception cref="OperationCanceledException">The wait was ended.</exception>
    public ValueTask<Authorization> GetAsync(TokenIdentity identity, CancellationToken cancellation)
    {
        if (_source is null)
        {
            return new(new Authorization(null, $"there is no token for {identity}: this dispatcher has no source of tokens"));
        }

        return (_entries.TryGetValue(identity, out var entry) ? entry : Add(identity, _source)).GetAsync(cancellation);
    }

    /// <summary>
    /// Whoever it was sent to has refused a token: perhaps its signing key was changed, so the next one is fetched before this one wants to be renewed. Since it is as
    /// likely that nobody with this identity is let in, that happens once in a while only.
    /// </summary>
    /// <param name="identity">For whom and for what it was.</param>
    /// <param name="refused">What was sent.</param>
    public void Refused(TokenIdentity identity, Authorization refused)
    {
        if (_entries.TryGetValue(identity, out var entry))
        {
            entry.Refused(refused);
        }
    }

    /// <summary>No more requests for tokens; those that are under way end.</summary>
    public void Stop() => _ = _stopping.CancelAsync();

    private Entry Add(TokenIdentity identity, ITokenSource source)
    {
        lock (_adding)
        {
            if (_entries.Count >= Limit && !_entries.ContainsKey(identity))
            {
                // Looks at all of them, which is short beside a request for a token.
                _entries.TryRemove(_entries.MinBy(static entry => entry.Value.LastAsked).Key, out _);
            }

            return _entries.GetOrAdd(identity, static (identity, on) => new Entry(identity, on.source, on.tokens), (source, tokens: this));
        }
    }

    /// <summary>The token of one identity.</summary>
    private sealed class Entry(TokenIdentity identity, ITokenSource source, SubscriberTokens tokens)
    {
        private static readonly TimeSpan ShortestPause = TimeSpan.FromSeconds(1);
        private static readonly TimeSpan LongestPause = TimeSpan.FromSeconds(8);
        private static readonly TimeSpan RefusalPause = TimeSpan.FromSeconds(10);

        private readonly Lock _lock = new();
        private Issued? _current;
        private Task<Authorization>? _running;
        private string? _problem;
        private DateTimeOffset _nextTry;
        private DateTimeOffset _nextRefusal;
        private TimeSpan _pause = ShortestPause;
        private long _lastAsked;

        public long LastAsked => Volatile.Read(ref _lastAsked);

        public ValueTask<Authorization> GetAsync(CancellationToken cancellation)
        {
            Volatile.Write(ref _lastAsked, tokens._time.GetTimestamp());
            var now = tokens._time.GetUtcNow();
            var current = Volatile.Read(ref _current);
            if (current is not null && now < current.Renew)
            {
                return new(current.Authorization);
            }

            Task<Authorization>? running;
            string? problem;
            lock (_lock)
            {
                current = _current;
                var isUsable = current is not null && now < current.Ends;
                if (_running is null && (now >= _nextTry || (!isUsable && _problem is null)))
                {
                    _running = IssueAsync();
                }

                if (isUsable)
                {
                    return new(current!.Authorization);
                }

                running = _running;
                problem = _problem;
            }

            return running is null ? new(new Authorization(null, problem)) : new(running.WaitAsync(cancellation));
        }

        public void Refused(Authorization refused)
        {
            var now = tokens._time.GetUtcNow();
            lock (_lock)
            {
                if (now >= _nextRefusal && _current?.Authorization == refused)
                {
                    _nextRefusal = now + RefusalPause;
                    _nextTry = now;
                    Volatile.Write(ref _current, null);
                }
            }
        }

        private async Task<Authorization> IssueAsync()
        {
            // The caller holds the lock.
            await Task.CompletedTask.ConfigureAwait(ConfigureAwaitOptions.ForceYielding);
            TokenResult result;
            try
            {
                result = await source.IssueAsync(identity, tokens._stopping.Token);
            }
            catch (Exception failure)
            {
                // Whatever it is: there is no token, and it is tried again.
                result = TokenResult.None($"{failure.GetType().Name}: {failure.Message}");
            }

            return result.Token is not { } token ? Fail(result.Problem ?? "the source gave none")
                : token.Expires - Margin > tokens._time.GetUtcNow() ? Take(token)
                : Fail("the source gave one that has ended or is about to");
        }

        private Authorization Take(SubscriberToken token)
        {
            var ends = token.Expires - Margin;
            var issued = new Issued(new Authorization("Bearer " + token.Value, null), token.Renew < ends ? token.Renew : ends, ends);
            bool isBack;
            lock (_lock)
            {
                isBack = _problem is not null;
                _problem = null;
                _pause = ShortestPause;
                _nextTry = tokens._time.GetUtcNow() + ShortestPause;
                _running = null;
                Volatile.Write(ref _current, issued);
            }

            tokens._metrics.TokenAsked(isIssued: true);
            if (isBack)
            {
                tokens._logger.TokenIssuedAgain(identity.Audience, identity.Namespace, identity.ServiceAccount);
            }

            return issued.Authorization;
        }

        private Authorization Fail(string reason)
        {
            var problem = $"there is no token for {identity}: {reason}";
            bool isNews;
            lock (_lock)
            {
                isNews = !string.Equals(problem, _problem, StringComparison.Ordinal);
                _problem = problem;
                _nextTry = tokens._time.GetUtcNow() + _pause;
                _pause = _pause * 2 < LongestPause ? _pause * 2 : LongestPause;
                _running = null;
            }

            if (!tokens._stopping.IsCancellationRequested)
            {
                tokens._metrics.TokenAsked(isIssued: false);
                if (isNews)
                {
                    // While it stays like that there is no news.
                    tokens._logger.NoToken(identity.Audience, identity.Namespace, identity.ServiceAccount, reason);
                }
            }

            return new Authorization(null, problem);
        }
    }

    private sealed record Issued(Authorization Authorization, DateTimeOffset Renew, DateTimeOffset Ends);
}
