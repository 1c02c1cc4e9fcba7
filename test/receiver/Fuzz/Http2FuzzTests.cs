using System.Net;
using System.Net.Sockets;
using System.Text;

namespace Brokkr.Receiver.Tests.Fuzz;

/// <summary>Frames of HTTP/2 that are broken in some way: every connection ends, nothing is stored, and others are served.</summary>
public sealed class Http2FuzzTests
{
    private const int Connections = 4;
    private const int Each = 1000;

    private static ReadOnlySpan<byte> Preface => "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"u8;

    [Fact]
    public async Task Whatever_frames_come_the_connection_ends_and_nothing_is_stored()
    {
        await using var receiver = await FuzzedReceiver.StartAsync(Connections);
        var seed = FuzzOptions.FromEnvironment().Seed;
        await Task.WhenAll(
            Enumerable
                .Range(0, Connections)
                .Select(broker =>
                    Task.Run(async () =>
                    {
                        for (var i = 0; i < Each; i++)
                        {
                            var number = (i * Connections) + broker;
                            var bytes = Frames(new Dice(Dice.SeedOf(seed, number)), FuzzedReceiver.Path(broker));
                            Assert.True(await EndsAsync(receiver.Port, bytes), $"Connection {number} of seed {seed} did not end.");
                            var stored = receiver.Take(broker).Count;
                            Assert.True(stored == 0, $"Connection {number} of seed {seed} stored {stored} records.");
                        }
                    })
                )
        );
        Assert.Empty(receiver.Errors.Lines);
        (await RawClient.OnceAsync(receiver.Port, RawClient.Event(FuzzedReceiver.Path(0)))).Is(202);
        Assert.Single(receiver.Take(0));
    }

    /// <summary>Requests without an id, so that no change makes them a valid event, among other frames; then some bytes changed.</summary>
    private static byte[] Frames(Dice dice, string path)
    {
        var frames = new MemoryStream();
        Frame(frames, 4, 0, 0, dice.OneIn(4) ? dice.Bytes(dice.Below(13)) : []);
        for (int i = 0, count = dice.Between(1, 6); i < count; i++)
        {
            var stream = (i * 2) + 1;
            switch (dice.Below(4))
            {
                case 0:
                    Frame(
                        frames,
                        (byte)dice.Below(12),
                        (byte)dice.Below(256),
                        dice.Pick(0, stream, 2, int.MaxValue),
                        dice.Bytes(dice.Below(40))
                    );
                    break;
                case 1:
                    Frame(frames, 1, 4, stream, Head(dice, path));
                    Frame(frames, 0, (byte)dice.Below(2), stream, dice.Bytes(dice.Below(200)));
                    break;
                case 2:
                    var head = Head(dice, path);
                    Frame(frames, 1, (byte)dice.Below(2), stream, head[..(head.Length / 2)]);
                    Frame(frames, 9, dice.Pick((byte)4, (byte)0), stream, head[(head.Length / 2)..]);
                    break;
                default:
                    Frame(frames, 1, 5, stream, Head(dice, path));
                    break;
            }
        }

        return [.. Preface, .. dice.OneIn(4) ? frames.ToArray() : Scramble.Bytes(dice, frames.ToArray())];
    }

    private static byte[] Head(Dice dice, string path)
    {
        var block = new MemoryStream();
        (string, string)[] fields =
        [
            (":method", "POST"),
            (":scheme", "http"),
            (":path", path),
            (":authority", "fuzz.test"),
            ("ce-specversion", "1.0"),
            ("ce-source", "/s"),
            ("ce-type", dice.Pick("t", "t%00", "\0", "\r\nce-id: x", "\xFF")),
            (
                dice.Pick("te", "connection", "transfer-encoding", "Ce-x", "content-length", ":path", "x"),
                dice.Pick("trailers", "chunked", "5", "-1")
            ),
        ];
        foreach (var (name, value) in fields[..dice.Between(4, fields.Length)])
        {
            // A literal field that is not put into the table (RFC 7541 §6.2.2).
            block.WriteByte(0);
            block.WriteByte((byte)name.Length);
            block.Write(Encoding.Latin1.GetBytes(name));
            block.WriteByte((byte)value.Length);
            block.Write(Encoding.Latin1.GetBytes(value));
        }

        return block.ToArray();
    }

    private static void Frame(MemoryStream to, byte type, byte flags, int stream, byte[] payload)
    {
        to.Write([(byte)(payload.Length >> 16), (byte)(payload.Length >> 8), (byte)payload.Length, type, flags]);
        to.Write([(byte)(stream >> 24), (byte)(stream >> 16), (byte)(stream >> 8), (byte)stream]);
        to.Write(payload);
    }

    private static async Task<bool> EndsAsync(int port, byte[] bytes)
    {
        using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(60), TimeProvider.System);
        try
        {
            await socket.ConnectAsync(IPAddress.Loopback, port, limit.Token);
            await socket.SendAsync(bytes, limit.Token);
            socket.Shutdown(SocketShutdown.Send);
            var room = new byte[4096];
            while (await socket.ReceiveAsync(room, limit.Token) > 0) { }

            return true;
        }
        catch (SocketException)
        {
            // Closed before everything was read.
            return true;
        }
        catch (OperationCanceledException)
        {
            return false;
        }
    }
}
