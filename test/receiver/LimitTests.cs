using System.Globalization;
using System.IO.Compression;
using System.Text;
using Brokkr.Core.Log;
using Brokkr.Testing;
using static Brokkr.Receiver.Tests.TestReceiver;

namespace Brokkr.Receiver.Tests;

/// <summary>What is too much: bytes, time, both together (design §4, receiver-and-core §6.2, §18.7, §18.19).</summary>
public sealed class LimitTests
{
    private static readonly ReceiverOptions Small = new() { MaxBodyBytes = 1000 };

    [Fact]
    public async Task CEC_15_A_body_of_the_limit_is_stored_and_one_more_byte_is_413()
    {
        await using var receiver = await StartAsync(Small, Broker("br"));
        using var client = await RawClient.ConnectAsync(receiver.Port);
        (await client.SendAsync(RawClient.Event(body: new string('x', 1000)))).Is(202);
        (await client.SendAsync(RawClient.Event(body: new string('x', 1001)))).IsProblem(413, "event-too-large");

        // What is left of the body is read away, so the connection lives on.
        (await client.SendAsync(RawClient.Event(body: new string('x', 300_000)))).IsProblem(413, "event-too-large");
        (await client.SendAsync(RawClient.Event())).Is(202);
        Assert.Equal(2, (await receiver.RecordsAsync("t-br")).Count);
    }

    [Theory]
    [InlineData(1000, 100, 202)]
    [InlineData(1001, 100, 413)]
    [InlineData(200_000, 50_000, 413)]
    public async Task The_limit_holds_for_bodies_of_unknown_length(int size, int chunk, int status)
    {
        await using var receiver = await StartAsync(Small, Broker("br"));
        using var client = await RawClient.ConnectAsync(receiver.Port);
        var request = new StringBuilder(RawClient.Head()).Append("Transfer-Encoding: chunked\r\n\r\n");
        for (var left = size; left > 0; left -= chunk)
        {
            var now = Math.Min(left, chunk);
            request.Append(CultureInfo.InvariantCulture, $"{now:x}\r\n{new string('x', now)}\r\n");
        }

        (await client.SendAsync(request.Append("0\r\n\r\n").ToString())).Is(status);
        Assert.Equal(status == 202 ? 1 : 0, (await receiver.RecordsAsync("t-br")).Count);
    }

    [Fact]
    public async Task A_body_in_pieces_arrives_whole()
    {
        await using var receiver = await StartAsync(Broker("br"));
        using var client = await RawClient.ConnectAsync(receiver.Port);
        await client.WriteAsync(RawClient.Head()[..30]);
        await client.WriteAsync(RawClient.Head()[30..] + "Content-Length: 200000\r\n\r\n");
        for (var i = 0; i < 20; i++)
        {
            await client.WriteAsync(new string((char)('a' + i), 10_000));
        }

        (await client.AnswerAsync()).Is(202);
        var value = (await receiver.RecordAsync("t-br")).Value;
        Assert.Equal(200_000, value.Length);
        Assert.Equal((byte)'a', value.Span[0]);
        Assert.Equal((byte)'t', value.Span[^1]);
    }

    [Fact]
    public async Task A_chunked_body_without_chunks_is_no_data()
    {
        await using var receiver = await StartAsync(Broker("br"));
        (await RawClient.OnceAsync(receiver.Port, RawClient.Head() + "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n")).Is(202);
        Assert.False((await receiver.RecordAsync("t-br")).HasValue);
    }

    [Fact]
    public async Task A_record_that_the_log_finds_too_large_is_413()
    {
        await using var receiver = await StartAsync(new ReceiverOptions { MaxBodyBytes = 4 << 20 }, Broker("br"));
        (await RawClient.OnceAsync(receiver.Port, RawClient.Event(body: new string('x', 2 << 20)))).IsProblem(413, "event-too-large");
    }

