using System.Diagnostics.Metrics;

namespace Brokkr.Core.Telemetry;

/// <summary>
/// The instruments that both roles of the original have, created with its names, units, descriptions and bounds (receiver-and-core §14.2,
/// dispatcher §11.2), and the names of their tags. The unit is part of the exposed name: <c>kn_eventing_dispatch_latency_ms</c>.
/// </summary>
public static class EventingInstruments
{
    /// <summary>Upper bounds of every latency histogram, in milliseconds.</summary>
    public static IReadOnlyList<double> LatencyBounds { get; } = [50, 100, 500, 1000, 5000, 10000];

    /// <summary>Tag: status code of the answer, as text.</summary>
    public const string StatusCodeTag = "http.response.status_code";

    /// <summary>Tag: type of the event; take the value from <see cref="EventTypeTags"/>.</summary>
    public const string EventTypeTag = "cloudevents.type";

    /// <summary>Tag: name of the Trigger or Subscription that consumes.</summary>
    public const string ConsumerGroupTag = "messaging.consumer.group.name";

    /// <summary>Tag: number of the partition, as text.</summary>
    public const string PartitionTag = "messaging.destination.partition.id";

    /// <summary>Tag: name of the topic.</summary>
    public const string TopicTag = "messaging.destination.name";

    /// <summary>Tag: <c>subscriber</c> or <c>deadLetterSink</c>.</summary>
    public const string DestinationTemplateTag = "messaging.destination.template";

    /// <summary>Tag: kind of the operation.</summary>
    public const string OperationTypeTag = "messaging.operation.type";

    /// <summary>Tag: <c>send</c> or <c>reply</c>.</summary>
    public const string OperationNameTag = "messaging.operation.name";

    /// <summary>Key of the tag with the name of a resource: <c>kn.broker.name</c> for kind <c>Broker</c>.</summary>
    public static string ResourceNameTag(string kind) => $"kn.{kind.ToLowerInvariant()}.name";

    /// <summary>Key of the tag with the namespace of a resource: <c>kn.broker.namespace</c> for kind <c>Broker</c>.</summary>
    public static string ResourceNamespaceTag(string kind) => $"kn.{kind.ToLowerInvariant()}.namespace";

    /// <summary>Milliseconds from routing a request to the acknowledgement of the log (receiver), or from the end of filtering to the outcome (dispatcher).</summary>
    public static Histogram<double> DispatchLatency(Meter meter) =>
        Latency(meter, "kn.eventing.dispatch.latency", "The time spent dispatching an event to Kafka");

    /// <summary>Milliseconds from the start of a dispatch to the end of filtering.</summary>
    public static Histogram<double> ProcessLatency(Meter meter) =>
        Latency(meter, "kn.eventing.process.latency", "The time spent processing an event");

    /// <summary>Milliseconds that an event of an ordered Trigger waits and runs.</summary>
    public static Histogram<double> ExecutorQueueLatency(Meter meter) =>
        Latency(meter, "kn.eventing.kafka.executor_queue.latency", "The time an event spends in an executor queue");

    /// <summary>Events of an ordered Trigger that wait or run, per partition.</summary>
    public static UpDownCounter<long> ExecutorQueueLength(Meter meter) =>
        meter.CreateUpDownCounter<long>("kn.eventing.kafka.executor_queue.length", "1", "Number of events in executor queue per partition");

    /// <summary>HTTP attempts without an answer yet.</summary>
    public static UpDownCounter<long> InFlightRequests(Meter meter) =>
        meter.CreateUpDownCounter<long>(
            "kn.eventing.dispatch.in_flight_requests",
            "1",
            "Number of events currently dispatched to a destination waiting to be processed"
        );

    /// <summary>Records that are no events, and events that were given up.</summary>
    public static Counter<long> DiscardedEvents(Meter meter) =>
        meter.CreateCounter<long>("kn.eventing.kafka.discarded_events", "1", "Number of invalid events discarded");

    /// <summary>Offsets without a record.</summary>
    public static Counter<long> SkippedOffsets(Meter meter) =>
        meter.CreateCounter<long>("kn.eventing.kafka.skipped_offsets", "1", "Number of skipped offsets");

    private static Histogram<double> Latency(Meter meter, string name, string description) =>
        meter.CreateHistogram(name, "ms", description, advice: new InstrumentAdvice<double> { HistogramBucketBoundaries = LatencyBounds });
}
