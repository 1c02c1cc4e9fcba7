using System.Buffers;
using System.Text;

namespace Brokkr.Core.Events;

/// <summary>What the formats need to know of a media type (CEC-12, CEJ-08).</summary>
internal static class MediaType
{
    private static readonly SearchValues<byte> TokenBytes = SearchValues.Create(
        "!#$%&'*+-.^_`|~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"u8
    );

    /// <summary>Whether a text is <c>type/subtype</c> with parameters, if any.</summary>
    public static bool IsValid(ReadOnlySpan<byte> text)
    {
        var name = Essence(text);
        var slash = name.IndexOf((byte)'/');
        if (slash <= 0 || !IsToken(name[..slash]) || !IsToken(name[(slash + 1)..]))
        {
            return false;
        }

        var semicolon = text.IndexOf((byte)';');
        return semicolon < 0 || AreParameters(text[(semicolon + 1)..]);
    }

    /// <summary>Whether data of this type is a JSON value: <c>*/json</c> or <c>*/*+json</c>, whatever the case and the parameters.</summary>
    public static bool IsJson(ReadOnlySpan<byte> text)
    {
        var name = Essence(text);
        var slash = name.IndexOf((byte)'/');
        if (slash <= 0)
        {
            return false;
        }

        var subtype = name[(slash + 1)..];
        return Ascii.EqualsIgnoreCase(subtype, "json"u8) || (subtype.Length > 5 && Ascii.EqualsIgnoreCase(subtype[^5..], "+json"u8));
    }

    /// <summary>Whether data of this type is text whose bytes are UTF-8, so that a JSON string can carry it.</summary>
    public static bool IsUtf8Text(ReadOnlySpan<byte> text)
    {
        var name = Essence(text);
        var isText =
            (name.Length > 5 && Ascii.EqualsIgnoreCase(name[..5], "text/"u8))
            || Ascii.EqualsIgnoreCase(name, "application/xml"u8)
            || (name.Length > 4 && Ascii.EqualsIgnoreCase(name[^4..], "+xml"u8));
        if (!isText)
        {
            return false;
        }

        for (var i = 0; i + 8 <= text.Length; i++)
        {
            if (Ascii.EqualsIgnoreCase(text.Slice(i, 8), "charset="u8))
            {
                var charset = text[(i + 8)..];
                var end = charset.IndexOf((byte)';');
                charset = (end < 0 ? charset : charset[..end]).Trim(" \t\""u8);
                return Ascii.EqualsIgnoreCase(charset, "utf-8"u8)
                    || Ascii.EqualsIgnoreCase(charset, "utf8"u8)
                    || Ascii.EqualsIgnoreCase(charset, "us-ascii"u8);
            }
        }

        return true;
    }

    /// <summary>The part before the parameters, without blanks around.</summary>
    public static ReadOnlySpan<byte> Essence(ReadOnlySpan<byte> text)
    {
        var semicolon = text.IndexOf((byte)';');
        return (semicolon < 0 ? text : text[..semicolon]).Trim(" \t"u8);
    }

    private static bool IsToken(ReadOnlySpan<byte> text) => text.Length > 0 && !text.ContainsAnyExcept(TokenBytes);

    private static bool AreParameters(ReadOnlySpan<byte> text)
    {
        while (true)
        {
            text = text.TrimStart(" \t"u8);
            if (text.IsEmpty)
            {
                return true;
            }

            var equals = text.IndexOf((byte)'=');
            if (equals <= 0 || !IsToken(text[..equals]))
            {
                return false;
            }

            text = text[(equals + 1)..];
            var end = text.StartsWith((byte)'"') ? QuotedLength(text) : text.IndexOf((byte)';');
            var value = end < 0 ? text : text[..end];
            if (value.IsEmpty || (value[0] != (byte)'"' && !IsToken(value.TrimEnd(" \t"u8))))
            {
                return false;
            }

            text = text[value.Length..].TrimStart(" \t"u8);
            if (text.IsEmpty)
            {
                return true;
            }

            if (text[0] != (byte)';')
            {
                return false;
            }

            text = text[1..];
        }
    }

    private static int QuotedLength(ReadOnlySpan<byte> text)
    {
        for (var i = 1; i < text.Length; i++)
        {
            if (text[i] == (byte)'\\')
            {
                i++;
            }
            else if (text[i] == (byte)'"')
            {
                return i + 1;
            }
        }

        return 0;
    }
}
