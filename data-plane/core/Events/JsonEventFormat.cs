using System.Buffers;
using System.Buffers.Text;
using System.Globalization;
using System.Text;
using System.Text.Json;
using Brokkr.Core.Log;

namespace Brokkr.Core.Events;

/// <summary>
/// The CloudEvents JSON format (conformance §14). Data that is JSON is kept as the text that came, numbers and all; it is never parsed into values.
/// </summary>
public static partial class JsonEventFormat
{
    /// <summary>Deepest nesting of arrays and objects that is accepted.</summary>
    public const int MaxDepth = 1000;

    /// <summary>Most events that a batch may have. Bounds the memory that a small request can ask for.</summary>
    public const int MaxBatch = 4096;

    private static readonly JsonReaderOptions Options = new() { MaxDepth = MaxDepth };

    internal static ReadOnlySpan<byte> MediaTypeName => "application/cloudevents+json"u8;

    /// <summary>Reads one event and validates it.</summary>
    /// <param name="json">A JSON text in UTF-8; a byte order mark is skipped.</param>
    /// <param name="event">An empty buffer; after an error its content is undefined.</param>
    /// <returns>What is wrong with the text or the event.</returns>
    public static EventError Read(ReadOnlySpan<byte> json, EventBuffer @event)
    {
        json = WithoutMark(json);
        if (!AttributeText.IsUtf8(json))
        {
            return EventError.Invalid("The event is not valid UTF-8.");
        }

        try
        {
            return ReadDocument(json, @event);
        }
        catch (JsonException e)
        {
            return NotJson(e);
        }
    }

    /// <summary>Reads a batch and validates its events, which must all be of the same specversion (CEJ-16).</summary>
    /// <param name="json">A JSON array in UTF-8; may be empty.</param>
    /// <param name="events">Gets the events, rented; after an error nothing was added.</param>
    /// <returns>What is wrong with the text or with the first bad event.</returns>
    public static EventError ReadBatch(ReadOnlySpan<byte> json, List<EventBuffer> events)
    {
        json = WithoutMark(json);
        if (!AttributeText.IsUtf8(json))
        {
            return EventError.Invalid("The batch is not valid UTF-8.");
        }

        var before = events.Count;
        EventError error;
        try
        {
            error = ReadArray(json, events, before);
        }
        catch (JsonException e)
        {
            error = NotJson(e);
        }

        if (error.IsError)
        {
            for (var i = before; i < events.Count; i++)
            {
                events[i].Dispose();
            }

            events.RemoveRange(before, events.Count - before);
        }

        return error;
    }

    private static EventError ReadArray(ReadOnlySpan<byte> json, List<EventBuffer> events, int before)
    {
        var reader = new Utf8JsonReader(json, Options);
        if (!reader.Read() || reader.TokenType != JsonTokenType.StartArray)
        {
            return EventError.Invalid("A batch is a JSON array of events.");
        }

        while (reader.Read() && reader.TokenType != JsonTokenType.EndArray)
        {
            var number = events.Count - before + 1;
            if (number > MaxBatch)
            {
                return EventError.Invalid($"A batch may have at most {MaxBatch} events; send more batches.");
            }

            var start = (int)reader.TokenStartIndex;
            reader.Skip();
            var one = EventBuffer.Rent();
            events.Add(one);
            var error = ReadDocument(json[start..(int)reader.BytesConsumed], one);
            if (!error.IsError && !one.Get(CoreAttribute.SpecVersion).SequenceEqual(events[before].Get(CoreAttribute.SpecVersion)))
            {
                error = EventError.Invalid("Its specversion is not that of the first event of the batch.");
            }

            if (error.IsError)
            {
                return error with
                {
                    Message = string.Create(CultureInfo.InvariantCulture, $"Event {number} of the batch: {error.Message}"),
                };
            }
        }

        // Anything but blanks after the array makes the reader throw.
        reader.Read();
        return EventError.None;
    }

    private static EventError ReadDocument(ReadOnlySpan<byte> json, EventBuffer @event)
    {
        var reader = new Utf8JsonReader(json, Options);
        if (!reader.Read() || reader.TokenType != JsonTokenType.StartObject)
        {
            return EventError.Invalid("An event in the JSON format is a JSON object.");
        }

        var data = default(JsonSlice);
        var base64 = default(JsonSlice);
        HashSet<string>? absent = null;
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            if (ReadMember(ref reader, json, @event, ref data, ref base64, ref absent) is { IsError: true } error)
            {
                return error;
            }
        }

        // Anything but blanks after the object makes the reader throw.
        reader.Read();
        if (data.IsPresent && base64.IsPresent)
        {
            return EventError.Invalid("The members 'data' and 'data_base64' must not occur together.");
        }

        if (!@event.Has(CoreAttribute.SpecVersion))
        {
            return EventError.Invalid("The attribute 'specversion' is missing.");
        }

        if (!@event.Lenient && @event.Has(CoreAttribute.DataContentType) && !MediaType.IsValid(@event.Get(CoreAttribute.DataContentType)))
        {
            return EventError.Invalid("The attribute 'datacontenttype' is not a media type such as application/json.");
        }

