using Brokkr.Core.Log;
using Microsoft.Extensions.Logging;

namespace Brokkr.Kafka.Tokens;

/// <summary>
/// The token of one set of credentials: fetched when the first client appears, replaced well before it ends, and given to every client on that occasion,
/// so that no login waits for it and none fails because it is too old. While a new one cannot be had the old one goes on.
/// </summary>
internal sealed class BearerTokens(ITokenIssuer issuer, TimeProvider time, ILogger logger) : IAsyncDisposable
{
    /// <summary>The native clients ask for another one at 0.8 of its life.</summary>
    private const double PartOfLife = 0.7;

    private static readonly TimeSpan ShortestWait = TimeSpan.FromSeconds(1);

    /// <summary>Also for tokens that never end: whoever is to lose access loses it within this time.</summary>
    private static readonly TimeSpan LongestWait = TimeSpan.FromHours(12);

    private static readonly TimeSpan LongestPause = TimeSpan.FromSeconds(30);

    private readonly Lock _lock = new();
    private readonly CancellationTokenSource _stop = new();
    private readonly HashSet<ITokenHolder> _holders = [];
    private Task? _running;
    private TaskCompletionSource _news = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private BearerToken? _current;
    private string? _failure;

    /// <summary>Who the tokens are for; goes to logs.</summary>
    public string Principal => issuer.Principal;

    /// <summary>What is told to the brokers beside the token.</summary>
    public IReadOnlyDictionary<string, string> Extensions => issuer.Extensions;

    /// <summary>A token that has not ended.</summary>
    /// <exception cref="LogUnavailableException">There is none, and the last attempt to get one failed; the message says why.</exception>
    public async ValueTask<string> GetAsync(CancellationToken cancellation)
    {
        while (true)
        {
            Task news;
            lock (_lock)
            {
                Start();
                if (_current is { } token && token.Expires > time.GetUtcNow())
                {
                    return token.Value;
                }

                if (_failure is { } failure)
                {
                    throw new LogUnavailableException(failure);
                }

                news = _news.Task;
            }

            await news.WaitAsync(cancellation);
        }
    }

    /// <summary>Gives a client the token that there is, and those that follow.</summary>
    public void Attach(ITokenHolder holder)
    {
        lock (_lock)
        {
            _holders.Add(holder);
            if (_current is { } token)
            {
                holder.Take(token, Principal, Extensions);
            }

            Start();
        }
    }

    /// <summary>Ends it. Afterwards the client is not called any more.</summary>
    public void Detach(ITokenHolder holder)
    {
        lock (_lock)
        {
            _holders.Remove(holder);
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        Task? running;
        lock (_lock)
        {
            running = _running;
        }

        if (running is not null)
        {
            await running;
        }

        issuer.Dispose();
        _stop.Dispose();
    }

    /// <summary>Under the lock.</summary>
    private void Start()
    {
        ObjectDisposedException.ThrowIf(_stop.IsCancellationRequested, this);
        _running ??= Task.Run(RunAsync);
    }

    private async Task RunAsync()
    {
        var pause = ShortestWait;
        try
        {
            while (true)
            {
                TimeSpan wait;
                try
                {
                    var token = await issuer.IssueAsync(_stop.Token);
                    Publish(token);
                    wait = Between(ShortestWait, (token.Expires - time.GetUtcNow()) * PartOfLife, LongestWait);
                    pause = ShortestWait;
                }
                catch (Exception exception) when (exception is not OperationCanceledException || !_stop.IsCancellationRequested)
                {
                    Fail(exception);
                    wait = pause;
                    pause = Between(ShortestWait, pause * 2, LongestPause);
                }

                await Task.Delay(wait, time, _stop.Token);
            }
        }
        catch (OperationCanceledException)
        {
            // Closed.
        }
    }

    private void Publish(BearerToken token)
    {
        lock (_lock)
        {
            if (_failure is not null)
            {
                logger.TokenFetchedAgain(Principal);
            }

            _current = token;
            _failure = null;
            foreach (var holder in _holders)
            {
                holder.Take(token, Principal, Extensions);
            }

            Tell();
        }
    }

    private void Fail(Exception exception)
    {
        lock (_lock)
        {
            var failure = exception is LogUnavailableException ? exception.Message : $"{exception.GetType().Name}: {exception.Message}";
            if (!string.Equals(failure, _failure, StringComparison.Ordinal))
            {
                // While it stays like that there is no news.
                logger.NoToken(Principal, failure);
            }

            _failure = failure;
            Tell();
        }
    }

    private void Tell()
    {
        _news.SetResult();
        _news = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
    }

    private static TimeSpan Between(TimeSpan least, TimeSpan time, TimeSpan most) =>
        time < least ? least
        : time > most ? most
        : time;
}
