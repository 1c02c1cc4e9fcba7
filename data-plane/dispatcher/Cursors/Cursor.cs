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
/// the pump need no lock. The lock guards the window of offsets.
/// </remarks>
internal sealed class Cursor
{
    private readonly Lock _lock = new();
    private readonly Trigger _trigger;
    private readonly OffsetWindow _window;
    private CursorMetadata? _remembered;
    private readonly TaskCompletionSource _drained = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly TaskCompletionSource _released = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private int _rememberedIndex;
    private int _pumps;
    private int _unfinished;
    private int _aside;
    private int _running;
    private bool _stopped;
    private bool _abandoned;
    private RecordStream? _stream;
    private long _number;
    private long _bytesTaken;
    private bool _sawRecord;
    private long _lastTimestamp = -1;
    private CursorPosition _stored;
    private bool _isStored;

    /// <summary>Creates a cursor at a position.</summary>
    /// <param name="trigger">Whose it is.</param>
    /// <param name="feed">The partition.</param>
    /// <param name="position">Where the group is, as stored.</param>
    public Cursor(Trigger trigger, PartitionFeed feed, CursorPosition position)
    {
        _trigger = trigger;
        Feed = feed;
        _window = new OffsetWindow(position.Offset);
        _remembered = CursorMetadata.Read(position.Offset, position.Metadata);
        _stored = position;
        _isStored = true;
    }

    public PartitionFeed Feed { get; }

    public TopicPartition Partition => Feed.Partition;

    /// <summary>The next offset to take.</summary>
    public long Next => _window.Next;

    /// <summary>Number of the next record in its stream's window.</summary>
    public long Number => Volatile.Read(ref _number);

    /// <summary>Bytes that its stream had read up to the last record it took.</summary>
    public long BytesTaken => Volatile.Read(ref _bytesTaken);

    /// <summary>Records taken and not finished.</summary>
    public int Unfinished => Volatile.Read(ref _unfinished);

    /// <summary>Guarded by the gate's lock.</summary>
    public bool IsQueuedForRoom { get; set; }

    /// <summary>What the committer knows that is not stored. Written under the lock of the committer.</summary>
    public volatile Unstored Unstored;

    /// <summary>Completes when nothing is stored for it any more.</summary>
    public Task Released => _released.Task;

    public bool IsStopped => Volatile.Read(ref _stopped);

    /// <summary>Records of its stream that wait or run; what it has not read is not counted.</summary>
    public long QueueLength => Math.Max(0, (Volatile.Read(ref _stream)?.Window.End ?? Number) - Number) + Unfinished;

    /// <summary>The position that would be stored now.</summary>
    public long Position
    {
        get
        {
            lock (_lock)
            {
                return _window.Position;
            }
        }
    }

    /// <summary>
    /// Where the group is, and when the record there was stored, in milliseconds since the Unix epoch; for metrics. Where that record is not in memory, the time
    /// is that of the last one before it; -1 where none was seen.
    /// </summary>
    public (long Position, long Timestamp) Oldest
    {
        get
        {
            long position;
            lock (_lock)
            {
                if (_window.First is Delivery.Delivery first)
                {
                    return (first.Offset, first.Timestamp);
                }

                position = _window.Next;
            }

            var timestamp = Volatile.Read(ref _stream)?.Window.TimestampOf(position) ?? -1;
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
        bool isDrained;
        lock (_lock)
        {
            if (isFinished)
            {
                _window.Finish(delivery);
                _aside -= delivery.IsAside ? 1 : 0;
                // In this order, so that the pump never takes an event for a record that was set aside.
                Volatile.Write(ref _unfinished, _unfinished - 1);
            }

            _running--;
            isDrained = _stopped && _running == 0;
        }

        if (isDrained)
        {
            _drained.TrySetResult();
        }

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
        lock (_lock)
        {
            _stopped = true;
            for (var record = _window.First; record is not null; record = record.Later)
            {
                ((Delivery.Delivery)record).Stop();
            }

            if (_running == 0)
            {
                _drained.TrySetResult();
            }
        }

        Feed.Forget(this);
        // The pump lets go of the stream.
        Pump();
        return _drained.Task;
    }

    /// <summary>Cancels running requests.</summary>
    public void Abort()
    {
        lock (_lock)
        {
            for (var record = _window.First; record is not null; record = record.Later)
            {
                ((Delivery.Delivery)record).Abort();
            }
        }
    }

    /// <summary>The partition belongs to somebody else: nothing may be stored for it any more.</summary>
    public void Abandon()
    {
        lock (_lock)
        {
            _abandoned = true;
        }

        _released.TrySetResult();
        _ = StopAsync();
        Abort();
    }

    /// <summary>What should be stored now.</summary>
    /// <returns>False if that is stored already, or nothing may be stored.</returns>
    public bool TryGetUnstored(out CursorPosition position)
    {
        lock (_lock)
        {
            position = new CursorPosition(_window.Position, CursorMetadata.Write(_window, _remembered));
            return !_abandoned && !(_isStored && position == _stored);
        }
    }

    /// <summary>A position has been stored, or it is not known whether it has.</summary>
    public void Stored(CursorPosition position, bool isCertain)
    {
        lock (_lock)
        {
            _stored = position;
            _isStored = isCertain;
        }
    }

    /// <summary>Whether the next event has to wait in an ordered Trigger.</summary>
    private bool HasEventUnderWay => Unfinished > Volatile.Read(ref _aside);

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
            if (settings.IsOrdered && HasEventUnderWay)
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
        var failedAttempts = 0;
        if (_remembered is { } remembered && !IsUnfinished(remembered, offset, out failedAttempts))
        {
            _window.SkipTo(offset + 1);
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
        _window.SkipTo(record.Record.Offset + 1);
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
        if (settings.IsOrdered && HasEventUnderWay)
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
        bool isTaken;
        lock (_lock)
        {
            isTaken = !_stopped;
            if (isTaken)
            {
                _window.Begin(delivery);
                _unfinished++;
                _aside += delivery.IsAside ? 1 : 0;
                _running++;
            }
        }

        if (!isTaken)
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

    /// <summary>Whether a restart must deliver an offset again.</summary>
    private bool IsUnfinished(CursorMetadata remembered, long offset, out int failedAttempts)
    {
        failedAttempts = 0;
        if (offset >= remembered.Frontier)
        {
            _remembered = null;
            return true;
        }

        var unfinished = remembered.Unfinished;
        while (_rememberedIndex < unfinished.Count && unfinished[_rememberedIndex].Offset < offset)
        {
            _rememberedIndex++;
        }

        if (_rememberedIndex < unfinished.Count && unfinished[_rememberedIndex].Offset == offset)
        {
            failedAttempts = unfinished[_rememberedIndex].FailedAttempts;
            return true;
        }

        return false;
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

        _window.SkipTo(offset);
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
