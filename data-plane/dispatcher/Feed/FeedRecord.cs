using Brokkr.Core.Events;
using Brokkr.Core.Log;

namespace Brokkr.Dispatcher.Feed;

/// <summary>
/// A record of a partition's window, decoded once for all Triggers. Shared by every delivery of it; what is derived from it is made on first use
/// and immutable.
/// </summary>
/// <param name="record">The record.</param>
/// <param name="event">The event in it; null if it is none.</param>
/// <param name="partition">Its partition.</param>
/// <param name="readAt">When it was read.</param>
internal sealed class FeedRecord(StoredRecord record, CloudEvent? @event, PartitionName partition, long readAt)
{
    private const int OwnSize = 120;
    private EventView? _view;

    public StoredRecord Record { get; } = record;

    public CloudEvent? Event { get; } = @event;

    /// <summary>Timestamp of the time provider when it was read.</summary>
    public long ReadAt { get; } = readAt;

    /// <summary>What it costs in memory, in bytes: attributes become text when they are sent, and JSON data of a structured event is a copy.</summary>
    public int Size { get; } =
        (2 * record.SizeInMemory) - record.Value.Length + OwnSize + (@event is { Form: DataForm.Json } ? record.Value.Length : 0);

    /// <summary>Bytes that the stream had read up to and including this record.</summary>
    public long BytesUpToHere { get; set; }

    /// <summary>The event as Triggers with these overrides see it.</summary>
    public EventView ViewFor(Overrides overrides)
    {
        // Triggers on a partition nearly always belong to one resource, so one view is kept; a race only makes it twice.
        var view = Volatile.Read(ref _view);
        if (view is null || !ReferenceEquals(view.Overrides, overrides))
        {
            view = new EventView(Event!, Record, overrides.At(partition, Record.Offset), overrides);
            Volatile.Write(ref _view, view);
        }

        return view;
    }
}

/// <summary>A partition with its number in the forms in which it is needed for every record.</summary>
internal sealed class PartitionName(TopicPartition partition)
{
    public TopicPartition Partition { get; } = partition;

    /// <summary>The number as text, for metrics.</summary>
    public string Text { get; } = partition.Partition.ToString(System.Globalization.CultureInfo.InvariantCulture);

    /// <summary>The extension <c>knativekafkapartition</c> of all its records.</summary>
    public OverlaidExtension Extension { get; } =
        new("knativekafkapartition"u8.ToArray(), System.Text.Encoding.ASCII.GetBytes($"{partition.Partition}"), AttributeType.Integer);
}
