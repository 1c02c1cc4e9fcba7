namespace Brokkr.Controller.Kubernetes;

/// <summary>Lets a number of requests through per second on average, and some at once after a pause. Who comes first goes first.</summary>
/// <param name="rate">Requests per second; 0 or less for no limit.</param>
/// <param name="burst">Requests at once.</param>
/// <param name="time">The clock.</param>
internal sealed class TokenBucket(double rate, int burst, TimeProvider time)
{
    private readonly Lock _lock = new();
    private double _tokens = burst;
    private long _filled = time.GetTimestamp();

    /// <summary>Waits for one's turn. Who stops waiting leaves a gap.</summary>
    public ValueTask WaitAsync(CancellationToken cancellation)
    {
        if (rate <= 0)
        {
            return ValueTask.CompletedTask;
        }

        TimeSpan wait;
        lock (_lock)
        {
            Fill();
            // Below zero are those who wait.
            _tokens--;
            wait = _tokens >= 0 ? TimeSpan.Zero : TimeSpan.FromSeconds(-_tokens / rate);
        }

        return wait == TimeSpan.Zero ? ValueTask.CompletedTask : new ValueTask(Task.Delay(wait, time, cancellation));
    }

    /// <summary>Takes a token if there is one now.</summary>
    public bool TryTake()
    {
        if (rate <= 0)
        {
            return true;
        }

        lock (_lock)
        {
            Fill();
            if (_tokens < 1)
            {
                return false;
            }

            _tokens--;
            return true;
        }
    }

    private void Fill()
    {
        var now = time.GetTimestamp();
        _tokens = Math.Min(burst, _tokens + (time.GetElapsedTime(_filled, now).TotalSeconds * rate));
        _filled = now;
    }
}
