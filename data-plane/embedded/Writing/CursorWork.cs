using Brokkr.Core.Log;

namespace Brokkr.Embedded.Writing;

/// <summary>Stores positions of a group. Those of partitions that do not exist (any more) are dropped: cursors go with their topic.</summary>
internal sealed class StoreCursors(string group, IReadOnlyCollection<KeyValuePair<TopicPartition, CursorPosition>> positions)
    : PendingWork<bool>
{
    public override void Apply(WriteSession session)
    {
        foreach (var ((topic, number), position) in positions)
        {
            if (session.Topics.TryGet(topic, out var state) && !state.Going && (uint)number < (uint)state.Partitions.Length)
            {
                session
                    .Statements.StoreCursor.Bind(1, group)
                    .Bind(2, state.Partitions[number].Id)
                    .Bind(3, position.Offset)
                    .Bind(4, position.Metadata)
                    .Run();
            }
        }
    }

    protected override bool Show() => true;
}

/// <summary>Forgets a group.</summary>
internal sealed class DeleteGroup(string group) : PendingWork<bool>
{
    public override void Apply(WriteSession session) => session.Statements.DeleteGroup.Bind(1, group).Run();

    protected override bool Show() => true;
}
