using Brokkr.Core.Log;

namespace Brokkr.Dispatcher.Cursors;

/// <summary>
/// How far a cursor is: which records it has taken and not finished, what an earlier process has left unfinished, and what of that is stored. Deliveries end on any
/// thread, so all of it is under one lock, but for what only the pump of the cursor changes.
/// </summary>
internal sealed class CursorProgress
{
    private readonly Lock _lock = new();
    private readonly OffsetWindow _window;
    private readonly TaskCompletionSource _drained = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly TaskCompletionSource _released = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private CursorMetadata? _remembered;
    private int _rememberedIndex;
    private int _unfinished;
    private int _aside;
    private int _running;
    private bool _stopped;
    private bool _abandoned;
    private CursorPosition _stored;
    private bool _isStored = true;

    /// <summary>Begins at a position.</summary>
    /// <param name="position">Where the group is, as stored.</param>
    public CursorProgress(CursorPosition position)
    {
        _window = new OffsetWindow(position.Offset);
        _remembered = CursorMetadata.Read(position.Offset, position.Metadata);
        _stored = position;
    }

    /// <summary>The next offset to take.</summary>
    public long Next => _window.Next;

    /// <summary>Records taken and not finished.</summary>
    public int Unfinished => Volatile.Read(ref _unfinished);

    /// <summary>Whether an event is among those, and not only records that have no place in the order.</summary>
    public bool HasEventUnderWay => Unfinished > Volatile.Read(ref _aside);

    public bool IsStopped => Volatile.Read(ref _stopped);

    /// <summary>Completes when nothing is stored any more.</summary>
    public Task Released => _released.Task;

    /// <summary>The position that would be stored now, and when its record was stored in the log if it has been taken, else -1.</summary>
    public (long Position, long Timestamp) Oldest
    {
        get
        {
            lock (_lock)
            {
                return _window.First is Delivery.Delivery first ? (first.Offset, first.Timestamp) : (_window.Position, -1);
            }
        }
    }

    /// <summary>Counts everything before an offset, as far as it was not taken, as finished. From the pump only.</summary>
    public void SkipTo(long offset) => _window.SkipTo(offset);

    /// <summary>Whether an offset that is about to be taken has to be delivered, or an earlier process has finished it. From the pump only.</summary>
    /// <param name="offset">The offset; they ascend.</param>
    /// <param name="failedAttempts">Attempts that failed in earlier processes.</param>
    public bool IsUnfinished(long offset, out int failedAttempts)
    {
        failedAttempts = 0;
        if (_remembered is not { } remembered)
        {
            return true;
        }

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

    /// <summary>Takes a record. From the pump only.</summary>
    /// <returns>False if it has stopped meanwhile.</returns>
    public bool TryBegin(Delivery.Delivery delivery)
    {
        lock (_lock)
        {
            if (_stopped)
            {
                return false;
            }

            _window.Begin(delivery);
            _unfinished++;
            _aside += delivery.IsAside ? 1 : 0;
            _running++;
            return true;
        }
    }

    /// <summary>The outcome of a record is final, or it will not be finished here.</summary>
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

    /// <summary>Nothing may be stored any more.</summary>
    public void Abandon()
    {
        lock (_lock)
        {
            _abandoned = true;
        }

        _released.TrySetResult();
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
}
