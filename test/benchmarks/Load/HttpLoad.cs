using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Text;

namespace Brokkr.Benchmarks.Load;

/// <summary>Closed-loop load: a number of connections, each sends the next request when the last one is answered. Plain sockets, fixed bytes.</summary>
internal static class HttpLoad
{
    /// <summary>A binary-mode event of 1 KiB.</summary>
    public static byte[] Event(string path)
    {
        var body = new string('x', 1024);
        return Encoding.ASCII.GetBytes(
            $"POST {path} HTTP/1.1\r\nHost: localhost\r\nce-specversion: 1.0\r\nce-id: 4a6e3c1c-6d0b-4ae2-9b6e-000000000001\r\n"
                + "ce-source: /benchmark/source\r\nce-type: com.example.benchmark\r\nce-time: 2026-01-02T03:04:05Z\r\n"
                + $"Content-Type: text/plain\r\nContent-Length: {body.Length}\r\n\r\n{body}"
        );
    }

    public sealed class Run : IAsyncDisposable
    {
        private readonly CancellationTokenSource _stop = new();
        private readonly Task[] _loops;
        private readonly List<double>[] _latencies;
        private long _answered;
        private long _refused;

        public Run(int port, int connections, byte[] request)
        {
            _latencies = new List<double>[connections];
            _loops = new Task[connections];
            for (var i = 0; i < connections; i++)
            {
                var latencies = _latencies[i] = new List<double>(100_000);
                _loops[i] = Task.Run(() => LoopAsync(port, request, latencies));
            }
        }

        public long Answered => Volatile.Read(ref _answered);

        public long Refused => Volatile.Read(ref _refused);

        /// <summary>Times of all requests since the last call, sorted, in milliseconds.</summary>
        public double[] TakeLatencies()
        {
            var all = new List<double>();
            foreach (var latencies in _latencies)
            {
                lock (latencies)
                {
                    all.AddRange(latencies);
                    latencies.Clear();
                }
            }

            all.Sort();
            return [.. all];
        }

        public async ValueTask DisposeAsync()
        {
            await _stop.CancelAsync();
            await Task.WhenAll(_loops);
            _stop.Dispose();
        }

        private async Task LoopAsync(int port, byte[] request, List<double> latencies)
        {
            using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
            await socket.ConnectAsync(IPAddress.Loopback, port);
            var buffer = new byte[4096];
            try
            {
                while (!_stop.IsCancellationRequested)
                {
                    var began = Stopwatch.GetTimestamp();
                    await socket.SendAsync(request, _stop.Token);
                    var read = 0;
                    while (!Complete(buffer.AsSpan(0, read)))
                    {
                        var more = await socket.ReceiveAsync(buffer.AsMemory(read), _stop.Token);
                        if (more == 0)
                        {
                            throw new IOException($"closed by the server after: {Encoding.ASCII.GetString(buffer)}");
                        }

                        read += more;
                    }

                    if (buffer[9] == (byte)'2')
                    {
                        Interlocked.Increment(ref _answered);
                    }
                    else
                    {
                        Interlocked.Increment(ref _refused);
                    }

                    lock (latencies)
                    {
                        latencies.Add(Stopwatch.GetElapsedTime(began).TotalMilliseconds);
                    }
                }
            }
            catch (OperationCanceledException)
            {
                // The run is over.
            }
        }

        /// <summary>Whether a whole answer is there. The answers of a receiver have no body, or one with a length.</summary>
        private static bool Complete(ReadOnlySpan<byte> answer)
        {
            var end = answer.IndexOf("\r\n\r\n"u8);
            if (end < 0)
            {
                return false;
            }

            var head = answer[..end];
            var at = head.IndexOf("Content-Length: "u8);
            if (at < 0)
            {
                return true;
            }

            return System.Buffers.Text.Utf8Parser.TryParse(head[(at + 16)..], out int length, out _) && answer.Length >= end + 4 + length;
        }
    }

    /// <summary>Waits until a server accepts events on a path.</summary>
    public static async Task AcceptedAsync(int port, string path)
    {
        using var client = new HttpClient();
        while (true)
        {
            using var request = new HttpRequestMessage(HttpMethod.Post, new Uri($"http://127.0.0.1:{port}{path}"));
            request.Headers.Add("ce-specversion", "1.0");
            request.Headers.Add("ce-id", "0");
            request.Headers.Add("ce-source", "/benchmark/source");
            request.Headers.Add("ce-type", "com.example.benchmark");
            using var response = await client.SendAsync(request);
            if (response.IsSuccessStatusCode)
            {
                return;
            }

            await Task.Delay(TimeSpan.FromMilliseconds(50), TimeProvider.System, CancellationToken.None);
        }
    }

    public static double Percentile(double[] sorted, double fraction) =>
        sorted.Length == 0 ? 0 : sorted[Math.Min(sorted.Length - 1, (int)(sorted.Length * fraction))];
}
