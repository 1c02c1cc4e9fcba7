using System.Buffers.Binary;
using System.Net.Sockets;
using System.Text;

namespace Brokkr.Testing.Kafka;

/// <summary>
/// The few requests of the Kafka protocol that the fixture needs, byte by byte: what is under test must not be what sets the test up. Versions are the
/// oldest without compact encodings that a current broker still answers.
/// </summary>
internal static class KafkaWire
{
    private const short MetadataKey = 3;
    private const short OffsetFetchKey = 9;
    private const short CreateTopicsKey = 19;
    private const short CreatePartitionsKey = 37;

    /// <summary>Ids of the brokers that a node knows to be alive; empty while it does not answer.</summary>
    public static async Task<IReadOnlyList<int>> BrokersAsync(int port, CancellationToken cancellation)
    {
        try
        {
            // Metadata v1 with an empty list of topics: brokers only.
            var answer = await AskAsync(port, MetadataKey, 1, request => request.Int32(0), cancellation);
            var ids = new int[answer.Int32()];
            for (var i = 0; i < ids.Length; i++)
            {
                ids[i] = answer.Int32();
                answer.String();
                answer.Int32();
                answer.String();
            }

            return ids;
        }
        catch (Exception e) when (e is SocketException or IOException)
        {
            return [];
        }
    }

    /// <summary>Creates a topic.</summary>
    /// <returns>Kafka's error code; 0 is success.</returns>
    public static async Task<(short Code, string? Message)> CreateTopicAsync(
        int port,
        string name,
        int partitions,
        short replicas,
        IReadOnlyDictionary<string, string> configuration,
        CancellationToken cancellation
    )
    {
        var answer = await AskAsync(
            port,
            CreateTopicsKey,
            2,
            request =>
            {
                request.Int32(1).String(name).Int32(partitions).Int16(replicas).Int32(0).Int32(configuration.Count);
                foreach (var (key, value) in configuration)
                {
                    request.String(key).String(value);
                }

                request.Int32(20_000).Byte(0);
            },
            cancellation
        );
        answer.Int32();
        answer.Int32();
        answer.String();
        return (answer.Int16(), answer.String());
    }

    /// <summary>Raises the number of partitions of a topic.</summary>
    /// <returns>Kafka's error code; 0 is success.</returns>
    public static async Task<(short Code, string? Message)> CreatePartitionsAsync(
        int port,
        string name,
        int partitions,
        CancellationToken cancellation
    )
    {
        var answer = await AskAsync(
            port,
            CreatePartitionsKey,
            0,
            request => request.Int32(1).String(name).Int32(partitions).Int32(-1).Int32(20_000).Byte(0),
            cancellation
        );
        answer.Int32();
        answer.Int32();
        answer.String();
        return (answer.Int16(), answer.String());
    }

    /// <summary>Committed offsets of a group on the partitions of a topic, from 0; -1 where it has none. Asks the group's coordinator, which this node must be.</summary>
    public static async Task<IReadOnlyList<long>> CommittedAsync(
        int port,
        string group,
        string topic,
        int partitions,
        CancellationToken cancellation
    )
    {
        var answer = await AskAsync(
            port,
            OffsetFetchKey,
            1,
            request =>
            {
                request.String(group).Int32(1).String(topic).Int32(partitions);
                for (var partition = 0; partition < partitions; partition++)
                {
                    request.Int32(partition);
                }
            },
            cancellation
        );
        answer.Int32();
        answer.String();
        var offsets = new long[answer.Int32()];
        for (var i = 0; i < offsets.Length; i++)
        {
            var partition = answer.Int32();
            offsets[partition] = answer.Int64();
            answer.String();
            var code = answer.Int16();
            Assert.True(code == 0, $"Kafka does not tell the positions of {group}: {code}");
        }

        return offsets;
    }

    private static async Task<Reader> AskAsync(int port, short key, short version, Action<Writer> body, CancellationToken cancellation)
    {
        using var socket = new TcpClient();
        await socket.ConnectAsync("127.0.0.1", port, cancellation);
        var request = new Writer();
        request.Int16(key).Int16(version).Int32(1).String("brokkr-tests");
        body(request);
        var stream = socket.GetStream();
        await stream.WriteAsync(request.Framed(), cancellation);
        var size = new byte[4];
        await stream.ReadExactlyAsync(size, cancellation);
        var answer = new byte[BinaryPrimitives.ReadInt32BigEndian(size)];
        await stream.ReadExactlyAsync(answer, cancellation);
        var reader = new Reader(answer);
        reader.Int32();
        return reader;
    }

    private sealed class Writer
    {
        private readonly MemoryStream _bytes = new();

        public Writer Byte(byte value)
        {
            _bytes.WriteByte(value);
            return this;
        }

        public Writer Int16(short value)
        {
            Span<byte> bytes = stackalloc byte[2];
            BinaryPrimitives.WriteInt16BigEndian(bytes, value);
            _bytes.Write(bytes);
            return this;
        }

        public Writer Int32(int value)
        {
            Span<byte> bytes = stackalloc byte[4];
            BinaryPrimitives.WriteInt32BigEndian(bytes, value);
            _bytes.Write(bytes);
            return this;
        }

        public Writer String(string value)
        {
            var bytes = Encoding.UTF8.GetBytes(value);
            Int16((short)bytes.Length);
            _bytes.Write(bytes);
            return this;
        }

        public byte[] Framed()
        {
            var framed = new byte[4 + _bytes.Length];
            BinaryPrimitives.WriteInt32BigEndian(framed, (int)_bytes.Length);
            _bytes.ToArray().CopyTo(framed, 4);
            return framed;
        }
    }

    private sealed class Reader(byte[] bytes)
    {
        private int _at;

        public short Int16()
        {
            var value = BinaryPrimitives.ReadInt16BigEndian(bytes.AsSpan(_at));
            _at += 2;
            return value;
        }

        public int Int32()
        {
            var value = BinaryPrimitives.ReadInt32BigEndian(bytes.AsSpan(_at));
            _at += 4;
            return value;
        }

        public long Int64()
        {
            var value = BinaryPrimitives.ReadInt64BigEndian(bytes.AsSpan(_at));
            _at += 8;
            return value;
        }

        public string? String()
        {
            var length = Int16();
            if (length < 0)
            {
                return null;
            }

            var value = Encoding.UTF8.GetString(bytes, _at, length);
            _at += length;
            return value;
        }
    }
}
