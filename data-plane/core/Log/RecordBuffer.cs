using System.Buffers;
using System.Collections.Concurrent;

namespace Brokkr.Core.Log;

/// <summary>
/// A record being built for the log. Hot path: rented, filled, handed to <see cref="ILogWriter.AppendAsync"/> (which copies it before it returns)
/// and disposed by whoever rented it. Not thread-safe.
/// </summary>
public sealed class RecordBuffer : IDisposable, IBufferWriter<byte>
{
    private const int PoolLimit = 1024;
    private const int KeptBytes = 64 * 1024;
    private static readonly ConcurrentBag<RecordBuffer> Pool = [];
    private static int s_pooled;

    private byte[] _headers = ArrayPool<byte>.Shared.Rent(1024);
    private byte[] _value = ArrayPool<byte>.Shared.Rent(2048);
    private byte[] _key = [];
    private HeaderSlice[] _slices = new HeaderSlice[16];
    private int _headerBytes;
    private int _keyLength = -1;
    private int _valueLength = -1;

    private RecordBuffer() { }

    /// <summary>An empty record: no headers, null key, null value.</summary>
    public static RecordBuffer Rent()
    {
        if (Pool.TryTake(out var buffer))
        {
            Interlocked.Decrement(ref s_pooled);
            return buffer;
        }

        return new RecordBuffer();
    }

    /// <summary>Whether the key is not null.</summary>
    public bool HasKey => _keyLength >= 0;

    /// <summary>The key; empty when it is null.</summary>
    public ReadOnlySpan<byte> Key => _key.AsSpan(0, Math.Max(0, _keyLength));

    /// <summary>Whether the value is not null.</summary>
    public bool HasValue => _valueLength >= 0;

    /// <summary>The value; empty when it is null.</summary>
    public ReadOnlySpan<byte> Value => _value.AsSpan(0, Math.Max(0, _valueLength));

    /// <summary>Number of headers.</summary>
    public int HeaderCount { get; private set; }

    /// <summary>Bytes of key, value, header names and header values.</summary>
    public int SizeInBytes => _headerBytes - HeaderCount + Key.Length + Value.Length;

    /// <summary>The bytes that <see cref="Headers"/> point into: all names, each followed by a NUL, and all values.</summary>
    public ReadOnlySpan<byte> HeaderBlock => _headers.AsSpan(0, _headerBytes);

    /// <summary>The headers in order, as slices of <see cref="HeaderBlock"/>.</summary>
    public ReadOnlySpan<HeaderSlice> Headers => _slices.AsSpan(0, HeaderCount);

    /// <summary>Name of a header. The byte after the span is a NUL, as C clients want it.</summary>
    public ReadOnlySpan<byte> HeaderName(int index) => _headers.AsSpan(_slices[index].NameStart, _slices[index].NameLength);

    /// <summary>Value of a header; empty when it is null.</summary>
    public ReadOnlySpan<byte> HeaderValue(int index) => _headers.AsSpan(_slices[index].ValueStart, Math.Max(0, _slices[index].ValueLength));

    /// <summary>Whether the value of a header is not null.</summary>
    public bool HeaderHasValue(int index) => _slices[index].ValueLength >= 0;

    /// <summary>Makes the key present, with these bytes.</summary>
    public void SetKey(ReadOnlySpan<byte> key)
    {
        if (_key.Length < key.Length)
        {
            _key = new byte[Math.Max(64, key.Length)];
        }

        key.CopyTo(_key);
        _keyLength = key.Length;
    }

    /// <summary>Adds a header after the others.</summary>
    public void AddHeader(ReadOnlySpan<byte> name, ReadOnlySpan<byte> value) => AddHeader([], name, value);

    /// <summary>Adds a header whose name is given in two parts, such as a prefix and an attribute name.</summary>
    public void AddHeader(ReadOnlySpan<byte> prefix, ReadOnlySpan<byte> name, ReadOnlySpan<byte> value)
    {
        Put(prefix, name, value, value.Length);
    }

    /// <summary>Adds a header with a null value.</summary>
    public void AddNullHeader(ReadOnlySpan<byte> name) => Put([], name, [], -1);

    /// <summary>Makes the value present and appends to it.</summary>
    public void AppendValue(ReadOnlySpan<byte> bytes)
    {
        bytes.CopyTo(ReserveValue(bytes.Length));
        CommitValue(bytes.Length);
    }

    /// <summary>Room at the end of the value for the caller to write into, of at least the given size.</summary>
    public Span<byte> ReserveValue(int size)
    {
        var length = Math.Max(0, _valueLength);
        if (_value.Length - length < size)
        {
            var bigger = ArrayPool<byte>.Shared.Rent(Math.Max(length + size, _value.Length * 2));
            _value.AsSpan(0, length).CopyTo(bigger);
            ArrayPool<byte>.Shared.Return(_value);
            _value = bigger;
        }

        return _value.AsSpan(length);
    }

    /// <summary>Makes the value present and counts bytes that were written into <see cref="ReserveValue"/>.</summary>
    public void CommitValue(int written) => _valueLength = Math.Max(0, _valueLength) + written;

    /// <inheritdoc/>
    void IBufferWriter<byte>.Advance(int count) => CommitValue(count);

    /// <inheritdoc/>
    Span<byte> IBufferWriter<byte>.GetSpan(int sizeHint) => ReserveValue(Math.Max(1, sizeHint));

    /// <inheritdoc/>
    Memory<byte> IBufferWriter<byte>.GetMemory(int sizeHint)
    {
        ReserveValue(Math.Max(1, sizeHint));
        return _value.AsMemory(Math.Max(0, _valueLength));
    }

    /// <summary>Back to no headers, null key, null value.</summary>
    public void Clear()
    {
        HeaderCount = 0;
        _headerBytes = 0;
        _keyLength = -1;
        _valueLength = -1;
    }

    /// <summary>Gives the buffer back to the pool; it must not be used afterwards.</summary>
    public void Dispose()
    {
        Clear();
        if (_value.Length <= KeptBytes && _headers.Length <= KeptBytes)
        {
            if (Interlocked.Increment(ref s_pooled) <= PoolLimit)
            {
                Pool.Add(this);
                return;
            }

            Interlocked.Decrement(ref s_pooled);
        }

        ArrayPool<byte>.Shared.Return(_value);
        ArrayPool<byte>.Shared.Return(_headers);
        _value = [];
        _headers = [];
    }

    private void Put(ReadOnlySpan<byte> prefix, ReadOnlySpan<byte> name, ReadOnlySpan<byte> value, int valueLength)
    {
        var nameLength = prefix.Length + name.Length;
        var need = nameLength + 1 + value.Length;
        if (_headers.Length - _headerBytes < need)
        {
            var bigger = ArrayPool<byte>.Shared.Rent(Math.Max(_headerBytes + need, _headers.Length * 2));
            _headers.AsSpan(0, _headerBytes).CopyTo(bigger);
            ArrayPool<byte>.Shared.Return(_headers);
            _headers = bigger;
        }

        if (HeaderCount == _slices.Length)
        {
            Array.Resize(ref _slices, _slices.Length * 2);
        }

        var at = _headers.AsSpan(_headerBytes);
        prefix.CopyTo(at);
        name.CopyTo(at[prefix.Length..]);
        at[nameLength] = 0;
        value.CopyTo(at[(nameLength + 1)..]);
        _slices[HeaderCount++] = new HeaderSlice(_headerBytes, nameLength, _headerBytes + nameLength + 1, valueLength);
        _headerBytes += need;
    }
}
