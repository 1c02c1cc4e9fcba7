using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text;
using System.Text.Json;

namespace Brokkr.Receiver.Tests;

/// <summary>What came back. Status 0: the connection was closed without an answer.</summary>
internal sealed record RawAnswer(int Status, IReadOnlyDictionary<string, string> Headers, string Body)
{
    public string? this[string header] => Headers.GetValueOrDefault(header);

    /// <summary>Fails unless this is a problem document as every refusal has one (RFC 9457).</summary>
    public RawAnswer IsProblem(int status, string type)
    {
        Assert.True(Status == status, $"{Status} instead of {status}: {Body}");
        Assert.Equal("application/problem+json", this["content-type"]);
        using var json = JsonDocument.Parse(Body);
        Assert.Equal($"https://brokkr.dev/problems/{type}", json.RootElement.GetProperty("type").GetString());
        Assert.Equal(status, json.RootElement.GetProperty("status").GetInt32());
        Assert.NotEmpty(json.RootElement.GetProperty("title").GetString()!);
        Assert.NotEmpty(json.RootElement.GetProperty("detail").GetString()!);
        return this;
    }

    public RawAnswer Is(int status)
    {
        Assert.True(Status == status, $"{Status} instead of {status}: {Body}");
        return this;
    }
}

/// <summary>HTTP/1.1 byte for byte, to say things that a decent client would not.</summary>
internal sealed class RawClient : IDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    private readonly Socket _socket = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
    private readonly List<byte> _buffer = [];

    public static async Task<RawClient> ConnectAsync(int port)
    {
        var client = new RawClient();
        await client._socket.ConnectAsync(IPAddress.Loopback, port);
        return client;
    }

    /// <summary>The head of a request that posts an event in binary mode, up to what comes after its attributes.</summary>
    public static string Head(string path = "/ns/br", string host = "x.test", string type = "t.x") =>
        $"POST {path} HTTP/1.1\r\nHost: {host}\r\nce-specversion: 1.0\r\nce-id: i-1\r\nce-source: /src\r\nce-type: {type}\r\nContent-Type: text/plain\r\n";

    /// <summary>A request that posts an event in binary mode.</summary>
    public static string Event(string path = "/ns/br", string body = "hi", string more = "", string host = "x.test") =>
        $"{Head(path, host)}{more}Content-Length: {Encoding.UTF8.GetByteCount(body)}\r\n\r\n{body}";

    /// <summary>A request that posts some body.</summary>
    public static string Body(string contentType, string body, string path = "/ns/br", string more = "") =>
        $"POST {path} HTTP/1.1\r\nHost: x.test\r\nContent-Type: {contentType}\r\n{more}Content-Length: {Encoding.UTF8.GetByteCount(body)}\r\n\r\n{body}";

    /// <summary>Sends one request on a connection of its own.</summary>
    public static async Task<RawAnswer> OnceAsync(int port, string request)
    {
        using var client = await ConnectAsync(port);
        return await client.SendAsync(request);
    }

    public async Task<RawAnswer> SendAsync(string request)
    {
        await WriteAsync(request);
        return await AnswerAsync(head: request.StartsWith("HEAD", StringComparison.Ordinal));
    }

    public Task WriteAsync(string text) => WriteAsync(Encoding.UTF8.GetBytes(text));

    public async Task WriteAsync(byte[] bytes)
    {
        for (var sent = 0; sent < bytes.Length; )
        {
            sent += await _socket.SendAsync(bytes.AsMemory(sent));
        }
    }

    public void FinishSending() => _socket.Shutdown(SocketShutdown.Send);

    public async Task<RawAnswer> AnswerAsync(bool head = false)
    {
        int end;
        while ((end = IndexOf("\r\n\r\n"u8)) < 0)
        {
            if (!await MoreAsync())
            {
                return new RawAnswer(0, new Dictionary<string, string>(StringComparer.Ordinal), "");
            }
        }

        var lines = Encoding.Latin1.GetString([.. _buffer[..end]]).Split("\r\n");
        _buffer.RemoveRange(0, end + 4);
        var headers = new Dictionary<string, string>(StringComparer.OrdinalIgnoreCase);
        foreach (var line in lines[1..])
        {
            var colon = line.IndexOf(':', StringComparison.Ordinal);
            headers[line[..colon]] = line[(colon + 1)..].Trim();
        }

        var status = int.Parse(lines[0].AsSpan(9, 3), CultureInfo.InvariantCulture);
        var length = head || status < 200 ? 0 : int.Parse(headers.GetValueOrDefault("content-length", "0"), CultureInfo.InvariantCulture);
        while (_buffer.Count < length)
        {
            Assert.True(await MoreAsync(), "the answer was cut short");
        }

        var body = Encoding.UTF8.GetString([.. _buffer[..length]]);
        _buffer.RemoveRange(0, length);
        return new RawAnswer(status, headers, body);
    }

    /// <summary>The next bytes, whatever they are.</summary>
    public async Task<byte[]> ReadAsync(int count)
    {
        while (_buffer.Count < count)
        {
            Assert.True(await MoreAsync(), "the connection was closed");
        }

        byte[] bytes = [.. _buffer[..count]];
        _buffer.RemoveRange(0, count);
        return bytes;
    }

    /// <summary>Whether the other side has closed the connection, or does so soon.</summary>
    public async Task<bool> ClosesAsync()
    {
        while (await MoreAsync()) { }

        return true;
    }

    public void Dispose() => _socket.Dispose();

    private async Task<bool> MoreAsync()
    {
        var bytes = new byte[65536];
        using var limit = new CancellationTokenSource(Patience, TimeProvider.System);
        int read;
        try
        {
            read = await _socket.ReceiveAsync(bytes, limit.Token);
        }
        catch (SocketException)
        {
            read = 0;
        }

        _buffer.AddRange(bytes.AsSpan(0, read));
        return read > 0;
    }

    private int IndexOf(ReadOnlySpan<byte> bytes) => System.Runtime.InteropServices.CollectionsMarshal.AsSpan(_buffer).IndexOf(bytes);
}
