namespace Brokkr.Core.Log;

/// <summary>Where the name and the value of a record header lie in the record's block.</summary>
/// <param name="NameStart">First byte of the name.</param>
/// <param name="NameLength">Bytes of the name.</param>
/// <param name="ValueStart">First byte of the value.</param>
/// <param name="ValueLength">Bytes of the value; -1 for a null value.</param>
public readonly record struct HeaderSlice(int NameStart, int NameLength, int ValueStart, int ValueLength);

/// <summary>
/// A record read from the log. Immutable and owned by the garbage collector: it is shared by every Trigger on its partition for as long as the
/// slowest delivery of it lasts, so nobody has to return it.
/// </summary>
public sealed class StoredRecord
{
    private readonly byte[] _block;
    private readonly HeaderSlice[] _headers;
    private readonly int _keyStart;
    private readonly int _keyLength;
    private readonly int _valueStart;
    private readonly int _valueLength;

    /// <summary>Wraps a block that the caller gives away.</summary>
    /// <param name="offset">Offset in its partition.</param>
    /// <param name="timestamp">Milliseconds since the Unix epoch; -1 when unknown.</param>
    /// <param name="block">Holds key, value and headers; not written again.</param>
    /// <param name="headers">Headers in the order in which they were stored.</param>
    /// <param name="keyStart">First byte of the key.</param>
    /// <param name="keyLength">Bytes of the key; -1 for a null key.</param>
    /// <param name="valueStart">First byte of the value.</param>
    /// <param name="valueLength">Bytes of the value; -1 for a null value.</param>
    public StoredRecord(
        long offset,
        long timestamp,
        byte[] block,
        HeaderSlice[] headers,
        int keyStart,
        int keyLength,
        int valueStart,
        int valueLength
    )
    {
        Offset = offset;
        Timestamp = timestamp;
        _block = block;
        _headers = headers;
        _keyStart = keyStart;
        _keyLength = keyLength;
        _valueStart = valueStart;
        _valueLength = valueLength;
    }

    /// <summary>Offset in its partition.</summary>
    public long Offset { get; }

    /// <summary>Milliseconds since the Unix epoch; -1 when unknown.</summary>
    public long Timestamp { get; }

    /// <summary>Whether the key is not null. A key may be present and empty.</summary>
    public bool HasKey => _keyLength >= 0;

    /// <summary>The key; empty when it is null.</summary>
    public ReadOnlySpan<byte> Key => _keyLength > 0 ? _block.AsSpan(_keyStart, _keyLength) : default;

    /// <summary>Whether the value is not null. A value may be present and empty.</summary>
    public bool HasValue => _valueLength >= 0;

    /// <summary>The value; empty when it is null.</summary>
    public ReadOnlyMemory<byte> Value => _valueLength > 0 ? _block.AsMemory(_valueStart, _valueLength) : default;

    /// <summary>The headers, in the order in which they were stored.</summary>
    public ReadOnlySpan<HeaderSlice> Headers => _headers;

    /// <summary>The bytes that <see cref="HeaderSlice"/>s point into.</summary>
    public ReadOnlyMemory<byte> Block => _block;

    /// <summary>The same bytes, for an event that refers to them; not to be written.</summary>
    internal byte[] BlockArray => _block;

    /// <summary>What this record costs while it is held, in bytes; the unit of every memory bound.</summary>
    public int SizeInMemory => _block.Length + (_headers.Length * 16) + 120;

    /// <summary>Name of a header.</summary>
    public ReadOnlySpan<byte> NameOf(HeaderSlice header) => _block.AsSpan(header.NameStart, header.NameLength);

    /// <summary>Value of a header; empty when it is null.</summary>
    public ReadOnlySpan<byte> ValueOf(HeaderSlice header) =>
        header.ValueLength > 0 ? _block.AsSpan(header.ValueStart, header.ValueLength) : default;

    /// <summary>Copies a record that was built for writing, as if it had been stored.</summary>
    public static StoredRecord From(RecordBuffer record, long offset, long timestamp)
    {
        var block = new byte[record.SizeInBytes];
        var headers = new HeaderSlice[record.HeaderCount];
        var at = 0;
        for (var i = 0; i < headers.Length; i++)
        {
            var name = record.HeaderName(i);
            var value = record.HeaderValue(i);
            name.CopyTo(block.AsSpan(at));
            value.CopyTo(block.AsSpan(at + name.Length));
            headers[i] = new HeaderSlice(at, name.Length, at + name.Length, record.HeaderHasValue(i) ? value.Length : -1);
            at += name.Length + value.Length;
        }

        var key = at;
        record.Key.CopyTo(block.AsSpan(at));
        at += record.Key.Length;
        var body = at;
        record.Value.CopyTo(block.AsSpan(at));
        return new StoredRecord(
            offset,
            timestamp,
            block,
            headers,
            key,
            record.HasKey ? record.Key.Length : -1,
            body,
            record.HasValue ? record.Value.Length : -1
        );
    }
}
