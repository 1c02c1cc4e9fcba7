using System.Buffers;
using System.Diagnostics.Metrics;
using System.Text;
using Brokkr.Core.Telemetry;
using CsCheck;
using Microsoft.Extensions.Time.Testing;

namespace Brokkr.Core.Tests.Telemetry;

/// <summary>receiver-and-core §14.2, dispatcher §11.2, ONM-06: the exposition has the original's names, labels and form.</summary>
public sealed class PrometheusMetricsTests : IDisposable
{
    private readonly string _meterName = $"Brokkr.Test.{Guid.NewGuid():N}";
    private readonly Meter _meter;
    private readonly FakeTimeProvider _time = new();
    private readonly PrometheusMetrics _metrics;

    public PrometheusMetricsTests()
    {
        _meter = new Meter(_meterName);
        _metrics = Collect();
    }

    public void Dispose()
    {
        _metrics.Dispose();
        _meter.Dispose();
    }

    [Fact]
    public void Before_the_first_measurement_there_is_nothing()
    {
        EventingInstruments.DispatchLatency(_meter);
        EventingInstruments.DiscardedEvents(_meter);
        Assert.Equal("", Text());
    }

    [Fact]
    public void The_dispatch_latency_of_a_receiver_looks_as_in_the_original()
    {
        var latency = EventingInstruments.DispatchLatency(_meter);
        KeyValuePair<string, object?>[] tags =
        [
            new(EventingInstruments.StatusCodeTag, "202"),
            new(EventingInstruments.EventTypeTag, "t.x"),
            new(EventingInstruments.ResourceNameTag("Broker"), "br"),
            new(EventingInstruments.ResourceNamespaceTag("Broker"), "ns"),
        ];
        latency.Record(7.5, tags);
        latency.Record(50, tags);
        latency.Record(20000, tags);
        const string Labels = """cloudevents_type="t.x",http_response_status_code="202",kn_broker_name="br",kn_broker_namespace="ns",""";
        Assert.Equal(
            $$"""
            # HELP kn_eventing_dispatch_latency_ms The time spent dispatching an event to Kafka
            # TYPE kn_eventing_dispatch_latency_ms histogram
            kn_eventing_dispatch_latency_ms_bucket{{{Labels}}le="50.0",} 2.0
            kn_eventing_dispatch_latency_ms_bucket{{{Labels}}le="100.0",} 2.0
            kn_eventing_dispatch_latency_ms_bucket{{{Labels}}le="500.0",} 2.0
            kn_eventing_dispatch_latency_ms_bucket{{{Labels}}le="1000.0",} 2.0
            kn_eventing_dispatch_latency_ms_bucket{{{Labels}}le="5000.0",} 2.0
            kn_eventing_dispatch_latency_ms_bucket{{{Labels}}le="10000.0",} 2.0
            kn_eventing_dispatch_latency_ms_bucket{{{Labels}}le="+Inf",} 3.0
            kn_eventing_dispatch_latency_ms_count{{{Labels}}} 3.0
            kn_eventing_dispatch_latency_ms_sum{{{Labels}}} 20057.5
            # HELP kn_eventing_dispatch_latency_ms_max The time spent dispatching an event to Kafka
            # TYPE kn_eventing_dispatch_latency_ms_max gauge
            kn_eventing_dispatch_latency_ms_max{{{Labels}}} 20000.0

            """,
            Text()
        );
    }

    [Fact]
    public void The_other_instruments_have_the_names_types_and_help_of_the_original()
    {
        EventingInstruments.ProcessLatency(_meter).Record(1);
        EventingInstruments.ExecutorQueueLatency(_meter).Record(1);
        EventingInstruments.ExecutorQueueLength(_meter).Add(1);
        EventingInstruments.InFlightRequests(_meter).Add(1);
        EventingInstruments.DiscardedEvents(_meter).Add(1);
        EventingInstruments.SkippedOffsets(_meter).Add(2);
        var lines = Text().Split('\n');
        Assert.Equal(
            [
                "# HELP kn_eventing_dispatch_in_flight_requests_1 Number of events currently dispatched to a destination waiting to be processed",
                "# TYPE kn_eventing_dispatch_in_flight_requests_1 gauge",
                "# HELP kn_eventing_kafka_discarded_events_1_total Number of invalid events discarded",
                "# TYPE kn_eventing_kafka_discarded_events_1_total counter",
                "# HELP kn_eventing_kafka_executor_queue_latency_ms The time an event spends in an executor queue",
                "# TYPE kn_eventing_kafka_executor_queue_latency_ms histogram",
                "# HELP kn_eventing_kafka_executor_queue_latency_ms_max The time an event spends in an executor queue",
                "# TYPE kn_eventing_kafka_executor_queue_latency_ms_max gauge",
                "# HELP kn_eventing_kafka_executor_queue_length_1 Number of events in executor queue per partition",
                "# TYPE kn_eventing_kafka_executor_queue_length_1 gauge",
                "# HELP kn_eventing_kafka_skipped_offsets_1_total Number of skipped offsets",
                "# TYPE kn_eventing_kafka_skipped_offsets_1_total counter",
                "# HELP kn_eventing_process_latency_ms The time spent processing an event",
                "# TYPE kn_eventing_process_latency_ms histogram",
                "# HELP kn_eventing_process_latency_ms_max The time spent processing an event",
                "# TYPE kn_eventing_process_latency_ms_max gauge",
            ],
            lines.Where(line => line.StartsWith('#'))
        );
        Assert.Contains("kn_eventing_kafka_skipped_offsets_1_total 2.0", lines);
        Assert.Contains("kn_eventing_process_latency_ms_bucket{le=\"50.0\",} 1.0", lines);
    }