        var read = base64.IsPresent ? ReadBase64(json, base64, @event) : ReadData(json, data, @event);
        return read.IsError ? read : @event.Validate();
    }

    private static EventError ReadMember(
        ref Utf8JsonReader reader,
        ReadOnlySpan<byte> json,
        EventBuffer @event,
        ref JsonSlice data,
        ref JsonSlice base64,
        ref HashSet<string>? absent
    )
    {
        byte[]? rentedName = null;
        byte[]? rentedValue = null;
        try
        {
            var name = reader.ValueSpan;
            if (reader.ValueIsEscaped && !TryUnescape(ref reader, ref rentedName, out name))
            {
                return LoneSurrogate();
            }

            if (name.SequenceEqual("data"u8))
            {
                return KeepData(ref reader, ref data, @event);
            }

            if (name.SequenceEqual("data_base64"u8))
            {
                return KeepData(ref reader, ref base64, @event);
            }

            reader.Read();
            if (absent is not null && absent.Contains(Encoding.UTF8.GetString(name)))
            {
                return EventBuffer.Repeated(name);
            }

            switch (reader.TokenType)
            {
                case JsonTokenType.Null when @event.Lenient:
                    return EventError.None;
                case JsonTokenType.Null when !AttributeNames.IsValid(name):
                    return @event.SetAttribute(name, default);
                case JsonTokenType.Null:
                    // Absent, but named: the name must not come again (CEJ-04, CEJ-15). Few senders do this, so it may cost more than the rest.
                    (absent ??= new HashSet<string>(StringComparer.Ordinal)).Add(Encoding.UTF8.GetString(name));
                    return @event.Has(name) ? EventBuffer.Repeated(name) : EventError.None;
                case JsonTokenType.String:
                    var value = reader.ValueSpan;
                    return reader.ValueIsEscaped && !TryUnescape(ref reader, ref rentedValue, out value)
                        ? LoneSurrogate()
                        : @event.SetAttribute(name, value);
                case JsonTokenType.True or JsonTokenType.False or JsonTokenType.Number when AttributeNames.TryGetCore(name, out _):
                    return EventError.Invalid($"The attribute '{Encoding.ASCII.GetString(name)}' must be a string.");
                case JsonTokenType.True:
                    return @event.SetAttribute(name, "true"u8, AttributeType.Boolean);
                case JsonTokenType.False:
                    return @event.SetAttribute(name, "false"u8, AttributeType.Boolean);
                case JsonTokenType.Number when reader.TryGetInt32(out var number):
                    Span<byte> digits = stackalloc byte[11];
                    Utf8Formatter.TryFormat(number, digits, out var written);
                    return @event.SetAttribute(name, digits[..written], AttributeType.Integer);
                case JsonTokenType.Number:
                    return EventError.Invalid("An attribute that is a number must be an integer of 32 bits; send others as strings.");
                default:
                    var slice = JsonSlice.Here(ref reader);
                    if (!@event.Lenient || AttributeNames.TryGetCore(name, out _))
                    {
                        return EventError.Invalid("An attribute must be a string, a boolean or an integer, not an object or array.");
                    }

                    rentedValue = ArrayPool<byte>.Shared.Rent(slice.Length);
                    return @event.SetAttribute(name, rentedValue.AsSpan(0, Compact(slice.Of(json), rentedValue)));
            }
        }
        finally
        {
            Return(rentedName);
            Return(rentedValue);
        }
    }

    private static bool TryUnescape(scoped ref Utf8JsonReader reader, scoped ref byte[]? rented, out ReadOnlySpan<byte> text)
    {
        rented = ArrayPool<byte>.Shared.Rent(reader.ValueSpan.Length);
        try
        {
            text = rented.AsSpan(0, reader.CopyString(rented));
            return true;
        }
        catch (InvalidOperationException)
        {
            // The only way in which well-formed JSON in valid UTF-8 cannot be unescaped.
            text = default;
            return false;
        }
    }

    /// <summary>Copies a JSON text without the blanks between its tokens.</summary>
    private static int Compact(ReadOnlySpan<byte> json, Span<byte> to)
    {
        var written = 0;
        var inString = false;
        for (var i = 0; i < json.Length; i++)
        {
            var c = json[i];
            if (!inString && c is (byte)' ' or (byte)'\t' or (byte)'\r' or (byte)'\n')
            {
                continue;
            }

            to[written++] = c;
            if (c == (byte)'"')
            {
                inString = !inString;
            }
            else if (c == (byte)'\\')
            {
                to[written++] = json[++i];
            }
        }

        return written;
    }

    private static void Return(byte[]? rented)
    {
        if (rented is not null)
        {
            ArrayPool<byte>.Shared.Return(rented);
        }
    }

    private static ReadOnlySpan<byte> WithoutMark(ReadOnlySpan<byte> json) => json.StartsWith("\uFEFF"u8) ? json[3..] : json;

    private static EventError LoneSurrogate() => EventError.Invalid("A string contains half of a surrogate pair.");

    // The reader's own message quotes the text, which may be data.
    private static EventError NotJson(JsonException e) =>
        EventError.Invalid(
            string.Create(
                CultureInfo.InvariantCulture,
                $"The body is not one JSON text (line {(e.LineNumber ?? 0) + 1}, byte {(e.BytePositionInLine ?? 0) + 1})."
            )
        );
}
