using Brokkr.Dispatcher.Cursors;

namespace Brokkr.Dispatcher.Delivery;

/// <summary>
/// The rate limiter of an ordered Trigger: a bucket that holds one second's records and fills evenly (dispatcher §5.5, what the original means to do).
/// Costs nothing where there is no limit.
/// </summary>
internal sealed class Pace : IDisposable
{
    private readonly Lock _lock = new();
    private readonly TimeProvider _time;
    private readonly List<Cursor> _waiting = [];
    private readonly ITimer _timer;
    private double _tokens = double.NaN;
    private long _filledAt;

    public Pace(TimeProvider time)
    {
        _time = time;
        _timer = time.CreateTimer(static pace => ((Pace)pace!).Tick(), this, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
    }

    /// <summary>Whether a record may start now. If not, the cursor is signalled when it may.</summary>
    /// <param name="cursor">Who asks.</param>
    /// <param name="perSecond">Records per second; 0 for no limit.</param>
    public bool HasTurn(Cursor cursor, int perSecond)
    {
        if (perSecond == 0)
        {
            return true;
        }

        lock (_lock)
        {
            Fill(perSecond);
            if (_tokens >= 1)
            {
                return true;
            }

            if (!_waiting.Contains(cursor))
            {
                _waiting.Add(cursor);
            }

            _timer.Change(TimeSpan.FromSeconds((1 - _tokens) / perSecond) + TimeSpan.FromMilliseconds(1), Timeout.InfiniteTimeSpan);
            return false;
        }
    }

    /// <summary>Whether a record may start now.</summary>
    public bool HasTurnNow(int perSecond)
    {
        if (perSecond == 0)
        {
            return true;
        }

        lock (_lock)
        {
            Fill(perSecond);
            return _tokens >= 1;
        }
    }

    /// <summary>A record starts.</summary>
    public void Take(int perSecond)
    {
        if (perSecond > 0)
        {
            lock (_lock)
            {
                _tokens--;
            }
        }
    }

    public void Dispose() => _timer.Dispose();

    private void Fill(int perSecond)
    {
        var now = _time.GetTimestamp();
        _tokens = double.IsNaN(_tokens)
            ? perSecond
            : Math.Min(perSecond, _tokens + (_time.GetElapsedTime(_filledAt, now).TotalSeconds * perSecond));
        _filledAt = now;
    }

    private void Tick()
    {
        Cursor[] waiting;
        lock (_lock)
        {
            waiting = [.. _waiting];
            _waiting.Clear();
        }

        foreach (var cursor in waiting)
        {
            cursor.Signal();
        }
    }
}