    [Fact]
    public void Odd_label_values_are_escaped()
    {
        var counter = _meter.CreateCounter<long>("x", "1");
        counter.Add(1, new KeyValuePair<string, object?>("cloudevents.type", "a\"b\\c"));
        counter.Add(1, new KeyValuePair<string, object?>("cloudevents.type", "ü\nx"));
        counter.Add(1, new KeyValuePair<string, object?>("cloudevents.type", ""));
        Assert.Equal(
            [
                """x_1_total{cloudevents_type="",} 1.0""",
                """x_1_total{cloudevents_type="a\"b\\c",} 1.0""",
                """x_1_total{cloudevents_type="ü\nx",} 1.0""",
            ],
            Samples()
        );
    }

    [Fact]
    public void Series_do_not_depend_on_the_order_of_tags()
    {
        var counter = _meter.CreateCounter<long>("x");
        counter.Add(1, [new("a", "1"), new("b", 2)]);
        counter.Add(2, [new("b", "2"), new("a", "1")]);
        Assert.Equal(["""x_total{a="1",b="2",} 3.0"""], Samples());
    }

    [Fact]
    public void Two_instruments_of_one_name_share_the_series()
    {
        using var other = new Meter(_meterName + ".other");
        EventingInstruments.DiscardedEvents(_meter).Add(1);
        EventingInstruments.DiscardedEvents(other).Add(2);
        Assert.Equal(["kn_eventing_kafka_discarded_events_1_total 3.0"], Samples());
    }

    [Fact]
    public void Other_meters_are_not_exposed()
    {
        using var other = new Meter("Other." + _meterName);
        other.CreateCounter<long>("x").Add(1);
        Assert.Equal("", Text());
    }

    [Fact]
    public void Removal_takes_the_series_that_carry_all_given_tags_and_counting_begins_anew()
    {
        var counter = _meter.CreateCounter<long>("x");
        void Count(string name, string type) =>
            counter.Add(1, [new("kn.broker.name", name), new("kn.broker.namespace", "ns"), new("cloudevents.type", type)]);
        Count("br", "t.1");
        Count("br", "t.2");
        Count("ten", "t.1");
        _metrics.Remove([new("kn.broker.name", "br"), new("kn.broker.namespace", "other")]);
        Assert.Equal(3, Samples().Length);
        _metrics.Remove([new("kn.broker.name", "br"), new("kn.broker.namespace", "ns")]);
        Assert.Equal(["""x_total{cloudevents_type="t.1",kn_broker_name="ten",kn_broker_namespace="ns",} 1.0"""], Samples());
        Count("br", "t.1");
        Count("ten", "t.1");
        Assert.Equal(
            [
                """x_total{cloudevents_type="t.1",kn_broker_name="br",kn_broker_namespace="ns",} 1.0""",
                """x_total{cloudevents_type="t.1",kn_broker_name="ten",kn_broker_namespace="ns",} 2.0""",
            ],
            Samples()
        );
        _metrics.Remove([new("kn.broker.namespace", "ns")]);
        Assert.Equal("", Text());
    }

    [Fact]
    public void The_maximum_is_that_of_the_last_three_minutes()
    {
        var latency = EventingInstruments.DispatchLatency(_meter);
        string Max() =>
            Samples().Single(line => line.StartsWith("kn_eventing_dispatch_latency_ms_max", StringComparison.Ordinal)).Split(' ')[1];
        latency.Record(70);
        _time.Advance(TimeSpan.FromMinutes(1));
        latency.Record(30);
        Assert.Equal("70.0", Max());
        _time.Advance(TimeSpan.FromMinutes(1));
        Assert.Equal("70.0", Max());
        _time.Advance(TimeSpan.FromMinutes(1));
        Assert.Equal("30.0", Max());
        _time.Advance(TimeSpan.FromMinutes(1));
        Assert.Equal("0.0", Max());
    }

