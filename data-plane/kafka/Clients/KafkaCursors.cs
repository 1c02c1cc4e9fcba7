using System.Runtime.InteropServices;
using System.Text;
using Brokkr.Core.Log;
using Brokkr.Kafka.Native;

namespace Brokkr.Kafka.Clients;

/// <summary>
/// Positions of consumer groups as Kafka's own committed offsets, read and written by administrative requests: nobody joins the groups, so lag
/// tools and a move from or back to another dispatcher work on the same offsets.
/// </summary>
internal sealed class KafkaCursors(AdminClient admin) : ICursorStore
{
    public async Task<IReadOnlyDictionary<int, CursorPosition>> LoadAsync(string group, string topic, CancellationToken cancellation) =>
        await admin.CallAsync(
            RdAdmin.ListGroupOffsetsOperation,
            (client, options, queue) =>
            {
                unsafe
                {
                    var request = RdAdmin.ListGroupOffsetsRequest(group, null);
                    RdAdmin.ListGroupOffsets(client, &request, 1, options, queue);
                    RdAdmin.ListGroupOffsetsDestroy(request);
                }
            },
            answer =>
            {
                unsafe
                {
                    var list = Partitions(RdAdmin.ListGroupOffsetsResult, answer, group);
                    var positions = new Dictionary<int, CursorPosition>();
                    for (var i = 0; list != null && i < list->Count; i++)
                    {
                        ref var entry = ref list->Entries[i];
                        if (entry.Offset < 0 || !string.Equals(Rd.Text(entry.Topic), topic, StringComparison.Ordinal))
                        {
                            continue;
                        }

                        if (entry.Error != ErrorCodes.None)
                        {
                            throw new LogUnavailableException($"group {group}: {Rd.Describe(entry.Error)}");
                        }

                        var metadata =
                            entry.Metadata == null
                                ? string.Empty
                                : Encoding.UTF8.GetString(entry.Metadata, (int)entry.MetadataSize).TrimEnd('\0');
                        positions[entry.Partition] = new CursorPosition(entry.Offset, metadata);
                    }

                    return (IReadOnlyDictionary<int, CursorPosition>)positions;
                }
            },
            cancellation
        );

    public async Task StoreAsync(
        string group,
        IReadOnlyCollection<KeyValuePair<TopicPartition, CursorPosition>> positions,
        CancellationToken cancellation
    )
    {
        if (positions.Count == 0)
        {
            return;
        }

        _ = await admin.CallAsync(
            RdAdmin.AlterGroupOffsetsOperation,
            (client, options, queue) =>
            {
                unsafe
                {
                    var list = Rd.PartitionListNew(positions.Count);
                    foreach (var ((topic, partition), position) in positions)
                    {
                        var entry = Rd.PartitionListAdd(list, topic, partition);
                        entry->Offset = position.Offset;
                        if (position.Metadata.Length > 0)
                        {
                            // The list frees it with the C library's own free.
                            var size = Encoding.UTF8.GetByteCount(position.Metadata);
                            entry->Metadata = (byte*)NativeMemory.Alloc((nuint)size + 1);
                            Encoding.UTF8.GetBytes(position.Metadata, new Span<byte>(entry->Metadata, size));
                            entry->Metadata[size] = 0;
                            entry->MetadataSize = (nuint)size;
                        }
                    }

                    var request = RdAdmin.AlterGroupOffsetsRequest(group, list);
                    Rd.PartitionListDestroy(list);
                    RdAdmin.AlterGroupOffsets(client, &request, 1, options, queue);
                    RdAdmin.AlterGroupOffsetsDestroy(request);
                }
            },
            answer =>
            {
                unsafe
                {
                    var list = Partitions(RdAdmin.AlterGroupOffsetsResult, answer, group);
                    for (var i = 0; list != null && i < list->Count; i++)
                    {
                        if (list->Entries[i].Error != ErrorCodes.None)
                        {
                            throw Failure(group, list->Entries[i].Error);
                        }
                    }

                    return 0;
                }
            },
            cancellation
        );
    }

    public async Task DeleteAsync(string group, CancellationToken cancellation) =>
        _ = await admin.CallAsync(
            RdAdmin.DeleteGroupsOperation,
            (client, options, queue) =>
            {
                unsafe
                {
                    var request = RdAdmin.DeleteGroup(group);
                    RdAdmin.DeleteGroups(client, &request, 1, options, queue);
                    RdAdmin.DeleteGroupDestroy(request);
                }
            },
            answer =>
            {
                unsafe
                {
                    nuint count;
                    var results = RdAdmin.DeleteGroupsResult(answer, &count);
                    var error = RdAdmin.GroupResultError(results[0]);
                    var code = error == 0 ? ErrorCodes.None : Rd.ErrorCode(error);
                    return code is ErrorCodes.None or ErrorCodes.GroupNotFound ? 0 : throw Failure(group, code);
                }
            },
            cancellation
        );

    private unsafe delegate nint* ResultGroups(nint answer, nuint* count);

    private static unsafe PartitionList* Partitions(ResultGroups groups, nint answer, string group)
    {
        nuint count;
        var results = groups(answer, &count);
        var error = RdAdmin.GroupResultError(results[0]);
        if (error != 0)
        {
            throw Failure(group, Rd.ErrorCode(error));
        }

        return RdAdmin.GroupResultPartitions(results[0]);
    }

    private static LogUnavailableException Failure(string group, int code) =>
        new(
            code is ErrorCodes.UnknownMember or ErrorCodes.NonEmptyGroup
                ? $"group {group} has members: stop the other consumers of this group, its positions are managed here"
                : $"group {group}: {Rd.Describe(code)}"
        );
}