    [Fact]
    public async Task Expect_100_continue_is_answered_and_saves_a_body_that_is_too_large()
    {
        await using var receiver = await StartAsync(Small, Broker("br"));
        using var client = await RawClient.ConnectAsync(receiver.Port);
        (await client.SendAsync(RawClient.Head() + "Expect: 100-continue\r\nContent-Length: 2\r\n\r\n")).Is(100);
        (await client.SendAsync("hi")).Is(202);
        using var other = await RawClient.ConnectAsync(receiver.Port);
        (await other.SendAsync(RawClient.Head() + "Expect: 100-continue\r\nContent-Length: 2000000\r\n\r\n")).IsProblem(
            413,
            "event-too-large"
        );
    }

    [Fact]
    public async Task A_body_that_never_ends_is_answered_408()
    {
        await using var receiver = await StartAsync(new ReceiverOptions { BodyDeadline = TimeSpan.FromMilliseconds(300) }, Broker("br"));
        using var client = await RawClient.ConnectAsync(receiver.Port);
        (await client.SendAsync(RawClient.Head() + "Content-Length: 10\r\n\r\nhi")).IsProblem(408, "request-timeout");
        Assert.Empty(await receiver.RecordsAsync("t-br"));
    }

    [Fact]
    public async Task A_body_that_is_cut_short_stores_nothing()
    {
        await using var receiver = await StartAsync(Broker("br"));
        using var client = await RawClient.ConnectAsync(receiver.Port);
        await client.WriteAsync(RawClient.Head() + "Content-Length: 10\r\n\r\nhi");
        client.FinishSending();
        Assert.NotEqual(202, (await client.AnswerAsync()).Status);
        Assert.Empty(await receiver.RecordsAsync("t-br"));
    }

    /// <summary>CEW-05, RTE-19.</summary>
    [Fact]
    public async Task Bytes_that_wait_have_a_limit_beyond_which_senders_are_told_to_wait()
    {
        var options = new ReceiverOptions { MaxBodyBytes = 10_000, MaxBytesInFlight = 30_000 };
        await using var receiver = await StartAsync(options, Broker("other"));
        var slow = receiver.Logs.Behind("slow");
        var gate = new TaskCompletionSource<AppendResult>(TaskCreationOptions.RunContinuationsAsynchronously);
        var waiting = 0;
        slow.Append = (_, _) =>
        {
            Interlocked.Increment(ref waiting);
            return new ValueTask<AppendResult>(gate.Task);
        };
        receiver.Publish(Broker("br", servers: "slow"), Broker("other"));
        await receiver.ServedAsync("/ns/br");
        using var first = await RawClient.ConnectAsync(receiver.Port);
        using var second = await RawClient.ConnectAsync(receiver.Port);
        await first.WriteAsync(RawClient.Event(body: new string('x', 10_000)));
        await second.WriteAsync(RawClient.Event(body: new string('x', 10_000)));
        await Eventually.True(() => Volatile.Read(ref waiting) == 2, "two appends");
        var answer = await RawClient.OnceAsync(receiver.Port, RawClient.Event("/ns/other", new string('x', 10_000)));
        answer.IsProblem(429, "too-many-requests");
        Assert.Equal("1", answer["retry-after"]);
        gate.SetResult(new AppendResult(AppendOutcome.Stored, 0, 0, null));
        (await first.AnswerAsync()).Is(202);
        (await second.AnswerAsync()).Is(202);
        (await RawClient.OnceAsync(receiver.Port, RawClient.Event("/ns/other", new string('x', 10_000)))).Is(202);
    }

