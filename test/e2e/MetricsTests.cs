using Brokkr.EndToEnd.Tests.Parts;
using Brokkr.Testing;
using Brokkr.Testing.Http;
using Brokkr.Testing.Kafka;
using Brokkr.Testing.Processes;

namespace Brokkr.EndToEnd.Tests;

/// <summary>A real Prometheus scrapes the running roles (ONM-06, DEV-13), a collector is sent the same.</summary>
public sealed class MetricsTests
{
    [Fact]
    public async Task Prometheus_sees_the_series_of_the_original_and_ours_and_the_lag_of_a_Trigger_that_is_behind()
    {
        Needs.Program("prometheus");
        var kafka = await KafkaCluster.SharedAsync();
        var topic = $"metrics-{Guid.NewGuid():N}";
        await kafka.CreateTopicAsync(topic, 2);
        await using var subscriber = await Subscriber.StartAsync();
        var broken = true;
        subscriber.Otherwise(request => Answer.Status(request.Path == "/late" && Volatile.Read(ref broken) ? 503 : 200));
        await using var roles = new Installation(kafka, topic);
        var group = $"late-{topic}";
        roles.Publish(($"prompt-{topic}", subscriber.Url + "/prompt"), (group, subscriber.Url + "/late"));
        await roles.StartReceiverAsync();
        roles.StartDispatcher();
        await using var prometheus = await PrometheusServer.StartAsync(
            ("kafka-broker-receiver", roles.MetricsOf("receiver")),
            ("kafka-broker-dispatcher", roles.MetricsOf("dispatcher"))
        );
        using var sender = new Sender(roles.Url);
        for (var i = 0; i < 20; i++)
        {
            await sender.SendAsync($"{i}");
        }

        await prometheus.UntilAsync("sum(up)", up => up.Equals(2.0));
        await prometheus.UntilAsync(
            """sum(kn_eventing_dispatch_latency_ms_count{job="kafka-broker-receiver",http_response_status_code="202",kn_broker_name="orders"})""",
            count => count.Equals(20.0)
        );
        await prometheus.UntilAsync($$"""sum(kafka_producer_topic_record_send_total{topic="{{topic}}"})""", count => count.Equals(20.0));
        await prometheus.UntilAsync($$"""sum(brokkr_kafka_ack_latency_ms_count{topic="{{topic}}"})""", count => count.Equals(20.0));
        await prometheus.UntilAsync($$"""sum(brokkr_kafka_producer_queue_records{topic="{{topic}}"})""", count => count.Equals(0.0));
        await prometheus.UntilAsync($$"""sum(brokkr_dispatcher_lag{group="{{group}}"})""", lag => lag.Equals(20.0));
        await prometheus.UntilAsync($$"""max(brokkr_dispatcher_oldest_event_age_seconds{group="{{group}}"})""", age => age > 0);
        await prometheus.UntilAsync($$"""sum(brokkr_dispatcher_lag{group="prompt-{{topic}}"})""", lag => lag.Equals(0.0));
        await prometheus.UntilAsync(
            $$"""sum(kafka_consumer_fetch_manager_records_lag_max{client_id="consumer-{{group}}-1"})""",
            lag => lag >= 0
        );

        Volatile.Write(ref broken, false);
        await prometheus.UntilAsync($$"""sum(brokkr_dispatcher_lag{group="{{group}}"})""", lag => lag.Equals(0.0));
        await prometheus.UntilAsync($$"""max(brokkr_dispatcher_oldest_event_age_seconds{group="{{group}}"})""", age => age.Equals(0.0));
        await prometheus.UntilAsync("sum(brokkr_dispatcher_dropped_events_total)", drops => drops.Equals(0.0));
        await prometheus.UntilAsync("brokkr_dispatcher_partitions", partitions => partitions.Equals(2.0));
        var help = await prometheus.HelpAsync("");
        Assert.Equal("The time spent dispatching an event to Kafka", help["kn_eventing_dispatch_latency_ms"]);
        Assert.DoesNotContain(help, name => name.Key.StartsWith("brokkr_", StringComparison.Ordinal) && name.Value.Length == 0);
    }

    [Theory]
    [InlineData("grpc")]
    [InlineData("http/protobuf")]
    public async Task A_collector_is_sent_the_metrics_of_both_roles(string protocol)
    {
        var kafka = await KafkaCluster.SharedAsync();
        var topic = $"sent-metrics-{Guid.NewGuid():N}";
        await kafka.CreateTopicAsync(topic);
        await using var collector = await OtlpReceiver.StartAsync(protocol);
        await using var subscriber = await Subscriber.StartAsync();
        await using var roles = new Installation(kafka, topic) { Metrics = (protocol, collector.MetricsEndpoint) };
        roles.Publish(($"g-{topic}", subscriber.Url + "/"));
        await roles.StartReceiverAsync();
        roles.StartDispatcher();
        using var sender = new Sender(roles.Url);
        await sender.SendAsync("measured");
        await subscriber.CountAsync(1);

        await Arrives("kafka-broker-receiver", "kn.eventing.dispatch.latency", "http.response.status_code", "202");
        await Arrives("kafka-broker-receiver", "kafka.producer.topic.record.send", "topic", topic);
        await Arrives("kafka-broker-dispatcher", "kn.eventing.dispatch.latency", "kn.trigger.name", $"g-{topic}");
        await Arrives("kafka-broker-dispatcher", "brokkr.dispatcher.lag", "group", $"g-{topic}");

        Task Arrives(string service, string name, string attribute, string value) =>
            Eventually.True(
                () =>
                    collector.Points.Any(point =>
                        point.Service == service && point.Name == name && point.Attributes.GetValueOrDefault(attribute) == value
                    ),
                () =>
                    $"{name} of {service} with {attribute}={value} among\n{string.Join('\n', collector.Points
                        .Where(point => point.Service == service)
                        .Select(point => $"{point.Name} {string.Join(", ", point.Attributes)}")
                        .Distinct())}"
            );
    }
}
