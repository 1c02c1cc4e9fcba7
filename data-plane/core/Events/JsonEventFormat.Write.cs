using System.Buffers;
using System.Buffers.Text;
using System.Text.Json;
using Brokkr.Core.Log;

namespace Brokkr.Core.Events;

public static partial class JsonEventFormat
{
    private static readonly CoreAttribute[] AfterVersion =
    [
        CoreAttribute.Id,
        CoreAttribute.Source,
        CoreAttribute.Type,
        CoreAttribute.DataContentType,
        CoreAttribute.DataSchema,
        CoreAttribute.Subject,
        CoreAttribute.Time,
    ];

    private static readonly SearchValues<byte> EscapedBytes = SearchValues.Create([
        .. Enumerable.Range(0, 0x20).Select(static c => (byte)c),
        (byte)'"',
        (byte)'\\',
        0x7F,
    ]);

    /// <summary>How the data is put into the document.</summary>
    private enum DataMember
    {
        None,
        Json,
        Text,
        Base64,
    }

    /// <summary>
    /// Writes an event for delivery (conformance §14): data of a JSON type as it is, text as a JSON string, everything else as base64. Data that is not
    /// what its content type says goes as base64, so that every event can be delivered.
    /// </summary>
    /// <param name="event">The event.</param>
    /// <param name="overlay">Extensions laid over it.</param>
    /// <param name="to">Gets one JSON object.</param>
    public static void Write(CloudEvent @event, EventOverlay overlay, IBufferWriter<byte> to)
    {
        WriteAttributes(@event, overlay, to);
        var data = @event.Data.Span;
        WriteData(to, DeliveryMember(@event, data), @event.Get(CoreAttribute.SpecVersion), data);
        to.Write("}"u8);
    }

    /// <summary>Writes an event as the value of a record in structured content mode (receiver-and-core §8.4).</summary>
    internal static EventError WriteForLog(EventBuffer @event, RecordBuffer to)
    {
        var member = DataMember.None;
        if (@event.Form != DataForm.None)
        {
            var hasType = @event.Has(CoreAttribute.DataContentType);
            if (hasType && !MediaType.IsJson(@event.Get(CoreAttribute.DataContentType)))
            {
                member = DataMember.Base64;
            }
            else if (@event.Form == DataForm.Json || IsJson(@event.Data))
            {
                member = DataMember.Json;
            }
            else if (hasType)
            {
                return EventError.Invalid("The content type says that the data is JSON, but it is not.");
            }
            else
            {
                member = DataMember.Base64;
            }
        }

        WriteAttributes(@event, EventOverlay.Empty, to);
        WriteData(to, member, @event.Get(CoreAttribute.SpecVersion), @event.Data);
        to.AppendValue("}"u8);
        return EventError.None;
    }

    /// <summary>Whether bytes are exactly one JSON text in UTF-8.</summary>
    internal static bool IsJson(ReadOnlySpan<byte> bytes)
    {
        if (!AttributeText.IsUtf8(bytes))
        {
            return false;
        }

        try
        {
            var reader = new Utf8JsonReader(bytes, Options);
            while (reader.Read()) { }

            return reader.BytesConsumed > 0;
        }
        catch (JsonException)
        {
            return false;
        }
    }

    private static DataMember DeliveryMember(CloudEvent @event, ReadOnlySpan<byte> data)
    {
        if (@event.Form == DataForm.None)
        {
            return DataMember.None;
        }

        var type = @event.Get(CoreAttribute.DataContentType);
        if (MediaType.IsJson(type))
        {
            return @event.Form == DataForm.Json || IsJson(data) ? DataMember.Json : DataMember.Base64;
        }

        // Without a content type "data" would be read as JSON, which nobody said it is.
        return MediaType.IsUtf8Text(type) && AttributeText.IsUtf8(data) ? DataMember.Text : DataMember.Base64;
    }

    // No member stands there twice: the names of attributes and data are those of the event, whatever extension a stored record or an override has.
    private static void WriteAttributes<TEvent, T>(TEvent @event, EventOverlay overlay, T to)
        where TEvent : IEventAttributes
        where T : IBufferWriter<byte>
    {
        var version = @event.Get(CoreAttribute.SpecVersion);
        to.Write("{\"specversion\":"u8);
        WriteString(to, version);
        foreach (var attribute in AfterVersion)
        {
            if (@event.Has(attribute))
            {
                WriteName(to, AttributeNames.Of(attribute, version));
                WriteString(to, @event.Get(attribute));
            }
        }

        for (var i = 0; i < @event.ExtensionCount; i++)
        {
            var name = @event.ExtensionName(i);
            if (!overlay.TryGet(name, out _) && !name.SequenceEqual("data"u8))
            {
                WriteExtension(to, name, @event.ExtensionValue(i), @event.ExtensionType(i));
            }
        }

        foreach (ref readonly var extension in overlay.Extensions)
        {
            if (!AttributeNames.TryGetCore(extension.Name, out _) && !extension.Name.AsSpan().SequenceEqual("data"u8))
            {
                WriteExtension(to, extension.Name, extension.Value, extension.Type);
            }
        }
    }

    private static void WriteExtension<T>(T to, ReadOnlySpan<byte> name, ReadOnlySpan<byte> value, AttributeType type)
        where T : IBufferWriter<byte>
    {
        WriteName(to, name);
        if (type == AttributeType.String)
        {
            WriteString(to, value);
        }
        else
        {
            to.Write(value);
        }
    }

    private static void WriteData<T>(T to, DataMember member, ReadOnlySpan<byte> version, ReadOnlySpan<byte> data)
        where T : IBufferWriter<byte>
    {
        switch (member)
        {
            case DataMember.Json:
                WriteName(to, "data"u8);
                to.Write(data);
                break;
            case DataMember.Text:
                WriteName(to, "data"u8);
                WriteString(to, data);
                break;
            case DataMember.Base64:
                if (AttributeNames.IsVersion03(version))
                {
                    WriteName(to, AttributeNames.DataContentEncoding);
                    WriteString(to, "base64"u8);
                    WriteName(to, "data"u8);
                }
                else
                {
                    WriteName(to, "data_base64"u8);
                }

                var room = to.GetSpan(Base64.GetMaxEncodedToUtf8Length(data.Length) + 2);
                room[0] = (byte)'"';
                Base64.EncodeToUtf8(data, room[1..], out _, out var written);
                room[written + 1] = (byte)'"';
                to.Advance(written + 2);
                break;
            default:
                break;
        }
    }

    private static void WriteName<T>(T to, ReadOnlySpan<byte> name)
        where T : IBufferWriter<byte>
    {
        to.Write(","u8);
        WriteString(to, name);
        to.Write(":"u8);
    }

    private static void WriteString<T>(T to, ReadOnlySpan<byte> text)
        where T : IBufferWriter<byte>
    {
        const string digits = "0123456789ABCDEF";
        to.Write("\""u8);
        while (text.IndexOfAny(EscapedBytes) is >= 0 and var at)
        {
            to.Write(text[..at]);
            var c = text[at];
            var room = to.GetSpan(6);
            room[0] = (byte)'\\';
            if (c is (byte)'"' or (byte)'\\')
            {
                room[1] = c;
                to.Advance(2);
            }
            else
            {
                "u00"u8.CopyTo(room[1..]);
                room[4] = (byte)digits[c >> 4];
                room[5] = (byte)digits[c & 15];
                to.Advance(6);
            }

            text = text[(at + 1)..];
        }

        to.Write(text);
        to.Write("\""u8);
    }
}
