namespace Brokkr.Dispatcher.Cursors;

/// <summary>
/// Bounds how often positions are committed to one cluster, whatever the number of Triggers: each commit is a request and a record of its own there. Those that
/// would be more wait for their turn, and have more to say then.
/// </summary>
/// <param name="perSecond">Commits per second.</param>
/// <param name="time">The clock.</param>
internal sealed class CommitPace(int perSecond, TimeProvider time)
{
    private readonly Lock _lock = new();
    private readonly long _step = Math.Max(1, time.TimestampFrequency / perSecond);

    /// <summary>What was not used in the last tenth of a second may be used at once.</summary>
    private readonly long _burst = time.TimestampFrequency / 10;

    private long _last = long.MinValue / 2;

    /// <summary>Takes the next turn.</summary>
    /// <returns>From when on it may be used, as a timestamp of the clock; it may have passed.</returns>
    public long Reserve()
    {
        lock (_lock)
        {
            return _last = Math.Max(_last + _step, time.GetTimestamp() - _burst);
        }
    }
}