    [Fact]
    public void Gauges_go_down_are_set_and_are_observed()
    {
        var upDown = _meter.CreateUpDownCounter<long>("up");
        upDown.Add(3);
        upDown.Add(-2);
        var gauge = _meter.CreateGauge<double>("set", "s");
        gauge.Record(3);
        gauge.Record(0.25);
        var observed = new List<Measurement<long>>
        {
            new(5, new KeyValuePair<string, object?>("of", "a")),
            new(6, new KeyValuePair<string, object?>("of", "b")),
        };
        _meter.CreateObservableGauge("seen", () => observed, "By");
        Assert.Equal(["""seen_bytes{of="a",} 5.0""", """seen_bytes{of="b",} 6.0""", "set_seconds 0.25", "up 1.0"], Samples());
        observed.RemoveAt(0);
        Assert.Equal(["""seen_bytes{of="b",} 6.0""", "set_seconds 0.25", "up 1.0"], Samples());
    }

    [Fact]
    public void What_is_not_reported_any_more_leaves_its_room_to_others()
    {
        using var metrics = Collect(new PrometheusOptions { Meters = [_meterName], MaxSeries = 2 });
        var round = 0;
        _meter.CreateObservableGauge("x", () => new Measurement<int>(1, new KeyValuePair<string, object?>("round", round)));
        for (; round < 10; round++)
        {
            Assert.Equal([$"x{{round=\"{round}\",}} 1.0"], Samples(metrics));
        }

        Assert.DoesNotContain("dropped", Text(metrics), StringComparison.Ordinal);
    }

    [Fact]
    public async Task What_is_to_be_brought_up_to_date_before_a_scrape_is_until_it_is_disposed()
    {
        var called = 0;
        var refresh = _metrics.BeforeScrape(_ =>
        {
            called++;
            return Task.CompletedTask;
        });
        await _metrics.RefreshAsync(TestContext.Current.CancellationToken);
        await _metrics.RefreshAsync(TestContext.Current.CancellationToken);
        Assert.Equal(2, called);
        refresh.Dispose();
        await _metrics.RefreshAsync(TestContext.Current.CancellationToken);
        Assert.Equal(2, called);
    }

    [Fact]
    public async Task A_refresh_that_hangs_holds_no_scrape_up()
    {
        using var hanging = _metrics.BeforeScrape(cancellation => Task.Delay(Timeout.InfiniteTimeSpan, _time, cancellation));
        var first = _metrics.RefreshAsync(TestContext.Current.CancellationToken);
        var second = _metrics.RefreshAsync(TestContext.Current.CancellationToken);
        Assert.False(first.IsCompleted);
        Assert.False(second.IsCompleted);
        _time.Advance(new PrometheusOptions().RefreshBudget);
        await first;
        await second;
    }

    [Fact]
    public void Observed_numbers_of_every_type_are_exposed()
    {
        _meter.CreateObservableGauge("a", () => 1.5);
        _meter.CreateObservableGauge("b", () => 2);
        _meter.CreateObservableGauge("c", () => 3L);
        _meter.CreateObservableCounter("d", () => 4L);
        _meter.CreateObservableUpDownCounter("e", () => -5);
        Assert.Equal(["a 1.5", "b 2.0", "c 3.0", "d_total 4.0", "e -5.0"], Samples());
        Assert.Equal(["a 1.5", "b 2.0", "c 3.0", "d_total 4.0", "e -5.0"], Samples());
    }

    [Fact]
    public void Too_many_series_become_the_unknown_type_or_are_counted()
    {
        using var metrics = Collect(new PrometheusOptions { Meters = [_meterName], MaxSeries = 3 });
        var counter = _meter.CreateCounter<long>("x");
        counter.Add(1, new KeyValuePair<string, object?>("cloudevents.type", EventTypeTags.Unknown));
        for (var i = 0; i < 10; i++)
        {
            counter.Add(1, new KeyValuePair<string, object?>("cloudevents.type", $"t.{i}"));
        }

        counter.Add(1, new KeyValuePair<string, object?>("other", "x"));
        Assert.Equal(
            [
                """x_total{cloudevents_type="t.0",} 1.0""",
                """x_total{cloudevents_type="t.1",} 1.0""",
                """x_total{cloudevents_type="unknown",} 9.0""",
                "brokkr_metrics_dropped_measurements_total 1.0",
            ],
            Samples(metrics)
        );
    }

