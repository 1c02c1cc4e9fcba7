namespace Brokkr.Dispatcher.Feed;

/// <summary>
/// Shares the memory budget out: half evenly among the windows of owned partitions, half evenly among Triggers. Fixed shares, so that no Trigger ever
/// waits for memory that another one holds.
/// </summary>
internal sealed class MemoryShares(DispatcherOptions options)
{
    private const int LeastWindow = 64 * 1024;
    private const int LeastDeliveries = 64 * 1024;
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

    public void AddFeed() => Interlocked.Increment(ref _feeds);

    public void RemoveFeed() => Interlocked.Decrement(ref _feeds);

    public void AddTrigger() => Interlocked.Increment(ref _triggers);

    public void RemoveTrigger() => Interlocked.Decrement(ref _triggers);
}
