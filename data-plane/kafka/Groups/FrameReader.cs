using System.Buffers.Binary;
using System.Text;

namespace Brokkr.Kafka.Groups;

/// <summary>Reads the body of one received frame. Trusts nothing: whatever does not fit is a <see cref="ProtocolException"/>.</summary>
internal ref struct FrameReader(ReadOnlySpan<byte> bytes)
{
    private ReadOnlySpan<byte> _rest = bytes;

    public sbyte Int8() => (sbyte)Take(sizeof(sbyte))[0];

    public short Int16() => BinaryPrimitives.ReadInt16BigEndian(Take(sizeof(short)));

    public int Int32() => BinaryPrimitives.ReadInt32BigEndian(Take(sizeof(int)));

    public long Int64() => BinaryPrimitives.ReadInt64BigEndian(Take(sizeof(long)));

    /// <summary>Length of an array; a null one counts as empty.</summary>
    /// <param name="smallest">The fewest bytes that an element can have: what cannot be there is refused before anything is made for it.</param>
    public int Count(int smallest)
    {
        var count = Int32();
        if (count < -1 || (long)count * smallest > _rest.Length)
        {
            throw new ProtocolException($"an array of {count} elements in the last {_rest.Length} bytes of an answer");
        }

        return Math.Max(count, 0);
    }

    /// <summary>A text that must be there.</summary>
    public string String() => NullableString() ?? throw new ProtocolException("a text is missing in an answer");

    public string? NullableString() => TryText(out var text) ? Encoding.UTF8.GetString(text) : null;

    /// <summary>A text as it was sent, empty for null.</summary>
    public ReadOnlySpan<byte> Text() => TryText(out var text) ? text : [];

    public byte[] Bytes()
    {
        var size = Int32();
        return size == -1 ? [] : Take(size).ToArray();
    }

    private bool TryText(out ReadOnlySpan<byte> text)
    {
        var size = Int16();
        text = size == -1 ? [] : Take(size);
        return size != -1;
    }

    private ReadOnlySpan<byte> Take(int size)
    {
        if ((uint)size > (uint)_rest.Length)
        {
            throw new ProtocolException($"an answer ends {_rest.Length} bytes after the place where {size} should follow");
        }

        var taken = _rest[..size];
        _rest = _rest[size..];
        return taken;
    }
}
