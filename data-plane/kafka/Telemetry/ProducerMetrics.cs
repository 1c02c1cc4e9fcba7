using System.Diagnostics;
using System.Diagnostics.Metrics;

namespace Brokkr.Kafka.Telemetry;

/// <summary>
/// What the producers of a process measure, by topic: <c>brokkr.kafka.*</c> of ours, and those series of the original's client that dashboards use
/// (receiver-and-core §14.2). A topic that nothing is written to any more has no series.
/// </summary>
internal sealed class ProducerMetrics : IDisposable
{
    /// <summary>Name of the meter of our series.</summary>
    public const string MeterName = "Brokkr.Kafka";

    /// <summary>Name of the meter of what the original's Kafka clients show.</summary>
    public const string ClientMeterName = "Kafka.Clients.Producer";

    private const string TopicTag = "topic";

    // As a Java client without a name of its own calls itself; the version is what the original says where it knows none.
    private static readonly KeyValuePair<string, object?> ClientId = new("client.id", "producer-1");
    private static readonly KeyValuePair<string, object?> ClientVersion = new("kafka.version", "unknown");

    private readonly Meter _meter = new(MeterName);
    private readonly Meter _clients = new(ClientMeterName);
    private readonly Histogram<double> _acknowledgement;
    private readonly Lock _lock = new();
    private readonly Dictionary<string, TopicCounts> _topics = new(StringComparer.Ordinal);
    private long _sentBefore;
    private long _failedBefore;

    public ProducerMetrics()
    {
        _acknowledgement = _meter.CreateHistogram(
            "brokkr.kafka.ack_latency_ms",
            description: "Milliseconds from handing a record to the producer to its acknowledgement or failure",
            advice: new InstrumentAdvice<double>
            {
                HistogramBucketBoundaries = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 5000, 10000, 60000],
            }
        );
        _meter.CreateObservableUpDownCounter(
            "brokkr.kafka.producer_queue_records",
            () => OfTopics(static counts => counts.UnderWay),
            description: "Records that the producer has and that are not acknowledged yet"
        );
        _meter.CreateObservableUpDownCounter(
            "brokkr.kafka.producer_queue_bytes",
            () => OfTopics(static counts => counts.BytesUnderWay),
            description: "Bytes of the records that the producer has and that are not acknowledged yet"
        );
        _clients.CreateObservableCounter(
            "kafka.producer.record.send",
            () => Total(static counts => counts.Sent, ref _sentBefore),
            description: "The total number of records sent."
        );
        _clients.CreateObservableCounter(
            "kafka.producer.record.error",
            () => Total(static counts => counts.Failed, ref _failedBefore),
            description: "The total number of record sends that resulted in errors"
        );
        _clients.CreateObservableCounter(
            "kafka.producer.topic.record.send",
            () => OfClientTopics(static counts => counts.Sent),
            description: "The total number of records sent for a topic."
        );
        _clients.CreateObservableCounter(
            "kafka.producer.topic.record.error",
            () => OfClientTopics(static counts => counts.Failed),
            description: "The total number of record sends that resulted in errors for a topic"
        );
    }

    /// <summary>When a record is handed over; 0 while nobody wants to know.</summary>
    public long Now => _acknowledgement.Enabled ? Stopwatch.GetTimestamp() : 0;

    /// <summary>The counts of a topic, shared by all producers that write to it; give them back with <see cref="Release"/>.</summary>
    public TopicCounts Of(string topic)
    {
        lock (_lock)
        {
            if (!_topics.TryGetValue(topic, out var counts))
            {
                _topics.Add(topic, counts = new TopicCounts(topic));
            }

            counts.Users++;
            return counts;
        }
    }

    /// <summary>A producer does not write to a topic any more.</summary>
    public void Release(TopicCounts counts)
    {
        lock (_lock)
        {
            if (--counts.Users == 0)
            {
                _topics.Remove(counts.Topic);
                _sentBefore += counts.Sent;
                _failedBefore += counts.Failed;
            }
        }
    }

    /// <summary>A record was acknowledged or given up.</summary>
    /// <param name="counts">Those of its topic.</param>
    /// <param name="bytes">Its size.</param>
    /// <param name="handedOverAt">What <see cref="Now"/> was then.</param>
    /// <param name="isStored">Whether it is in the log.</param>
    public void Ended(TopicCounts counts, int bytes, long handedOverAt, bool isStored)
    {
        counts.End(bytes, isStored);
        if (handedOverAt != 0)
        {
            _acknowledgement.Record(Stopwatch.GetElapsedTime(handedOverAt).TotalMilliseconds, counts.Tag);
        }
    }

    public void Dispose()
    {
        _meter.Dispose();
        _clients.Dispose();
    }

    private TopicCounts[] Topics()
    {
        lock (_lock)
        {
            return [.. _topics.Values];
        }
    }

    private IEnumerable<Measurement<long>> OfTopics(Func<TopicCounts, long> measure)
    {
        foreach (var counts in Topics())
        {
            yield return new Measurement<long>(measure(counts), counts.Tag);
        }
    }

    private IEnumerable<Measurement<long>> OfClientTopics(Func<TopicCounts, long> measure)
    {
        foreach (var counts in Topics())
        {
            yield return new Measurement<long>(measure(counts), ClientId, ClientVersion, counts.Tag);
        }
    }

    private Measurement<long> Total(Func<TopicCounts, long> measure, ref long before)
    {
        lock (_lock)
        {
            var total = before;
            foreach (var counts in _topics.Values)
            {
                total += measure(counts);
            }

            return new Measurement<long>(total, ClientId, ClientVersion);
        }
    }

    /// <summary>The counts of one topic. Hot path: an interlocked addition each.</summary>
    internal sealed class TopicCounts(string topic)
    {
        private long _bytes;
        private long _begun;
        private long _stored;
        private long _failed;

        public string Topic => topic;

        public KeyValuePair<string, object?> Tag { get; } = new(TopicTag, topic);

        /// <summary>Producers that write to it. Guarded by the lock of the metrics.</summary>
        public int Users { get; set; }

        public long Sent => Interlocked.Read(ref _stored);

        public long Failed => Interlocked.Read(ref _failed);

        public long UnderWay => Math.Max(0, Interlocked.Read(ref _begun) - Sent - Failed);

        public long BytesUnderWay => Interlocked.Read(ref _bytes);

        /// <summary>A record is about to be handed over.</summary>
        public void Begin(int bytes)
        {
            Interlocked.Add(ref _bytes, bytes);
            Interlocked.Increment(ref _begun);
        }

        /// <summary>A record was not accepted at all.</summary>
        public void Refuse(int bytes) => End(bytes, isStored: false);

        public void End(int bytes, bool isStored)
        {
            Interlocked.Add(ref _bytes, -bytes);
            Interlocked.Increment(ref isStored ? ref _stored : ref _failed);
        }
    }
}
