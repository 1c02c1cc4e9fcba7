using System.Text;
using Brokkr.Core.Log;

namespace Brokkr.Core.Events;

/// <summary>The CloudEvents Kafka binding: records to events (conformance §13, dispatcher §4.2, §4.3).</summary>
public static class KafkaBinding
{
    private const int OnStack = 24;

    private static ReadOnlySpan<byte> Prefix => "ce_"u8;

    /// <summary>
    /// Decodes a record. Accepts what the original accepts, so that records it stored are delivered: empty required attributes, repeated headers (the
    /// last wins), times that are not quite RFC 3339. A record in binary mode in its canonical form is not copied: the event refers to its block.
    /// </summary>
    /// <param name="record">The record; kept alive by the event.</param>
    /// <param name="event">The event; null after an error.</param>
    /// <returns><see cref="EventErrorKind.NotAnEvent"/> for a record that does not mean to be an event.</returns>
    public static EventError Decode(StoredRecord record, out CloudEvent? @event)
    {
        @event = null;
        ReadOnlySpan<byte> version = default;
        ReadOnlySpan<byte> contentType = default;
        var isBinary = false;
        var extensions = 0;
        foreach (ref readonly var header in record.Headers)
        {
            var name = record.NameOf(header);
            if (name.StartsWith(Prefix))
            {
                extensions++;
                if (name.Length == 14 && name[3..].SequenceEqual("specversion"u8) && header.ValueLength >= 0)
                {
                    version = record.ValueOf(header);
                    isBinary = true;
                }
            }
            else if (name.SequenceEqual("content-type"u8) && header.ValueLength >= 0)
            {
                contentType = record.ValueOf(header);
            }
        }

        if (IsEventFormat(contentType))
        {
            return DecodeStructured(record, contentType, out @event);
        }

        if (!isBinary)
        {
            return new EventError(
                EventErrorKind.NotAnEvent,
                "The record has neither a header ce_specversion nor the media type of an event."
            );
        }

        if (!AttributeNames.IsKnownVersion(version))
        {
            return EventError.Invalid("The header ce_specversion must be 1.0 or 0.3.");
        }

        if (extensions > EventBuffer.MaxExtensions)
        {
            return EventError.Invalid("The record has too many ce_ headers.");
        }

        return TryDecodeInPlace(record, AttributeNames.IsVersion03(version), extensions, out @event)
            ? EventError.None
            : DecodeByCopy(record, out @event);
    }

    private static bool IsEventFormat(ReadOnlySpan<byte> contentType) =>
        contentType.Length >= 23 && Ascii.EqualsIgnoreCase(contentType[..23], "application/cloudevents"u8);

    // Succeeds for records in their canonical form, which all of ours are. Everything else, errors included, is left to the way with a copy.
    private static bool TryDecodeInPlace(StoredRecord record, bool isVersion03, int atMost, out CloudEvent? @event)
    {
        @event = null;
        var core = new AttributeSlice[CloudEvent.CoreCount];
        core.AsSpan().Fill(AttributeSlice.Absent);
        Span<AttributeSlice> extensions = atMost <= OnStack ? stackalloc AttributeSlice[OnStack] : new AttributeSlice[atMost];
        var count = 0;
        foreach (ref readonly var header in record.Headers)
        {
            var name = record.NameOf(header);
            var slice = new AttributeSlice(0, 0, header.ValueStart, header.ValueLength, AttributeType.String);
            CoreAttribute attribute;
            if (name.StartsWith(Prefix))
            {
                name = name[3..];
                if (name.IsEmpty)
                {
                    continue;
                }

                if (!AttributeNames.TryGetCore(name, out attribute) || (isVersion03 && attribute == CoreAttribute.DataSchema))
                {
                    if (isVersion03 && name.SequenceEqual(AttributeNames.DataContentEncoding))
                    {
                        continue;
                    }

                    if (!isVersion03 || !name.SequenceEqual(AttributeNames.SchemaUrl))
                    {
                        if (!AttributeNames.IsValid(name) || Contains(record, extensions[..count], name) || !IsUsable(record, header))
                        {
                            return false;
                        }

                        extensions[count++] = slice with { NameStart = header.NameStart + 3, NameLength = name.Length };
                        continue;
                    }

                    attribute = CoreAttribute.DataSchema;
                }
            }
            else if (name.SequenceEqual("content-type"u8))
            {
                attribute = CoreAttribute.DataContentType;
            }
            else
            {
                continue;
            }

            if (core[(int)attribute].ValueLength >= 0 || !IsUsable(record, header))
            {
                return false;
            }

            core[(int)attribute] = slice;
        }

        if (!IsComplete(record, core))
        {
            return false;
        }

        @event = new CloudEvent(
            record.BlockArray,
            core,
            extensions[..count].ToArray(),
            record.Value,
            record.HasValue ? DataForm.Bytes : DataForm.None
        );
        return true;
    }

