using System.Diagnostics;
using Brokkr.Core.Contract.Wire;
using Brokkr.Core.Telemetry;
using Brokkr.Dispatcher.Tests.Stage;
using Brokkr.Testing;
using Brokkr.Testing.Http;
using Brokkr.Testing.Telemetry;

namespace Brokkr.Dispatcher.Tests.Telemetry;

/// <summary>The spans of a dispatcher (dispatcher §11.5, RDP-20, RDP-21, RCO-04).</summary>
public sealed class TraceTests : IDisposable
{
    private const string Caller = "b7ad6b7169203331";

    private readonly SpanCollector _spans = new(TraceHeaders.DispatcherSource);

    public void Dispose() => _spans.Dispose();

    [Fact]
    public async Task RDP_20_A_delivery_has_one_span_whose_events_are_its_attempts_and_whose_id_goes_to_the_subscriber()
    {
        await using var stage = await DispatcherStage.SetAsync();
        stage.Subscriber.OnEvent("1", Answer.Status(503), Answer.Ok);
        stage.Start(stage.Egress(config: stage.Config(retry: 2)));
        await AppendAsync(stage, "1");
        var span = await _spans.SingleAsync("kafka_receive");
        Assert.Equal(ActivityKind.Consumer, span.Kind);
        Assert.Equal(Caller, span.ParentSpanId.ToHexString());
        Assert.Equal("trigger:t.ns", span.GetTagItem("messaging.destination"));
        Assert.Equal("1", span.GetTagItem("messaging.message_id"));
        Assert.Equal("Delivered", span.GetTagItem("outcome"));
        Assert.Equal(ActivityStatusCode.Unset, span.Status);
        Assert.Equal(["1 Failed 503", "2 Succeeded 200"], Attempts(span));
        Assert.All(stage.Subscriber.Requests, request => Assert.Equal($"00-{_spans.Trace}-{span.SpanId}-01", request["traceparent"]));
        Assert.All(stage.Subscriber.Requests, request => Assert.Equal("a=b", request["tracestate"]));
        Assert.All(stage.Subscriber.Requests, request => Assert.Equal("k=v", request["baggage"]));
    }

    [Fact]
    public async Task A_dead_letter_and_a_reply_have_spans_below_it()
    {
        await using var stage = await DispatcherStage.SetAsync();
        stage.Subscriber.OnPath("/sub", Answer.Status(400));
        stage.Subscriber.OnPath(
            "/replies",
            Answer.Ok with
            {
                Headers =
                [
                    ("ce-specversion", "1.0"),
                    ("ce-id", "reply"),
                    ("ce-source", "/r"),
                    ("ce-type", "r"),
                    ("content-type", "text/plain"),
                ],
                Body = "x"u8.ToArray(),
            }
        );
        var replying = stage.Egress("r", "/replies");
        replying.ReplyUrl = stage.Subscriber.Url + "/to";
        stage.Start(stage.Egress(config: stage.Config()), replying);
        await AppendAsync(stage, "1");

        var letter = await _spans.SingleAsync("dead_letter");
        var reply = await _spans.SingleAsync("reply");
        await Eventually.True(() => _spans.Ended.Count == 4, "four spans");
        var deliveries = _spans
            .Ended.Where(span => span.OperationName == "kafka_receive")
            .ToDictionary(span => (string)span.GetTagItem("consumer.name")!);
        Assert.Equal("SentToDeadLetterSink", deliveries["t"].GetTagItem("outcome"));
        Assert.Equal(ActivityStatusCode.Error, deliveries["t"].Status);
        Assert.Equal(deliveries["t"].SpanId, letter.ParentSpanId);
        Assert.Equal(stage.Subscriber.Url + "/dls", letter.GetTagItem("messaging.destination.name"));
        Assert.Equal(["1 Succeeded 200"], Attempts(letter));
        Assert.Equal($"00-{_spans.Trace}-{letter.SpanId}-01", Assert.Single(stage.Subscriber.At("/dls"))["traceparent"]);
        Assert.Equal(deliveries["r"].SpanId, reply.ParentSpanId);
        Assert.Equal($"00-{_spans.Trace}-{reply.SpanId}-01", Assert.Single(stage.Subscriber.At("/to"))["traceparent"]);
    }

    [Fact]
    public async Task A_reply_in_the_topic_and_a_dead_letter_in_the_topic_go_on_with_the_trace()
    {
        await using var stage = await DispatcherStage.SetAsync();
        stage.Subscriber.OnEvent("1", Answer.Status(400));
        stage.Subscriber.OnEvent(
            "2",
            Answer.Ok with
            {
                Headers = [("content-type", "application/cloudevents+json")],
                Body = """{"specversion":"1.0","id":"reply","source":"/r","type":"r"}"""u8.ToArray(),
            }
        );
        var egress = stage.Egress();
        egress.ReplyToOriginalTopic = new Empty();
        stage.Start(egress);
        await AppendAsync(stage, "1");
        Assert.Equal("events.dead-letters", (await _spans.SingleAsync("dead_letter")).GetTagItem("messaging.destination.name"));
        await AppendAsync(stage, "2");
        var reply = await _spans.SingleAsync("reply");
        Assert.Equal(ActivityKind.Producer, reply.Kind);
        Assert.Equal("events", reply.GetTagItem("messaging.destination.name"));

        // The reply is delivered in its turn, under the span that it was stored by.
        await stage.Subscriber.CountAsync(3);
        await Eventually.True(() => _spans.Ended.Any(span => span.ParentSpanId == reply.SpanId), "a delivery of the reply");
    }

    [Fact]
    public async Task What_is_not_sampled_goes_on_as_it_came()
    {
        await using var stage = await DispatcherStage.SetAsync();
        stage.Start(stage.Egress());
        var other = $"00-{ActivityTraceId.CreateRandom()}-{Caller}-01";
        await stage.Append("1", headers: [("traceparent", other)]);
        Assert.Equal(other, (await stage.Subscriber.CountAsync(1))[0]["traceparent"]);
        Assert.Empty(_spans.Ended);
    }

    private Task AppendAsync(DispatcherStage stage, string id) =>
        stage.Append(id, headers: [("traceparent", $"00-{_spans.Trace}-{Caller}-01"), ("tracestate", "a=b"), ("baggage", "k=v")]);

    private static IEnumerable<string> Attempts(Activity span) =>
        span.Events.Select(attempt =>
        {
            var tags = attempt.Tags.ToDictionary(StringComparer.Ordinal);
            return $"{tags["attempt"]} {tags["result"]} {tags["http.response.status_code"]}";
        });
}
