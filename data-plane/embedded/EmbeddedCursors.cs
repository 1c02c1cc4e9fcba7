using System.Text;
using Brokkr.Core.Log;
using Brokkr.Embedded.Reading;
using Brokkr.Embedded.Storage;
using Brokkr.Embedded.Writing;
using Microsoft.Data.Sqlite;

namespace Brokkr.Embedded;

/// <summary>Positions of consumer groups. Stores share a transaction with appends.</summary>
internal sealed class EmbeddedCursors(TopicTable topics, Writer writer, ReadConnections connections) : ICursorStore
{
    private const int MaxMetadataBytes = 4096;

    public async Task<IReadOnlyDictionary<int, CursorPosition>> LoadAsync(string group, string topic, CancellationToken cancellation)
    {
        var cursors = new Dictionary<int, CursorPosition>();
        if (!topics.TryGet(topic, out var state))
        {
            return cursors;
        }

        ReadConnection? connection = null;
        var broken = true;
        try
        {
            connection = await connections.TakeAsync(cancellation);
            Read(connection.Cursors.Bind(1, group).Bind(2, state.Id), cursors);
            broken = false;
            return cursors;
        }
        catch (SqliteException e)
        {
            throw new LogUnavailableException($"the embedded log cannot be read: {e.Message}", e);
        }
        finally
        {
            if (connection is not null)
            {
                connections.Return(connection, broken);
            }
        }
    }

    /// <exception cref="ArgumentException">Metadata is longer than 4096 bytes.</exception>
    public async Task StoreAsync(
        string group,
        IReadOnlyCollection<KeyValuePair<TopicPartition, CursorPosition>> positions,
        CancellationToken cancellation
    )
    {
        foreach (var (partition, position) in positions)
        {
            if (position.Metadata.Length > MaxMetadataBytes / 3 && Encoding.UTF8.GetByteCount(position.Metadata) > MaxMetadataBytes)
            {
                throw new ArgumentException($"the metadata of {partition} is longer than {MaxMetadataBytes} bytes", nameof(positions));
            }
        }

        if (positions.Count > 0)
        {
            // The caller may reuse its collection when it gives up waiting; the writer must not see that.
            await writer.WriteAsync(new StoreCursors(group, [.. positions]), cancellation);
        }
    }

    public Task DeleteAsync(string group, CancellationToken cancellation) => writer.WriteAsync(new DeleteGroup(group), cancellation);

    private static void Read(Statement rows, Dictionary<int, CursorPosition> cursors)
    {
        while (rows.Step())
        {
            cursors[(int)rows.Int64(0)] = new CursorPosition(rows.Int64(1), rows.Text(2));
        }
    }
}
