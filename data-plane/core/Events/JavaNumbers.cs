using System.Buffers.Text;
using System.Globalization;
using System.Numerics;

namespace Brokkr.Core.Events;

/// <summary>Numbers as text in the form of Java's <c>toString</c>, which is what subscribers have always got (dispatcher §4.7).</summary>
internal static class JavaNumbers
{
    /// <summary>Bytes that suffice for every number of at most 64 bits.</summary>
    public const int MaxLength = 32;

    /// <summary>
    /// Writes a <see cref="float"/> or a <see cref="double"/>: the shortest digits that tell it from its neighbours, but at least two; with an exponent
    /// below 0.001 and from 10 000 000 on.
    /// </summary>
    /// <param name="number">The number.</param>
    /// <param name="to">Room for <see cref="MaxLength"/> bytes.</param>
    /// <returns>Bytes written.</returns>
    public static int Write<T>(T number, Span<byte> to)
        where T : IFloatingPointIeee754<T>
    {
        if (T.IsNaN(number))
        {
            return Copy("NaN"u8, to);
        }

        var at = T.IsNegative(number) ? Copy("-"u8, to) : 0;
        number = T.Abs(number);
        if (T.IsInfinity(number))
        {
            return at + Copy("Infinity"u8, to[at..]);
        }

        Span<byte> digits = stackalloc byte[MaxLength];
        var (count, exponent) = Split(number, "R", digits);
        if (count == 1 && !T.IsZero(number))
        {
            // Java looks at numbers of two digits at least and takes the nearest: 4.9E-324, where 5E-324 would do.
            (count, exponent) = Split(number, "E1", digits);
        }

        digits = digits[..count];
        return at + (exponent is >= -3 and < 7 ? WritePlain(digits, exponent, to[at..]) : WriteScientific(digits, exponent, to[at..]));
    }

    /// <summary>The digits of a number without zeros around, and the power of ten of the first one.</summary>
    private static (int Count, int Exponent) Split<T>(T number, string format, Span<byte> digits)
        where T : IFloatingPointIeee754<T>
    {
        Span<byte> buffer = stackalloc byte[MaxLength];
        number.TryFormat(buffer, out var length, format, CultureInfo.InvariantCulture);
        ReadOnlySpan<byte> text = buffer[..length];
        var exponent = 0;
        if (text.IndexOf((byte)'E') is >= 0 and var e)
        {
            exponent = Utf8Parser.TryParse(text[(e + 1)..], out int power, out _) ? power : 0;
            text = text[..e];
        }

        var point = text.IndexOf((byte)'.');
        exponent += (point < 0 ? text.Length : point) - 1;
        var count = 0;
        foreach (var b in text)
        {
            if (b == (byte)'.')
            {
                continue;
            }

            if (b == (byte)'0' && count == 0)
            {
                exponent--;
                continue;
            }

            digits[count++] = b;
        }

        while (count > 1 && digits[count - 1] == (byte)'0')
        {
            count--;
        }

        if (count == 0)
        {
            digits[0] = (byte)'0';
            return (1, 0);
        }

        return (count, exponent);
    }

    private static int WritePlain(ReadOnlySpan<byte> digits, int exponent, Span<byte> to)
    {
        var at = 0;
        for (var i = Math.Min(0, exponent); i <= Math.Max(exponent + 1, digits.Length - 1); i++)
        {
            if (i == exponent + 1)
            {
                to[at++] = (byte)'.';
            }

            to[at++] = i >= 0 && i < digits.Length ? digits[i] : (byte)'0';
        }

        return at;
    }

    private static int WriteScientific(ReadOnlySpan<byte> digits, int exponent, Span<byte> to)
    {
        to[0] = digits[0];
        to[1] = (byte)'.';
        var at = 2 + (digits.Length > 1 ? Copy(digits[1..], to[2..]) : Copy("0"u8, to[2..]));
        to[at++] = (byte)'E';
        Utf8Formatter.TryFormat(exponent, to[at..], out var written);
        return at + written;
    }

    private static int Copy(ReadOnlySpan<byte> text, Span<byte> to)
    {
        text.CopyTo(to);
        return text.Length;
    }
}
