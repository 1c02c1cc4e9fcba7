using System.Diagnostics;
using Brokkr.Core.Log;
using Brokkr.Core.Telemetry;
using Brokkr.Testing;
using Brokkr.Testing.Telemetry;
using static Brokkr.Receiver.Tests.TestReceiver;

namespace Brokkr.Receiver.Tests;

/// <summary>The spans of a receiver (receiver-and-core §14.3, RDP-20, RDP-21, RCO-04, OIN-12).</summary>
public sealed class TraceTests : IDisposable
{
    private const string Caller = "b7ad6b7169203331";

    private readonly SpanCollector _spans = new(TraceHeaders.ReceiverSource);

    public void Dispose() => _spans.Dispose();

    public static TheoryData<string> Forms =>
        [
            "traceparent: 00-{0}-{1}-01\r\ntracestate: a=b\r\nbaggage: k=v\r\n",
            "b3: {0}-{1}-1\r\n",
            "b3: {0}-{1}-d-05e3ac9a4f6e3b90\r\n",
            "b3: {0}-{1}\r\n",
            "X-B3-TraceId: {0}\r\nX-B3-SpanId: {1}\r\nX-B3-Sampled: 1\r\n",
            "X-B3-TraceId: {0}\r\nX-B3-SpanId: {1}\r\nX-B3-Sampled: 0\r\nX-B3-Flags: 1\r\n",
        ];

    [Theory]
    [MemberData(nameof(Forms))]
    public async Task RDP_21_A_traced_request_has_a_span_and_one_for_the_append_whose_id_goes_with_the_record(string form)
    {
        await using var receiver = await StartAsync(Broker("br"));
        using var client = await RawClient.ConnectAsync(receiver.Port);
        (await client.SendAsync(RawClient.Event(more: string.Format(null, form, _spans.Trace, Caller)))).Is(202);
        var request = await _spans.SingleAsync("POST");
        var append = await _spans.SingleAsync("kafka_send");
        Assert.Equal(ActivityKind.Server, request.Kind);
        Assert.Equal(Caller, request.ParentSpanId.ToHexString());
        Assert.Equal(ActivityKind.Producer, append.Kind);
        Assert.Equal(request.SpanId, append.ParentSpanId);
        Assert.Equal("i-1", request.GetTagItem("messaging.message_id"));
        Assert.Equal("/src", request.GetTagItem("messaging.message_source"));
        Assert.Equal("t.x", request.GetTagItem("messaging.message_type"));
        Assert.Equal("broker:br.ns", request.GetTagItem("messaging.destination"));
        Assert.Equal("/ns/br", request.GetTagItem("url.path"));
        Assert.Equal(202, request.GetTagItem("http.response.status_code"));
        Assert.Equal("t-br", append.GetTagItem("messaging.destination.name"));
        Assert.Equal(ActivityStatusCode.Unset, append.Status);
        var record = Text(await receiver.RecordAsync("t-br"));
        Assert.StartsWith($"traceparent=00-{_spans.Trace}-{append.SpanId}-01\n", record, StringComparison.Ordinal);
        Assert.Equal(
            form.Contains("tracestate", StringComparison.Ordinal),
            record.Contains("\ntracestate=a=b\nbaggage=k=v\n", StringComparison.Ordinal)
        );
    }

    [Fact]
    public async Task A_failed_append_is_an_error_of_both_spans()
    {
        await using var receiver = await StartAsync();
        var faulty = receiver.Logs.Behind("faulty");
        receiver.Publish(Broker("br", servers: "faulty"));
        await receiver.ServedAsync("/ns/br");
        faulty.Append = (_, _) => new ValueTask<AppendResult>(AppendResult.Failed(AppendOutcome.RetryLater, "as the test says"));
        using var client = await RawClient.ConnectAsync(receiver.Port);
        (await client.SendAsync(RawClient.Event(more: $"traceparent: 00-{_spans.Trace}-{Caller}-01\r\n"))).Is(503);
        Assert.Equal(ActivityStatusCode.Error, (await _spans.SingleAsync("POST")).Status);
        var append = await _spans.SingleAsync("kafka_send");
        Assert.Equal(ActivityStatusCode.Error, append.Status);
        Assert.Equal("RetryLater: as the test says", append.StatusDescription);
    }

    [Fact]
    public async Task A_batch_has_one_span_for_its_appends()
    {
        await using var receiver = await StartAsync(Broker("br"));
        using var client = await RawClient.ConnectAsync(receiver.Port);
        const string One = """{"specversion":"1.0","id":"a","source":"/s","type":"t"}""";
        var request = RawClient.Body(
            "application/cloudevents-batch+json",
            $"[{One},{One}]",
            more: $"traceparent: 00-{_spans.Trace}-{Caller}-01\r\n"
        );
        (await client.SendAsync(request)).Is(202);
        await _spans.SingleAsync("POST");
        var append = await _spans.SingleAsync("kafka_send");
        var records = await receiver.RecordsAsync("t-br");
        Assert.Equal(2, records.Count);
        Assert.All(
            records,
            record => Assert.StartsWith($"traceparent=00-{_spans.Trace}-{append.SpanId}-01\n", Text(record), StringComparison.Ordinal)
        );
        Assert.Equal(2, _spans.Ended.Count);
    }

    [Theory]
    [InlineData("traceparent: 00-{0}-{1}-00\r\n")]
    [InlineData("b3: {0}-{1}-0\r\n")]
    [InlineData("b3: 0\r\n")]
    [InlineData("b3: {0}-xyz-1\r\n")]
    [InlineData("X-B3-TraceId: {0}\r\n")]
    public async Task What_is_not_sampled_or_no_context_has_no_span(string form)
    {
        await using var receiver = await StartAsync(Broker("br"));
        using var client = await RawClient.ConnectAsync(receiver.Port);
        (await client.SendAsync(RawClient.Event(more: string.Format(null, form, _spans.Trace, Caller)))).Is(202);
        var record = Text(await receiver.RecordAsync("t-br"));
        Assert.Equal(form.StartsWith("traceparent", StringComparison.Ordinal), record.Contains("traceparent", StringComparison.Ordinal));
        Assert.Empty(_spans.Ended);
    }

    [Theory]
    [InlineData("?a=b&access_token=e30.e30.c2ln&c=d", "a=b&access_token=REDACTED&c=d")]
    [InlineData("?access_token=e30.e30.c2ln&access_token=e30", "access_token=REDACTED&access_token=REDACTED")]
    [InlineData("?no_access_token=1&x=access_token", "no_access_token=1&x=access_token")]
    public async Task CEW_08_A_token_in_the_query_is_in_no_span(string query, string seen)
    {
        await using var receiver = await StartAsync(Broker("br"));
        var request = RawClient.Event("/ns/br" + query, more: $"traceparent: 00-{_spans.Trace}-{Caller}-01\r\n");
        (await RawClient.OnceAsync(receiver.Port, request)).Is(202);
        var span = await _spans.SingleAsync("POST");
        Assert.Equal(seen, span.GetTagItem("url.query"));
        Assert.Equal($"http://x.test/ns/br?{seen}", span.GetTagItem("http.url"));
    }
}
