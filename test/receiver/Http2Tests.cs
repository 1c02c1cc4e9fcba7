using System.Net;
using System.Net.Http.Headers;
using System.Text;
using static Brokkr.Receiver.Tests.TestReceiver;

namespace Brokkr.Receiver.Tests;

/// <summary>HTTP/1.1 and HTTP/2 in clear text on one port (receiver-and-core §6.6).</summary>
public sealed class Http2Tests
{
    private const string Preface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

    [Fact]
    public async Task DP_07_Both_protocols_are_served_on_one_port()
    {
        await using var receiver = await StartAsync(Broker("br"));
        using var client = new HttpClient();
        foreach (var version in (Version[])[HttpVersion.Version20, HttpVersion.Version11, HttpVersion.Version20])
        {
            using var answer = await client.SendAsync(Event($"{receiver.Url}/ns/br", version, "hi"));
            Assert.Equal(HttpStatusCode.Accepted, answer.StatusCode);
            Assert.Equal(version, answer.Version);
        }

        foreach (var record in await receiver.RecordsAsync("t-br"))
        {
            Assert.Equal(
                "ce_specversion=1.0\nce_id=i-1\nce_source=/src\nce_type=t.x\ncontent-type=text/plain\nce_ext=grüß\nhi",
                Text(record)
            );
        }
    }

    [Fact]
    public async Task Refusals_probes_and_limits_are_the_same()
    {
        await using var receiver = await StartAsync(new ReceiverOptions { MaxBodyBytes = 1000 }, Broker("br", host: "ch.test"));
        using var client = new HttpClient();
        foreach (
            var (path, body, status) in ((string, string, HttpStatusCode)[])
                [
                    ("/ns/nope", "hi", HttpStatusCode.NotFound),
                    ("/ns/br", new string('x', 100_000), HttpStatusCode.RequestEntityTooLarge),
                    ("/ns/br", new string('x', 1000), HttpStatusCode.Accepted),
                ]
        )
        {
            using var answer = await client.SendAsync(Event($"{receiver.Url}{path}", HttpVersion.Version20, body));
            Assert.Equal(status, answer.StatusCode);
        }

        using var probe = new HttpRequestMessage(HttpMethod.Get, $"{receiver.Url}/any")
        {
            Version = HttpVersion.Version20,
            VersionPolicy = HttpVersionPolicy.RequestVersionExact,
        };
        probe.Headers.Host = "ch.test";
        probe.Headers.Add("K-Network-Probe", "probe");
        probe.Headers.Add("K-Network-Hash", "h");
        using var known = await client.SendAsync(probe);
        Assert.Equal(HttpStatusCode.OK, known.StatusCode);
        Assert.Equal("h", Assert.Single(known.Headers.GetValues("K-Network-Hash")));
    }

    [Fact]
    public async Task Streams_of_one_connection_do_not_disturb_each_other()
    {
        await using var receiver = await StartAsync(Broker("br"));
        using var client = new HttpClient();
        var answers = await Task.WhenAll(
            Enumerable.Range(0, 300).Select(i => client.SendAsync(Event($"{receiver.Url}/ns/br", HttpVersion.Version20, $"body {i}")))
        );
        Assert.All(answers, answer => Assert.Equal(HttpStatusCode.Accepted, answer.StatusCode));
        var bodies = (await receiver.RecordsAsync("t-br")).Select(record => Encoding.UTF8.GetString(record.Value.Span));
        Assert.Equal(Enumerable.Range(0, 300).Select(i => $"body {i}").Order(), bodies.Order());
    }

    [Fact]
    public async Task The_preface_may_come_byte_by_byte_and_a_request_too()
    {
        await using var receiver = await StartAsync(Broker("br"));
        using var http2 = await RawClient.ConnectAsync(receiver.Port);
        foreach (var c in Preface)
        {
            await http2.WriteAsync(c.ToString());
        }

        // An empty SETTINGS frame; the server's own comes first.
        await http2.WriteAsync([0, 0, 0, 4, 0, 0, 0, 0, 0]);
        var frame = await http2.ReadAsync(4);
        Assert.Equal(4, frame[3]);

        using var http1 = await RawClient.ConnectAsync(receiver.Port);
        var request = RawClient.Event();
        foreach (var c in request[..40])
        {
            await http1.WriteAsync(c.ToString());
        }

        (await http1.SendAsync(request[40..])).Is(202);
    }

    [Fact]
    public async Task What_only_begins_like_the_preface_is_HTTP_1()
    {
        await using var receiver = await StartAsync(Broker("br"));
        (await RawClient.OnceAsync(receiver.Port, "PRI /ns/br HTTP/1.1\r\nHost: x.test\r\nContent-Length: 0\r\n\r\n")).IsProblem(
            405,
            "method-not-allowed"
        );
        using var cut = await RawClient.ConnectAsync(receiver.Port);
        await cut.WriteAsync("PRI * HT");
        cut.FinishSending();
        Assert.NotEqual(202, (await cut.AnswerAsync()).Status);
        (await RawClient.OnceAsync(receiver.Port, RawClient.Event())).Is(202);
    }

    [Fact]
    public async Task HTTP_2_can_be_turned_off()
    {
        await using var receiver = await StartAsync(new ReceiverOptions { Http2 = false }, Broker("br"));
        using var client = new HttpClient();
        await Assert.ThrowsAnyAsync<HttpRequestException>(() =>
            client.SendAsync(Event($"{receiver.Url}/ns/br", HttpVersion.Version20, "hi"))
        );
        (await RawClient.OnceAsync(receiver.Port, RawClient.Event())).Is(202);
    }

    [Theory]
    [InlineData("Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\n")]
    [InlineData(
        "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
    )]
    public async Task DP_08_A_wish_to_upgrade_is_ignored(string headers)
    {
        await using var receiver = await StartAsync(Broker("br"));
        (await RawClient.OnceAsync(receiver.Port, RawClient.Event(more: headers))).Is(202);
    }

    private static HttpRequestMessage Event(string url, Version version, string body)
    {
        var request = new HttpRequestMessage(HttpMethod.Post, url)
        {
            Version = version,
            VersionPolicy = HttpVersionPolicy.RequestVersionExact,
            Content = new ByteArrayContent(Encoding.UTF8.GetBytes(body))
            {
                Headers = { ContentType = new MediaTypeHeaderValue("text/plain") },
            },
        };
        request.Headers.Add("ce-specversion", "1.0");
        request.Headers.Add("ce-id", "i-1");
        request.Headers.Add("ce-source", "/src");
        request.Headers.Add("ce-type", "t.x");
        request.Headers.TryAddWithoutValidation("ce-ext", "gr%C3%BC%C3%9F");
        return request;
    }
}
