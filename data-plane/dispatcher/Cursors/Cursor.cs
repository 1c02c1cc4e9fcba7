using Brokkr.Core.Filters;
using Brokkr.Core.Log;
using Brokkr.Dispatcher.Delivery;
using Brokkr.Dispatcher.Feed;

namespace Brokkr.Dispatcher.Cursors;

/// <summary>Why a cursor stopped taking records for now.</summary>
internal enum PumpEnd
{
    /// <summary>There are no more; it is signalled when there are.</summary>
    NoRecords,

    /// <summary>Its Trigger has no room; it is queued for some.</summary>
    NoRoom,

    /// <summary>An earlier record must finish first; that signals it.</summary>
    InOrder,

    /// <summary>The rate limiter of its Trigger holds it; that signals it.</summary>
    Paced,

    /// <summary>It is being pumped on another thread, which goes round once more.</summary>
    Elsewhere,

    /// <summary>It takes nothing any more.</summary>
    Stopped,
}

/// <summary>
/// One Trigger on one partition, for as long as this process owns the partition: takes records from the partition's window, filters them, starts
/// deliveries, and knows which are unfinished. A new assignment makes a new cursor, so what finishes late belongs to a cursor that commits no more.
/// </summary>
/// <remarks>
/// Hot path, without queues: whoever adds records or finishes one pumps the cursor on its own thread. Only one thread pumps at a time; the fields of
/// the pump need no lock. What others change too is in <see cref="CursorProgress"/>.
/// </remarks>
internal sealed class Cursor
{
    private readonly Trigger _trigger;
    private readonly CursorProgress _progress;
    private int _pumps;
    private RecordStream? _stream;
    private long _number;
    private long _bytesTaken;
    private bool _sawRecord;
    private long _lastTimestamp = -1;

    /// <summary>Creates a cursor at a position.</summary>
    /// <param name="trigger">Whose it is.</param>
    /// <param name="feed">The partition.</param>
    /// <param name="position">Where the group is, as stored.</param>
    public Cursor(Trigger trigger, PartitionFeed feed, CursorPosition position)
    {
        _trigger = trigger;
        Feed = feed;
        _progress = new CursorProgress(position);
    }

    public PartitionFeed Feed { get; }

    public TopicPartition Partition => Feed.Partition;

    /// <summary>The next offset to take.</summary>
    public long Next => _progress.Next;

    /// <summary>Number of the next record in its stream's window.</summary>
    public long Number => Volatile.Read(ref _number);

    /// <summary>Bytes that its stream had read up to the last record it took.</summary>
    public long BytesTaken => Volatile.Read(ref _bytesTaken);

    /// <summary>Records taken and not finished.</summary>
    public int Unfinished => _progress.Unfinished;

    /// <summary>Guarded by the gate's lock.</summary>
    public bool IsQueuedForRoom { get; set; }

    /// <summary>What the committer knows that is not stored. Written under the lock of the committer.</summary>
    public volatile Unstored Unstored;

    /// <summary>Completes when nothing is stored for it any more.</summary>
    public Task Released => _progress.Released;

    public bool IsStopped => _progress.IsStopped;

    /// <summary>Records of its stream that wait or run; what it has not read is not counted.</summary>
    public long QueueLength => Math.Max(0, (Volatile.Read(ref _stream)?.Window.End ?? Number) - Number) + Unfinished;

    /// <summary>The position that would be stored now.</summary>
    public long Position => _progress.Oldest.Position;

    /// <summary>
    /// Where the group is, and when the record there was stored, in milliseconds since the Unix epoch; for metrics. Where that record is not in memory, the time
    /// is that of the last one before it; -1 where none was seen.
    /// </summary>
    public (long Position, long Timestamp) Oldest
    {
        get
        {
            var (position, timestamp) = _progress.Oldest;
            if (timestamp >= 0)
            {
                return (position, timestamp);
            }

            timestamp = Volatile.Read(ref _stream)?.Window.TimestampOf(position) ?? -1;
            return (position, timestamp < 0 ? Volatile.Read(ref _lastTimestamp) : timestamp);
        }
    }

    /// <summary>Goes on at a stream. Called under the feed's lock, from this cursor's pump.</summary>
    public void MoveTo(RecordStream stream, long number, long bytesBefore)
    {
        _stream = stream;
        Volatile.Write(ref _number, number);
        Volatile.Write(ref _bytesTaken, bytesBefore);
    }

