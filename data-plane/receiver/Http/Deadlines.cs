namespace Brokkr.Receiver.Http;

/// <summary>Something that must not last for ever.</summary>
internal abstract class Timed
{
    /// <summary>Place in the list of <see cref="Deadlines"/>; -1 when it is not in it.</summary>
    internal int Place { get; set; } = -1;

    /// <summary>Called every now and then from a timer thread; ends what lasts too long.</summary>
    /// <param name="now">Milliseconds on the clock of <see cref="Deadlines.Now"/>.</param>
    internal abstract void Check(long now);
}

/// <summary>
/// Ends what lasts too long, checking all at once a few times a second. A timer per request would cost more than the request; nobody needs
/// a deadline of minutes to the millisecond.
/// </summary>
internal sealed class Deadlines : IDisposable
{
    private static readonly TimeSpan Period = TimeSpan.FromMilliseconds(250);

    private readonly Lock _lock = new();
    private readonly TimeProvider _time;
    private readonly ITimer _timer;
    private Timed[] _timed = new Timed[64];
    private int _count;

    public Deadlines(TimeProvider time)
    {
        _time = time;
        _timer = time.CreateTimer(static state => ((Deadlines)state!).CheckAll(((Deadlines)state).Now), this, Period, Period);
    }

    /// <summary>Milliseconds since some moment.</summary>
    public long Now => (long)(_time.GetTimestamp() * (1000.0 / _time.TimestampFrequency));

    /// <summary>Begins to check something. Does nothing if it is checked already.</summary>
    public void Add(Timed timed)
    {
        lock (_lock)
        {
            if (timed.Place >= 0)
            {
                return;
            }

            if (_count == _timed.Length)
            {
                Array.Resize(ref _timed, _count * 2);
            }

            timed.Place = _count;
            _timed[_count++] = timed;
        }
    }

    /// <summary>Checks it no more.</summary>
    public void Remove(Timed timed)
    {
        lock (_lock)
        {
            if (timed.Place < 0)
            {
                return;
            }

            var last = _timed[--_count];
            _timed[timed.Place] = last;
            last.Place = timed.Place;
            _timed[_count] = null!;
            timed.Place = -1;
        }
    }

    /// <inheritdoc/>
    public void Dispose() => _timer.Dispose();

    /// <summary>Ends everything that is being checked, now.</summary>
    public void ExpireAll() => CheckAll(long.MaxValue);

    private void CheckAll(long now)
    {
        for (var i = 0; ; i++)
        {
            Timed timed;
            lock (_lock)
            {
                if (i >= _count)
                {
                    return;
                }

                timed = _timed[i];
            }

            // Outside the lock, since it may run what waited. One that moves meanwhile is seen the next time.
            timed.Check(now);
        }
    }
}
