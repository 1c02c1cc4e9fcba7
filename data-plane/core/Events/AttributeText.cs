using System.Buffers;
using System.Text;
using System.Text.Unicode;

namespace Brokkr.Core.Events;

/// <summary>Which characters a String attribute may hold (CEC-07).</summary>
internal static class AttributeText
{
    /// <summary>
    /// Null when a value is well-formed UTF-8 without control characters and noncharacters, else what is wrong with it, as the end of a sentence.
    /// The tab passes: HTTP lets it through inside header values, and so did the original.
    /// </summary>
    public static string? Fault(ReadOnlySpan<byte> value)
    {
        var plain = value.IndexOfAnyExceptInRange((byte)0x20, (byte)0x7E);
        if (plain < 0)
        {
            return null;
        }

        var rest = value[plain..];
        while (rest.Length > 0)
        {
            if (Rune.DecodeFromUtf8(rest, out var rune, out var used) != OperationStatus.Done)
            {
                return "is not valid UTF-8";
            }

            if (Rune.IsControl(rune) && rune.Value != '\t')
            {
                return "contains a control character";
            }

            if ((rune.Value & 0xFFFE) == 0xFFFE || rune.Value is >= 0xFDD0 and <= 0xFDEF)
            {
                return "contains a Unicode noncharacter";
            }

            rest = rest[used..];
        }

        return null;
    }

    /// <summary>A value as well-formed UTF-8; malformed sequences become U+FFFD.</summary>
    public static byte[] Repair(ReadOnlySpan<byte> value) => Encoding.UTF8.GetBytes(Encoding.UTF8.GetString(value));

    /// <summary>Whether a value is well-formed UTF-8.</summary>
    public static bool IsUtf8(ReadOnlySpan<byte> value) => Utf8.IsValid(value);
}
