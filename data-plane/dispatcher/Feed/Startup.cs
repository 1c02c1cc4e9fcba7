namespace Brokkr.Dispatcher.Feed;

/// <summary>
/// Counts the egresses that are about to be served. While there are some, feeds that have just begun wait a moment, so that all read the same records
/// from the same read.
/// </summary>
internal sealed class Startup
{
    private int _pending;

    /// <summary>Whether some are about to be served.</summary>
    public bool IsPending => Volatile.Read(ref _pending) > 0;

    /// <summary>Called when none is any more.</summary>
    public event Action? Finished;

    public void Begin() => Interlocked.Increment(ref _pending);

    public void End()
    {
        if (Interlocked.Decrement(ref _pending) == 0)
        {
            Finished?.Invoke();
        }
    }
}