    [Theory]
    [InlineData("gzip")]
    [InlineData("deflate")]
    [InlineData("br")]
    public async Task Content_codings_are_undone_when_that_is_wanted(string coding)
    {
        await using var receiver = await StartAsync(new ReceiverOptions { Decompress = true, MaxBodyBytes = 100_000 }, Broker("br"));
        foreach (var (size, status) in ((int, int)[])[(50_000, 202), (5_000_000, 413)])
        {
            using var client = await RawClient.ConnectAsync(receiver.Port);
            var body = Packed(coding, new string('x', size));
            await client.WriteAsync([
                .. Encoding.ASCII.GetBytes($"{RawClient.Head()}Content-Encoding: {coding}\r\nContent-Length: {body.Length}\r\n\r\n"),
                .. body,
            ]);
            (await client.AnswerAsync()).Is(status);
        }

        Assert.Equal(50_000, (await receiver.RecordAsync("t-br")).Value.Length);
        (await RawClient.OnceAsync(receiver.Port, RawClient.Event(body: "garbage", more: "Content-Encoding: gzip\r\n"))).IsProblem(
            400,
            "malformed-request"
        );
    }

    [Theory]
    [InlineData(3900, 202)]
    [InlineData(5000, 414)]
    public async Task A_request_line_has_a_limit(int length, int status)
    {
        await using var receiver = await StartAsync(Broker("br"));
        (await RawClient.OnceAsync(receiver.Port, RawClient.Event("/ns/br?" + new string('x', length)))).Is(status);
    }

    [Fact]
    public async Task CEC_15_An_event_of_64_KiB_is_stored_wherever_its_bytes_are()
    {
        await using var receiver = await StartAsync(Broker("br"));
        var data = new string('d', 65_536);
        (await RawClient.OnceAsync(receiver.Port, RawClient.Event(body: data))).Is(202);
        var extension = $$"""{"specversion":"1.0","id":"i-1","source":"/src","type":"t.x","big":"{{data[..65_000]}}"}""";
        (await RawClient.OnceAsync(receiver.Port, RawClient.Body("application/cloudevents+json", extension))).Is(202);
        var records = await receiver.RecordsAsync("t-br");
        Assert.Equal(data, Encoding.ASCII.GetString(records[0].Value.Span));
        Assert.Contains($"\nce_big={data[..65_000]}\n", Text(records[1]), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(7000, 202)]
    [InlineData(9000, 431)]
    public async Task Headers_have_a_limit_in_bytes(int length, int status)
    {
        await using var receiver = await StartAsync(Broker("br"));
        (await RawClient.OnceAsync(receiver.Port, RawClient.Event(more: $"X-Big: {new string('x', length)}\r\n"))).Is(status);
    }

    [Fact]
    public async Task Headers_have_no_limit_in_number()
    {
        await using var receiver = await StartAsync(Broker("br"));
        var many = string.Concat(Enumerable.Range(0, 300).Select(i => $"ce-e{i}: {i}\r\n"));
        (await RawClient.OnceAsync(receiver.Port, RawClient.Event(more: many))).Is(202);
        Assert.Equal(305, (await receiver.RecordAsync("t-br")).Headers.Length);
    }

    [Fact]
    public async Task Idle_connections_stay_open_unless_told_otherwise()
    {
        await using var receiver = await StartAsync(new ReceiverOptions { IdleTimeout = TimeSpan.FromSeconds(1) }, Broker("br"));
        using var used = await RawClient.ConnectAsync(receiver.Port);
        using var silent = await RawClient.ConnectAsync(receiver.Port);
        (await used.SendAsync(RawClient.Event())).Is(202);
        Assert.True(await used.ClosesAsync());
        Assert.True(await silent.ClosesAsync());
    }

    private static byte[] Packed(string coding, string text)
    {
        var packed = new MemoryStream();
        using (
            Stream stream = coding switch
            {
                "gzip" => new GZipStream(packed, CompressionLevel.Fastest),
                "br" => new BrotliStream(packed, CompressionLevel.Fastest),
                _ => new ZLibStream(packed, CompressionLevel.Fastest),
            }
        )
        {
            stream.Write(Encoding.ASCII.GetBytes(text));
        }

        return packed.ToArray();
    }
}
