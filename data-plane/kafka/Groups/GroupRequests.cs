using System.Text;
using Brokkr.Core.Log;
using Brokkr.Kafka.Native;

namespace Brokkr.Kafka.Groups;

/// <summary>Which broker coordinates a group. Any broker can tell.</summary>
internal sealed class FindCoordinatorRequest(string group) : Request<GroupAnswer<BrokerAddress>>(Api.FindCoordinator)
{
    private const sbyte KeyIsGroup = 0;

    public override void Write(FrameWriter writer, short version)
    {
        writer.String(group);
        if (version >= 1)
        {
            writer.Int8(KeyIsGroup);
        }
    }

    public override GroupAnswer<BrokerAddress> Read(ref FrameReader reader, short version)
    {
        if (version >= 1)
        {
            reader.Int32(); // throttling
        }

        var error = reader.Int16();
        if (version >= 1)
        {
            reader.NullableString();
        }

        reader.Int32(); // node
        var host = reader.String();
        var port = reader.Int32();
        if (error != 0)
        {
            return new GroupAnswer<BrokerAddress>(error, default);
        }

        return host.Length > 0 && port is > 0 and <= ushort.MaxValue
            ? new GroupAnswer<BrokerAddress>(0, new BrokerAddress(host, port))
            : throw new ProtocolException("a coordinator without an address");
    }
}

/// <summary>How many partitions a topic has. Any broker can tell; the topic is not created.</summary>
internal sealed class PartitionCountRequest(string topic) : Request<GroupAnswer<int>>(Api.Metadata)
{
    public override void Write(FrameWriter writer, short version)
    {
        writer.Int32(1);
        writer.String(topic);
        writer.Int8(0); // do not create
    }

    public override GroupAnswer<int> Read(ref FrameReader reader, short version)
    {
        reader.Int32(); // throttling
        for (var brokers = reader.Count(sizeof(int) + sizeof(short) + sizeof(int) + sizeof(short)); brokers > 0; brokers--)
        {
            reader.Int32();
            reader.Text();
            reader.Int32();
            reader.Text();
        }

        reader.Text(); // cluster
        reader.Int32(); // controller
        if (reader.Count(2 * sizeof(short) + 1 + sizeof(int)) != 1)
        {
            throw new ProtocolException("one topic was asked for, and not one answered");
        }

        var error = reader.Int16();
        reader.Text();
        reader.Int8();
        var count = reader.Count(sizeof(short) + 4 * sizeof(int));
        return error == ErrorCodes.UnknownTopicOrPartition
            ? new GroupAnswer<int>(0, 0)
            : new GroupAnswer<int>(error, count, $"topic {topic}");
    }
}

/// <summary>Committed offsets of a group; those of one topic are kept.</summary>
/// <param name="group">The group.</param>
/// <param name="topic">The topic.</param>
/// <param name="partitions">
/// To ask for the partitions below this number only; null for all that there are, which leaves out in silence what the user may not see.
/// </param>
internal sealed class OffsetFetchRequest(string group, string topic, int? partitions)
    : Request<GroupAnswer<IReadOnlyDictionary<int, CursorPosition>>>(Api.OffsetFetch)
{
    private readonly byte[] _topic = Encoding.UTF8.GetBytes(topic);

    public override void Write(FrameWriter writer, short version)
    {
        writer.String(group);
        if (partitions is not { } count)
        {
            writer.Int32(-1); // all topics: the numbers of the partitions are not known here
            return;
        }

        writer.Int32(1);
        writer.String(topic);
        writer.Int32(count);
        for (var i = 0; i < count; i++)
        {
            writer.Int32(i);
        }
    }

    public override GroupAnswer<IReadOnlyDictionary<int, CursorPosition>> Read(ref FrameReader reader, short version)
    {
        if (version >= 3)
        {
            reader.Int32(); // throttling
        }

        var positions = new Dictionary<int, CursorPosition>();
        short failed = 0;
        string? where = null;
        for (var topics = reader.Count(sizeof(short) + sizeof(int)); topics > 0; topics--)
        {
            var wanted = reader.Text().SequenceEqual(_topic);
            for (var left = reader.Count(sizeof(int) + sizeof(long) + 2 * sizeof(short)); left > 0; left--)
            {
                var partition = reader.Int32();
                var offset = reader.Int64();
                if (version >= 5)
                {
                    reader.Int32(); // epoch of the leader
                }

                var metadata = reader.Text();
                var error = reader.Int16();
                if (!wanted)
                {
                    continue;
                }

                if (error != 0)
                {
                    failed = error;
                    where = $"{topic}[{partition}]";
                }
                else if (offset >= 0)
                {
                    positions[partition] = new CursorPosition(offset, Encoding.UTF8.GetString(metadata));
                }
            }
        }

        var whole = reader.Int16();
        return whole != 0 ? new(whole, null) : new(failed, positions, where);
    }
}

