using System.Text;
using Brokkr.Core.Contract.Wire;
using static Brokkr.Receiver.Tests.TestReceiver;

namespace Brokkr.Receiver.Tests;

/// <summary>What becomes of an event that is sent (receiver-and-core §7, §8).</summary>
public sealed class EventTests
{
    private const string Base = "ce_specversion=1.0\nce_id=i-1\nce_source=/src\nce_type=t.x\n";
    private const string Json = "application/cloudevents+json";
    private const string Batch = "application/cloudevents-batch+json";

    [Theory]
    [InlineData("", "hi", Base + "content-type=text/plain\nhi")]
    [InlineData("", "", Base + "content-type=text/plain\n<null>")]
    [InlineData("ce-subject: s\r\nce-myExt: V\r\n", "hi", Base + "content-type=text/plain\nce_subject=s\nce_myext=V\nhi")]
    [InlineData("ce-time: 2024-01-02T03:04:05.100Z\r\n", "hi", Base + "content-type=text/plain\nce_time=2024-01-02T03:04:05.1Z\nhi")]
    [InlineData("ce-ext: Euro%20%E2%82%AC%20%F0%9F%98%80\r\n", "hi", Base + "content-type=text/plain\nce_ext=Euro € 😀\nhi")]
    [InlineData("ce-ext: %2525\r\n", "hi", Base + "content-type=text/plain\nce_ext=%25\nhi")]
    [InlineData("ce-ext: \"a%20b\"\r\n", "hi", Base + "content-type=text/plain\nce_ext=a b\nhi")]
    [InlineData("ce-ext: grüß\r\n", "hi", Base + "content-type=text/plain\nce_ext=grüß\nhi")]
    [InlineData("ce-partitionkey: k\r\n", "hi", "key=k\n" + Base + "content-type=text/plain\nce_partitionkey=k\nhi")]
    [InlineData("X-Custom: 1\r\nCookie: a=b\r\nPrefer: reply\r\n", "hi", Base + "content-type=text/plain\nhi")]
    public async Task OIN_07_OIN_11_CEH_06_07_10_13_14_A_binary_event_becomes_headers_and_data(string more, string body, string record)
    {
        await using var receiver = await StartAsync(Broker("br"));
        var answer = await RawClient.OnceAsync(receiver.Port, RawClient.Event(body: body, more: more));
        answer.Is(202);
        Assert.Empty(answer.Body);
        Assert.Equal(record, Text(await receiver.RecordAsync("t-br")));
    }

    [Fact]
    public async Task DP_19_An_event_that_comes_twice_is_stored_twice()
    {
        await using var receiver = await StartAsync(Broker("br"));
        using var client = await RawClient.ConnectAsync(receiver.Port);
        (await client.SendAsync(RawClient.Event())).Is(202);
        (await client.SendAsync(RawClient.Event())).Is(202);
        var records = await receiver.RecordsAsync("t-br");
        Assert.Equal(2, records.Count);
        Assert.Equal(Text(records[0]), Text(records[1]));
    }

    [Fact]
    public async Task CEH_07_Names_of_headers_have_no_case()
    {
        await using var receiver = await StartAsync(Broker("br"));
        var request =
            "POST /ns/br HTTP/1.1\r\nHost: x.test\r\nCE-SPECVERSION: 1.0\r\ncE-iD: i-1\r\nCe-Source: /src\r\nCe-Type: t.x\r\nCONTENT-TYPE: text/plain\r\nContent-Length: 2\r\n\r\nhi";
        (await RawClient.OnceAsync(receiver.Port, request)).Is(202);
        Assert.Equal(Base + "content-type=text/plain\nhi", Text(await receiver.RecordAsync("t-br")));
    }

