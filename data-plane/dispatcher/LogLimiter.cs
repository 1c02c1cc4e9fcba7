namespace Brokkr.Dispatcher;

/// <summary>Lets one log line of a kind pass per interval and counts the others, so that an outage does not flood the log (dispatcher §17.4 W33).</summary>
internal sealed class LogLimiter(TimeProvider time)
{
    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(10);
    private readonly Lock _lock = new();
    private long _last;
    private bool _hasLast;
    private long _suppressed;

    /// <summary>Whether to log now.</summary>
    /// <param name="suppressed">How many were left out since the last one.</param>
    public bool ShouldLog(out long suppressed)
    {
        lock (_lock)
        {
            if (_hasLast && time.GetElapsedTime(_last) < Interval)
            {
                _suppressed++;
                suppressed = 0;
                return false;
            }

            _hasLast = true;
            _last = time.GetTimestamp();
            suppressed = _suppressed;
            _suppressed = 0;
            return true;
        }
    }
}
