using Brokkr.Core.Log;
using Brokkr.Dispatcher.Cursors;
using Microsoft.Extensions.Logging;

namespace Brokkr.Dispatcher.Feed;

/// <summary>What the feeds of a log have in common.</summary>
internal sealed record FeedSurroundings(
    ILog Log,
    DispatcherOptions Options,
    MemoryShares Budget,
    CatchUpPlaces CatchUpPlaces,
    Startup Startup,
    DispatcherMetrics Metrics,
    TimeProvider Time,
    ILogger Logger
);

/// <summary>
/// One owned partition. Its main stream serves every Trigger that keeps up, from one read and one decode of each record:
/// <code>
/// log ==main reader==> [ window ] --> cursor of Trigger 1
///                                 --> cursor of Trigger 2
/// log --catch-up-----> [window]   --> cursor of Trigger 3, which fell out of the main window; it goes back as soon as it reaches it
/// </code>
/// The main stream goes where the foremost cursors are and at the pace of the fastest. Those behind it read on their own; if they are behind by the
/// same, together. A Trigger that has no room for records holds no reader.
/// </summary>
internal sealed class PartitionFeed : IAsyncDisposable
{
    /// <summary>How long the first stream waits for Triggers whose positions are still being loaded.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(2);

    /// <summary>Streams of one partition that catch up at the same time.</summary>
    private const int MaxCatchUps = 2;

    private readonly Lock _lock = new();
    private readonly List<RecordStream> _catchUps = [];
    private readonly List<RecordStream> _alive = [];
    private readonly List<Cursor> _unplaced = [];
    private readonly List<Cursor> _behind = [];
    private readonly ITimer _timer;
    private RecordStream? _main;
    private int _expected;
    private bool _isPatient = true;
    private bool _isTicking;
    private bool _disposed;
    private long _end = -1;

    public PartitionFeed(TopicPartition partition, FeedSurroundings shared)
    {
        Partition = partition;
        Name = new PartitionName(partition);
        Shared = shared;
        _timer = shared.Time.CreateTimer(static feed => ((PartitionFeed)feed!).Tick(), this, Patience, Timeout.InfiniteTimeSpan);
        shared.Budget.AddFeed();
    }

    public TopicPartition Partition { get; }

    public PartitionName Name { get; }

    public FeedSurroundings Shared { get; }

    /// <summary>The next offset that the log will give, as far as is known; -1 if it is not. For metrics.</summary>
    public long End => Math.Max(Interlocked.Read(ref _end), Volatile.Read(ref _main)?.Window.Head ?? -1);

    /// <summary>The log has said how far the partition goes.</summary>
    public void ReachesTo(long end) => Interlocked.Exchange(ref _end, end);

    /// <summary>Number of streams that are open, for tests and metrics.</summary>
    public (bool Main, int CatchUps) Streams
    {
        get
        {
            lock (_lock)
            {
                return (_main is not null, _catchUps.Count);
            }
        }
    }

    /// <summary>Bytes of records in its windows, for tests and metrics.</summary>
    public long BytesHeld
    {
        get
        {
            lock (_lock)
            {
                return _alive.Sum(stream => stream.Window.Bytes);
            }
        }
    }

    /// <summary>Announces a cursor whose position is being loaded: the main stream waits a moment for it, so that all begin together.</summary>
    public void Expect()
    {
        lock (_lock)
        {
            _expected++;
        }
    }

    /// <summary>An announced cursor is ready, or will not come.</summary>
    public void Arrived()
    {
        Cursor[] ready;
        lock (_lock)
        {
            _expected--;
            ready = TakeUnplaced();
        }

        Signal(ready);
    }

    /// <summary>All egresses that were about to be served are.</summary>
    public void AllStarted()
    {
        Cursor[] ready;
        lock (_lock)
        {
            ready = TakeUnplaced();
        }

        Signal(ready);
    }

