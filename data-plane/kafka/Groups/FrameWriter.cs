using System.Buffers;
using System.Buffers.Binary;
using System.Text;
using Brokkr.Core.Log;

namespace Brokkr.Kafka.Groups;

/// <summary>Writes frames of the Kafka protocol one after the other into one pooled block. Numbers are big-endian.</summary>
internal sealed class FrameWriter : IDisposable
{
    private const int InitialBytes = 4096;
    private const int KeptBytes = 256 * 1024;
    private byte[] _block = [];
    private int _length;

    /// <summary>What was written since the last <see cref="Clear"/>.</summary>
    public ReadOnlyMemory<byte> Written => _block.AsMemory(0, _length);

    /// <summary>Leaves room for a frame's length. Returns where the frame begins.</summary>
    public int Begin()
    {
        var start = _length;
        Int32(0);
        return start;
    }

    /// <summary>Fills the length of the frame in.</summary>
    public void End(int start) => BinaryPrimitives.WriteInt32BigEndian(_block.AsSpan(start), _length - start - sizeof(int));

    /// <summary>Takes a frame back that could not be written to its end.</summary>
    public void Undo(int start) => _length = start;

    /// <summary>Forgets everything; a block that grew large goes back to the pool.</summary>
    public void Clear()
    {
        _length = 0;
        if (_block.Length > KeptBytes)
        {
            Dispose();
        }
    }

    public void Int8(sbyte value) => Take(sizeof(sbyte))[0] = (byte)value;

    public void Int16(short value) => BinaryPrimitives.WriteInt16BigEndian(Take(sizeof(short)), value);

    public void Int32(int value) => BinaryPrimitives.WriteInt32BigEndian(Take(sizeof(int)), value);

    public void Int64(long value) => BinaryPrimitives.WriteInt64BigEndian(Take(sizeof(long)), value);

    /// <summary>A text, or null. Kafka's limit is 32767 bytes of UTF-8.</summary>
    /// <exception cref="LogUnavailableException">It is longer.</exception>
    public void String(string? value)
    {
        if (value is null)
        {
            Int16(-1);
            return;
        }

        var size = Encoding.UTF8.GetByteCount(value);
        if (size > short.MaxValue)
        {
            throw new LogUnavailableException(
                $"a text of {size} bytes does not fit into a Kafka request, which takes at most {short.MaxValue}"
            );
        }

        Int16((short)size);
        Encoding.UTF8.GetBytes(value, Take(size));
    }

    public void Bytes(ReadOnlySpan<byte> value)
    {
        Int32(value.Length);
        value.CopyTo(Take(value.Length));
    }

    /// <summary>Gives the block back; the writer is empty and may be used again.</summary>
    public void Dispose()
    {
        var block = _block;
        _block = [];
        _length = 0;
        if (block.Length > 0)
        {
            // A login may have been in it.
            ArrayPool<byte>.Shared.Return(block, clearArray: true);
        }
    }

    private Span<byte> Take(int size)
    {
        if (_block.Length - _length < size)
        {
            Grow(size);
        }

        var taken = _block.AsSpan(_length, size);
        _length += size;
        return taken;
    }

    private void Grow(int size)
    {
        var larger = ArrayPool<byte>.Shared.Rent(Math.Max(InitialBytes, checked(Math.Max(_block.Length * 2, _length + size))));
        _block.AsSpan(0, _length).CopyTo(larger);
        if (_block.Length > 0)
        {
            ArrayPool<byte>.Shared.Return(_block, clearArray: true);
        }

        _block = larger;
    }
}
