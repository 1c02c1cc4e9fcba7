using System.Buffers;

namespace Brokkr.Core.Events;

/// <summary>Percent-encoding of header values as the CloudEvents HTTP binding defines it (CEH-08 to CEH-13).</summary>
internal static class PercentCoding
{
    private static readonly SearchValues<byte> PlainBytes = SearchValues.Create(
        "!#$&'()*+,-./0123456789:;<=>?@ABCDEFGHIJKLMNOPQRSTUVWXYZ[\\]^_`abcdefghijklmnopqrstuvwxyz{|}~"u8
    );

    /// <summary>
    /// Undoes a quoted string, then one round of percent-encoding. A <c>%</c> that is not followed by two hex digits stays, and so does a quote that
    /// does not enclose the whole value: senders that do not encode send such values.
    /// </summary>
    /// <param name="raw">The value as on the wire, without blanks around.</param>
    /// <param name="to">Room for as many bytes as the raw value has.</param>
    /// <returns>Bytes written.</returns>
    public static int Decode(ReadOnlySpan<byte> raw, Span<byte> to)
    {
        var written = 0;
        if (raw.Length >= 2 && raw[0] == (byte)'"' && TryUnquote(raw, to, out var unquoted))
        {
            raw = to[..unquoted];
        }

        for (var i = 0; i < raw.Length; i++)
        {
            if (raw[i] == (byte)'%' && i + 2 < raw.Length && Hex(raw[i + 1]) is >= 0 and var high && Hex(raw[i + 2]) is >= 0 and var low)
            {
                to[written++] = (byte)((high << 4) | low);
                i += 2;
            }
            else
            {
                to[written++] = raw[i];
            }
        }

        return written;
    }

    /// <summary>Whether a value is sent as it is.</summary>
    public static bool IsPlain(ReadOnlySpan<byte> value) => !value.ContainsAnyExcept(PlainBytes);

    /// <summary>Encodes a value.</summary>
    /// <param name="value">UTF-8 text.</param>
    /// <param name="to">Room for three times as many characters.</param>
    /// <returns>Characters written.</returns>
    public static int Encode(ReadOnlySpan<byte> value, Span<char> to)
    {
        const string digits = "0123456789ABCDEF";
        var written = 0;
        foreach (var b in value)
        {
            if (PlainBytes.Contains(b))
            {
                to[written++] = (char)b;
                continue;
            }

            to[written++] = '%';
            to[written++] = digits[b >> 4];
            to[written++] = digits[b & 15];
        }

        return written;
    }

    private static bool TryUnquote(ReadOnlySpan<byte> raw, Span<byte> to, out int written)
    {
        written = 0;
        for (var i = 1; i < raw.Length; i++)
        {
            switch (raw[i])
            {
                case (byte)'"':
                    return i == raw.Length - 1;
                case (byte)'\\' when i + 1 < raw.Length:
                    to[written++] = raw[++i];
                    break;
                default:
                    to[written++] = raw[i];
                    break;
            }
        }

        return false;
    }

    private static int Hex(byte digit) =>
        digit switch
        {
            >= (byte)'0' and <= (byte)'9' => digit - '0',
            >= (byte)'a' and <= (byte)'f' => digit - 'a' + 10,
            >= (byte)'A' and <= (byte)'F' => digit - 'A' + 10,
            _ => -1,
        };
}
