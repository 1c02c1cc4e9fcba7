using Microsoft.Extensions.Logging;

namespace Brokkr.Controller.Kubernetes;

/// <summary>
/// Lets one process of several do the work: the one that holds all the leases. Who loses one stops his work, and competes again when it has stopped.
/// </summary>
/// <remarks>
/// The leases are taken in one order, so that of two only the one who has the first goes on to the others. Who has the first but finds another one held by
/// somebody else (the original, which holds them one by one) gives up what he has after a while: nothing may be held for long by who does not work.
/// </remarks>
public sealed class LeaderElection
{
    private readonly LeaderElectionOptions _options;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;
    private readonly HeldLease[] _leases;

    private bool _isToldOfOther;
    private string _toldFailure = "";

    /// <summary>Creates the election; nothing happens before <see cref="RunAsync"/>.</summary>
    public LeaderElection(ClusterConnection connection, LeaderElectionOptions options, ILoggerFactory loggers)
    {
        ArgumentOutOfRangeException.ThrowIfZero(options.Leases.Count, nameof(options));
        _options = options;
        _time = connection.Time;
        _logger = loggers.CreateLogger("Brokkr.Controller.Election");
        _leases = [.. options.Leases.Order(StringComparer.Ordinal).Select(name => new HeldLease(connection, name, options))];
    }

    /// <summary>
    /// Competes, and does the work each time this process has become the leader. Ends when it is cancelled, or when the work ends by itself or fails; then the
    /// leases are given up, so that another one can take over at once.
    /// </summary>
    /// <param name="work">The work; its token is cancelled when leadership is lost, and it must stop within
    /// <see cref="LeaderElectionOptions.LeaseDuration"/> less <see cref="LeaderElectionOptions.RenewDeadline"/> then.</param>
    /// <param name="cancellation">Ends it.</param>
    /// <exception cref="OperationCanceledException">It was cancelled.</exception>
    public async Task RunAsync(Func<CancellationToken, Task> work, CancellationToken cancellation)
    {
        try
        {
            while (true)
            {
                await AcquireAsync(cancellation);
                _logger.LeadershipWon(_options.Identity);
                if (await LeadAsync(work, cancellation))
                {
                    return;
                }
            }
        }
        finally
        {
            await ReleaseAsync();
        }
    }

    private async Task AcquireAsync(CancellationToken cancellation)
    {
        long? since = null;
        while (true)
        {
            var all = true;
            foreach (var lease in _leases)
            {
                if (!await TryAsync(lease, cancellation))
                {
                    all = false;
                    break;
                }
            }

            if (all && Left() > TimeSpan.Zero)
            {
                _isToldOfOther = false;
                return;
            }

            since = _leases[0].IsHeld ? since ?? _time.GetTimestamp() : null;
            if (since is { } begun && _time.GetElapsedTime(begun) > _options.LeaseDuration + _options.RetryPeriod)
            {
                await ReleaseAsync();
                since = null;
                // Others come first now.
                await Task.Delay(_options.LeaseDuration, _time, cancellation);
            }

            await PauseAsync(cancellation);
        }
    }

    private async Task<bool> TryAsync(HeldLease lease, CancellationToken cancellation)
    {
        try
        {
            if (await lease.TryAsync(cancellation))
            {
                _toldFailure = "";
                return true;
            }

            if (!_isToldOfOther)
            {
                _isToldOfOther = true;
                _logger.LeaderIsAnother(lease.Name, lease.Holder);
            }
        }
        catch (ApiFailure failure)
        {
            Tell(lease, failure);
        }

        return false;
    }

    /// <summary>Once while it lasts: a server that is away fails for all leases, again and again.</summary>
    private void Tell(HeldLease lease, ApiFailure failure)
    {
        var kind = $"{failure.Status} {failure.InnerException?.GetType().Name}";
        if (!string.Equals(_toldFailure, kind, StringComparison.Ordinal))
        {
            _toldFailure = kind;
            _logger.LeaseFailed(lease.Name, failure.Message);
        }
    }

    /// <summary>Works until leadership is lost.</summary>
    /// <returns>Whether the work ended by itself.</returns>
    private async Task<bool> LeadAsync(Func<CancellationToken, Task> work, CancellationToken cancellation)
    {
        // Armed anew by each renewal: whatever the renewing hangs on, work ends at the deadline.
        using var term = new CancellationTokenSource(Left(), _time);
        using var leading = CancellationTokenSource.CreateLinkedTokenSource(term.Token, cancellation);
        using var renewing = CancellationTokenSource.CreateLinkedTokenSource(leading.Token);
        var working = Task.Run(() => work(leading.Token), CancellationToken.None);
        var renewal = RenewAsync(term, renewing.Token);
        if (await Task.WhenAny(working, renewal) == renewal)
        {
            await leading.CancelAsync();
            if (!cancellation.IsCancellationRequested)
            {
                _logger.LeadershipLost(_options.Identity);
            }
        }

        try
        {
            await working;
            // It may have returned because it was told to stop.
            cancellation.ThrowIfCancellationRequested();
            return !leading.IsCancellationRequested;
        }
        catch (OperationCanceledException) when (leading.IsCancellationRequested && !cancellation.IsCancellationRequested)
        {
            return false;
        }
        finally
        {
            await renewing.CancelAsync();
            await renewal;
        }
    }

    /// <summary>Renews until a lease is lost, or it is cancelled.</summary>
    private async Task RenewAsync(CancellationTokenSource term, CancellationToken cancellation)
    {
        try
        {
            while (true)
            {
                await PauseAsync(cancellation);
                foreach (var lease in _leases)
                {
                    try
                    {
                        if (!await lease.TryAsync(cancellation))
                        {
                            _logger.LeaseTaken(lease.Name, lease.Holder);
                            return;
                        }

                        _toldFailure = "";
                    }
                    catch (ApiFailure failure)
                    {
                        Tell(lease, failure);
                    }
                }

                var left = Left();
                if (left <= TimeSpan.Zero)
                {
                    return;
                }

                term.CancelAfter(left);
            }
        }
        catch (OperationCanceledException) when (cancellation.IsCancellationRequested)
        {
            // The deadline passed, or the work has ended.
        }
    }

    /// <summary>How long all leases are ours without a doubt.</summary>
    private TimeSpan Left() =>
        Array.TrueForAll(_leases, lease => lease.IsHeld)
            ? _options.RenewDeadline - _leases.Max(lease => _time.GetElapsedTime(lease.RenewedAt))
            : TimeSpan.Zero;

    private async Task ReleaseAsync()
    {
        // The process may be about to end, and the server may be away: whatever is not given up runs out.
        using var limit = new CancellationTokenSource(_options.RetryPeriod, _time);
        foreach (var lease in _leases)
        {
            try
            {
                await lease.ReleaseAsync(limit.Token);
            }
            catch (ApiFailure failure)
            {
                _logger.LeaseFailed(lease.Name, failure.Message);
            }
            catch (OperationCanceledException) when (limit.IsCancellationRequested)
            {
                _logger.LeaseFailed(lease.Name, "the API server did not answer");
            }
        }
    }

    private Task PauseAsync(CancellationToken cancellation)
    {
#pragma warning disable CA5394 // Chance spreads load here; it protects nothing.
        return Task.Delay(_options.RetryPeriod * (1 + (Random.Shared.NextDouble() / 10)), _time, cancellation);
#pragma warning restore CA5394
    }
}
