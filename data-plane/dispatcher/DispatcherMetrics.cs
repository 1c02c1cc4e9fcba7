using System.Collections.Concurrent;
using System.Diagnostics;
using System.Diagnostics.Metrics;
using System.Globalization;
using Brokkr.Core.Contract.Wire;
using Brokkr.Core.Events;
using Brokkr.Core.Log;
using Brokkr.Core.Telemetry;
using Brokkr.Dispatcher.Cursors;
using Brokkr.Dispatcher.Feed;
using Brokkr.Dispatcher.Telemetry;

namespace Brokkr.Dispatcher;

/// <summary>
/// What a dispatcher measures: the original's series (dispatcher §11.2) with constant sets of tags, empty where there is nothing to say, and
/// <c>brokkr.dispatcher.*</c> of our own for what the original keeps silent about.
/// </summary>
internal sealed class DispatcherMetrics : IDisposable
{
    /// <summary>Name of the meter.</summary>
    public const string MeterName = "Brokkr.Dispatcher";

    private const string InvalidType = "InvalidCloudEvent";
    private const string SkippedType = "OffsetSkippingCloudEvent";

    private static readonly string[] Statuses =
    [
        .. Enumerable.Range(0, 1000).Select(s => s == 0 ? "" : s.ToString(CultureInfo.InvariantCulture)),
    ];

    private readonly Meter _meter;
    private readonly EventTypeTags _types;
    private readonly IMetricSeries _series;
    private readonly Histogram<double> _dispatchLatency;
    private readonly Histogram<double> _processLatency;
    private readonly Histogram<double> _queueLatency;
    private readonly UpDownCounter<long> _inFlight;
    private readonly Counter<long> _discarded;
    private readonly Counter<long> _skipped;
    private readonly Counter<long> _answersDropped;
    private readonly UpDownCounter<long> _held;
    private readonly Counter<long> _tokens;
    private readonly ConcurrentDictionary<Cursor, MetricTags> _queues = new();
    private readonly ProcessCounts _process;
    private readonly TriggerGauges _triggers;

    public DispatcherMetrics(EventTypeTags types, IMetricSeries series, TimeProvider time)
    {
        _types = types;
        _series = series;
        _meter = new Meter(MeterName);
        _dispatchLatency = EventingInstruments.DispatchLatency(_meter);
        _processLatency = EventingInstruments.ProcessLatency(_meter);
        _queueLatency = EventingInstruments.ExecutorQueueLatency(_meter);
        _inFlight = EventingInstruments.InFlightRequests(_meter);
        _discarded = EventingInstruments.DiscardedEvents(_meter);
        _skipped = EventingInstruments.SkippedOffsets(_meter);
        _meter.CreateObservableUpDownCounter(
            "kn.eventing.kafka.executor_queue.length",
            MeasureQueues,
            "1",
            "Number of events in executor queue per partition"
        );
        _answersDropped = _meter.CreateCounter<long>(
            "brokkr.dispatcher.dropped_answers",
            description: "Bodies of successful answers that are no events"
        );
        _held = _meter.CreateUpDownCounter<long>(
            "brokkr.dispatcher.held_records",
            description: "Records that wait because their dead letter topic cannot be made or written"
        );
        _tokens = _meter.CreateCounter<long>(
            "brokkr.dispatcher.token_requests",
            description: "Times that the source of tokens for subscribers was asked for one"
        );
        _process = new ProcessCounts(_meter);
        _triggers = new TriggerGauges(_meter, time);
    }

    /// <summary>A timestamp to measure from.</summary>
    public static long Now => Stopwatch.GetTimestamp();

    /// <summary>The tags of a Trigger.</summary>
    public MetricTags TagsOf(Reference? reference) => new(reference, _inFlight);

    /// <summary>A Trigger is served from now on.</summary>
    public void Begin(Trigger trigger) => _triggers.Add(trigger);

    /// <summary>A Trigger is served no more; its series are forgotten.</summary>
    public void End(Trigger trigger)
    {
        _triggers.Remove(trigger);
        _series.Remove(trigger.Settings.Tags.Identity);
    }

    /// <summary>Records were read from the log.</summary>
    public void Read(int records, ReadPurpose purpose) => _process.Read(records, purpose);

    /// <summary>Partitions came or went.</summary>
    public void HandedOver(PartitionChange change, int partitions) => _process.HandedOver(change, partitions);

    /// <summary>An event has been filtered, whatever came of it.</summary>
    public void Filtered(TriggerSettings settings, EventView view, long started)
    {
        if (_processLatency.Enabled)
        {
            var tags = settings.Tags.List;
            tags.Add(EventingInstruments.EventTypeTag, TypeOf(view.Event));
            _processLatency.Record(Stopwatch.GetElapsedTime(started).TotalMilliseconds, tags);
        }
    }

