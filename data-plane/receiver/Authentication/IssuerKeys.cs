using Brokkr.Core;
using Microsoft.Extensions.Logging;

namespace Brokkr.Receiver.Authentication;

/// <summary>
/// The keys of the issuer, kept fresh: fetched when they are first needed, then every few minutes, and when a token names a key that is not known,
/// at most once in a while. What was fetched stays in force while the issuer is away (receiver-and-core §18.21).
/// </summary>
internal sealed class IssuerKeys : IAsyncDisposable
{
    private static readonly TimeSpan ShortestPause = TimeSpan.FromSeconds(1);

    private readonly IssuerOptions _options;
    private readonly Discovery _discovery;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;
    private readonly Lock _lock = new();
    private readonly CancellationTokenSource _stopping = new();
    private readonly ITimer _timer;
    private KeySet? _current;
    private Task _fetch = Task.CompletedTask;
    private TimeSpan _pause = ShortestPause;
    private long _begun;
    private bool _started;

    public IssuerKeys(IssuerOptions options, TimeProvider time, ILogger logger)
    {
        _options = options;
        _discovery = new Discovery(options);
        _time = time;
        _logger = logger;
        _timer = time.CreateTimer(_ => Begin(), null, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
    }

    /// <summary>What is known of the issuer; null while nothing is.</summary>
    public KeySet? Current => Volatile.Read(ref _current);

    /// <summary>Begins to fetch the keys, if that has not begun.</summary>
    public void Start()
    {
        lock (_lock)
        {
            if (!_started)
            {
                Begin();
            }
        }
    }

    /// <summary>
    /// Fetches the keys again, unless that was done a moment ago. Completes when there is nothing to wait for; look at <see cref="Current"/> then.
    /// All who wait share one fetch. Never fails.
    /// </summary>
    /// <param name="stale">The keys that are not enough; null for none.</param>
    public Task RefreshAsync(KeySet? stale)
    {
        lock (_lock)
        {
            if (!ReferenceEquals(stale, _current))
            {
                return Task.CompletedTask;
            }

            // Without any key the timer decides when to try again: senders who are told to come back must not make it more often.
            if (_fetch.IsCompleted && (!_started || (_current is not null && _time.GetElapsedTime(_begun) >= _options.RefreshGap)))
            {
                Begin();
            }

            return _fetch;
        }
    }

    /// <summary>Completes when no fetch is under way and the next one is set.</summary>
    internal Task IdleAsync()
    {
        lock (_lock)
        {
            return _fetch;
        }
    }

    /// <summary>Stops fetching.</summary>
    public async ValueTask DisposeAsync()
    {
        await _stopping.CancelAsync();
        await _timer.DisposeAsync();
        await IdleAsync();
        _stopping.Dispose();
    }

    private void Begin()
    {
        lock (_lock)
        {
            if (_fetch.IsCompleted && !_stopping.IsCancellationRequested)
            {
                _started = true;
                _begun = _time.GetTimestamp();
                _fetch = FetchAsync();
            }
        }
    }

    private async Task FetchAsync()
    {
        // The caller holds the lock.
        await Task.CompletedTask.ConfigureAwait(ConfigureAwaitOptions.ForceYielding);
        var known = Current;
        var next = _options.RefreshInterval;
        try
        {
            using var limit = new CancellationTokenSource(_options.FetchTimeout, _time);
            using var either = CancellationTokenSource.CreateLinkedTokenSource(limit.Token, _stopping.Token);
            var fetched = await _discovery.AskAsync(known, either.Token);
            if (!ReferenceEquals(fetched, known))
            {
                foreach (var skipped in fetched.Skipped)
                {
                    _logger.KeySkipped(fetched.Issuer, skipped);
                }

                _logger.KeysFetched(fetched.Issuer, fetched.Count);
                Volatile.Write(ref _current, fetched);
            }

            _pause = ShortestPause;
        }
        catch (OperationCanceledException) when (_stopping.IsCancellationRequested)
        {
            return;
        }
        catch (Exception e)
        {
            // Whatever the issuer says or fails to say: it is asked again.
            next = _pause;
            _pause = _pause * 2 < _options.LongestPause ? _pause * 2 : _options.LongestPause;
            var reason = e is OperationCanceledException ? "no answer in time" : e.WithCause();
            _logger.KeysNotFetched(_options.Address, reason, known is not null, next.TotalSeconds);
        }

        try
        {
            _timer.Change(next, Timeout.InfiniteTimeSpan);
        }
        catch (ObjectDisposedException)
        {
            // Stopped meanwhile.
        }
    }
}