    [Fact]
    public async Task Nothing_is_lost_when_many_threads_record()
    {
        const int Threads = 4;
        const int Each = 20_000;
        var latency = EventingInstruments.DispatchLatency(_meter);
        var names = Enumerable.Range(0, 300).Select(i => $"n{i}").ToArray();
        await Task.WhenAll(
            Enumerable
                .Range(0, Threads)
                .Select(_ =>
                    Task.Run(() =>
                    {
                        for (var i = 0; i < Each; i++)
                        {
                            latency.Record(1, new KeyValuePair<string, object?>("n", names[i % names.Length]));
                        }
                    })
                )
        );
        Assert.Equal(
            Threads * Each,
            Samples().Where(line => line.Contains("_count", StringComparison.Ordinal)).Sum(line => double.Parse(line.Split(' ')[1], null))
        );
        Assert.Equal(
            Threads * Each,
            Samples().Where(line => line.Contains("_sum", StringComparison.Ordinal)).Sum(line => double.Parse(line.Split(' ')[1], null))
        );
        Assert.Equal(names.Length, Samples().Count(line => line.Contains("_count", StringComparison.Ordinal)));
    }

    [Fact]
    public void Every_set_of_values_has_its_own_count() =>
        // Texts that share both ends and differ in the middle, or in nothing but their length, among them.
        Gen.OneOf(Gen.String[Gen.Char["ab"], 0, 40], Gen.Int[0, 99].Select(i => new string('x', 40) + i + new string('y', 40)))
            .Array[1, 60]
            .Sample(values =>
            {
                using var meter = new Meter($"Brokkr.Test.{Guid.NewGuid():N}");
                using var metrics = Collect(new PrometheusOptions { Meters = [meter.Name] });
                var counter = meter.CreateCounter<long>("x");
                foreach (var value in values)
                {
                    counter.Add(1, [new("v", value), new("w", 1)]);
                }

                Assert.Equal(
                    values
                        .GroupBy(value => value)
                        .Select(group => $"x_total{{v=\"{group.Key}\",w=\"1\",}} {group.Count()}.0")
                        .Order(StringComparer.Ordinal),
                    Samples(metrics)
                );
            });

    [Fact]
    public void Recording_known_tags_allocates_nothing()
    {
        var latency = EventingInstruments.DispatchLatency(_meter);
        KeyValuePair<string, object?>[] tags = [new("a", "1"), new("b", "2"), new("c", "3")];
        latency.Record(1, tags);
        var before = GC.GetAllocatedBytesForCurrentThread();
        for (var i = 0; i < 1000; i++)
        {
            latency.Record(i, tags);
        }

        Assert.Equal(before, GC.GetAllocatedBytesForCurrentThread());
    }

    [Theory]
    [InlineData(0, "0.0")]
    [InlineData(1, "1.0")]
    [InlineData(-2.5, "-2.5")]
    [InlineData(0.001, "0.001")]
    [InlineData(0.0001, "1.0E-4")]
    [InlineData(9999999, "9999999.0")]
    [InlineData(10000000, "1.0E7")]
    [InlineData(123456789, "1.23456789E8")]
    [InlineData(0.1 + 0.2, "0.30000000000000004")]
    [InlineData(1e21, "1.0E21")]
    [InlineData(1.5e300, "1.5E300")]
    [InlineData(-1.25e-7, "-1.25E-7")]
    [InlineData(double.PositiveInfinity, "+Inf")]
    [InlineData(double.NegativeInfinity, "-Inf")]
    [InlineData(double.NaN, "NaN")]
    public void Numbers_are_written_as_Java_does(double value, string text) => Assert.Equal(text, ExpositionText.Number(value));

    [Fact]
    public void Every_number_reads_back_as_itself() =>
        Gen
            .Double.Where(double.IsFinite)
            .Sample(value =>
                Assert.Equal(value, double.Parse(ExpositionText.Number(value), System.Globalization.CultureInfo.InvariantCulture))
            );

    private PrometheusMetrics Collect() => Collect(new PrometheusOptions { Meters = [_meterName] });

    private PrometheusMetrics Collect(PrometheusOptions options) => new(options, _time);

    private string Text() => Text(_metrics);

    private string[] Samples() => Samples(_metrics);

    private static string Text(PrometheusMetrics metrics)
    {
        var output = new ArrayBufferWriter<byte>();
        metrics.Write(output);
        return Encoding.UTF8.GetString(output.WrittenSpan);
    }

    private static string[] Samples(PrometheusMetrics metrics) =>
        [.. Text(metrics).Split('\n').Where(line => line.Length > 0 && line[0] != '#')];
}