    [Theory]
    [InlineData("ce-id: i-1\r\nce-source: /src\r\nce-type: t.x\r\n")]
    [InlineData("ce-specversion: 1.0\r\nce-source: /src\r\nce-type: t.x\r\n")]
    [InlineData("ce-specversion: 1.0\r\nce-id: i-1\r\nce-type: t.x\r\n")]
    [InlineData("ce-specversion: 1.0\r\nce-id: i-1\r\nce-source: /src\r\n")]
    [InlineData("ce-specversion: 19.0\r\nce-id: i-1\r\nce-source: /src\r\nce-type: t.x\r\n")]
    [InlineData("ce-specversion: 1.0\r\nce-id: i-1\r\nce-source: /a b\r\nce-type: t.x\r\n")]
    [InlineData("ce-specversion: 1.0\r\nce-id: i-1\r\nce-source: /src\r\nce-type: t.x\r\nce-time: yesterday\r\n")]
    [InlineData("ce-specversion: 1.0\r\nce-id: i-1\r\nce-source: /src\r\nce-type: t.x\r\nce-my-ext: v\r\n")]
    [InlineData("ce-specversion: 1.0\r\nce-id: i-1\r\nce-source: /src\r\nce-type: t.x\r\nce-ext: %C0%A0\r\n")]
    [InlineData("ce-specversion: 1.0\r\nce-id: i-1\r\nce-source: /src\r\nce-type: t.x\r\nce-datacontenttype: text/plain\r\n")]
    [InlineData("")]
    public async Task OIN_06_DEV_17_RDP_02_RDP_07_CEH_05_12_19_An_invalid_binary_event_is_400(string attributes)
    {
        await using var receiver = await StartAsync(Broker("br"));
        using var client = await RawClient.ConnectAsync(receiver.Port);
        (await client.SendAsync($"POST /ns/br HTTP/1.1\r\nHost: x.test\r\n{attributes}Content-Length: 2\r\n\r\nhi")).IsProblem(
            400,
            "invalid-event"
        );
        Assert.Empty(await receiver.RecordsAsync("t-br"));

        // The connection serves the next request.
        (await client.SendAsync(RawClient.Event())).Is(202);
    }

    [Fact]
    public async Task CEH_12_Bytes_that_are_no_UTF_8_are_refused()
    {
        await using var receiver = await StartAsync(Broker("br"));
        using var client = await RawClient.ConnectAsync(receiver.Port);
        await client.WriteAsync([.. Encoding.ASCII.GetBytes(RawClient.Head() + "ce-ext: caf"), 0xE9, .. "\r\nContent-Length: 0\r\n\r\n"u8]);
        (await client.AnswerAsync()).IsProblem(400, "invalid-event");
    }

    [Theory]
    [InlineData("application/cloudevents+json")]
    [InlineData("application/cloudevents+json; charset=utf-8")]
    [InlineData("Application/CloudEvents+JSON")]
    [InlineData("application/cloudevents+json ; charset=UTF-8")]
    public async Task OIN_10_CEH_01_02_16_20_A_structured_event_is_stored_in_binary_mode(string contentType)
    {
        await using var receiver = await StartAsync(Broker("br"));
        const string body =
            """{"specversion":"1.0","id":"i-1","source":"/src","type":"t.x","subject":"s","count":5,"data":{"b":1.10,"a":[true,null]}}""";
        (await RawClient.OnceAsync(receiver.Port, RawClient.Body(contentType, body))).Is(202);
        Assert.Equal(
            Base + "content-type=application/json\nce_subject=s\nce_count=5\n{\"b\":1.10,\"a\":[true,null]}",
            Text(await receiver.RecordAsync("t-br"))
        );
    }

    [Fact]
    public async Task CEH_17_Headers_beside_a_structured_event_do_not_count()
    {
        await using var receiver = await StartAsync(Broker("br"));
        var body = """{"specversion":"1.0","id":"i-1","source":"/src","type":"t.x"}""";
        (await RawClient.OnceAsync(receiver.Port, RawClient.Body(Json, body, more: "ce-id: header\r\nce-specversion: 9\r\n"))).Is(202);
        Assert.Equal(Base + "<null>", Text(await receiver.RecordAsync("t-br")));
    }

    [Theory]
    [InlineData("")]
    [InlineData("{}")]
    [InlineData("hello")]
    [InlineData("null")]
    [InlineData("""{"specversion":"1.0","id":"i-1","source":"/src"}""")]
    [InlineData("""{"specversion":"1.0","id":"i-1","source":"/src","type":"t.x"} x""")]
    public async Task OIN_06_An_invalid_structured_event_is_400(string body)
    {
        await using var receiver = await StartAsync(Broker("br"));
        (await RawClient.OnceAsync(receiver.Port, RawClient.Body(Json, body))).IsProblem(400, "invalid-event");
        Assert.Empty(await receiver.RecordsAsync("t-br"));
    }

