using System.Buffers.Binary;
using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;
using Brokkr.Kafka.Groups;

namespace Brokkr.Kafka.Tests.Groups;

/// <summary>
/// Listens on a free port and speaks as much of the protocol as positions of groups need; what it does wrong is up to the test. Keeps what is
/// committed to partition 0 of each topic.
/// </summary>
internal sealed class ScriptedBroker : IAsyncDisposable
{
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly CancellationTokenSource _stop = new();
    private readonly ConcurrentBag<Task> _serving = [];
    private readonly ConcurrentDictionary<TcpClient, bool> _open = [];
    private readonly Task _accepting;
    private int _connections;

    public ScriptedBroker()
    {
        _listener.Start();
        Port = ((IPEndPoint)_listener.LocalEndpoint).Port;
        _accepting = AcceptAsync();
    }

    public int Port { get; }

    public string Address => $"127.0.0.1:{Port}";

    /// <summary>How many connections were made.</summary>
    public int Connections => Volatile.Read(ref _connections);

    /// <summary>How many connections are open.</summary>
    public int Open => _open.Count;

    /// <summary>The requests so far with their versions.</summary>
    public ConcurrentQueue<(Api Api, short Version)> Requests { get; } = [];

    /// <summary>What was committed for group and topic.</summary>
    public ConcurrentDictionary<(string Group, string Topic), long> Committed { get; } = [];

    /// <summary>What versions to tell of.</summary>
    public Dictionary<Api, (short Min, short Max)> Versions { get; } =
        new()
        {
            [Api.Metadata] = (0, 13),
            [Api.OffsetCommit] = (2, 10),
            [Api.OffsetFetch] = (1, 10),
            [Api.FindCoordinator] = (0, 6),
            [Api.ApiVersions] = (0, 4),
            [Api.DeleteGroups] = (0, 3),
        };

    /// <summary>The error to answer to a request; 0 for none.</summary>
    public Func<Api, short> Error { get; set; } = static _ => 0;

    /// <summary>Bytes to send instead of an answer; null for the answer, empty to close the connection.</summary>
    public Func<Api, byte[]?> Instead { get; set; } = static _ => null;

    /// <summary>Whether a connection is closed with a reset instead of an orderly end.</summary>
    public bool Resets { get; set; }

    /// <summary>Is waited for before a request is answered.</summary>
    public Func<Api, Task> Before { get; set; } = static _ => Task.CompletedTask;

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        _listener.Stop();
        await _accepting;
        await Task.WhenAll(_serving);
        _stop.Dispose();
    }

    private async Task AcceptAsync()
    {
        while (!_stop.IsCancellationRequested)
        {
            try
            {
                var client = await _listener.AcceptTcpClientAsync(_stop.Token);
                Interlocked.Increment(ref _connections);
                _open[client] = true;
                _serving.Add(ServeAsync(client));
            }
            catch (Exception exception) when (exception is OperationCanceledException or SocketException)
            {
                return;
            }
        }
    }

    private async Task ServeAsync(TcpClient client)
    {
        try
        {
            using var _ = client;
            var stream = client.GetStream();
            var size = new byte[4];
            while (true)
            {
                await stream.ReadExactlyAsync(size, _stop.Token);
                var request = new byte[BinaryPrimitives.ReadInt32BigEndian(size)];
                await stream.ReadExactlyAsync(request, _stop.Token);
                var api = (Api)BinaryPrimitives.ReadInt16BigEndian(request);
                await Before(api).WaitAsync(_stop.Token);
                if (Instead(api) is { } other)
                {
                    if (other.Length == 0)
                    {
                        if (Resets)
                        {
                            client.LingerState = new LingerOption(enable: true, 0);
                            client.Client.Dispose();
                        }

                        return;
                    }

                    await stream.WriteAsync(other, _stop.Token);
                    continue;
                }

                using var writer = new FrameWriter();
                Answer(request, writer);
                await stream.WriteAsync(writer.Written, _stop.Token);
            }
        }
        catch (Exception exception) when (exception is IOException or OperationCanceledException or SocketException)
        {
            // The other side has gone, or the test is over.
        }
        finally
        {
            _open.TryRemove(client, out _);
        }
    }

    private void Answer(byte[] request, FrameWriter writer)
    {
        var reader = new FrameReader(request);
        var api = (Api)reader.Int16();
        var version = reader.Int16();
        var start = writer.Begin();
        writer.Int32(reader.Int32());
        Assert.Equal("brokkr-tests", reader.NullableString());
        Requests.Enqueue((api, version));
        var error = Error(api);
        switch (api)
        {
            case Api.ApiVersions:
                writer.Int16(0);
                writer.Int32(Versions.Count);
                foreach (var (known, (min, max)) in Versions)
                {
                    writer.Int16((short)known);
                    writer.Int16(min);
                    writer.Int16(max);
                }

                break;
            case Api.FindCoordinator:
                Throttle(writer, version, since: 1);
                writer.Int16(error);
                if (version >= 1)
                {
                    writer.String(null);
                }

                writer.Int32(1);
                writer.String(error == 0 ? "127.0.0.1" : "");
                writer.Int32(error == 0 ? Port : -1);
                break;
            case Api.Metadata:
                Throttle(writer, version, since: 3);
                writer.Int32(0);
                writer.String(null);
                writer.Int32(1);
                writer.Int32(1);
                writer.Int16(error);
                writer.String("topic");
                writer.Int8(0);
                writer.Int32(0);
                break;
            case Api.OffsetCommit:
                Commit(ref reader, writer, version, error);
                break;
            case Api.OffsetFetch:
                Fetch(reader.String(), writer, version, error);
                break;
            case Api.DeleteGroups:
                writer.Int32(0);
                writer.Int32(1);
                reader.Int32();
                writer.String(reader.String());
                writer.Int16(error);
                break;
            default:
                throw new IOException($"the request {api} is not in the script");
        }

        writer.End(start);
    }

    private void Commit(ref FrameReader reader, FrameWriter writer, short version, short error)
    {
        Throttle(writer, version, since: 3);
        var group = reader.String();
        Assert.Equal((-1, ""), (reader.Int32(), reader.String()));
        if (version >= 7)
        {
            Assert.Null(reader.NullableString());
        }

        if (version <= 4)
        {
            Assert.Equal(-1, reader.Int64());
        }

        var topics = reader.Count(1);
        writer.Int32(topics);
        for (; topics > 0; topics--)
        {
            var topic = reader.String();
            writer.String(topic);
            var partitions = reader.Count(1);
            writer.Int32(partitions);
            for (; partitions > 0; partitions--)
            {
                writer.Int32(reader.Int32());
                var offset = reader.Int64();
                if (version >= 6)
                {
                    reader.Int32();
                }

                reader.NullableString();
                writer.Int16(error);
                if (error == 0)
                {
                    Committed[(group, topic)] = offset;
                }
            }
        }
    }

    private void Fetch(string group, FrameWriter writer, short version, short error)
    {
        Throttle(writer, version, since: 3);
        var committed = Committed.Where(entry => entry.Key.Group == group).ToArray();
        writer.Int32(committed.Length);
        foreach (var ((_, topic), offset) in committed)
        {
            writer.String(topic);
            writer.Int32(1);
            writer.Int32(0);
            writer.Int64(offset);
            if (version >= 5)
            {
                writer.Int32(-1);
            }

            writer.String("");
            writer.Int16(0);
        }

        writer.Int16(error);
    }

    private static void Throttle(FrameWriter writer, short version, short since)
    {
        if (version >= since)
        {
            writer.Int32(0);
        }
    }
}