    /// <summary>Finds a stream that serves a cursor from its next offset on. The cursor has been added to it.</summary>
    /// <returns>False if there is none yet; the cursor is signalled when there is.</returns>
    public bool TryPlace(Cursor cursor)
    {
        RecordStream? started = null;
        RecordStream? left = null;
        (RecordStream Stream, Cursor[] Cursors)? catchUp = null;
        var isPlaced = true;
        lock (_lock)
        {
            if (_disposed)
            {
                return false;
            }

            if (_main is null or { IsClosed: true })
            {
                if (IsWaiting)
                {
                    if (!_unplaced.Contains(cursor))
                    {
                        _unplaced.Add(cursor);
                    }

                    return false;
                }

                started = _main = Open(cursor.Next, ReadPurpose.Feed);
            }
            else if (cursor.Next > _main.Window.Head && IsFarAhead(cursor.Next))
            {
                // The stream goes where the foremost are; the others find a reader of their own.
                left = _main;
                started = _main = Open(cursor.Next, ReadPurpose.Feed);
            }

            if (!_main.TryAdd(cursor) && !TryCatchUp(cursor))
            {
                if (!_behind.Contains(cursor))
                {
                    _behind.Add(cursor);
                }

                catchUp = OpenCatchUp();
                isPlaced = false;
            }
            else
            {
                _behind.Remove(cursor);
            }
        }

        started?.Start();
        if (left is not null)
        {
            left.Close();
            Signal(left.Cursors.ToArray());
        }

        Begin(catchUp);
        return isPlaced;
    }

    /// <summary>Moves a cursor that was catching up to the main stream, if it has reached it.</summary>
    public bool TryRejoin(Cursor cursor, RecordStream from)
    {
        var main = Volatile.Read(ref _main);
        if (main is null || main.IsClosed || !main.Window.Contains(cursor.Next))
        {
            return false;
        }

        lock (_lock)
        {
            if (_main is null || !_main.TryAdd(cursor))
            {
                return false;
            }
        }

        Leave(cursor, from);
        return true;
    }

    /// <summary>A cursor does not need its stream any more.</summary>
    public void Leave(Cursor cursor, RecordStream stream)
    {
        if (stream.Remove(cursor) && stream.Purpose == ReadPurpose.CatchUp)
        {
            Drop(stream);
        }
    }

    /// <summary>Forgets a cursor.</summary>
    public void Forget(Cursor cursor)
    {
        lock (_lock)
        {
            _unplaced.Remove(cursor);
            _behind.Remove(cursor);
        }
    }

    /// <summary>The reader of a stream has been closed.</summary>
    public void Ended(RecordStream stream)
    {
        (RecordStream, Cursor[])? next;
        lock (_lock)
        {
            _alive.Remove(stream);
            _catchUps.Remove(stream);
            if (_main == stream)
            {
                _main = null;
            }

            next = OpenCatchUp();
        }

        Begin(next);
    }

    /// <summary>Closes all readers.</summary>
    public async ValueTask DisposeAsync()
    {
        RecordStream[] alive;
        lock (_lock)
        {
            if (_disposed)
            {
                return;
            }

            _disposed = true;
            alive = [.. _alive];
            _unplaced.Clear();
        }

        Shared.Budget.RemoveFeed();
        await _timer.DisposeAsync();
        foreach (var stream in alive)
        {
            stream.Close();
        }

        foreach (var stream in alive)
        {
            await stream.Completion;
        }
    }

    private static void Signal(Cursor[] cursors)
    {
        foreach (var cursor in cursors)
        {
            cursor.Signal();
        }
    }

    /// <summary>Within so many records cursors that are behind read together: the foremost wait for the stream to reach them.</summary>
    private long Reach => Shared.Options.WindowRecords;

    /// <summary>Whether reading on to an offset would take longer than going there.</summary>
    private bool IsFarAhead(long offset) => _main!.Cursors.IsEmpty || offset - _main.Window.Head > Shared.Options.WindowRecords;

    /// <summary>Whether cursors that are behind will want to join the main stream.</summary>
    public bool ExpectsToBeJoined =>
        _catchUps.Count > 0 || _behind.Count > 0 || Volatile.Read(ref _expected) > 0 || Shared.Startup.IsPending;

