namespace Brokkr.Dispatcher.Feed;

/// <summary>
/// Shares the memory budget out: half evenly among the windows of owned partitions, half evenly among Triggers; and the requests that may run, evenly among
/// Triggers. Fixed shares, so that no Trigger ever waits for what another one holds.
/// </summary>
internal sealed class MemoryShares(DispatcherOptions options)
{
    private const int LeastWindow = 64 * 1024;
    private const int LeastDeliveries = 64 * 1024;
    private readonly int _requests = options.RequestBudget ?? OpenFiles.Limit() / 2;
    private int _feeds;
    private int _triggers;

    /// <summary>Bound of one window, in bytes.</summary>
    public int WindowBytes =>
        (int)
            Math.Clamp(
                options.MemoryBudget / 2 / Math.Max(1, Volatile.Read(ref _feeds)),
                Math.Min(LeastWindow, options.WindowBytes),
                options.WindowBytes
            );

    /// <summary>Bound of what one Trigger has taken and not finished, in bytes.</summary>
    public long DeliveryBytes => Math.Max(options.MemoryBudget / 2 / Math.Max(1, Volatile.Read(ref _triggers)), LeastDeliveries);

    /// <summary>Bound of the requests of one Trigger that run at once; at least 1.</summary>
    public int Requests => Math.Max(1, _requests / Math.Max(1, Volatile.Read(ref _triggers)));

    public void AddFeed() => Interlocked.Increment(ref _feeds);

    public void RemoveFeed() => Interlocked.Decrement(ref _feeds);

    public void AddTrigger() => Interlocked.Increment(ref _triggers);

    public void RemoveTrigger() => Interlocked.Decrement(ref _triggers);
}
