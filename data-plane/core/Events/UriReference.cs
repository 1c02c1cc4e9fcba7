using System.Buffers;
using System.Globalization;
using System.Net;
using System.Text;

namespace Brokkr.Core.Events;

/// <summary>
/// Checks URI references by the grammar of RFC 2396 with the IPv6 hosts of RFC 2732 and, beyond it, any non-ASCII character that is neither a
/// blank nor a control (receiver-and-core §7.2). It judges a text and never changes it, as <see cref="Uri"/> would.
/// </summary>
internal static class UriReference
{
    private const string Unreserved = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.!~*'()";
    private static readonly SearchValues<byte> SchemeBytes = Bytes("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+-.");
    private static readonly SearchValues<byte> UricBytes = Bytes(Unreserved + ";/?:@&=+$,[]");
    private static readonly SearchValues<byte> PathBytes = Bytes(Unreserved + ":@&=+$,;/");
    private static readonly SearchValues<byte> AuthorityBytes = Bytes(Unreserved + "$,;:@&=+");
    private static readonly SearchValues<byte> UserInfoBytes = Bytes(Unreserved + ";:&=+$,");

    /// <summary>Whether a text is a URI reference. The empty text is one.</summary>
    public static bool IsValid(ReadOnlySpan<byte> text)
    {
        var hash = text.IndexOf((byte)'#');
        if (hash >= 0)
        {
            if (!Consists(text[(hash + 1)..], UricBytes))
            {
                return false;
            }

            text = text[..hash];
        }

        var delimiter = text.IndexOfAny(":/?"u8);
        if (delimiter < 0 || text[delimiter] != (byte)':')
        {
            return IsHierarchical(text, endsText: hash < 0);
        }

        var scheme = text[..delimiter];
        if (scheme.IsEmpty || !char.IsAsciiLetter((char)scheme[0]) || scheme.ContainsAnyExcept(SchemeBytes))
        {
            return false;
        }

        var rest = text[(delimiter + 1)..];
        if (rest.StartsWith((byte)'/'))
        {
            // "http://#x" has an empty authority before a fragment, which is allowed; "http://" alone is not.
            return IsHierarchical(rest, endsText: hash < 0);
        }

        return rest.Length > 0 && Consists(rest, UricBytes);
    }

    private static bool IsHierarchical(ReadOnlySpan<byte> text, bool endsText)
    {
        if (text.StartsWith("//"u8))
        {
            text = text[2..];
            var end = text.IndexOfAny((byte)'/', (byte)'?');
            var authority = end < 0 ? text : text[..end];
            if (authority.IsEmpty ? end < 0 && endsText : !IsAuthority(authority))
            {
                return false;
            }

            text = end < 0 ? default : text[end..];
        }

        var query = text.IndexOf((byte)'?');
        return query < 0 ? Consists(text, PathBytes) : Consists(text[..query], PathBytes) && Consists(text[(query + 1)..], UricBytes);
    }

    private static bool IsAuthority(ReadOnlySpan<byte> text)
    {
        var open = text.IndexOfAny((byte)'[', (byte)']');
        if (open < 0)
        {
            return Consists(text, AuthorityBytes);
        }

        var at = text.IndexOf((byte)'@');
        if (at >= 0)
        {
            if (!Consists(text[..at], UserInfoBytes))
            {
                return false;
            }

            text = text[(at + 1)..];
        }

        var close = text.IndexOf((byte)']');
        if (close < 0 || !text.StartsWith((byte)'[') || !IsIPv6(text[1..close]))
        {
            return false;
        }

        var port = text[(close + 1)..];
        return port.IsEmpty || (port[0] == (byte)':' && !port[1..].ContainsAnyExceptInRange((byte)'0', (byte)'9'));
    }

    private static bool IsIPv6(ReadOnlySpan<byte> text)
    {
        var percent = text.IndexOf((byte)'%');
        if (percent == text.Length - 1 && percent >= 0)
        {
            return false;
        }

        var address = percent < 0 ? text : text[..percent];
        return address.Contains((byte)':') && IPAddress.IsValidUtf8(address);
    }

    private static bool Consists(ReadOnlySpan<byte> text, SearchValues<byte> allowed)
    {
        while (true)
        {
            var odd = text.IndexOfAnyExcept(allowed);
            if (odd < 0)
            {
                return true;
            }

            text = text[odd..];
            if (text[0] == (byte)'%')
            {
                if (text.Length < 3 || !char.IsAsciiHexDigit((char)text[1]) || !char.IsAsciiHexDigit((char)text[2]))
                {
                    return false;
                }

                text = text[3..];
                continue;
            }

            if (text[0] < 0x80 || Rune.DecodeFromUtf8(text, out var rune, out var used) != OperationStatus.Done)
            {
                return false;
            }

            if (
                Rune.GetUnicodeCategory(rune)
                is UnicodeCategory.Control
                    or UnicodeCategory.SpaceSeparator
                    or UnicodeCategory.LineSeparator
                    or UnicodeCategory.ParagraphSeparator
            )
            {
                return false;
            }

            text = text[used..];
        }
    }

    private static SearchValues<byte> Bytes(string characters) => SearchValues.Create(Encoding.ASCII.GetBytes(characters));
}