    private bool IsWaiting => _isPatient && (_expected > 0 || Shared.Startup.IsPending);

    private RecordStream Open(long offset, ReadPurpose purpose)
    {
        var stream = new RecordStream(this, offset, purpose);
        _alive.Add(stream);
        return stream;
    }

    private Cursor[] TakeUnplaced()
    {
        if (IsWaiting || _unplaced.Count == 0)
        {
            return [];
        }

        // The main stream begins with the lowest of those that are within reach of the foremost; the rest would hold these up.
        var foremost = _unplaced.Max(c => c.Next);
        Cursor[] ready = [.. _unplaced.OrderBy(c => c.Next < foremost - Shared.Options.WindowRecords).ThenBy(c => c.Next)];
        _unplaced.Clear();
        return ready;
    }

    /// <summary>Serves a cursor from a stream that catches up, if one is near enough. Under the lock.</summary>
    private bool TryCatchUp(Cursor cursor)
    {
        foreach (var stream in _catchUps)
        {
            if (cursor.Next >= stream.Window.Tail && cursor.Next <= stream.Window.Head + Reach && stream.TryAdd(cursor))
            {
                return true;
            }
        }

        return false;
    }

    /// <summary>
    /// Opens a stream for whoever has been behind for the longest, and for all that are near, so that they read together. Under the lock.
    /// </summary>
    private (RecordStream Stream, Cursor[] Cursors)? OpenCatchUp()
    {
        if (_disposed || _behind.Count == 0 || _catchUps.Count >= MaxCatchUps)
        {
            return null;
        }

        var first = _behind[0].Next;
        var start = _behind.Min(cursor => cursor.Next >= first - Reach ? cursor.Next : long.MaxValue);
        Cursor[] together = [.. _behind.Where(cursor => cursor.Next >= start && cursor.Next <= start + (2 * Reach))];
        _behind.RemoveAll(together.Contains);
        var stream = Open(start, ReadPurpose.CatchUp);
        _catchUps.Add(stream);
        StartTicking();
        return (stream, together);
    }

    private static void Begin((RecordStream Stream, Cursor[] Cursors)? catchUp)
    {
        if (catchUp is { } begun)
        {
            begun.Stream.Start();
            Signal(begun.Cursors);
        }
    }

    private void Drop(RecordStream stream)
    {
        stream.Close();
        (RecordStream, Cursor[])? next;
        lock (_lock)
        {
            _catchUps.Remove(stream);
            next = OpenCatchUp();
        }

        Begin(next);
    }

    private void StartTicking()
    {
        if (!_isTicking)
        {
            _isTicking = true;
            _timer.Change(Shared.Options.CatchUpIdle / 2, Shared.Options.CatchUpIdle / 2);
        }
    }

    /// <summary>Closes readers whose Triggers are stuck, and those that have had their turn while others wait for one.</summary>
    private void Tick()
    {
        RecordStream[] catchUps;
        Cursor[] ready;
        bool isContested;
        lock (_lock)
        {
            _isPatient = false;
            ready = TakeUnplaced();
            catchUps = [.. _catchUps];
            isContested = _behind.Count > 0 || Shared.CatchUpPlaces.IsContested;
            if (catchUps.Length == 0)
            {
                _isTicking = false;
                if (!_disposed)
                {
                    _timer.Change(Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
                }
            }
        }

        Signal(ready);
        foreach (var stream in catchUps)
        {
            if (!stream.HasReader)
            {
                continue;
            }

            var isStuck = Shared.Time.GetElapsedTime(stream.UsedAt) >= Shared.Options.CatchUpIdle;
            var hadItsTurn = isContested && Shared.Time.GetElapsedTime(stream.OpenedAt) >= Shared.Options.CatchUpIdle;
            if (isStuck || hadItsTurn)
            {
                Drop(stream);
                Signal(stream.Cursors.ToArray());
            }
        }
    }
}
