using Brokkr.Core.Log;
using Brokkr.Dispatcher.Telemetry;
using Microsoft.Extensions.Logging;

namespace Brokkr.Dispatcher.Cursors;

/// <summary>
/// Stores the positions of one Trigger: all that have moved, together, once per interval; sooner when attempts were counted. Nothing ticks while
/// nothing moves.
/// </summary>
internal sealed class Committer : IAsyncDisposable
{
    /// <summary>Attempts are stored at the latest after so long, so that a restart goes on counting.</summary>
    private static readonly TimeSpan Soon = TimeSpan.FromMilliseconds(500);

    private readonly Lock _lock = new();
    private readonly SemaphoreSlim _turn = new(1);
    private readonly string _group;
    private readonly ICursorStore _store;
    private readonly TimeProvider _time;
    private readonly TimeSpan _interval;
    private readonly ILogger _logger;
    private readonly TriggerCounts _counts;
    private readonly ITimer _timer;
    private List<Cursor> _dirty = [];
    private long _dueAt = long.MaxValue;
    private Task _running = Task.CompletedTask;
    private bool _isStoring;
    private bool _closed;

    public Committer(string group, ICursorStore store, TimeSpan interval, TriggerCounts counts, TimeProvider time, ILogger logger)
    {
        _group = group;
        _store = store;
        _interval = interval;
        _time = time;
        _logger = logger;
        _counts = counts;
        _timer = time.CreateTimer(static c => ((Committer)c!).Tick(), this, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
    }

    /// <summary>The position of a cursor, or what is remembered with it, may have changed.</summary>
    /// <param name="cursor">The cursor.</param>
    /// <param name="soon">Whether it should not wait for the whole interval.</param>
    public void Changed(Cursor cursor, bool soon)
    {
        if (!soon && Volatile.Read(ref cursor.IsDirty))
        {
            return;
        }

        lock (_lock)
        {
            if (!cursor.IsDirty)
            {
                Volatile.Write(ref cursor.IsDirty, true);
                _dirty.Add(cursor);
            }

            Arm(soon && Soon < _interval ? Soon : _interval);
        }
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

    /// <summary>Under the lock.</summary>
    private void Arm(TimeSpan due)
    {
        var dueAt = _time.GetTimestamp() + (long)(due.TotalSeconds * _time.TimestampFrequency);
        if (dueAt < _dueAt && !_closed)
        {
            _dueAt = dueAt;
            _timer.Change(due, Timeout.InfiniteTimeSpan);
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
                foreach (var cursor in dirty)
                {
                    Changed(cursor, soon: false);
                }
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
            foreach (var cursor in dirty)
            {
                Volatile.Write(ref cursor.IsDirty, false);
            }

            return dirty;
        }
    }
}