    /// <summary>CEW-06.</summary>
    [Theory]
    [InlineData("application/cloudevents")]
    [InlineData("application/cloudevents+xml")]
    [InlineData("application/cloudevents+protobuf")]
    [InlineData("application/cloudevents-batch+xml")]
    public async Task CEH_04_An_event_format_that_is_not_known_is_415(string contentType)
    {
        await using var receiver = await StartAsync(Broker("br"));
        var answer = await RawClient.OnceAsync(
            receiver.Port,
            RawClient.Event().Replace("text/plain", contentType, StringComparison.Ordinal)
        );
        answer.IsProblem(415, "unsupported-content-mode");
        Assert.Contains(Json, answer["accept-post"], StringComparison.Ordinal);
    }

    [Fact]
    public async Task Two_content_types_are_refused()
    {
        await using var receiver = await StartAsync(Broker("br"));
        (await RawClient.OnceAsync(receiver.Port, RawClient.Event(more: "Content-Type: application/json\r\n"))).IsProblem(
            400,
            "invalid-event"
        );
    }

    [Theory]
    [InlineData("gzip")]
    [InlineData("br")]
    [InlineData("zstd")]
    public async Task A_content_coding_would_be_lost_so_it_is_refused(string coding)
    {
        await using var receiver = await StartAsync(Broker("br"));
        (await RawClient.OnceAsync(receiver.Port, RawClient.Event(more: $"Content-Encoding: {coding}\r\n"))).IsProblem(
            415,
            "unsupported-content-coding"
        );
        (await RawClient.OnceAsync(receiver.Port, RawClient.Event(more: "Content-Encoding: identity\r\n"))).Is(202);
    }

    [Fact]
    public async Task OIN_10_DEV_19_A_sink_in_binary_mode_gets_headers_and_data_whatever_is_sent()
    {
        await using var receiver = await StartAsync(Sink("sink", ContentMode.Binary));
        (await RawClient.OnceAsync(receiver.Port, RawClient.Event("/ns/sink"))).Is(202);
        var structured = """{"data":"hi","datacontenttype":"text/plain","type":"t.x","source":"/src","id":"i-1","specversion":"1.0"}""";
        (await RawClient.OnceAsync(receiver.Port, RawClient.Body(Json, structured, "/ns/sink"))).Is(202);
        var records = await receiver.RecordsAsync("t-sink");
        Assert.Equal([Base + "content-type=text/plain\nhi", Base + "content-type=text/plain\nhi"], records.Select(Text));
    }

    [Fact]
    public async Task OIN_10_A_sink_in_structured_mode_gets_documents_whatever_is_sent()
    {
        await using var receiver = await StartAsync(Sink("sink", ContentMode.Structured));
        (await RawClient.OnceAsync(receiver.Port, RawClient.Event("/ns/sink", more: "ce-partitionkey: k\r\n"))).Is(202);
        var structured = """{"data":{"a":1},"n":5,"type":"t.x","source":"/src","id":"i-2","specversion":"1.0"}""";
        (await RawClient.OnceAsync(receiver.Port, RawClient.Body(Json, structured, "/ns/sink"))).Is(202);
        var records = await receiver.RecordsAsync("t-sink");
        Assert.Equal(
            "key=k\ncontent-type=application/cloudevents+json\n"
                + """{"specversion":"1.0","id":"i-1","source":"/src","type":"t.x","datacontenttype":"text/plain","partitionkey":"k","data_base64":"aGk="}""",
            Text(records[0])
        );
        Assert.Equal(
            "content-type=application/cloudevents+json\n"
                + """{"specversion":"1.0","id":"i-2","source":"/src","type":"t.x","datacontenttype":"application/json","n":5,"data":{"a":1}}""",
            Text(records[1])
        );
    }

    [Fact]
    public async Task A_document_that_would_be_malformed_is_refused()
    {
        await using var receiver = await StartAsync(Sink("sink", ContentMode.Structured));
        var request = RawClient.Event("/ns/sink", "{oops").Replace("text/plain", "application/json", StringComparison.Ordinal);
        (await RawClient.OnceAsync(receiver.Port, request)).IsProblem(400, "invalid-event");
        Assert.Empty(await receiver.RecordsAsync("t-sink"));
    }

