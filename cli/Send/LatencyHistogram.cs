namespace Brokkr.Cli.Send;

/// <summary>Counts durations in buckets that grow by two per cent, so that any number of them takes the same memory. Thread-safe.</summary>
internal sealed class LatencyHistogram
{
    private const double Growth = 1.02;
    private const double SmallestMs = 0.01;

    // Up to about 200 seconds.
    private readonly long[] _buckets = new long[850];
    private double _max;
    private readonly Lock _lock = new();

    /// <summary>Adds a duration.</summary>
    public void Add(TimeSpan duration)
    {
        var ms = duration.TotalMilliseconds;
        var bucket = ms <= SmallestMs ? 0 : Math.Min(_buckets.Length - 1, (int)Math.Ceiling(Math.Log(ms / SmallestMs) / Math.Log(Growth)));
        lock (_lock)
        {
            _buckets[bucket]++;
            _max = Math.Max(_max, ms);
        }
    }

    /// <summary>The longest duration, in milliseconds.</summary>
    public double MaxMs
    {
        get
        {
            lock (_lock)
            {
                return _max;
            }
        }
    }

    /// <summary>The duration in milliseconds, two per cent too long at most, that a share of all does not exceed; 0 without any.</summary>
    /// <param name="share">From 0 to 1.</param>
    public double PercentileMs(double share)
    {
        lock (_lock)
        {
            var wanted = (long)Math.Ceiling(share * _buckets.Sum());
            long seen = 0;
            for (var i = 0; i < _buckets.Length; i++)
            {
                seen += _buckets[i];
                if (seen >= wanted && seen > 0)
                {
                    return Math.Min(_max, SmallestMs * Math.Pow(Growth, i));
                }
            }

            return 0;
        }
    }
}
