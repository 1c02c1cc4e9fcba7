using System.Runtime.CompilerServices;

namespace Brokkr.Dispatcher.Feed;

/// <summary>Records that a cursor takes from a window at once.</summary>
[InlineArray(Size)]
internal struct RecordBatch
{
    public const int Size = 32;

    private FeedRecord? _first;
}

/// <summary>
/// Part of a partition in memory: all records with offsets from <see cref="Tail"/> to <see cref="Head"/>. Records are numbered in the order in which
/// they were read, so that a cursor that knows its number needs no search. Thread-safe.
/// </summary>
/// <param name="start">The first offset.</param>
internal sealed class RecordWindow(long start)
{
    private readonly Lock _lock = new();
    private FeedRecord?[] _ring = new FeedRecord?[64];
    private long _first;
    private long _end;
    private long _bytes;
    private long _tail = start;
    private long _head = start;
    private long _bytesRead;

    /// <summary>The lowest offset from which on the window is complete.</summary>
    public long Tail => Volatile.Read(ref _tail);

    /// <summary>The next offset that will be added.</summary>
    public long Head => Volatile.Read(ref _head);

    /// <summary>The number that the next record will get.</summary>
    public long End => Volatile.Read(ref _end);

    /// <summary>Bytes of all records that were ever added.</summary>
    public long BytesRead => Volatile.Read(ref _bytesRead);

    /// <summary>Bytes of the records that are here now.</summary>
    public long Bytes => Volatile.Read(ref _bytes);

    /// <summary>Number of records that are here now.</summary>
    public int Count
    {
        get
        {
            lock (_lock)
            {
                return (int)(_end - _first);
            }
        }
    }

    /// <summary>Whether a cursor whose next offset is this one can go on here.</summary>
    public bool Contains(long offset) => offset >= Tail && offset <= Head;

    /// <summary>Finds the first record with this or a higher offset.</summary>
    /// <param name="offset">The next offset that is wanted.</param>
    /// <param name="number">Its number.</param>
    /// <param name="bytesBefore">Bytes that had been read before it.</param>
    /// <returns>False if records between it and the window are missing.</returns>
    public bool TryFind(long offset, out long number, out long bytesBefore)
    {
        lock (_lock)
        {
            number = _end;
            bytesBefore = _bytesRead;
            if (offset < _tail)
            {
                return false;
            }

            var low = _first;
            var high = _end;
            while (low < high)
            {
                var middle = low + ((high - low) / 2);
                if (At(middle).Record.Offset < offset)
                {
                    low = middle + 1;
                }
                else
                {
                    high = middle;
                }
            }

            number = low;
            if (low < _end)
            {
                bytesBefore = At(low).BytesUpToHere - At(low).Size;
            }

            return true;
        }
    }

    /// <summary>When the first record with this or a higher offset was stored, in milliseconds since the Unix epoch; -1 if that is not here.</summary>
    public long TimestampOf(long offset)
    {
        lock (_lock)
        {
            return TryFind(offset, out var number, out _) && number < _end ? At(number).Record.Timestamp : -1;
        }
    }

    /// <summary>Copies records from a number on.</summary>
    /// <param name="number">Number of the first one wanted.</param>
    /// <param name="into">Gets them.</param>
    /// <param name="head">The next offset that will be added, when everything before it has been copied; else -1.</param>
    /// <returns>How many; -1 if the first one is not here any more.</returns>
    public int Read(long number, Span<FeedRecord?> into, out long head)
    {
        lock (_lock)
        {
            head = -1;
            if (number < _first)
            {
                return -1;
            }

            var count = (int)Math.Min(into.Length, _end - number);
            for (var i = 0; i < count; i++)
            {
                into[i] = At(number + i);
            }

            if (number + count == _end)
            {
                head = _head;
            }

            return count;
        }
    }

    /// <summary>Adds what was read. Makes room first, by letting go of the oldest.</summary>
    /// <param name="records">The records, in order.</param>
    /// <param name="head">The next offset to be read after them.</param>
    /// <param name="maxBytes">Bound in bytes.</param>
    /// <param name="maxRecords">Bound in records.</param>
    /// <param name="keepFrom">Records from this number on stay, whatever the bounds say: the fastest cursor has not had them yet.</param>
    public void Add(List<FeedRecord> records, long head, long maxBytes, int maxRecords, long keepFrom)
    {
        long added = 0;
        foreach (var record in records)
        {
            added += record.Size;
        }

        lock (_lock)
        {
            while (_first < Math.Min(_end, keepFrom) && (_bytes + added > maxBytes || _end - _first + records.Count > maxRecords))
            {
                LetGo();
            }

            foreach (var record in records)
            {
                if (_end - _first == _ring.Length)
                {
                    Grow();
                }

                _bytesRead += record.Size;
                record.BytesUpToHere = _bytesRead;
                _ring[_end & (_ring.Length - 1)] = record;
                _end++;
            }

            _bytes += added;
            if (head > _head)
            {
                _head = head;
            }
        }
    }

    /// <summary>Lets go of records that every cursor has had, down to a rest.</summary>
    /// <param name="number">Number of the first record that is still wanted.</param>
    /// <param name="rest">Bytes that may stay for those who join later.</param>
    public void Trim(long number, long rest)
    {
        if (Bytes <= rest)
        {
            return;
        }

        lock (_lock)
        {
            while (_first < Math.Min(_end, number) && _bytes > rest)
            {
                LetGo();
            }

            if (_first == _end && _ring.Length > 1024)
            {
                _ring = new FeedRecord?[64];
                _first = _end;
            }
        }
    }

    private FeedRecord At(long number) => _ring[number & (_ring.Length - 1)]!;

    private void LetGo()
    {
        var slot = _first & (_ring.Length - 1);
        var record = _ring[slot]!;
        _ring[slot] = null;
        _first++;
        _bytes -= record.Size;
        _tail = record.Record.Offset + 1;
    }

    private void Grow()
    {
        var bigger = new FeedRecord?[_ring.Length * 2];
        for (var number = _first; number < _end; number++)
        {
            bigger[number & (bigger.Length - 1)] = At(number);
        }

        _ring = bigger;
    }
}
