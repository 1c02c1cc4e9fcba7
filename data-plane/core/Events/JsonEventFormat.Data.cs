using System.Buffers;
using System.Buffers.Text;
using System.Text.Json;

namespace Brokkr.Core.Events;

public static partial class JsonEventFormat
{
    // How data is read depends on members that may follow.
    private static EventError KeepData(ref Utf8JsonReader reader, ref JsonSlice slice, EventBuffer @event)
    {
        if (slice.IsPresent && !@event.Lenient)
        {
            return EventError.Invalid("The data is given more than once.");
        }

        slice = JsonSlice.Next(ref reader);
        return EventError.None;
    }

    private static EventError ReadBase64(ReadOnlySpan<byte> json, JsonSlice slice, EventBuffer @event)
    {
        if (slice.Type != JsonTokenType.String)
        {
            return EventError.Invalid("The member 'data_base64' must be a string.");
        }

        byte[]? rented = null;
        try
        {
            var reader = new Utf8JsonReader(slice.Of(json), Options);
            reader.Read();
            var text = reader.ValueSpan;
            if (reader.ValueIsEscaped && !TryUnescape(ref reader, ref rented, out text))
            {
                return LoneSurrogate();
            }

            // The decoder passes over blanks, which are no base64 (RFC 4648 §3.3).
            if (!@event.Lenient && text.ContainsAny(" \t\r\n"u8))
            {
                return EventError.Invalid("The data is not valid base64.");
            }

            var room = @event.ReserveData(Base64.GetMaxDecodedFromUtf8Length(text.Length));
            if (Base64.DecodeFromUtf8(text, room, out _, out var written) != OperationStatus.Done)
            {
                return EventError.Invalid("The data is not valid base64.");
            }

            @event.CommitData(written);
            @event.SetDataForm(DataForm.Bytes);
            return EventError.None;
        }
        finally
        {
            Return(rented);
        }
    }

    private static EventError ReadData(ReadOnlySpan<byte> json, JsonSlice slice, EventBuffer @event)
    {
        if (!slice.IsPresent)
        {
            return EventError.None;
        }

        if (!@event.Has(CoreAttribute.DataContentType))
        {
            // CEJ-11: made explicit, for the event may leave in another format.
            @event.SetAttribute("datacontenttype"u8, "application/json"u8);
        }

        if (
            AttributeNames.IsVersion03(@event.Get(CoreAttribute.SpecVersion))
            && @event.TryGetExtension(AttributeNames.DataContentEncoding, out var encoding)
            && encoding.SequenceEqual("base64"u8)
        )
        {
            return ReadBase64(json, slice, @event);
        }

        if (MediaType.IsJson(@event.Get(CoreAttribute.DataContentType)))
        {
            @event.AppendData(slice.Of(json));
            @event.SetDataForm(DataForm.Json);
            return EventError.None;
        }

        if (slice.Type != JsonTokenType.String)
        {
            return EventError.Invalid("Data that is not JSON must be a string, or base64 in 'data_base64'.");
        }

        var reader = new Utf8JsonReader(slice.Of(json), Options);
        reader.Read();
        byte[]? rented = null;
        try
        {
            var text = reader.ValueSpan;
            if (reader.ValueIsEscaped && !TryUnescape(ref reader, ref rented, out text))
            {
                return LoneSurrogate();
            }

            @event.AppendData(text);
            @event.SetDataForm(DataForm.Bytes);
            return EventError.None;
        }
        finally
        {
            Return(rented);
        }
    }

    /// <summary>Where a value stands in a JSON text.</summary>
    private readonly record struct JsonSlice(int Start, int Length, JsonTokenType Type)
    {
        public bool IsPresent => Length > 0;

        public ReadOnlySpan<byte> Of(ReadOnlySpan<byte> json) => json.Slice(Start, Length);

        public static JsonSlice Next(ref Utf8JsonReader reader)
        {
            reader.Read();
            return Here(ref reader);
        }

        public static JsonSlice Here(ref Utf8JsonReader reader)
        {
            var start = (int)reader.TokenStartIndex;
            var type = reader.TokenType;
            reader.Skip();
            return new JsonSlice(start, (int)reader.BytesConsumed - start, type);
        }
    }
}
