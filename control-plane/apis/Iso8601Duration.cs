namespace Brokkr.Apis;

/// <summary>
/// An ISO 8601 duration as delivery options have it: <c>[+-]P[nY][nM][nW][nD][T[nH][nM][nS]]</c>, with a fraction (after <c>.</c> or <c>,</c>) in the
/// last component only. A year is 365.2425 days and a month a twelfth of it. Fractions keep their full precision (control-plane §18 item 16).
/// </summary>
/// <param name="Length">The length, never negative; the sign does not count (control-plane §2.5).</param>
/// <param name="IsNegative">Whether a minus stood before it and the length is not zero.</param>
public readonly record struct Iso8601Duration(TimeSpan Length, bool IsNegative)
{
    private const decimal TicksPerDay = TimeSpan.TicksPerDay;

    // In the order in which they must come; the last three follow the T.
    private static ReadOnlySpan<char> DateUnits => "YMWD";
    private static ReadOnlySpan<char> TimeUnits => "HMS";

    /// <summary>
    /// The length in whole milliseconds, rounded up: a delay that was asked for never becomes none.
    /// </summary>
    public ulong Milliseconds => (ulong)((Length.Ticks + TimeSpan.TicksPerMillisecond - 1) / TimeSpan.TicksPerMillisecond);

    /// <summary>Reads a duration. False where the text is none, or is longer than <see cref="TimeSpan"/> can hold (about 29 000 years).</summary>
    public static bool TryParse(string? text, out Iso8601Duration duration)
    {
        duration = default;
        var rest = text.AsSpan();
        var negative = rest.StartsWith('-');
        if (negative || rest.StartsWith('+'))
        {
            rest = rest[1..];
        }

        if (!rest.StartsWith('P'))
        {
            return false;
        }

        rest = rest[1..];
        if (rest is "0")
        {
            return true;
        }

        if (!TryReadTicks(rest, out var ticks) || ticks > TimeSpan.MaxValue.Ticks - TimeSpan.TicksPerMillisecond)
        {
            return false;
        }

        duration = new Iso8601Duration(new TimeSpan((long)decimal.Ceiling(ticks)), negative && ticks > 0);
        return true;
    }

    private static bool TryReadTicks(ReadOnlySpan<char> rest, out decimal ticks)
    {
        ticks = 0;
        var units = DateUnits;
        var inTime = false;
        var components = 0;
        var fractionSeen = false;
        while (!rest.IsEmpty)
        {
            if (rest[0] == 'T')
            {
                if (inTime || rest.Length == 1)
                {
                    return false;
                }

                inTime = true;
                units = TimeUnits;
                rest = rest[1..];
                continue;
            }

            if (fractionSeen || !TryReadNumber(ref rest, out var number, out fractionSeen) || rest.IsEmpty)
            {
                return false;
            }

            var unit = units.IndexOf(rest[0]);
            if (unit < 0)
            {
                return false;
            }

            var length = TicksOf(units[unit], inTime);
            if (number > TimeSpan.MaxValue.Ticks / length)
            {
                return false;
            }

            ticks += number * length;
            units = units[(unit + 1)..];
            rest = rest[1..];
            components++;
        }

        return components > 0;
    }

    private static bool TryReadNumber(ref ReadOnlySpan<char> rest, out decimal number, out bool hasFraction)
    {
        number = 0;
        hasFraction = false;
        var digits = 0;
        var scale = 1m;
        var at = 0;
        for (; at < rest.Length; at++)
        {
            var c = rest[at];
            if (c is '.' or ',')
            {
                if (hasFraction || digits == 0)
                {
                    return false;
                }

                hasFraction = true;
                digits = 0;
            }
            else if (char.IsAsciiDigit(c))
            {
                digits++;
                if (!hasFraction)
                {
                    // Nothing that is in range has more digits before the point.
                    if (digits > 20)
                    {
                        return false;
                    }

                    number = (number * 10) + (c - '0');
                }
                else if (digits <= 12)
                {
                    // Finer than a tick of any unit below a day; further digits cannot be told apart.
                    scale /= 10;
                    number += (c - '0') * scale;
                }
            }
            else
            {
                break;
            }
        }

        rest = rest[at..];
        return digits > 0;
    }

    private static decimal TicksOf(char unit, bool inTime) =>
        (unit, inTime) switch
        {
            ('Y', false) => 365.2425m * TicksPerDay,
            ('M', false) => 30.436875m * TicksPerDay,
            ('W', false) => 7 * TicksPerDay,
            ('D', false) => TicksPerDay,
            ('H', true) => TimeSpan.TicksPerHour,
            ('M', true) => TimeSpan.TicksPerMinute,
            _ => TimeSpan.TicksPerSecond,
        };
}
