namespace Brokkr.Dispatcher.Cursors;

/// <summary>A record that was taken from the log and whose outcome is not final yet.</summary>
internal class UnfinishedRecord
{
    /// <summary>Offset of the record.</summary>
    public long Offset { get; protected internal set; }

    /// <summary>Failed attempts so far, those of earlier processes included.</summary>
    public int FailedAttempts { get; protected internal set; }

    /// <summary>The unfinished record with the next higher offset.</summary>
    internal UnfinishedRecord? Later { get; set; }

    /// <summary>The unfinished record with the next lower offset.</summary>
    internal UnfinishedRecord? Earlier { get; set; }
}

/// <summary>
/// How far a consumer group is with a partition. Only unfinished records are kept, in the order of their offsets, so that nothing grows while one
/// record hangs and millions pass it, a gap of any size costs nothing, and every operation is O(1). Not thread-safe: the cursor that owns it locks.
/// </summary>
/// <param name="start">The first offset that is not finished.</param>
internal sealed class OffsetWindow(long start)
{
    /// <summary>The next offset to take; everything before it is finished or in this window.</summary>
    public long Next { get; private set; } = start;

    /// <summary>The unfinished record with the lowest offset.</summary>
    public UnfinishedRecord? First { get; private set; }

    private UnfinishedRecord? Last { get; set; }

    /// <summary>Number of unfinished records.</summary>
    public int Count { get; private set; }

    /// <summary>Everything before this offset is finished: what may be committed.</summary>
    public long Position => First is { } first ? first.Offset : Next;

    /// <summary>Takes a record. Offsets that were left out before it count as finished: they do not exist.</summary>
    public void Begin(UnfinishedRecord record)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(record.Offset, Next);
        record.Earlier = Last;
        record.Later = null;
        if (Last is { } last)
        {
            last.Later = record;
        }
        else
        {
            First = record;
        }

        Last = record;
        Next = record.Offset + 1;
        Count++;
    }

    /// <summary>Counts everything before an offset, as far as it was not taken, as finished: filtered out, discarded, or a gap.</summary>
    public void SkipTo(long offset)
    {
        if (offset > Next)
        {
            Next = offset;
        }
    }

    /// <summary>The outcome of a record is final.</summary>
    public void Finish(UnfinishedRecord record)
    {
        if (record.Earlier is { } earlier)
        {
            earlier.Later = record.Later;
        }
        else
        {
            First = record.Later;
        }

        if (record.Later is { } later)
        {
            later.Earlier = record.Earlier;
        }
        else
        {
            Last = record.Earlier;
        }

        record.Earlier = record.Later = null;
        Count--;
    }
}