    /// <summary>The subscriber's outcome is final.</summary>
    public void Dispatched(TriggerSettings settings, EventView view, int status, long filteredAt)
    {
        if (_dispatchLatency.Enabled)
        {
            var tags = settings.Tags.List;
            tags.Add(EventingInstruments.StatusCodeTag, Statuses[status]);
            tags.Add(EventingInstruments.EventTypeTag, TypeOf(view.Event));
            _dispatchLatency.Record(Stopwatch.GetElapsedTime(filteredAt).TotalMilliseconds, tags);
        }
    }

    /// <summary>A record is no event, or could not be filtered.</summary>
    public void Discarded(TriggerSettings settings)
    {
        var tags = settings.Tags.List;
        tags.Add(EventingInstruments.EventTypeTag, InvalidType);
        _discarded.Add(1, tags);
    }

    /// <summary>Offsets do not exist.</summary>
    public void Skipped(TriggerSettings settings, long offsets)
    {
        var tags = settings.Tags.List;
        tags.Add(EventingInstruments.EventTypeTag, SkippedType);
        _skipped.Add(offsets, tags);
    }

    /// <summary>A record of an ordered Trigger is done.</summary>
    public void QueueDone(TriggerSettings settings, PartitionFeed feed, long readAt)
    {
        if (_queueLatency.Enabled)
        {
            _queueLatency.Record(feed.Shared.Time.GetElapsedTime(readAt).TotalMilliseconds, settings.Tags.At(feed));
        }
    }

    /// <summary>Shows how long the queue of a cursor is, or no longer.</summary>
    public void MeasureQueue(Cursor cursor, MetricTags? tags)
    {
        if (tags is null)
        {
            _queues.TryRemove(cursor, out _);
        }
        else
        {
            _queues[cursor] = tags;
        }
    }

    public void AnswerDropped(TriggerSettings settings) => _answersDropped.Add(1, settings.Tags.List);

    public void Held(TriggerSettings settings, int difference) => _held.Add(difference, settings.Tags.List);

    /// <summary>A token for subscribers was asked for.</summary>
    public void TokenAsked(bool isIssued) => _tokens.Add(1, new KeyValuePair<string, object?>("result", isIssued ? "issued" : "failed"));

    public void Dispose()
    {
        _triggers.Dispose();
        _meter.Dispose();
    }

    private string TypeOf(CloudEvent @event) => _types.Of(@event.Get(CoreAttribute.Type));

    private IEnumerable<Measurement<long>> MeasureQueues()
    {
        foreach (var (cursor, tags) in _queues)
        {
            yield return new Measurement<long>(cursor.QueueLength, tags.At(cursor.Feed));
        }
    }
}

/// <summary>The tags by which the series of a Trigger are told apart. Channels put their own reference into each egress, as in the original.</summary>
internal sealed class MetricTags
{
    private readonly UpDownCounter<long> _inFlight;
    private readonly TagList _subscriber;
    private readonly TagList _deadLetterSink;
    private readonly TagList _reply;

    public MetricTags(Reference? reference, UpDownCounter<long> inFlight)
    {
        _inFlight = inFlight;
        var kind = reference?.Kind ?? "";
        Identity =
        [
            new(EventingInstruments.ConsumerGroupTag, reference?.Name ?? ""),
            new(EventingInstruments.ResourceNameTag(kind), reference?.Name ?? ""),
            new(EventingInstruments.ResourceNamespaceTag(kind), reference?.Namespace ?? ""),
        ];
        var list = default(TagList);
        foreach (var (key, value) in Identity)
        {
            list.Add(key, value);
        }

        List = list;
        _subscriber = InFlight("send", "subscriber");
        _deadLetterSink = InFlight("send", "deadLetterSink");
        _reply = InFlight("reply", "");
    }

    /// <summary>The tags that all series of the Trigger carry.</summary>
    public KeyValuePair<string, string>[] Identity { get; }

    /// <summary>The same, to add more to.</summary>
    public TagList List { get; }

    /// <summary>The tags of a partition.</summary>
    public TagList At(PartitionFeed feed)
    {
        var tags = List;
        tags.Add(EventingInstruments.PartitionTag, feed.Name.Text);
        tags.Add(EventingInstruments.TopicTag, feed.Partition.Topic);
        return tags;
    }

    /// <summary>A request begins.</summary>
    public void Begin(TargetKind kind) => Count(kind, 1);

    /// <summary>A request has ended.</summary>
    public void End(TargetKind kind) => Count(kind, -1);

    private void Count(TargetKind kind, int difference)
    {
        if (!_inFlight.Enabled)
        {
            return;
        }

        switch (kind)
        {
            case TargetKind.Subscriber:
                _inFlight.Add(difference, _subscriber);
                break;
            case TargetKind.DeadLetterSink:
                _inFlight.Add(difference, _deadLetterSink);
                break;
            default:
                _inFlight.Add(difference, _reply);
                break;
        }
    }

    private TagList InFlight(string operation, string target)
    {
        var tags = List;
        tags.Add(EventingInstruments.OperationNameTag, operation);
        tags.Add(EventingInstruments.OperationTypeTag, "send");
        tags.Add(EventingInstruments.DestinationTemplateTag, target);
        return tags;
    }
}
