using Brokkr.Core.Log;

namespace Brokkr.Embedded.Storage;

/// <summary>
/// A record as one block of bytes, which is what is stored and, unchanged, the block of the <see cref="StoredRecord"/> that is read. Hot path.
/// <code>
/// number of headers
/// for each header: length of name, length of value + 1 (0 for null)
/// length of key + 1 (0 for null), length of value + 1 (0 for null)
/// for each header: name, value
/// key, value
/// </code>
/// Numbers are unsigned, seven bits a byte, lowest first, as in protobuf.
/// </summary>
internal static class RecordCodec
{
    private const int NumberBytes = 5;

    /// <summary>Room that <see cref="Encode"/> needs at most.</summary>
    public static int BoundOf(RecordBuffer record) => record.SizeInBytes + ((3 + (2 * record.HeaderCount)) * NumberBytes);

    /// <returns>Bytes written.</returns>
    public static int Encode(RecordBuffer record, Span<byte> to)
    {
        var at = Put(to, 0, record.HeaderCount);
        for (var i = 0; i < record.HeaderCount; i++)
        {
            at = Put(to, at, record.HeaderName(i).Length);
            at = Put(to, at, record.HeaderHasValue(i) ? record.HeaderValue(i).Length + 1 : 0);
        }

        at = Put(to, at, record.HasKey ? record.Key.Length + 1 : 0);
        at = Put(to, at, record.HasValue ? record.Value.Length + 1 : 0);
        for (var i = 0; i < record.HeaderCount; i++)
        {
            at = Put(to, at, record.HeaderName(i));
            at = Put(to, at, record.HeaderValue(i));
        }

        at = Put(to, at, record.Key);
        return Put(to, at, record.Value);
    }

    /// <exception cref="InvalidDataException">The block is not one that <see cref="Encode"/> writes.</exception>
    public static StoredRecord Decode(long offset, long timestamp, byte[] block)
    {
        var at = 0;
        var count = Take(block, ref at);
        if (count > block.Length)
        {
            throw Damaged(offset);
        }

        var headers = count == 0 ? [] : new HeaderSlice[count];
        for (var i = 0; i < headers.Length; i++)
        {
            var name = Take(block, ref at);
            headers[i] = new HeaderSlice(0, name, 0, Take(block, ref at) - 1);
        }

        var key = Take(block, ref at) - 1;
        var value = Take(block, ref at) - 1;
        long end = at;
        for (var i = 0; i < headers.Length; i++)
        {
            var (_, name, _, length) = headers[i];
            headers[i] = new HeaderSlice((int)end, name, (int)end + name, length);
            end += name + (long)Math.Max(0, length);
            if (end > block.Length)
            {
                throw Damaged(offset);
            }
        }

        var keyStart = (int)end;
        end += Math.Max(0, key);
        var valueStart = (int)end;
        end += Math.Max(0, value);
        if (end != block.Length)
        {
            throw Damaged(offset);
        }

        return new StoredRecord(offset, timestamp, block, headers, keyStart, key, valueStart, value);
    }

    private static int Put(Span<byte> to, int at, ReadOnlySpan<byte> bytes)
    {
        bytes.CopyTo(to[at..]);
        return at + bytes.Length;
    }

    private static int Put(Span<byte> to, int at, int number)
    {
        var rest = (uint)number;
        while (rest >= 0x80)
        {
            to[at++] = (byte)(rest | 0x80);
            rest >>= 7;
        }

        to[at++] = (byte)rest;
        return at;
    }

    private static int Take(ReadOnlySpan<byte> from, ref int at)
    {
        uint number = 0;
        for (var shift = 0; shift < 35 && at < from.Length; shift += 7)
        {
            var next = from[at++];
            number |= (uint)(next & 0x7f) << shift;
            if (next < 0x80)
            {
                return number <= int.MaxValue ? (int)number : throw Damaged(-1);
            }
        }

        throw Damaged(-1);
    }

    private static InvalidDataException Damaged(long offset) => new($"the record at offset {offset} is damaged");
}
