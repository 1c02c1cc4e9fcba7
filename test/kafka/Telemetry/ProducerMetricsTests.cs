using System.Collections.Concurrent;
using System.Diagnostics.Metrics;
using Brokkr.Core.Log;
using Brokkr.Testing;

namespace Brokkr.Kafka.Tests.Telemetry;

/// <summary>What producers show: their queue, the time to an acknowledgement, and the counts of the original's client (receiver-and-core §14.2).</summary>
public sealed class ProducerMetricsTests
{
    [Fact]
    public async Task Records_are_in_the_queue_until_they_are_acknowledged_and_counted_then()
    {
        var topic = $"m-{Guid.NewGuid():N}";
        await using var cluster = new MockCluster();
        cluster.CreateTopic(topic, 1);
        using var seen = new Measurements(topic);
        await using (var log = KafkaLogs.Open(cluster.BootstrapServers))
        {
            Assert.Equal(AppendOutcome.Stored, (await Append(log, topic)).Outcome);
            await Eventually.True(() => seen.Latest("kafka.producer.topic.record.send") == 1, "one record sent");
            Assert.Equal(0, seen.Latest("brokkr.kafka.producer_queue_records"));
            Assert.True(Assert.Single(seen.Acknowledgements) > 0);

            cluster.Down();
            var waits = Append(log, topic);
            Assert.Equal(1, seen.Latest("brokkr.kafka.producer_queue_records"));
            Assert.True(seen.Latest("brokkr.kafka.producer_queue_bytes") > 0);
            Assert.Equal(0, seen.Latest("kafka.producer.topic.record.error"));
            cluster.Up();
            Assert.Equal(AppendOutcome.Stored, (await waits).Outcome);
            await Eventually.True(() => seen.Latest("kafka.producer.topic.record.send") == 2, "two records sent");
        }

        Assert.Null(seen.Latest("brokkr.kafka.producer_queue_records"));
    }

    private static async Task<AppendResult> Append(KafkaLog log, string topic)
    {
        using var record = RecordBuffer.Rent();
        record.AppendValue("x"u8);
        return await log.Writer.AppendAsync(topic, record);
    }

    /// <summary>What is measured of one topic.</summary>
    private sealed class Measurements : IDisposable
    {
        private readonly MeterListener _listener = new();
        private readonly ConcurrentDictionary<string, long> _latest = new(StringComparer.Ordinal);

        public Measurements(string topic)
        {
            _listener.InstrumentPublished = (instrument, listener) =>
            {
                if (instrument.Meter.Name is "Brokkr.Kafka" or "Kafka.Clients.Producer")
                {
                    listener.EnableMeasurementEvents(instrument);
                }
            };
            _listener.SetMeasurementEventCallback<long>(
                (instrument, value, tags, _) =>
                {
                    if (IsOf(tags))
                    {
                        _latest[instrument.Name] = value;
                    }
                }
            );
            _listener.SetMeasurementEventCallback<double>(
                (_, value, tags, _) =>
                {
                    if (IsOf(tags))
                    {
                        Acknowledgements.Enqueue(value);
                    }
                }
            );
            _listener.Start();

            bool IsOf(ReadOnlySpan<KeyValuePair<string, object?>> tags) => tags.Contains(new KeyValuePair<string, object?>("topic", topic));
        }

        public ConcurrentQueue<double> Acknowledgements { get; } = [];

        /// <summary>What an observable instrument shows now; null if nothing.</summary>
        public long? Latest(string name)
        {
            _latest.Clear();
            _listener.RecordObservableInstruments();
            return _latest.TryGetValue(name, out var value) ? value : null;
        }

        public void Dispose() => _listener.Dispose();
    }
}
