using System.Buffers;
using System.Collections.Concurrent;
using System.Text;
using Brokkr.Core.Log;

namespace Brokkr.Core.Events;

/// <summary>
/// An event being built from HTTP or JSON. Hot path: rented, filled, validated, written to a <see cref="RecordBuffer"/> and disposed by whoever
/// rented it; with warm buffers nothing is allocated. Not thread-safe. Spans that it returns are valid until it is changed or disposed.
/// </summary>
public sealed partial class EventBuffer : IEventAttributes, IDisposable
{
    /// <summary>Extensions that an event may have; more are refused, so that a hostile event cannot make look-ups expensive.</summary>
    public const int MaxExtensions = 1024;

    private const int PoolLimit = 512;
    private const int KeptBytes = 32 * 1024;
    private static readonly ConcurrentBag<EventBuffer> Pool = [];
    private static int s_pooled;

    private readonly AttributeSlice[] _core = new AttributeSlice[CloudEvent.CoreCount];
    private AttributeSlice[] _extensions = new AttributeSlice[8];
    private HeaderSlice[] _recordHeaders = new HeaderSlice[4];
    private byte[] _text = ArrayPool<byte>.Shared.Rent(1024);
    private byte[] _data = ArrayPool<byte>.Shared.Rent(2048);
    private int _textLength;
    private int _dataLength;
    private int _recordHeaderCount;
    private bool _mapped03;

    private EventBuffer() => _core.AsSpan().Fill(AttributeSlice.Absent);

    /// <summary>An empty event: no attributes, no data.</summary>
    public static EventBuffer Rent()
    {
        if (Pool.TryTake(out var buffer))
        {
            Interlocked.Decrement(ref s_pooled);
            return buffer;
        }

        return new EventBuffer();
    }

    /// <summary>What the data is.</summary>
    public DataForm Form { get; private set; }

    /// <summary>The data; empty if there is none.</summary>
    public ReadOnlySpan<byte> Data => _data.AsSpan(0, _dataLength);

    /// <summary>Number of extensions.</summary>
    public int ExtensionCount { get; private set; }

    /// <summary>
    /// Whether what the original lets through is accepted although the specification forbids it: empty required attributes, control characters,
    /// repeated attributes (the last wins) and the like. For records that are already stored, which must be delivered rather than dropped.
    /// </summary>
    internal bool Lenient { get; set; }

    /// <summary>Whether the event has an attribute. A present attribute may be empty until <see cref="Validate"/>.</summary>
    public bool Has(CoreAttribute attribute) => _core[(int)attribute].ValueLength >= 0;

    /// <summary>Value of an attribute as UTF-8; empty if absent.</summary>
    public ReadOnlySpan<byte> Get(CoreAttribute attribute) => Value(_core[(int)attribute]);

    /// <summary>Name of an extension, lower case.</summary>
    public ReadOnlySpan<byte> ExtensionName(int index) => _text.AsSpan(_extensions[index].NameStart, _extensions[index].NameLength);

    /// <summary>Value of an extension, in its canonical string form as UTF-8.</summary>
    public ReadOnlySpan<byte> ExtensionValue(int index) => Value(_extensions[index]);

    /// <summary>Type of an extension.</summary>
    public AttributeType ExtensionType(int index) => _extensions[index].Type;

    /// <summary>Finds an extension by its lower-case name.</summary>
    /// <returns>Whether the event has it.</returns>
    public bool TryGetExtension(ReadOnlySpan<byte> name, out ReadOnlySpan<byte> value)
    {
        var index = IndexOfExtension(name);
        value = index < 0 ? default : ExtensionValue(index);
        return index >= 0;
    }

