using Brokkr.Dispatcher.Cursors;

namespace Brokkr.Dispatcher.Delivery;

/// <summary>
/// The bounds of one Trigger: requests running at once, records taken and not finished, and their bytes. Records that wait for a retry count only for
/// the last two, so failing ones do not freeze healthy ones. Whoever finds no room is told when there is some; retries go first.
/// <para>
/// It opens slowly: one request at first, one more for each that ends well after a few have, twice as many for every moment in which room is wanting.
/// So a subscriber is not met with a hundred connections at once when a Trigger starts, and a few first events arrive in their order.
/// </para>
/// </summary>
internal sealed class DeliveryGate : IDisposable
{
    private const int FirstSuccesses = 8;
    private static readonly TimeSpan Patience = TimeSpan.FromMilliseconds(50);

    private readonly Lock _lock = new();
    private readonly Queue<Turn> _retries = new();
    private readonly Queue<Cursor> _waiting = new();
    private readonly Feed.MemoryShares _memory;
    private readonly ITimer _timer;
    private int _requestLimit;
    private int _open = 1;
    private int _successes;
    private bool _isTiming;
    private int _recordLimit;
    private int _requests;
    private int _records;
    private long _bytes;
    private int _waitingCount;

    public DeliveryGate(Feed.MemoryShares memory, int requests, int records, TimeProvider time)
    {
        _memory = memory;
        _timer = time.CreateTimer(
            static gate => ((DeliveryGate)gate!).OpenFurther(),
            this,
            Timeout.InfiniteTimeSpan,
            Timeout.InfiniteTimeSpan
        );
        SetLimits(requests, records);
    }

    /// <summary>Records taken and not finished.</summary>
    public int Records => Volatile.Read(ref _records);

    /// <summary>Bytes of the records taken and not finished.</summary>
    public long Bytes => Volatile.Read(ref _bytes);

    /// <summary>Requests running.</summary>
    public int Requests => Volatile.Read(ref _requests);

    /// <summary>Changes the limits; what is beyond them finishes in peace.</summary>
    public void SetLimits(int requests, int records)
    {
        lock (_lock)
        {
            _requestLimit = requests;
            _recordLimit = records;
        }
    }

    /// <summary>Takes room for a record and for its first request. Without room the cursor is queued.</summary>
    public bool TryTake(Cursor cursor, int size)
    {
        lock (_lock)
        {
            if (HasRoomFor(size))
            {
                _requests++;
                _records++;
                _bytes += size;
                return true;
            }

            Queue(cursor);
            return false;
        }
    }

    /// <summary>Whether so much room is free that opening a reader for it pays. If not, the cursor is queued.</summary>
    public bool HasAmpleRoomFor(Cursor cursor)
    {
        lock (_lock)
        {
            if (_requests < Limit && _records <= _recordLimit / 2 && (_records == 0 || _bytes <= _memory.DeliveryBytes / 2))
            {
                return true;
            }

            Queue(cursor);
            return false;
        }
    }

    /// <summary>A record is finished, or will not be finished here.</summary>
    /// <param name="size">Its size.</param>
    /// <param name="hasRequest">Whether it held room for a request.</param>
    /// <param name="isSuccess">Whether it ended well.</param>
    public void Finish(int size, bool hasRequest, bool isSuccess)
    {
        lock (_lock)
        {
            _records--;
            _bytes -= size;
            if (!hasRequest)
            {
                return;
            }

            _requests--;
            if (isSuccess && _open < _requestLimit && ++_successes > FirstSuccesses)
            {
                _open++;
            }
        }

        GrantTurns();
    }

    /// <summary>A record waits and gives its room for a request to others.</summary>
    public void EndRequest()
    {
        lock (_lock)
        {
            _requests--;
        }

        GrantTurns();
        WakeWaiting();
    }

    /// <summary>Waits for room for a request of a record that was taken before.</summary>
    /// <returns>False if cancelled; there is no room then.</returns>
    public async ValueTask<bool> BeginRequestAsync(CancellationToken cancellation)
    {
        Turn turn;
        lock (_lock)
        {
            if (_requests < Limit)
            {
                _requests++;
                return true;
            }

            StartTiming();
            turn = new Turn();
            _retries.Enqueue(turn);
        }

        await using var registration = cancellation.UnsafeRegister(static turn => ((Turn)turn!).Cancel(), turn);
        return await turn.Granted;
    }

    public void Dispose() => _timer.Dispose();

    /// <summary>Lets cursors that wait for room go on, as long as there is some.</summary>
    public void WakeWaiting()
    {
        while (NextWaiting() is { } cursor && cursor.Pump() != PumpEnd.NoRoom) { }
    }

    /// <summary>Under the lock.</summary>
    private int Limit => Math.Min(Math.Min(_open, _requestLimit), _memory.Requests);

    private bool HasRoomFor(int size) =>
        _requests < Limit && _records < _recordLimit && (_records == 0 || _bytes + size <= _memory.DeliveryBytes);

    private void Queue(Cursor cursor)
    {
        StartTiming();
        if (!cursor.IsQueuedForRoom)
        {
            cursor.IsQueuedForRoom = true;
            _waiting.Enqueue(cursor);
            _waitingCount++;
        }
    }

    private void StartTiming()
    {
        if (!_isTiming && _open < _requestLimit && _requests >= _open)
        {
            _isTiming = true;
            _timer.Change(Patience, Timeout.InfiniteTimeSpan);
        }
    }

    private void OpenFurther()
    {
        var turns = new List<Turn>();
        lock (_lock)
        {
            _isTiming = false;
            if (_requests < _open)
            {
                return;
            }

            _open = (int)Math.Min((long)_open * 2, _requestLimit);
            while (NextTurn() is { } turn)
            {
                turns.Add(turn);
            }

            if (_retries.Count > 0 || _waitingCount > 0)
            {
                StartTiming();
            }
        }

        turns.ForEach(turn => turn.Grant());
        WakeWaiting();
    }

    private Cursor? NextWaiting()
    {
        // Whoever queues sees the room that was given back before this, or is seen here.
        if (Volatile.Read(ref _waitingCount) == 0)
        {
            return null;
        }

        lock (_lock)
        {
            if (_waiting.Count == 0)
            {
                return null;
            }

            if (!HasRoomFor(0))
            {
                StartTiming();
                return null;
            }

            var cursor = _waiting.Dequeue();
            _waitingCount--;
            cursor.IsQueuedForRoom = false;
            return cursor;
        }
    }

    /// <summary>Lets retries that wait for room go on, as long as there is some: one that ended may make room for several, when the share of a Trigger grew meanwhile.</summary>
    private void GrantTurns()
    {
        while (true)
        {
            Turn? turn;
            lock (_lock)
            {
                turn = NextTurn();
                if (turn is null)
                {
                    if (_retries.Count > 0)
                    {
                        StartTiming();
                    }

                    return;
                }
            }

            turn.Grant();
        }
    }

    private Turn? NextTurn()
    {
        while (_requests < Limit && _retries.TryDequeue(out var turn))
        {
            if (turn.TryClaim())
            {
                _requests++;
                return turn;
            }
        }

        return null;
    }

    /// <summary>A retry that waits for room.</summary>
    private sealed class Turn
    {
        private readonly TaskCompletionSource<bool> _granted = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private int _claimed;

        public Task<bool> Granted => _granted.Task;

        public bool TryClaim() => Interlocked.Exchange(ref _claimed, 1) == 0;

        public void Grant() => _granted.TrySetResult(true);

        public void Cancel()
        {
            if (TryClaim())
            {
                _granted.TrySetResult(false);
            }
        }
    }
}
