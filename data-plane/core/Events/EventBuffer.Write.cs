using System.Buffers;
using Brokkr.Core.Log;

namespace Brokkr.Core.Events;

public sealed partial class EventBuffer
{
    private static ReadOnlySpan<byte> Prefix => "ce_"u8;

    /// <summary>
    /// Writes the event as a record in binary content mode: headers, key and value; without data the value stays null (receiver-and-core §8.2).
    /// Call <see cref="Validate"/> before.
    /// </summary>
    public void WriteBinary(RecordBuffer record)
    {
        WriteHeaders(record);
        if (Form != DataForm.None)
        {
            record.AppendValue(Data);
        }
    }

    /// <summary>
    /// Writes headers and key as <see cref="WriteBinary"/> does and leaves the value to the caller, who may have the data elsewhere and so saves a copy.
    /// </summary>
    public void WriteHeaders(RecordBuffer record)
    {
        WriteRecordHeaders(record);
        var version = Get(CoreAttribute.SpecVersion);
        Write(record, CoreAttribute.SpecVersion, version);
        Write(record, CoreAttribute.Id, version);
        Write(record, CoreAttribute.Source, version);
        Write(record, CoreAttribute.Type, version);
        if (Has(CoreAttribute.DataContentType))
        {
            record.AddHeader("content-type"u8, Get(CoreAttribute.DataContentType));
        }

        Write(record, CoreAttribute.DataSchema, version);
        Write(record, CoreAttribute.Subject, version);
        Write(record, CoreAttribute.Time, version);
        for (var i = 0; i < ExtensionCount; i++)
        {
            record.AddHeader(Prefix, ExtensionName(i), ExtensionValue(i));
        }
    }

    /// <summary>
    /// Writes the event as a record in structured content mode: one JSON document with the media type as its only event header (receiver-and-core §8.4).
    /// Call <see cref="Validate"/> before.
    /// </summary>
    /// <returns>An error when the content type promises JSON and the data is none; the record is then not to be used.</returns>
    public EventError WriteStructured(RecordBuffer record)
    {
        WriteRecordHeaders(record);
        record.AddHeader("content-type"u8, JsonEventFormat.MediaTypeName);
        return JsonEventFormat.WriteForLog(this, record);
    }

    internal CloudEvent ToCloudEvent(out int dataStart)
    {
        var block = new byte[_textLength + _dataLength];
        _text.AsSpan(0, _textLength).CopyTo(block);
        dataStart = _textLength;
        Data.CopyTo(block.AsSpan(dataStart));
        return ToCloudEvent(block, block.AsMemory(dataStart, _dataLength), Form);
    }

    /// <summary>An event with a copy of the attributes and with data that lies elsewhere and is not written again.</summary>
    public CloudEvent ToCloudEvent(ReadOnlyMemory<byte> data, DataForm form) =>
        ToCloudEvent(_text.AsSpan(0, _textLength).ToArray(), data, form);

    private CloudEvent ToCloudEvent(byte[] block, ReadOnlyMemory<byte> data, DataForm form) =>
        new(block, [.. _core], _extensions.AsSpan(0, ExtensionCount).ToArray(), data, form);

    private void Write(RecordBuffer record, CoreAttribute attribute, ReadOnlySpan<byte> version)
    {
        if (Has(attribute))
        {
            record.AddHeader(Prefix, AttributeNames.Of(attribute, version), Get(attribute));
        }
    }

    private void WriteRecordHeaders(RecordBuffer record)
    {
        foreach (ref readonly var header in _recordHeaders.AsSpan(0, _recordHeaderCount))
        {
            record.AddHeader(_text.AsSpan(header.NameStart, header.NameLength), _text.AsSpan(header.ValueStart, header.ValueLength));
        }

        if (TryGetExtension(AttributeNames.PartitionKey, out var key))
        {
            record.SetKey(key);
        }
    }

    private ReadOnlySpan<byte> Value(in AttributeSlice slice) =>
        slice.ValueLength > 0 ? _text.AsSpan(slice.ValueStart, slice.ValueLength) : default;

    private int Keep(ReadOnlySpan<byte> bytes)
    {
        if (_text.Length - _textLength < bytes.Length)
        {
            Grow(ref _text, _textLength, bytes.Length);
        }

        bytes.CopyTo(_text.AsSpan(_textLength));
        var start = _textLength;
        _textLength += bytes.Length;
        return start;
    }

    private static void Grow(ref byte[] array, int used, int more)
    {
        var bigger = ArrayPool<byte>.Shared.Rent(Math.Max(checked(used + more), array.Length * 2));
        array.AsSpan(0, used).CopyTo(bigger);
        ArrayPool<byte>.Shared.Return(array);
        array = bigger;
    }
}
