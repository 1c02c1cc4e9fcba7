using Brokkr.Embedded.Storage;

namespace Brokkr.Embedded.Writing;

/// <summary>
/// Drops the oldest records of a partition that are too old or too many, at most a chunk of them, so that appends in the same transaction are not
/// held up. The result is how many were dropped, and whether there may be more.
/// </summary>
/// <param name="partition">The partition.</param>
/// <param name="now">Now, in milliseconds since the Unix epoch.</param>
internal sealed class TrimPartition(PartitionState partition, long now) : PendingWork<(int Dropped, bool More)>
{
    public const int Chunk = 500;
    private (int Dropped, bool More) _result;

    public override void Apply(WriteSession session)
    {
        _result = default;
        if (partition.Topic.Gone || partition.Topic.Going)
        {
            return;
        }

        var (retention, maxBytes, _) = partition.Topic.Settings;
        var oldest = session.Statements.Oldest;
        oldest.Bind(1, partition.RecordId(partition.PendingStart)).Bind(2, partition.RecordId(partition.PendingEnd)).Bind(3, Chunk);
        var start = partition.PendingStart;
        var bytes = partition.PendingBytes;
        var dropped = 0;
        while (oldest.Step())
        {
            var expired = retention >= 0 && oldest.Int64(1) < now - retention;
            var excess = maxBytes >= 0 && bytes > maxBytes;
            if (!expired && !excess)
            {
                oldest.Reset();
                break;
            }

            start = partition.OffsetOf(oldest.Int64(0)) + 1;
            bytes -= oldest.Int64(2);
            dropped++;
        }

        if (dropped == 0)
        {
            return;
        }

        session.Touch(partition);
        session.Statements.DeleteRecords.Bind(1, partition.RecordId(partition.PendingStart)).Bind(2, partition.RecordId(start)).Run();
        partition.PendingStart = start;
        partition.PendingBytes = bytes;
        partition.RaiseStart(start);
        _result = (dropped, dropped == Chunk);
    }

    protected override (int Dropped, bool More) Show() => _result;
}

/// <summary>Drops a chunk of the records of deleted topics. The result is whether there may be more.</summary>
internal sealed class DropOrphans : PendingWork<bool>
{
    private bool _more;

    public override void Apply(WriteSession session)
    {
        var statements = session.Statements;
        _more = statements.FindOrphan.Scalar() is not null;
        if (!_more)
        {
            return;
        }

        var partition = statements.FindOrphan.Scalar()!.Value;
        var first = partition << Schema.OffsetBits;
        var last = (partition + 1) << Schema.OffsetBits;
        if (statements.NthRecord.Bind(1, first).Bind(2, last).Bind(3, TrimPartition.Chunk).Scalar() is { } next)
        {
            statements.DeleteRecords.Bind(1, first).Bind(2, next).Run();
        }
        else
        {
            statements.DeleteRecords.Bind(1, first).Bind(2, last).Run();
            statements.DeletePartition.Bind(1, partition).Run();
        }
    }

    protected override bool Show() => _more;
}

/// <summary>
/// Gives free pages at most a chunk of them, back to the file system. Some are kept, because new records will need them. The result is whether there
/// are more to give.
/// </summary>
/// <param name="keepSome">Whether to keep a quarter of the file, at least 16 MiB, for new records.</param>
internal sealed class GiveSpaceBack(bool keepSome) : PendingWork<bool>
{
    private const int Chunk = 256;
    private const int KeptPages = 4096;
    private bool _more;

    public override void Apply(WriteSession session)
    {
        var free = session.Statements.FreePages.Scalar() ?? 0;
        var kept = keepSome ? Math.Max(KeptPages, (session.Statements.AllPages.Scalar() ?? 0) / 4) : 0;
        var give = Math.Min(Chunk, free - kept);
        _more = give == Chunk;
        if (give > 0)
        {
            session.Database.Execute($"PRAGMA incremental_vacuum({give})");
            session.FoldSoon = !_more;
        }
    }

    protected override bool Show() => _more;
}

/// <summary>Writes and takes back a little, to see whether the disk works again. The result is always true; it fails if the disk does not.</summary>
internal sealed class Probe : PendingWork<bool>
{
    public override void Apply(WriteSession session)
    {
        session.Database.Execute("INSERT INTO records (id, time, record) VALUES (-1, 0, zeroblob(65536))");
        session.Database.Execute("DELETE FROM records WHERE id = -1");
    }

    protected override bool Show() => true;
}