    private static bool IsUsable(StoredRecord record, in HeaderSlice header) =>
        header.ValueLength >= 0 && AttributeText.IsUtf8(record.ValueOf(header));

    private static bool IsComplete(StoredRecord record, AttributeSlice[] core)
    {
        if (
            core[(int)CoreAttribute.Id].ValueLength < 0
            || core[(int)CoreAttribute.Type].ValueLength < 0
            || core[(int)CoreAttribute.Source].ValueLength < 0
            || !UriReference.IsValid(ValueOf(record, core[(int)CoreAttribute.Source]))
            || !UriReference.IsValid(ValueOf(record, core[(int)CoreAttribute.DataSchema]))
        )
        {
            return false;
        }

        if (core[(int)CoreAttribute.Time].ValueLength < 0)
        {
            return true;
        }

        var text = ValueOf(record, core[(int)CoreAttribute.Time]);
        if (!Timestamp.TryParse(text, lenient: true, out var time) || time.MaxLength > 128)
        {
            return false;
        }

        Span<byte> canonical = stackalloc byte[128];
        return canonical[..time.WriteCanonical(canonical)].SequenceEqual(text);
    }

    private static ReadOnlySpan<byte> ValueOf(StoredRecord record, in AttributeSlice slice) =>
        slice.ValueLength > 0 ? record.Block.Span.Slice(slice.ValueStart, slice.ValueLength) : default;

    private static bool Contains(StoredRecord record, ReadOnlySpan<AttributeSlice> extensions, ReadOnlySpan<byte> name)
    {
        foreach (ref readonly var slice in extensions)
        {
            if (slice.NameLength == name.Length && name.SequenceEqual(record.Block.Span.Slice(slice.NameStart, slice.NameLength)))
            {
                return true;
            }
        }

        return false;
    }

    private static EventError DecodeByCopy(StoredRecord record, out CloudEvent? @event)
    {
        @event = null;
        using var buffer = EventBuffer.Rent();
        buffer.Lenient = true;
        Span<byte> lower = stackalloc byte[256];
        foreach (ref readonly var header in record.Headers)
        {
            var name = record.NameOf(header);
            EventError error;
            if (name.SequenceEqual("content-type"u8))
            {
                if (header.ValueLength < 0)
                {
                    continue;
                }

                error = buffer.SetAttribute("datacontenttype"u8, record.ValueOf(header));
            }
            else if (name.Length > 3 && name.StartsWith(Prefix))
            {
                name = name[3..];
                if (name.Length > lower.Length)
                {
                    lower = new byte[name.Length];
                }

                for (var i = 0; i < name.Length; i++)
                {
                    lower[i] = char.IsAsciiLetterUpper((char)name[i]) ? (byte)(name[i] | 0x20) : name[i];
                }

                error =
                    header.ValueLength < 0
                        ? EventError.Invalid("A ce_ header has a null value.")
                        : buffer.SetAttribute(lower[..name.Length], record.ValueOf(header));
            }
            else
            {
                continue;
            }

            if (error.IsError)
            {
                return error;
            }
        }

        var invalid = buffer.Validate();
        if (invalid.IsError)
        {
            return invalid;
        }

        @event = buffer.ToCloudEvent(record.Value, record.HasValue ? DataForm.Bytes : DataForm.None);
        return EventError.None;
    }

    private static EventError DecodeStructured(StoredRecord record, ReadOnlySpan<byte> contentType, out CloudEvent? @event)
    {
        @event = null;
        if (!Ascii.EqualsIgnoreCase(MediaType.Essence(contentType), JsonEventFormat.MediaTypeName))
        {
            return new EventError(
                EventErrorKind.UnsupportedMediaType,
                "The record's content-type names an event format that is not supported."
            );
        }

        using var buffer = EventBuffer.Rent();
        buffer.Lenient = true;
        var error = JsonEventFormat.Read(record.Value.Span, buffer);
        if (!error.IsError)
        {
            @event = buffer.ToCloudEvent();
        }

        return error;
    }
}
