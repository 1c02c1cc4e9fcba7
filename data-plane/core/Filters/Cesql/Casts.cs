using System.Buffers.Text;

namespace Brokkr.Core.Filters.Cesql;

/// <summary>The table of casts (SQL-27). A cast of a failed value fails without a further error.</summary>
internal static class Casts
{
    private const int LongestInteger = 11;

    public static bool TryBoolean(scoped in Value value, scoped ref Evaluation evaluation, out bool result)
    {
        result = false;
        if (value.IsFailed)
        {
            return false;
        }

        if (value.Type != CesqlType.String)
        {
            result = value.Number != 0;
            return true;
        }

        if (TryParse(value.Text, out result))
        {
            return true;
        }

        evaluation.Fail(CesqlErrors.Cast);
        return false;
    }

    public static bool TryInteger(scoped in Value value, scoped ref Evaluation evaluation, out int result)
    {
        result = 0;
        if (value.IsFailed)
        {
            return false;
        }

        if (value.Type != CesqlType.String)
        {
            result = value.Number;
            return true;
        }

        if (TryParse(value.Text, out result))
        {
            return true;
        }

        evaluation.Fail(CesqlErrors.Cast);
        return false;
    }

    public static bool TryText(scoped in Value value, scoped ref Evaluation evaluation, out ReadOnlySpan<byte> result)
    {
        result = value.Type switch
        {
            CesqlType.Boolean => Text(value.Number != 0),
            CesqlType.Integer when value.Text.IsEmpty => Text(value.Number, ref evaluation),
            _ => value.Text,
        };
        return !value.IsFailed;
    }

    public static ReadOnlySpan<byte> Text(bool value) => value ? "true"u8 : "false"u8;

    private static ReadOnlySpan<byte> Text(int value, scoped ref Evaluation evaluation)
    {
        var text = evaluation.Take(LongestInteger);
        Utf8Formatter.TryFormat(value, text, out var written);
        return text[..written];
    }

    /// <summary><c>true</c> or <c>false</c> in any case.</summary>
    public static bool TryParse(ReadOnlySpan<byte> text, out bool value)
    {
        value = text.Length == 4 && System.Text.Ascii.EqualsIgnoreCase(text, "true"u8);
        return value || (text.Length == 5 && System.Text.Ascii.EqualsIgnoreCase(text, "false"u8));
    }

    /// <summary>A sign or none, and digits, within 32 bits.</summary>
    public static bool TryParse(ReadOnlySpan<byte> text, out int value)
    {
        value = 0;
        var isNegative = text.Length > 0 && text[0] == (byte)'-';
        var digits = isNegative || (text.Length > 0 && text[0] == (byte)'+') ? text[1..] : text;
        if (digits.IsEmpty)
        {
            return false;
        }

        var sum = 0L;
        foreach (var digit in digits)
        {
            if (digit is < (byte)'0' or > (byte)'9')
            {
                return false;
            }

            // Stays above the range once it is above it, without overflowing itself.
            sum = Math.Min((sum * 10) + (digit - '0'), 1L << 40);
        }

        sum = isNegative ? -sum : sum;
        value = sum is >= int.MinValue and <= int.MaxValue ? (int)sum : 0;
        return value == sum;
    }
}
