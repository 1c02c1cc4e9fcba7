using System.Net;
using System.Net.Sockets;
using System.Text;

namespace Brokkr.Dispatcher.Tests.Stage;

/// <summary>Answers every request, with 200 by default, as if the connection were kept, and closes it then.</summary>
internal sealed class ClosingSubscriber : IAsyncDisposable
{
    private readonly byte[] _answer;
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly Task _loop;
    private int _answered;

    private ClosingSubscriber(string answer)
    {
        _answer = Encoding.ASCII.GetBytes(answer);
        _listener.Start();
        _loop = AcceptAsync();
    }

    public string Url => $"http://127.0.0.1:{((IPEndPoint)_listener.LocalEndpoint).Port}/";

    public int Answered => Volatile.Read(ref _answered);

    public static ClosingSubscriber Start(string answer = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n") => new(answer);

    public async ValueTask DisposeAsync()
    {
        _listener.Stop();
        await _loop;
    }

    private async Task AcceptAsync()
    {
        try
        {
            while (true)
            {
                _ = ServeAsync(await _listener.AcceptSocketAsync());
            }
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException)
        {
            // Stopped.
        }
    }

    private async Task ServeAsync(Socket socket)
    {
        using (socket)
        {
            var buffer = new byte[64 * 1024];
            var length = 0;
            while (!buffer.AsSpan(0, length).EndsWith("\r\n\r\nhello"u8))
            {
                var read = await socket.ReceiveAsync(buffer.AsMemory(length));
                if (read == 0)
                {
                    return;
                }

                length += read;
            }

            Interlocked.Increment(ref _answered);
            await socket.SendAsync(_answer);
        }
    }
}
