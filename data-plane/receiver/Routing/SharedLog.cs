using Brokkr.Core.Log;
using Microsoft.Extensions.Logging;

namespace Brokkr.Receiver.Routing;

/// <summary>
/// A lease of a log together with the number of requests that are using it. After <see cref="Retire"/> no request may begin with it, and the lease
/// goes when the last one has ended: replacing a log never fails a request.
/// </summary>
internal sealed class SharedLog(LogLease lease, ILogger logger)
{
    private const long Retired = 1L << 62;

    private readonly TaskCompletionSource _released = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private long _state;
    private int _releasing;
    private long _reportAgain;

    /// <summary>The log.</summary>
    public ILog Log { get; } = lease.Log;

    /// <summary>Is cancelled when another log has taken the place of this one.</summary>
    public CancellationToken Outdated { get; } = lease.Outdated;

    /// <summary>Completes when the lease has been given back.</summary>
    public Task Released => _released.Task;

    /// <summary>Whether a failure may be reported: at most one a second, or a log that is away would fill the disk.</summary>
    /// <param name="now">Milliseconds since some moment.</param>
    public bool MayReport(long now)
    {
        var again = Volatile.Read(ref _reportAgain);
        return now >= again && Interlocked.CompareExchange(ref _reportAgain, now + 1000, again) == again;
    }

    /// <summary>Begins to use the log.</summary>
    /// <returns>False if it was retired: look the route up again.</returns>
    public bool TryEnter()
    {
        if ((Interlocked.Increment(ref _state) & Retired) == 0)
        {
            return true;
        }

        Exit();
        return false;
    }

    /// <summary>Ends the use that <see cref="TryEnter"/> began.</summary>
    public void Exit()
    {
        if (Interlocked.Decrement(ref _state) == Retired)
        {
            Release();
        }
    }

    /// <summary>Lets no request begin any more; the lease is given back in the background. A second call does nothing.</summary>
    public void Retire()
    {
        if ((Interlocked.Or(ref _state, Retired) & Retired) == 0 && Interlocked.Read(ref _state) == Retired)
        {
            Release();
        }
    }

    private void Release()
    {
        // Enter and Exit of late comers may bring the count to zero more than once.
        if (Interlocked.Exchange(ref _releasing, 1) == 0)
        {
            _ = Task.Run(ReleaseAsync);
        }
    }

    private async Task ReleaseAsync()
    {
        try
        {
            await lease.DisposeAsync();
        }
        catch (Exception e)
        {
            logger.ReleaseFailed(e);
        }
        finally
        {
            _released.SetResult();
        }
    }
}
