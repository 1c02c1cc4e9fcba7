using System.Buffers;
using System.Text;
using Brokkr.Core.Contract.Wire;
using Brokkr.Core.Log;
using Brokkr.Core.Telemetry;
using Brokkr.Dispatcher.Tests.Stage;
using Brokkr.Testing;
using Brokkr.Testing.Http;

namespace Brokkr.Dispatcher.Tests;

/// <summary>ONM-06, DP-25, dispatcher §11.2, and what is ours. All dispatchers of the test process report here: the names of these Triggers are used nowhere else.</summary>
public class MetricsTests
{
    [Fact]
    public async Task The_series_of_the_original_have_constant_labels()
    {
        using var metrics = new PrometheusMetrics(new PrometheusOptions(), TimeProvider.System);
        await using var stage = await DispatcherStage.SetAsync();
        stage.Subscriber.OnEvent("2", Answer.Status(418));
        await stage.AppendAsync(["1", "2", "3"], type: "m");
        using (var record = RecordBuffer.Rent())
        {
            await stage.Store.AppendAsync(DispatcherStage.Topic, record);
        }

        var seen = stage.Egress("m-seen", "/sub", stage.Config());
        seen.DeliveryOrder = DeliveryOrder.Ordered;
        seen.FeatureFlags = new EgressFeatureFlags { EnableOrderedExecutorMetrics = true };
        var gone = stage.Egress("m-gone", "/sub", stage.Config());
        gone.Destination = $"http://127.0.0.1:{FreePort.Next()}/";
        var none = stage.Egress("m-none");
        none.Filter = new Filter();
        none.Filter.Attributes.Add("type", "no");
        stage.Start(seen, gone, none);
        await stage.CommittedAsync(4, "group-m-seen");
        await stage.CommittedAsync(4, "group-m-gone");
        await stage.CommittedAsync(4, "group-m-none");

        var text = Scrape(metrics);
        Expect(text, "kn_eventing_dispatch_latency_ms_count", "m-seen", 2, "http_response_status_code=\"200\"", "cloudevents_type=\"m\"");
        Expect(text, "kn_eventing_dispatch_latency_ms_count", "m-seen", 1, "http_response_status_code=\"418\"");
        Expect(text, "kn_eventing_dispatch_latency_ms_count", "m-gone", 3, "http_response_status_code=\"\"");
        Expect(text, "kn_eventing_process_latency_ms_count", "m-none", 3, "cloudevents_type=\"m\"", "kn_trigger_namespace=\"ns\"");
        Expect(text, "kn_eventing_kafka_discarded_events_1_total", "m-none", 1, "cloudevents_type=\"InvalidCloudEvent\"");
        Expect(text, "kn_eventing_kafka_executor_queue_latency_ms_count", "m-seen", 4, "messaging_destination_partition_id=\"0\"");
        Expect(text, "kn_eventing_kafka_executor_queue_length_1", "m-seen", 0, "messaging_destination_name=\"events\"");
        Expect(text, "kn_eventing_dispatch_in_flight_requests_1", "m-seen", 0, "messaging_destination_template=\"deadLetterSink\"");
        // The dead letter sink answers for event 2 what the subscriber does.
        Expect(text, "brokkr_dispatcher_dead_letters_total", "m-gone", 2, "destination=\"sink\"");
        Expect(text, "brokkr_dispatcher_dead_letters_total", "m-gone", 2, "destination=\"topic\"");
        Expect(text, "brokkr_dispatcher_dead_letters_total", "m-none", 1, "destination=\"topic\"");
        Assert.DoesNotContain(Lines(text, "kn_eventing_dispatch_latency_ms_count", "m-none"), _ => true);
    }

    /// <summary>OEG-14: those between records and behind the last one, but not those before the first.</summary>
    [Fact]
    public async Task Offsets_without_records_are_counted()
    {
        using var metrics = new PrometheusMetrics(new PrometheusOptions(), TimeProvider.System);
        await using var stage = await DispatcherStage.SetAsync();
        stage.Store.IsHidden = offset => offset is 0 or 3 or 4 or 8 or 9;
        await stage.AppendAsync(DispatcherStage.Ids(10));
        stage.Start(stage.Egress("m-gaps"));
        await stage.CommittedAsync(10, "group-m-gaps");
        Expect(Scrape(metrics), "kn_eventing_kafka_skipped_offsets_1_total", "m-gaps", 4);
    }

    [Fact]
    public async Task Held_records_and_answers_that_are_no_events_are_counted()
    {
        using var metrics = new PrometheusMetrics(new PrometheusOptions(), TimeProvider.System);
        await using var stage = await DispatcherStage.SetAsync();
        stage.Store.RefusedTopics[DispatcherStage.Topic + ".dead-letters"] = true;
        stage.Subscriber.OnEvent("bad", Answer.Status(400));
        stage.Subscriber.OnEvent("chatty", Answer.Ok with { Body = "thanks"u8.ToArray() });
        await stage.AppendAsync("bad", "chatty");
        var egress = stage.Egress("m-held");
        egress.ReplyToOriginalTopic = new Empty();
        stage.Start(egress);
        await stage.Subscriber.CountAsync(2);
        await Eventually.True(
            () =>
                Lines(Scrape(metrics), "brokkr_dispatcher_held_records", "m-held")
                    .Any(line => line.EndsWith(" 1.0", StringComparison.Ordinal)),
            "a held record is shown"
        );
        await Eventually.True(
            () => Lines(Scrape(metrics), "brokkr_dispatcher_dropped_answers_total", "m-held").Any(),
            "a dropped answer is shown"
        );
    }

    private static void Expect(string text, string name, string trigger, double value, params string[] labels)
    {
        var line = Assert.Single(Lines(text, name, trigger), line => labels.All(label => line.Contains(label, StringComparison.Ordinal)));
        Assert.Equal(value, double.Parse(line[(line.LastIndexOf(' ') + 1)..], System.Globalization.CultureInfo.InvariantCulture));
    }

    private static IEnumerable<string> Lines(string text, string name, string trigger) =>
        text.Split('\n')
            .Where(line =>
                line.StartsWith(name + "{", StringComparison.Ordinal)
                && line.Contains($"kn_trigger_name=\"{trigger}\"", StringComparison.Ordinal)
            );

    private static string Scrape(PrometheusMetrics metrics)
    {
        var output = new ArrayBufferWriter<byte>();
        metrics.Write(output);
        return Encoding.UTF8.GetString(output.WrittenSpan);
    }
}