    /// <summary>
    /// Sets an attribute or extension. Which name means the data schema, and what is required, is settled by <see cref="Validate"/>, when the
    /// specversion is known.
    /// </summary>
    /// <param name="lowerCaseName">Name without a prefix.</param>
    /// <param name="utf8Value">Value in its canonical string form.</param>
    /// <param name="type">Type of an extension's value.</param>
    /// <returns>An error for a bad name, a bad character, a repeated attribute (CEC-03, CEC-04, CEC-07) or too many extensions.</returns>
    public EventError SetAttribute(
        ReadOnlySpan<byte> lowerCaseName,
        ReadOnlySpan<byte> utf8Value,
        AttributeType type = AttributeType.String
    )
    {
        if (AttributeText.Fault(utf8Value) is { } fault)
        {
            if (!Lenient)
            {
                return EventError.Invalid($"The attribute '{Printable(lowerCaseName)}' {fault}.");
            }

            if (!AttributeText.IsUtf8(utf8Value))
            {
                utf8Value = AttributeText.Repair(utf8Value);
            }
        }

        if (AttributeNames.TryGetCore(lowerCaseName, out var core))
        {
            ref var slice = ref _core[(int)core];
            if (slice.ValueLength >= 0 && !Lenient)
            {
                return Repeated(lowerCaseName);
            }

            slice = new AttributeSlice(0, 0, Keep(utf8Value), utf8Value.Length, AttributeType.String);
            return EventError.None;
        }

        return SetExtension(lowerCaseName, utf8Value, type);
    }

    /// <summary>Adds a header of the record that is no attribute, such as <c>traceparent</c>. Such headers come first in the record.</summary>
    public void AddRecordHeader(ReadOnlySpan<byte> name, ReadOnlySpan<byte> value)
    {
        if (_recordHeaderCount == _recordHeaders.Length)
        {
            Array.Resize(ref _recordHeaders, _recordHeaders.Length * 2);
        }

        _recordHeaders[_recordHeaderCount++] = new HeaderSlice(Keep(name), name.Length, Keep(value), value.Length);
    }

    /// <summary>Appends to the data. Zero bytes leave an event without data as it is: in HTTP an empty body means no data.</summary>
    public void AppendData(ReadOnlySpan<byte> bytes)
    {
        bytes.CopyTo(ReserveData(bytes.Length));
        CommitData(bytes.Length);
    }

    /// <summary>Room at the end of the data for the caller to write into, of at least the given size.</summary>
    public Span<byte> ReserveData(int size)
    {
        if (_data.Length - _dataLength < size)
        {
            Grow(ref _data, _dataLength, size);
        }

        return _data.AsSpan(_dataLength);
    }

    /// <summary>Counts bytes that were written into <see cref="ReserveData"/>; zero bytes leave an event without data as it is.</summary>
    public void CommitData(int written)
    {
        _dataLength += written;
        if (written > 0 && Form == DataForm.None)
        {
            Form = DataForm.Bytes;
        }
    }

    /// <summary>Says what the data is; makes it present even if it has no bytes.</summary>
    public void SetDataForm(DataForm form) => Form = form;

    /// <summary>Copies the event into an immutable one of its own.</summary>
    public CloudEvent ToCloudEvent() => ToCloudEvent(out _);

    /// <summary>Back to no attributes, no record headers and no data.</summary>
    public void Clear()
    {
        _core.AsSpan().Fill(AttributeSlice.Absent);
        ExtensionCount = 0;
        _recordHeaderCount = 0;
        _textLength = 0;
        _dataLength = 0;
        _mapped03 = false;
        Form = DataForm.None;
        Lenient = false;
    }

    /// <summary>Gives the buffer back to the pool; it must not be used afterwards.</summary>
    public void Dispose()
    {
        Clear();
        if (_data.Length <= KeptBytes && _text.Length <= KeptBytes)
        {
            if (Interlocked.Increment(ref s_pooled) <= PoolLimit)
            {
                Pool.Add(this);
                return;
            }

            Interlocked.Decrement(ref s_pooled);
        }

        ArrayPool<byte>.Shared.Return(_data);
        ArrayPool<byte>.Shared.Return(_text);
        _data = [];
        _text = [];
    }
}
