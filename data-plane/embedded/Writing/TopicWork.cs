using Brokkr.Core.Log;
using Brokkr.Embedded.Storage;

namespace Brokkr.Embedded.Writing;

/// <summary>Creates a topic; the result is whether it did.</summary>
internal sealed class CreateTopic(TopicSpecification specification, TopicSettings settings) : PendingWork<bool>
{
    private TopicState? _created;

    public override void Apply(WriteSession session)
    {
        _created = null;
        _topics = session.Topics;
        var statements = session.Statements;
        if (statements.FindTopic.Bind(1, specification.Name).Scalar() is not null)
        {
            return;
        }

        statements.InsertTopic.Bind(1, specification.Name).Run();
        var topic = new TopicState(session.Database.LastInsertedId, specification.Name, settings);
        foreach (var (name, value) in specification.Settings)
        {
            statements.InsertSetting.Bind(1, topic.Id).Bind(2, name).Bind(3, value).Run();
        }

        topic.Partitions = new PartitionState[specification.Partitions];
        for (var number = 0; number < topic.Partitions.Length; number++)
        {
            statements.InsertPartition.Bind(1, topic.Id).Bind(2, number).Run();
            var id = session.Database.LastInsertedId;
            if (id > Schema.LargestPartitionId)
            {
                throw new InvalidDataException("the file has had too many partitions: use a new data folder");
            }

            topic.Partitions[number] = new PartitionState(topic, id, number);
        }

        _created = topic;
    }

    protected override bool Show()
    {
        if (_created is { } topic)
        {
            _topics!.Add(topic);
            return true;
        }

        return false;
    }

    private TopicTable? _topics;
}

/// <summary>
/// Deletes a topic with its settings and cursors; the result is whether there was one. Its records are left for the sweeper, because there may be many.
/// </summary>
internal sealed class DeleteTopic(string name) : PendingWork<bool>
{
    private TopicTable? _topics;
    private TopicState? _going;
    private bool _found;

    public override void Apply(WriteSession session)
    {
        _topics = session.Topics;
        var statements = session.Statements;
        _found = statements.FindTopic.Bind(1, name).Scalar() is not null;
        if (!_found)
        {
            return;
        }

        var id = statements.FindTopic.Bind(1, name).Scalar()!.Value;
        statements.DeleteCursorsOfTopic.Bind(1, id).Run();
        statements.OrphanPartitions.Bind(1, id).Run();
        statements.DeleteSettings.Bind(1, id).Run();
        statements.DeleteTopic.Bind(1, id).Run();
        if (_topics.TryGet(name, out _going))
        {
            _going.Going = true;
        }
    }

    protected override bool Show()
    {
        if (_found)
        {
            _topics!.Remove(name);
        }

        return _found;
    }

    protected override void Undo()
    {
        if (_going is not null)
        {
            _going.Going = false;
        }
    }
}
