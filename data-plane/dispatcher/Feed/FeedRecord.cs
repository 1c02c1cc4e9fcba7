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
/// <param name="problem">Why it is no event, as a sentence; null if it is one.</param>
internal sealed class FeedRecord(StoredRecord record, CloudEvent? @event, PartitionName partition, long readAt, string? problem = null)
{
    private const int OwnSize = 120;
    private EventView? _view;

    public StoredRecord Record { get; } = record;

    public CloudEvent? Event { get; } = @event;

    public PartitionName Partition { get; } = partition;

    /// <summary>Why it is no event, as a sentence; null if it is one.</summary>
    public string? Problem { get; } = problem;

    /// <summary>Its way to the dead letter topic, common to all Triggers, if it is no event. Guarded by <see cref="Delivery.DeadLetterTopics"/>.</summary>
    public Lazy<Task<(AppendOutcome Outcome, string Problem)>>? Storing { get; set; }

    /// <summary>Timestamp of the time provider when it was read.</summary>
    public long ReadAt { get; } = readAt;

    /// <summary>What it costs in memory, in bytes: attributes become text when they are sent, and JSON data of a structured event is a copy.</summary>
    public int Size { get; } =
        (2 * record.SizeInMemory) - record.Value.Length + OwnSize + (@event is { Form: DataForm.Json } ? record.Value.Length : 0);

    /// <summary>Bytes that the stream had read up to and including this record.</summary>
    public long BytesUpToHere { get; set; }

    /// <summary>The event as a Trigger with these settings sees it; null if the record is no event for it.</summary>
    public EventView? ViewFor(TriggerSettings settings)
    {
        // Triggers on a partition nearly always belong to one resource, so one view is kept; a race only makes it twice.
        var view = Volatile.Read(ref _view);
        var synthesizer = Event is null ? settings.Synthesizer : null;
        if (view is not null && ReferenceEquals(view.Overrides, settings.Overrides) && ReferenceEquals(view.Synthesizer, synthesizer))
        {
            return view;
        }

        var seen = Event ?? synthesizer?.Make(Record, Partition.Topic, Partition.Partition.Partition);
        if (seen is null)
        {
            return null;
        }

        view = new EventView(seen, Record, settings.Overrides.At(Partition, Record.Offset), settings.Overrides, synthesizer);
        Volatile.Write(ref _view, view);
        return view;
    }
}

/// <summary>A partition with its number in the forms in which it is needed for every record.</summary>
internal sealed class PartitionName(TopicPartition partition)
{
    public TopicPartition Partition { get; } = partition;

    /// <summary>The topic as UTF-8.</summary>
    public byte[] Topic { get; } = System.Text.Encoding.UTF8.GetBytes(partition.Topic);

    /// <summary>The number as text, for metrics.</summary>
    public string Text { get; } = partition.Partition.ToString(System.Globalization.CultureInfo.InvariantCulture);

    /// <summary>The extension <c>knativekafkapartition</c> of all its records.</summary>
    public OverlaidExtension Extension { get; } =
        new("knativekafkapartition"u8.ToArray(), System.Text.Encoding.ASCII.GetBytes($"{partition.Partition}"), AttributeType.Integer);
}
