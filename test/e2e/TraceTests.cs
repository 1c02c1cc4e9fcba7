using System.Diagnostics;
using Brokkr.EndToEnd.Tests.Parts;
using Brokkr.Testing;
using Brokkr.Testing.Http;
using Brokkr.Testing.Kafka;

namespace Brokkr.EndToEnd.Tests;

/// <summary>A collector gets the spans of one event from the sender to the subscriber (RCO-04).</summary>
public sealed class TraceTests
{
    [Theory]
    [InlineData("grpc")]
    [InlineData("http/protobuf")]
    public async Task RCO_04_The_roles_send_the_spans_of_an_event_as_one_tree(string protocol)
    {
        var kafka = await KafkaCluster.SharedAsync();
        var topic = $"traces-{Guid.NewGuid():N}";
        await kafka.CreateTopicAsync(topic);
        await using var collector = await OtlpReceiver.StartAsync(protocol);
        await using var subscriber = await Subscriber.StartAsync();
        subscriber.OnEvent("traced", Answer.Status(503), Answer.Ok);
        await using var roles = new Installation(kafka, topic) { Tracing = (protocol, collector.Endpoint) };
        roles.Publish(($"g-{topic}", subscriber.Url + "/"));
        await roles.StartReceiverAsync();
        roles.StartDispatcher();

        var trace = ActivityTraceId.CreateRandom().ToHexString();
        const string Caller = "b7ad6b7169203331";
        using var client = new HttpClient(new SocketsHttpHandler { UseProxy = false, ActivityHeadersPropagator = null });
        using var request = new HttpRequestMessage(HttpMethod.Post, new Uri(roles.Url));
        request.Headers.Add("ce-specversion", "1.0");
        request.Headers.Add("ce-id", "traced");
        request.Headers.Add("ce-source", "/e2e");
        request.Headers.Add("ce-type", Sender.EventType);
        request.Headers.Add("traceparent", $"00-{trace}-{Caller}-01");
        using var answer = await client.SendAsync(request, TestContext.Current.CancellationToken);
        Assert.Equal(System.Net.HttpStatusCode.Accepted, answer.StatusCode);
        var received = await subscriber.CountAsync(2);

        await Eventually.True(
            () => collector.Spans.Count(span => span.TraceId == trace) == 3,
            () => $"three spans; got {string.Join(", ", collector.Spans)}"
        );
        var spans = collector.Spans.Where(span => span.TraceId == trace).ToDictionary(span => span.Name, StringComparer.Ordinal);
        Assert.Equal("kafka-broker-receiver", spans["POST"].Service);
        Assert.Equal(Caller, spans["POST"].ParentId);
        Assert.Equal("broker:orders.shop", spans["POST"].Attributes["messaging.destination"]);
        Assert.Equal(spans["POST"].SpanId, spans["kafka_send"].ParentId);
        Assert.Equal("kafka-broker-dispatcher", spans["kafka_receive"].Service);
        Assert.Equal(spans["kafka_send"].SpanId, spans["kafka_receive"].ParentId);
        Assert.Equal($"trigger:g-{topic}.shop", spans["kafka_receive"].Attributes["messaging.destination"]);
        Assert.Equal("traced", spans["kafka_receive"].Attributes["messaging.message_id"]);
        Assert.Equal(["attempt", "attempt"], spans["kafka_receive"].Events);
        Assert.All(received, one => Assert.Equal($"00-{trace}-{spans["kafka_receive"].SpanId}-01", one["traceparent"]));
    }
}
