using Brokkr.Core.Log;
using Brokkr.Dispatcher.Telemetry;
using Microsoft.Extensions.Logging;

namespace Brokkr.Dispatcher.Cursors;

/// <summary>What a cursor has that is not stored, in the order of urgency.</summary>
internal enum Unstored
{
    /// <summary>Nothing.</summary>
    Nothing,

    /// <summary>It has passed records that needed no delivery; a restart would pass them again.</summary>
    Moved,

    /// <summary>Deliveries were finished, or attempts counted; a restart would repeat them.</summary>
    Repeatable,
}

/// <summary>
/// Stores the positions of one Trigger: all that have moved, together. What a kill would repeat is stored <see cref="CommitTiming.Delay"/> after the first of it,
/// or as soon as <see cref="CommitTiming.Batch"/> deliveries were finished; the rest once per <see cref="CommitTiming.Interval"/>. One store at a time, each when
/// the pace of the cluster lets it. Nothing ticks while nothing moves.
/// </summary>
internal sealed class Committer : IAsyncDisposable
{
    private readonly Lock _lock = new();
    private readonly SemaphoreSlim _turn = new(1);
    private readonly string _group;
    private readonly ICursorStore _store;
    private readonly TimeProvider _time;
    private readonly CommitTiming _timing;
    private readonly CommitPace _pace;
    private readonly ILogger _logger;
    private readonly TriggerCounts _counts;
    private readonly ITimer _timer;
    private List<Cursor> _dirty = [];
    private int _finished;
    private long? _notBefore;
    private long _dueAt = long.MaxValue;
    private Task _running = Task.CompletedTask;
    private bool _isStoring;
    private bool _closed;

    public Committer(
        string group,
        ICursorStore store,
        CommitTiming timing,
        CommitPace pace,
        TriggerCounts counts,
        TimeProvider time,
        ILogger logger
    )
    {
        _group = group;
        _store = store;
        _timing = timing;
        _pace = pace;
        _time = time;
        _logger = logger;
        _counts = counts;
        _timer = time.CreateTimer(static c => ((Committer)c!).Tick(), this, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
    }

    /// <summary>A cursor has passed records that needed no delivery.</summary>
    public void Moved(Cursor cursor) => Changed(cursor, Unstored.Moved, _timing.Interval, mustArm: false);

    /// <summary>A delivery has failed and will be attempted again.</summary>
    public void Attempted(Cursor cursor) => Changed(cursor, Unstored.Repeatable, _timing.Delay, mustArm: false);

    /// <summary>A delivery has been finished.</summary>
    public void Finished(Cursor cursor)
    {
        var isFull = Interlocked.Increment(ref _finished) == _timing.Batch;
        Changed(cursor, Unstored.Repeatable, isFull ? TimeSpan.Zero : _timing.Delay, isFull);
    }

    /// <summary>Stores the positions of these cursors now, as far as they have moved.</summary>
    /// <returns>Whether all is stored.</returns>
    public async Task<bool> StoreAsync(IReadOnlyCollection<Cursor> cursors, CancellationToken cancellation)
    {
        await _turn.WaitAsync(cancellation);
        try
        {
            var positions = new Dictionary<TopicPartition, CursorPosition>(cursors.Count);
            var moved = new List<(Cursor Cursor, CursorPosition Position)>(cursors.Count);
            foreach (var cursor in cursors)
            {
                if (cursor.TryGetUnstored(out var position))
                {
                    positions[cursor.Partition] = position;
                    moved.Add((cursor, position));
                }
            }

            if (moved.Count == 0)
            {
                return true;
            }

            var isStored = await TryStoreAsync(positions, cancellation);
            foreach (var (cursor, position) in moved)
            {
                cursor.Stored(position, isStored);
            }

            return isStored;
        }
        finally
        {
            _turn.Release();
        }
    }

    /// <summary>Ends the timer and waits for a store that is running. What is not stored then is not stored by this any more.</summary>
    public async ValueTask DisposeAsync()
    {
        Task running;
        lock (_lock)
        {
            _closed = true;
            running = _running;
        }

        await _timer.DisposeAsync();
        await running;
        _turn.Dispose();
    }

    private async Task<bool> TryStoreAsync(Dictionary<TopicPartition, CursorPosition> positions, CancellationToken cancellation)
    {
        try
        {
            await _store.StoreAsync(_group, positions, cancellation);
            _counts.Committed(isStored: true);
            return true;
        }
        catch (Exception failure)
        {
            _counts.Committed(isStored: false);
            _logger.CommitFailed(failure, _group, positions.Count);
            return false;
        }
    }

    private void Changed(Cursor cursor, Unstored what, TimeSpan due, bool mustArm)
    {
        if (!mustArm && cursor.Unstored >= what)
        {
            return;
        }

        lock (_lock)
        {
            if (cursor.Unstored == Unstored.Nothing)
            {
                _dirty.Add(cursor);
            }

            if (cursor.Unstored < what)
            {
                cursor.Unstored = what;
            }

            Arm(due);
        }
    }

    /// <summary>Under the lock.</summary>
    private void Arm(TimeSpan due)
    {
        if (_closed)
        {
            return;
        }

        var now = _time.GetTimestamp();
        var dueAt = Math.Max(now + (long)(due.TotalSeconds * _time.TimestampFrequency), _notBefore ??= _pace.Reserve());
        if (dueAt < _dueAt)
        {
            _dueAt = dueAt;
            _timer.Change(dueAt > now ? _time.GetElapsedTime(now, dueAt) : TimeSpan.Zero, Timeout.InfiniteTimeSpan);
        }
    }

    private void Tick()
    {
        lock (_lock)
        {
            _dueAt = long.MaxValue;
            if (!_closed && !_isStoring)
            {
                _isStoring = true;
                _running = Task.Run(StoreDirtyAsync);
            }
        }
    }

    private async Task StoreDirtyAsync()
    {
        while (TakeDirty() is { } dirty)
        {
            if (!await StoreAsync(dirty, CancellationToken.None))
            {
                PutBack(dirty);
            }
        }
    }

    /// <summary>What is to be stored now; null, and the end of storing, if that can wait for the timer.</summary>
    private List<Cursor>? TakeDirty()
    {
        lock (_lock)
        {
            if (_dirty.Count == 0 || _dueAt != long.MaxValue)
            {
                _isStoring = false;
                return null;
            }

            var dirty = _dirty;
            _dirty = [];
            _notBefore = null;
            Volatile.Write(ref _finished, 0);
            foreach (var cursor in dirty)
            {
                cursor.Unstored = Unstored.Nothing;
            }

            return dirty;
        }
    }

    /// <summary>What was not stored waits for the whole interval, however much is finished meanwhile: why the log refuses it seldom passes sooner.</summary>
    private void PutBack(List<Cursor> dirty)
    {
        lock (_lock)
        {
            _dueAt = long.MaxValue;
            _notBefore = _time.GetTimestamp() + (long)(_timing.Interval.TotalSeconds * _time.TimestampFrequency);
            foreach (var cursor in dirty)
            {
                if (cursor.Unstored == Unstored.Nothing)
                {
                    _dirty.Add(cursor);
                }

                cursor.Unstored = Unstored.Repeatable;
            }

            Arm(TimeSpan.Zero);
        }
    }
}