    /// <summary>There may be something to do: takes what there is, then lets other cursors of the Trigger use the room that is left.</summary>
    public void Signal()
    {
        Pump();
        _trigger.Gate.WakeWaiting();
    }

    /// <summary>Takes records until there are no more, or no room.</summary>
    public PumpEnd Pump()
    {
        if (Interlocked.Increment(ref _pumps) != 1)
        {
            return PumpEnd.Elsewhere;
        }

        var seen = 1;
        while (true)
        {
            var end = Take();
            var more = Interlocked.Add(ref _pumps, -seen);
            if (more == 0)
            {
                return end;
            }

            seen = more;
        }
    }

    /// <summary>The outcome of a record is final, or it will not be finished by this cursor.</summary>
    public void End(Delivery.Delivery delivery, bool isFinished)
    {
        _progress.End(delivery, isFinished);
        if (isFinished)
        {
            _trigger.Committer.Finished(this);
        }
    }

    /// <summary>A record is done: it was delivered, or needed no delivery.</summary>
    public void Done(FeedRecord record)
    {
        var settings = _trigger.Settings;
        if (settings.MeasuresQueue)
        {
            _trigger.Metrics.QueueDone(settings, Feed, record.ReadAt);
        }
    }

    /// <summary>Takes no more records and cancels waits for retries.</summary>
    /// <returns>Completes when no delivery is running any more.</returns>
    public Task StopAsync()
    {
        var drained = _progress.StopAsync();
        Feed.Forget(this);
        // The pump lets go of the stream.
        Pump();
        return drained;
    }

    /// <summary>Cancels running requests.</summary>
    public void Abort() => _progress.Abort();

    /// <summary>The partition belongs to somebody else: nothing may be stored for it any more.</summary>
    public void Abandon()
    {
        _progress.Abandon();
        _ = StopAsync();
        Abort();
    }

    /// <summary>What should be stored now.</summary>
    /// <returns>False if that is stored already, or nothing may be stored.</returns>
    public bool TryGetUnstored(out CursorPosition position) => _progress.TryGetUnstored(out position);

    /// <summary>A position has been stored, or it is not known whether it has.</summary>
    public void Stored(CursorPosition position, bool isCertain) => _progress.Stored(position, isCertain);

    private PumpEnd Take()
    {
        var batch = default(RecordBatch);
        Span<FeedRecord?> records = batch;
        while (true)
        {
            if (IsStopped)
            {
                LeaveStream();
                return PumpEnd.Stopped;
            }

            if (_stream is { IsClosed: true })
            {
                LeaveStream();
            }

            var settings = _trigger.Settings;
            if (settings.IsOrdered && _progress.HasEventUnderWay)
            {
                return PumpEnd.InOrder;
            }

            var end = FindStream(settings);
            if (_stream is not { } stream)
            {
                return end;
            }

            var count = stream.Window.Read(_number, records, out var head);
            if (count < 0)
            {
                // Fell out of the window: the others do not wait.
                LeaveStream();
                continue;
            }

            if (count == 0)
            {
                SkipTo(head);
                return PumpEnd.NoRecords;
            }

            end = TakeFrom(stream, records[..count], settings);
            if (end != PumpEnd.NoRecords)
            {
                return end;
            }
        }
    }

    private PumpEnd TakeFrom(RecordStream stream, ReadOnlySpan<FeedRecord?> records, TriggerSettings settings)
    {
        var taken = 0;
        var before = Next;
        var end = PumpEnd.NoRecords;
        foreach (var record in records)
        {
            end = Take(record!, settings);
            if (end != PumpEnd.NoRecords)
            {
                break;
            }

            taken++;
        }

        if (taken > 0)
        {
            Volatile.Write(ref _bytesTaken, records[taken - 1]!.BytesUpToHere);
            Volatile.Write(ref _number, _number + taken);
            Volatile.Write(ref _lastTimestamp, records[taken - 1]!.Record.Timestamp);
            _trigger.Counts.Taken(taken, stream.Purpose);
            stream.Consumed(this);
            if (Next != before)
            {
                _trigger.Committer.Moved(this);
            }
        }

        return end;
    }