    [Fact]
    public async Task A_batch_is_202_when_all_its_events_are_stored()
    {
        await using var receiver = await StartAsync(Broker("br"), Sink("sink", ContentMode.Structured));
        var batch =
            """[{"specversion":"1.0","id":"i-1","source":"/src","type":"t.x"},{"specversion":"1.0","id":"i-2","source":"/src","type":"t.x","partitionkey":"k","data":"x"}]""";
        foreach (var uid in (string[])["br", "sink"])
        {
            (await RawClient.OnceAsync(receiver.Port, RawClient.Body(Batch, batch, $"/ns/{uid}"))).Is(202);
            Assert.Equal(2, (await receiver.RecordsAsync($"t-{uid}")).Count);
        }

        var records = await receiver.RecordsAsync("t-br");
        Assert.Equal(Base + "<null>", Text(records[0]));
        Assert.StartsWith("key=k\nce_specversion=1.0\nce_id=i-2\n", Text(records[1]), StringComparison.Ordinal);
        (await RawClient.OnceAsync(receiver.Port, RawClient.Body(Batch, "[]"))).Is(202);
    }

    [Theory]
    [InlineData("""[{"specversion":"1.0","id":"i-1","source":"/src","type":"t.x"},{"specversion":"1.0","id":"i-2","source":"/src"}]""")]
    [InlineData("""{"specversion":"1.0","id":"i-1","source":"/src","type":"t.x"}""")]
    [InlineData("[")]
    public async Task Nothing_of_an_invalid_batch_is_stored(string batch)
    {
        await using var receiver = await StartAsync(Broker("br"));
        (await RawClient.OnceAsync(receiver.Port, RawClient.Body(Batch, batch))).IsProblem(400, "invalid-event");
        Assert.Empty(await receiver.RecordsAsync("t-br"));
    }

    [Theory]
    [InlineData("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")]
    [InlineData("cc-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-later")]
    public async Task OIN_12_RDP_20_The_trace_of_a_request_goes_on_in_the_record(string traceparent)
    {
        await using var receiver = await StartAsync(Broker("br"), Sink("sink", ContentMode.Structured));
        foreach (var uid in (string[])["br", "sink"])
        {
            var more = $"traceparent: {traceparent}\r\ntracestate: a=b,c=d\r\nbaggage: k=v\r\n";
            (await RawClient.OnceAsync(receiver.Port, RawClient.Event($"/ns/{uid}", more: more))).Is(202);
            var lines = Text(await receiver.RecordAsync($"t-{uid}")).Split('\n');
            Assert.Matches("^traceparent=00-0af7651916cd43dd8448eb211c80319c-(?!b7ad6b7169203331)[0-9a-f]{16}-01$", lines[0]);
            Assert.Equal("tracestate=a=b,c=d", lines[1]);
            Assert.Equal("baggage=k=v", lines[2]);
        }
    }

    [Theory]
    [InlineData("traceparent: xyz\r\ntracestate: a=b\r\nbaggage: k=v\r\n")]
    [InlineData("traceparent: 00-00000000000000000000000000000000-b7ad6b7169203331-01\r\n")]
    [InlineData("traceparent: 00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01\r\n")]
    [InlineData("traceparent: ff-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01\r\n")]
    [InlineData("traceparent: 00-0AF7651916CD43DD8448EB211C80319C-b7ad6b7169203331-01\r\n")]
    [InlineData("traceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-more\r\n")]
    [InlineData("baggage: k=v\r\n")]
    [InlineData("b3: 0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-1\r\n")]
    public async Task Without_a_valid_trace_context_nothing_is_carried_on(string headers)
    {
        await using var receiver = await StartAsync(Broker("br"));
        (await RawClient.OnceAsync(receiver.Port, RawClient.Event(more: headers))).Is(202);
        Assert.Equal(Base + "content-type=text/plain\nhi", Text(await receiver.RecordAsync("t-br")));
    }

    [Fact]
    public async Task RDP_09_An_event_of_version_03_stays_one()
    {
        await using var receiver = await StartAsync(Broker("br"));
        var request = RawClient
            .Event(more: "ce-schemaurl: http://s/x\r\n")
            .Replace("specversion: 1.0", "specversion: 0.3", StringComparison.Ordinal);
        (await RawClient.OnceAsync(receiver.Port, request)).Is(202);
        Assert.Equal(
            "ce_specversion=0.3\nce_id=i-1\nce_source=/src\nce_type=t.x\ncontent-type=text/plain\nce_schemaurl=http://s/x\nhi",
            Text(await receiver.RecordAsync("t-br"))
        );
    }
}
