using System.Net;
using System.Net.Sockets;
using System.Text;
using Brokkr.Testing;
using Microsoft.Extensions.Time.Testing;
using static Brokkr.Receiver.Tests.TestReceiver;

namespace Brokkr.Receiver.Tests;

/// <summary>Where a request ends, when somebody wants others to think it ends elsewhere; and connections that never end one.</summary>
public sealed class FramingTests
{
    private const string Chunks = "2\r\nhi\r\n0\r\n\r\n";

    [Theory]
    [InlineData("gzip, chunked")]
    [InlineData("identity, chunked")]
    [InlineData("chunked, chunked")]
    [InlineData("chunked,")]
    [InlineData("chunked\r\nTransfer-Encoding: chunked")]
    public async Task A_transfer_coding_other_than_chunked_is_refused_and_the_connection_closed(string coding)
    {
        await using var receiver = await StartAsync(Broker("br"));
        using var client = await RawClient.ConnectAsync(receiver.Port);
        var answer = await client.SendAsync($"{RawClient.Head()}Transfer-Encoding: {coding}\r\n\r\n{Chunks}");
        answer.IsProblem(400, "malformed-request");
        Assert.Equal("close", answer["connection"]);
        Assert.True(await client.ClosesAsync());
        Assert.Empty(await receiver.RecordsAsync("t-br"));
    }

    [Theory]
    [InlineData("X-A: a\0b")]
    [InlineData("X-A")]
    [InlineData("X-A: a\rb")]
    public async Task A_trailer_that_is_no_header_is_refused(string trailer)
    {
        await using var receiver = await StartAsync(Broker("br"));
        var chunks = $"2\r\nhi\r\n0\r\n{trailer}\r\n\r\n";
        (await RawClient.OnceAsync(receiver.Port, $"{RawClient.Head()}Transfer-Encoding: chunked\r\n\r\n{chunks}")).Is(400);
        Assert.Empty(await receiver.RecordsAsync("t-br"));
    }

    [Fact]
    public async Task HTTP_1_0_knows_no_transfer_coding()
    {
        await using var receiver = await StartAsync(Broker("br"));
        var head = RawClient.Head().Replace("HTTP/1.1", "HTTP/1.0", StringComparison.Ordinal);
        (await RawClient.OnceAsync(receiver.Port, $"{head}Connection: keep-alive\r\nTransfer-Encoding: chunked\r\n\r\n{Chunks}")).Is(400);
        Assert.Empty(await receiver.RecordsAsync("t-br"));
    }

    [Fact]
    public async Task A_length_beside_chunks_does_not_count_and_nothing_after_them_is_read()
    {
        await using var receiver = await StartAsync(Broker("br"));
        using var client = await RawClient.ConnectAsync(receiver.Port);
        await client.WriteAsync($"{RawClient.Head()}Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n{Chunks}{RawClient.Event()}");
        (await client.AnswerAsync()).Is(202);
        Assert.True(await client.ClosesAsync());
        Assert.Equal("hi", Encoding.UTF8.GetString((await receiver.RecordAsync("t-br")).Value.Span));
    }

    [Theory]
    [InlineData("+2")]
    [InlineData("-0")]
    [InlineData("2,2")]
    [InlineData("2 2")]
    [InlineData("0x2")]
    [InlineData("2\u000B")]
    [InlineData("")]
    [InlineData("99999999999999999999")]
    public async Task A_length_is_nothing_but_digits(string length)
    {
        await using var receiver = await StartAsync(Broker("br"));
        (await RawClient.OnceAsync(receiver.Port, $"{RawClient.Head()}Content-Length: {length}\r\n\r\nhi")).Is(400);
        Assert.Empty(await receiver.RecordsAsync("t-br"));
        (await RawClient.OnceAsync(receiver.Port, $"{RawClient.Head()}Content-Length: 02\r\n\r\nhi")).Is(202);
    }

    [Fact]
    public async Task A_preface_that_is_begun_and_not_finished_is_not_waited_for()
    {
        var time = new FakeTimeProvider();
        await using var receiver = await OpenAsync(new ReceiverOptions(), time);
        using var client = await RawClient.ConnectAsync(receiver.Port);
        await client.WriteAsync("PRI * HTTP");
        var closes = client.ClosesAsync();
        await Eventually.True(
            () =>
            {
                time.Advance(TimeSpan.FromSeconds(31));
                return closes.IsCompleted;
            },
            "the connection closed"
        );
        Assert.True(await closes);
    }

    [Fact]
    public async Task Hundreds_who_never_finish_are_answered_and_do_not_keep_others_from_being_served()
    {
        await using var receiver = await StartAsync(new ReceiverOptions { BodyDeadline = TimeSpan.FromSeconds(1) }, Broker("br"));
        string[] begun = ["Content-Length: 10\r\n\r\nhi", "Transfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n", "Content-Length: 9\r\n\r\n"];
        var slow = new List<RawClient>();
        for (var i = 0; i < 300; i++)
        {
            slow.Add(await RawClient.ConnectAsync(receiver.Port));
            await slow[i].WriteAsync(RawClient.Head() + begun[i % begun.Length]);
        }

        (await RawClient.OnceAsync(receiver.Port, RawClient.Event())).Is(202);
        foreach (var client in slow)
        {
            (await client.AnswerAsync()).IsProblem(408, "request-timeout");
            Assert.True(await client.ClosesAsync());
            client.Dispose();
        }

        Assert.Single(await receiver.RecordsAsync("t-br"));
    }

    [Fact]
    public async Task A_sender_who_does_not_read_its_answers_is_not_waited_for()
    {
        await using var receiver = await StartAsync(new ReceiverOptions { BodyDeadline = TimeSpan.FromSeconds(1) }, Broker("br"));
        using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { ReceiveBufferSize = 4096 };
        await socket.ConnectAsync(IPAddress.Loopback, receiver.Port);
        var requests = Encoding.ASCII.GetBytes(string.Concat(Enumerable.Repeat(RawClient.Event("/ns/nope"), 1000)));
        var closed = Task.Run(async () =>
        {
            try
            {
                while (true)
                {
                    await socket.SendAsync(requests);
                }
            }
            catch (SocketException)
            {
                // What was waited for.
            }
        });
        await Eventually.Completes(closed, "the connection closed");
    }
}
