using System.Globalization;

namespace Brokkr.Core.Events;

/// <summary>
/// A point in time as it stands in the attribute <c>time</c>. Works on the text alone, because no .NET type keeps nine and more fraction digits.
/// The canonical form is that of receiver-and-core §8.3: seconds, a fraction without trailing zeros, the offset as sent, <c>Z</c> for none.
/// </summary>
internal readonly ref struct Timestamp
{
    private const int MaxOffsetSeconds = 18 * 3600;

    private readonly long _year;
    private readonly int _month;
    private readonly int _day;
    private readonly int _secondOfDay;
    private readonly int _offsetSeconds;
    private readonly ReadOnlySpan<byte> _fraction;

    private Timestamp(long year, int month, int day, int secondOfDay, int offsetSeconds, ReadOnlySpan<byte> fraction)
    {
        _year = year;
        _month = month;
        _day = day;
        _secondOfDay = secondOfDay;
        _offsetSeconds = offsetSeconds;
        _fraction = fraction;
    }

    /// <summary>Bytes that suffice for either form of this timestamp.</summary>
    public int MaxLength => 48 + _fraction.Length;

    /// <summary>Parses a text.</summary>
    /// <param name="text">The text.</param>
    /// <param name="lenient">
    /// False: RFC 3339 with any number of fraction digits and offsets up to 18 hours (CEC-11). True: also what the original lets through: no seconds,
    /// an offset of hours alone or with seconds, years with a sign.
    /// </param>
    /// <param name="timestamp">The timestamp; refers to the text.</param>
    public static bool TryParse(ReadOnlySpan<byte> text, bool lenient, out Timestamp timestamp)
    {
        timestamp = default;
        var scanner = new Scanner(text);
        if (!TryYear(ref scanner, lenient, out var year))
        {
            return false;
        }

        if (
            !scanner.Skip((byte)'-')
            || !scanner.TwoDigits(out var month)
            || month is < 1 or > 12
            || !scanner.Skip((byte)'-')
            || !scanner.TwoDigits(out var day)
            || day < 1
            || day > DaysInMonth(year, month)
            || !(scanner.Skip((byte)'T') || scanner.Skip((byte)'t'))
            || !scanner.TwoDigits(out var hour)
            || hour > 23
            || !scanner.Skip((byte)':')
            || !scanner.TwoDigits(out var minute)
            || minute > 59
        )
        {
            return false;
        }

        var second = 0;
        ReadOnlySpan<byte> fraction = default;
        if (scanner.Skip((byte)':'))
        {
            if (!scanner.TwoDigits(out second) || second > 59)
            {
                return false;
            }

            if (scanner.Skip((byte)'.'))
            {
                fraction = scanner.Digits();
                if (fraction.IsEmpty)
                {
                    return false;
                }
            }
        }
        else if (!lenient)
        {
            return false;
        }

        if (!TryOffset(ref scanner, lenient, out var offset) || !scanner.AtEnd)
        {
            return false;
        }

        timestamp = new Timestamp(year, month, day, (hour * 3600) + (minute * 60) + second, offset, fraction.TrimEnd((byte)'0'));
        return true;
    }

    /// <summary>Writes the canonical form.</summary>
    /// <returns>Bytes written.</returns>
    public int WriteCanonical(Span<byte> to)
    {
        var at = WriteLocal(to, _year, _month, _day, _secondOfDay);
        at += WriteFraction(to[at..], isPadded: false);
        return at + WriteOffset(to[at..]);
    }

    /// <summary>
    /// Writes the form that CESQL reads (receiver-and-core §13.3): the canonical one, but with 0, 3, 6 or 9 fraction digits, or all there are if they
    /// are more.
    /// </summary>
    /// <returns>Bytes written.</returns>
    public int WritePadded(Span<byte> to)
    {
        var at = WriteLocal(to, _year, _month, _day, _secondOfDay);
        at += WriteFraction(to[at..], isPadded: true);
        return at + WriteOffset(to[at..]);
    }

    /// <summary>
    /// Writes the instant in UTC as filters compare it (receiver-and-core §13.1): 0, 3, 6 or 9 fraction digits, or all there are if they are more.
    /// </summary>
    /// <returns>Bytes written.</returns>
    public int WriteUtc(Span<byte> to)
    {
        long year = _year;
        int month = _month,
            day = _day,
            second = _secondOfDay - _offsetSeconds;
        if (second is < 0 or >= 86400)
        {
            var days = DaysFromCivil(_year, _month, _day) + (second < 0 ? -1 : 1);
            second += second < 0 ? 86400 : -86400;
            (year, month, day) = CivilFromDays(days);
        }

        var at = WriteLocal(to, year, month, day, second);
        at += WriteFraction(to[at..], isPadded: true);
        to[at++] = (byte)'Z';
        return at;
    }

    private int WriteFraction(Span<byte> to, bool isPadded)
    {
        if (_fraction.IsEmpty)
        {
            return 0;
        }

        to[0] = (byte)'.';
        _fraction.CopyTo(to[1..]);
        var at = 1 + _fraction.Length;
        for (var digits = _fraction.Length; isPadded && digits < 9 && digits % 3 != 0; digits++)
        {
            to[at++] = (byte)'0';
        }

        return at;
    }

    private int WriteOffset(Span<byte> to)
    {
        if (_offsetSeconds == 0)
        {
            to[0] = (byte)'Z';
            return 1;
        }

        var absolute = Math.Abs(_offsetSeconds);
        to[0] = _offsetSeconds < 0 ? (byte)'-' : (byte)'+';
        var at = 1 + Two(to[1..], absolute / 3600);
        to[at++] = (byte)':';
        at += Two(to[at..], absolute / 60 % 60);
        if (absolute % 60 != 0)
        {
            to[at++] = (byte)':';
            at += Two(to[at..], absolute % 60);
        }

        return at;
    }

    private static int WriteLocal(Span<byte> to, long year, int month, int day, int secondOfDay)
    {
        var at = 0;
        if (year < 0)
        {
            to[at++] = (byte)'-';
        }
        else if (year > 9999)
        {
            to[at++] = (byte)'+';
        }

        Math.Abs(year).TryFormat(to[at..], out var written, "D4", CultureInfo.InvariantCulture);
        at += written;
        to[at++] = (byte)'-';
        at += Two(to[at..], month);
        to[at++] = (byte)'-';
        at += Two(to[at..], day);
        to[at++] = (byte)'T';
        at += Two(to[at..], secondOfDay / 3600);
        to[at++] = (byte)':';
        at += Two(to[at..], secondOfDay / 60 % 60);
        to[at++] = (byte)':';
        return at + Two(to[at..], secondOfDay % 60);
    }

    private static int Two(Span<byte> to, int value)
    {
        to[1] = (byte)('0' + (value % 10));
        to[0] = (byte)('0' + (value / 10));
        return 2;
    }

    private static bool TryYear(ref Scanner scanner, bool lenient, out long year)
    {
        year = 0;
        var negative = lenient && scanner.Skip((byte)'-');
        var plus = lenient && !negative && scanner.Skip((byte)'+');
        var digits = scanner.Digits();
        if (digits.Length < 4 || digits.Length > (plus || negative ? 9 : 4) || (plus && digits.Length == 4))
        {
            return false;
        }

        foreach (var digit in digits)
        {
            year = (year * 10) + (digit - '0');
        }

        if (negative)
        {
            year = -year;
        }

        return !negative || year != 0;
    }

    private static bool TryOffset(ref Scanner scanner, bool lenient, out int seconds)
    {
        seconds = 0;
        if (scanner.Skip((byte)'Z') || scanner.Skip((byte)'z'))
        {
            return true;
        }

        var negative = scanner.Skip((byte)'-');
        if ((!negative && !scanner.Skip((byte)'+')) || !scanner.TwoDigits(out var hours))
        {
            return false;
        }

        int minutes = 0,
            rest = 0;
        if (scanner.Skip((byte)':'))
        {
            if (!scanner.TwoDigits(out minutes) || minutes > 59)
            {
                return false;
            }

            if (lenient && scanner.Skip((byte)':') && (!scanner.TwoDigits(out rest) || rest > 59))
            {
                return false;
            }
        }
        else if (!lenient)
        {
            return false;
        }

        seconds = (hours * 3600) + (minutes * 60) + rest;
        if (seconds > MaxOffsetSeconds)
        {
            return false;
        }

        seconds = negative ? -seconds : seconds;
        return true;
    }

    private static int DaysInMonth(long year, int month) =>
        month switch
        {
            2 => year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) ? 29 : 28,
            4 or 6 or 9 or 11 => 30,
            _ => 31,
        };

    // Days since 0000-03-01 in the proleptic Gregorian calendar, counted in eras of 400 years that begin in March.
    private static long DaysFromCivil(long year, int month, int day)
    {
        var y = month <= 2 ? year - 1 : year;
        var era = Math.DivRem(y, 400, out var yearOfEra);
        if (yearOfEra < 0)
        {
            era--;
            yearOfEra += 400;
        }

        var dayOfYear = (((153 * (month + (month > 2 ? -3 : 9))) + 2) / 5) + day - 1;
        return (era * 146097) + (yearOfEra * 365) + (yearOfEra / 4) - (yearOfEra / 100) + dayOfYear;
    }

    private static (long Year, int Month, int Day) CivilFromDays(long days)
    {
        var era = Math.DivRem(days, 146097, out var dayOfEra);
        if (dayOfEra < 0)
        {
            era--;
            dayOfEra += 146097;
        }

        var yearOfEra = (dayOfEra - (dayOfEra / 1460) + (dayOfEra / 36524) - (dayOfEra / 146096)) / 365;
        var dayOfYear = (int)(dayOfEra - ((365 * yearOfEra) + (yearOfEra / 4) - (yearOfEra / 100)));
        var shifted = ((5 * dayOfYear) + 2) / 153;
        var month = shifted < 10 ? shifted + 3 : shifted - 9;
        return (yearOfEra + (era * 400) + (month <= 2 ? 1 : 0), month, dayOfYear - (((153 * shifted) + 2) / 5) + 1);
    }

    private ref struct Scanner(ReadOnlySpan<byte> text)
    {
        private ReadOnlySpan<byte> _rest = text;

        public readonly bool AtEnd => _rest.IsEmpty;

        public bool Skip(byte expected)
        {
            if (_rest.IsEmpty || _rest[0] != expected)
            {
                return false;
            }

            _rest = _rest[1..];
            return true;
        }

        public bool TwoDigits(out int value)
        {
            value = 0;
            if (_rest.Length < 2 || !char.IsAsciiDigit((char)_rest[0]) || !char.IsAsciiDigit((char)_rest[1]))
            {
                return false;
            }

            value = ((_rest[0] - '0') * 10) + (_rest[1] - '0');
            _rest = _rest[2..];
            return true;
        }

        public ReadOnlySpan<byte> Digits()
        {
            var end = _rest.IndexOfAnyExceptInRange((byte)'0', (byte)'9');
            var digits = end < 0 ? _rest : _rest[..end];
            _rest = _rest[digits.Length..];
            return digits;
        }
    }
}