/// <summary>Commits offsets as nobody's member; a group that has members refuses that.</summary>
internal sealed class OffsetCommitRequest(string group, IReadOnlyCollection<KeyValuePair<TopicPartition, CursorPosition>> positions)
    : Request<GroupAnswer<bool>>(Api.OffsetCommit)
{
    private readonly IGrouping<string, KeyValuePair<TopicPartition, CursorPosition>>[] _topics =
    [
        .. positions.GroupBy(static position => position.Key.Topic, StringComparer.Ordinal),
    ];

    // The caller may stop waiting and change the collection while the request goes on.
    private readonly int _count = positions.Count;

    public override void Write(FrameWriter writer, short version)
    {
        writer.String(group);
        writer.Int32(-1); // generation
        writer.String(string.Empty); // member
        if (version >= 7)
        {
            writer.String(null); // instance
        }

        if (version <= 4)
        {
            writer.Int64(-1); // kept as long as the broker says
        }

        writer.Int32(_topics.Length);
        foreach (var topic in _topics)
        {
            writer.String(topic.Key);
            writer.Int32(topic.Count());
            foreach (var ((_, partition), position) in topic)
            {
                writer.Int32(partition);
                writer.Int64(position.Offset);
                if (version >= 6)
                {
                    writer.Int32(-1); // epoch of the leader
                }

                writer.String(position.Metadata);
            }
        }
    }

    public override GroupAnswer<bool> Read(ref FrameReader reader, short version)
    {
        if (version >= 3)
        {
            reader.Int32(); // throttling
        }

        var answered = 0;
        short failed = 0;
        string? where = null;
        for (var topics = reader.Count(sizeof(short) + sizeof(int)); topics > 0; topics--)
        {
            var topic = reader.Text();
            for (var left = reader.Count(sizeof(int) + sizeof(short)); left > 0; left--, answered++)
            {
                var partition = reader.Int32();
                var error = reader.Int16();
                if (error != 0)
                {
                    failed = error;
                    where = $"{Encoding.UTF8.GetString(topic)}[{partition}]";
                }
            }
        }

        return answered >= _count
            ? new GroupAnswer<bool>(failed, true, where)
            : throw new ProtocolException($"{answered} of {_count} commits were answered");
    }
}

/// <summary>Deletes one group with its offsets.</summary>
internal sealed class DeleteGroupsRequest(string group) : Request<GroupAnswer<bool>>(Api.DeleteGroups)
{
    public override void Write(FrameWriter writer, short version)
    {
        writer.Int32(1);
        writer.String(group);
    }

    public override GroupAnswer<bool> Read(ref FrameReader reader, short version)
    {
        reader.Int32(); // throttling
        for (var left = reader.Count(2 * sizeof(short)); left > 0; left--)
        {
            var name = reader.NullableString();
            var error = reader.Int16();
            if (string.Equals(name, group, StringComparison.Ordinal))
            {
                return new GroupAnswer<bool>(error, true);
            }
        }

        throw new ProtocolException("the deleted group is not in the answer");
    }
}
