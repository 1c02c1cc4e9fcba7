using System.Buffers;
using System.Text;

namespace Brokkr.Core.Events;

/// <summary>How an HTTP message carries an event.</summary>
public enum ContentKind
{
    /// <summary>Attributes in <c>ce-</c> headers, data in the body; or no event at all, which <see cref="EventBuffer.Validate"/> tells.</summary>
    Binary,

    /// <summary>One event in the JSON format in the body.</summary>
    Structured,

    /// <summary>A JSON array of events in the body.</summary>
    Batch,

    /// <summary>An event format that is not supported here.</summary>
    Unsupported,
}

/// <summary>The CloudEvents HTTP binding: what stands in headers, and how (conformance §12).</summary>
public static class HttpBinding
{
    /// <summary>Prefix of the headers that carry attributes.</summary>
    public static ReadOnlySpan<byte> Prefix => "ce-"u8;

    /// <summary>Media type of one event in the JSON format.</summary>
    public const string StructuredJson = "application/cloudevents+json";

    /// <summary>Media type of a batch in the JSON format.</summary>
    public const string BatchJson = "application/cloudevents-batch+json";

    private const string EventFormats = "application/cloudevents";
    private const int OnStack = 512;

    /// <summary>Tells the content mode from <c>Content-Type</c>; case and parameters do not matter (CEH-02).</summary>
    /// <param name="contentType">The header's value; null if absent.</param>
    public static ContentKind ModeOf(string? contentType)
    {
        var name = contentType.AsSpan();
        var semicolon = name.IndexOf(';');
        name = (semicolon < 0 ? name : name[..semicolon]).Trim(" \t");
        if (!name.StartsWith(EventFormats, StringComparison.OrdinalIgnoreCase))
        {
            return ContentKind.Binary;
        }

        return name.Equals(StructuredJson, StringComparison.OrdinalIgnoreCase) ? ContentKind.Structured
            : name.Equals(BatchJson, StringComparison.OrdinalIgnoreCase) ? ContentKind.Batch
            : ContentKind.Unsupported;
    }

    /// <summary>
    /// Takes a header into an event in binary mode. Whatever is no <c>ce-</c> header is ignored, <c>Content-Type</c> included: that one is for
    /// <see cref="SetContentType(EventBuffer, ReadOnlySpan{char})"/>.
    /// </summary>
    /// <param name="event">The event.</param>
    /// <param name="name">Name as on the wire, any case.</param>
    /// <param name="rawValue">Value as on the wire: quoted strings are undone, then percent-encoding (CEH-10).</param>
    /// <returns>An error for a bad name or value.</returns>
    public static EventError AddHeader(EventBuffer @event, ReadOnlySpan<byte> name, ReadOnlySpan<byte> rawValue)
    {
        if (name.Length <= 3 || !Ascii.EqualsIgnoreCase(name[..3], Prefix))
        {
            return EventError.None;
        }

        name = name[3..];
        Span<byte> lower = name.Length <= OnStack ? stackalloc byte[name.Length] : new byte[name.Length];
        for (var i = 0; i < name.Length; i++)
        {
            lower[i] = char.IsAsciiLetterUpper((char)name[i]) ? (byte)(name[i] | 0x20) : name[i];
        }

        return SetAttribute(@event, lower, rawValue.Trim(" \t"u8));
    }

    /// <summary>Takes a header into an event in binary mode, as the overload with bytes does.</summary>
    /// <param name="event">The event.</param>
    /// <param name="name">Name as on the wire, any case.</param>
    /// <param name="value">Value, its bytes decoded as UTF-8.</param>
    public static EventError AddHeader(EventBuffer @event, ReadOnlySpan<char> name, ReadOnlySpan<char> value)
    {
        if (name.Length <= 3 || !name.StartsWith("ce-", StringComparison.OrdinalIgnoreCase))
        {
            return EventError.None;
        }

        name = name[3..];
        Span<byte> lower = name.Length <= OnStack / 3 ? stackalloc byte[OnStack] : new byte[name.Length * 3];
        lower = lower[..Encoding.UTF8.GetBytes(name, lower)];
        Ascii.ToLowerInPlace(lower, out _);
        byte[]? rented = null;
        var utf8 = value.Length <= OnStack / 3 ? stackalloc byte[OnStack] : rented = ArrayPool<byte>.Shared.Rent(value.Length * 3);
        utf8 = utf8[..Encoding.UTF8.GetBytes(value, utf8)];
        var error = SetAttribute(@event, lower, utf8.Trim(" \t"u8));
        if (rented is not null)
        {
            ArrayPool<byte>.Shared.Return(rented);
        }

        return error;
    }

    /// <summary>Sets <c>datacontenttype</c> from <c>Content-Type</c>, verbatim. A second one is an error.</summary>
    public static EventError SetContentType(EventBuffer @event, ReadOnlySpan<byte> value) =>
        @event.Has(CoreAttribute.DataContentType)
            ? EventError.Invalid("Content-Type is given more than once.")
            : @event.SetAttribute("datacontenttype"u8, value.Trim(" \t"u8));

    /// <summary>Sets <c>datacontenttype</c> from <c>Content-Type</c>, verbatim. A second one is an error.</summary>
    public static EventError SetContentType(EventBuffer @event, ReadOnlySpan<char> value)
    {
        Span<byte> utf8 = value.Length <= OnStack / 3 ? stackalloc byte[OnStack] : new byte[value.Length * 3];
        return SetContentType(@event, utf8[..Encoding.UTF8.GetBytes(value, utf8)]);
    }

    /// <summary>An attribute value as it is sent in a header: percent-encoded where the binding asks for it (CEH-08, CEH-09).</summary>
    /// <param name="utf8">The value.</param>
    public static string EncodeValue(ReadOnlySpan<byte> utf8)
    {
        if (PercentCoding.IsPlain(utf8))
        {
            return Encoding.ASCII.GetString(utf8);
        }

        char[]? rented = null;
        var encoded = utf8.Length <= OnStack / 3 ? stackalloc char[OnStack] : rented = ArrayPool<char>.Shared.Rent(utf8.Length * 3);
        var text = new string(encoded[..PercentCoding.Encode(utf8, encoded)]);
        if (rented is not null)
        {
            ArrayPool<char>.Shared.Return(rented);
        }

        return text;
    }

    private static EventError SetAttribute(EventBuffer @event, ReadOnlySpan<byte> name, ReadOnlySpan<byte> raw)
    {
        if (name.SequenceEqual("datacontenttype"u8))
        {
            return EventError.Invalid("The media type of the data belongs into Content-Type; ce-datacontenttype is not allowed.");
        }

        if (raw.IndexOfAny((byte)'%', (byte)'"') < 0)
        {
            return @event.SetAttribute(name, raw);
        }

        byte[]? rented = null;
        var decoded = raw.Length <= OnStack ? stackalloc byte[OnStack] : rented = ArrayPool<byte>.Shared.Rent(raw.Length);
        decoded = decoded[..PercentCoding.Decode(raw, decoded)];

        // Many senders put a URI there as it is, without encoding its own percent signs once more. Decoded it is no URI any longer.
        var asSent = name.SequenceEqual("source"u8) || name.SequenceEqual("dataschema"u8) || name.SequenceEqual("schemaurl"u8);
        var keep = asSent && !UriReference.IsValid(decoded) && UriReference.IsValid(raw);
        var error = @event.SetAttribute(name, keep ? raw : decoded);
        if (rented is not null)
        {
            ArrayPool<byte>.Shared.Return(rented);
        }

        return error;
    }
}