    private PumpEnd Take(FeedRecord record, TriggerSettings settings)
    {
        var offset = record.Record.Offset;
        if (offset < Next)
        {
            return PumpEnd.NoRecords;
        }

        if (offset > Next)
        {
            SkipTo(offset);
        }

        _sawRecord = true;
        if (!_progress.IsUnfinished(offset, out var failedAttempts))
        {
            _progress.SkipTo(offset + 1);
            return PumpEnd.NoRecords;
        }

        var started = DispatcherMetrics.Now;
        if (record.ViewFor(settings) is not { } view)
        {
            return SetAside(record);
        }

        if (!Matches(settings, view, offset))
        {
            _trigger.Metrics.Filtered(settings, view, started);
            return Pass(record);
        }

        return Start(record, view, settings, started, failedAttempts);
    }

    /// <summary>A record needs no delivery.</summary>
    private PumpEnd Pass(FeedRecord record)
    {
        _progress.SkipTo(record.Record.Offset + 1);
        Done(record);
        return PumpEnd.NoRecords;
    }

    /// <summary>
    /// A record that is no event goes to the dead letter topic, without regard to filters, which cannot be asked. It has no place in the order of the
    /// events: those after it do not wait until it is stored.
    /// </summary>
    private PumpEnd SetAside(FeedRecord record)
    {
        if (_trigger.DeadLetterTopic == DeadLetterTopic.Disabled)
        {
            _trigger.Discard(this, record);
            return Pass(record);
        }

        if (!_trigger.Gate.TryTake(this, record.Size))
        {
            return PumpEnd.NoRoom;
        }

        _trigger.Discard(this, record);
        var delivery = _trigger.Deliveries.Rent();
        delivery.PrepareAside(this, _trigger, record);
        return Begin(delivery, record);
    }

    private PumpEnd Start(FeedRecord record, EventView view, TriggerSettings settings, long started, int failedAttempts)
    {
        if (settings.IsOrdered && _progress.HasEventUnderWay)
        {
            return PumpEnd.InOrder;
        }

        if (!_trigger.Pace.HasTurn(this, settings.RecordsPerSecond))
        {
            return PumpEnd.Paced;
        }

        if (!_trigger.Gate.TryTake(this, record.Size))
        {
            return PumpEnd.NoRoom;
        }

        _trigger.Pace.Take(settings.RecordsPerSecond);

        _trigger.Metrics.Filtered(settings, view, started);
        var delivery = _trigger.Deliveries.Rent();
        delivery.Prepare(this, _trigger, record, view, failedAttempts);
        return Begin(delivery, record);
    }

    /// <summary>A delivery begins; room for it has been taken.</summary>
    private PumpEnd Begin(Delivery.Delivery delivery, FeedRecord record)
    {
        if (!_progress.TryBegin(delivery))
        {
            _trigger.Gate.Finish(record.Size, hasRequest: true, isSuccess: false);
            return PumpEnd.Stopped;
        }

        delivery.Start();
        return PumpEnd.NoRecords;
    }

    private bool Matches(TriggerSettings settings, EventView view, long offset)
    {
        if (settings.Filter is not { } filter)
        {
            return true;
        }

        try
        {
            return filter.Matches(new FilterInput(view.Event, view.Overlay));
        }
        catch (Exception failure)
        {
            _trigger.FilterFailed(this, offset, view, failure);
            return false;
        }
    }

    /// <summary>Offsets up to this one do not exist: compacted, or markers of transactions.</summary>
    private void SkipTo(long offset)
    {
        var gap = offset - Next;
        if (gap <= 0)
        {
            return;
        }

        if (_sawRecord)
        {
            _trigger.Metrics.Skipped(_trigger.Settings, gap);
        }

        _progress.SkipTo(offset);
        _trigger.Committer.Moved(this);
    }

    private PumpEnd FindStream(TriggerSettings settings)
    {
        if (_stream is { } stream)
        {
            if (stream.Purpose == ReadPurpose.CatchUp)
            {
                Feed.TryRejoin(this, stream);
            }

            return PumpEnd.NoRecords;
        }

        if (!settings.IsOrdered && !_trigger.Gate.HasAmpleRoomFor(this))
        {
            return PumpEnd.NoRoom;
        }

        Feed.TryPlace(this);
        return PumpEnd.NoRecords;
    }

    private void LeaveStream()
    {
        if (_stream is { } stream)
        {
            _stream = null;
            Feed.Leave(this, stream);
        }
    }
}
