using Brokkr.Core.Log;
using Brokkr.Embedded.Storage;
using Microsoft.Data.Sqlite;
using Microsoft.Extensions.Logging;

namespace Brokkr.Embedded.Reading;

/// <summary>
/// Reads a partition. It holds no connection between reads and asks the file only when it is known that there is something to read; at the end of
/// the partition it is woken by the commit. Hot path.
/// </summary>
internal sealed class EmbeddedReader(
    PartitionState partition,
    long offset,
    ReadConnections connections,
    TimeProvider time,
    ILogger logger,
    CancellationToken closed
) : ILogReader
{
    private static readonly TimeSpan FirstPause = TimeSpan.FromMilliseconds(100);
    private static readonly TimeSpan LongestPause = TimeSpan.FromSeconds(5);

    private long _next = offset;
    private TimeSpan _pause = FirstPause;

    public async ValueTask<long> ReadAsync(List<StoredRecord> records, int maxBytes, CancellationToken cancellation)
    {
        records.Clear();
        while (true)
        {
            var end = await MoreAsync(cancellation);
            if (!await TryReadAsync(records, end, maxBytes, cancellation))
            {
                await PauseAsync(cancellation);
                continue;
            }

            _pause = FirstPause;
            if (records.Count > 0)
            {
                return _next = records[^1].Offset + 1;
            }

            if (!partition.Topic.Gone && _next >= partition.Start)
            {
                logger.Hole(partition.Name.ToString(), _next, end);
                return _next = end;
            }
        }
    }

    public ValueTask DisposeAsync() => ValueTask.CompletedTask;

    /// <summary>Waits for a record at or after the position, which moves to the oldest record if it lies before it.</summary>
    /// <returns>Where the partition ends.</returns>
    private async ValueTask<long> MoreAsync(CancellationToken cancellation)
    {
        while (true)
        {
            cancellation.ThrowIfCancellationRequested();
            ObjectDisposedException.ThrowIf(closed.IsCancellationRequested, typeof(EmbeddedLog));
            var change = partition.NextChange();
            if (partition.Topic.Gone)
            {
                throw new PartitionGoneException($"topic {partition.Topic.Name} was deleted");
            }

            var end = partition.End;
            _next = Math.Max(_next, partition.Start);
            if (_next < end)
            {
                return end;
            }

            await change.WaitAsync(cancellation);
        }
    }

    /// <summary>False if the file could not be read.</summary>
    private async ValueTask<bool> TryReadAsync(List<StoredRecord> records, long end, int maxBytes, CancellationToken cancellation)
    {
        ReadConnection? connection = null;
        var broken = true;
        try
        {
            connection = await connections.TakeAsync(cancellation);
            Read(connection.Records, records, end, maxBytes);
            broken = false;
            return true;
        }
        catch (SqliteException e)
        {
            records.Clear();
            logger.ReadFailed(partition.Name.ToString(), _next, e);
            return false;
        }
        finally
        {
            if (connection is not null)
            {
                connections.Return(connection, broken);
            }
        }
    }

    private void Read(Statement rows, List<StoredRecord> records, long end, int maxBytes)
    {
        rows.Bind(1, partition.RecordId(_next)).Bind(2, partition.RecordId(end));
        var bytes = 0L;
        while (rows.Step())
        {
            var record = RecordCodec.Decode(partition.OffsetOf(rows.Int64(0)), rows.Int64(1), rows.Blob(2).ToArray());
            records.Add(record);
            bytes += record.SizeInMemory;
            if (bytes >= maxBytes)
            {
                // Also ends the read transaction, which would keep the write-ahead log from being folded.
                rows.Reset();
                return;
            }
        }
    }

    private async ValueTask PauseAsync(CancellationToken cancellation)
    {
        await Task.Delay(_pause, time, cancellation);
        _pause = _pause * 2 < LongestPause ? _pause * 2 : LongestPause;
    }
}
