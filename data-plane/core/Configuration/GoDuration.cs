using System.Buffers;
using System.Globalization;

namespace Brokkr.Core.Configuration;

/// <summary>
/// Durations as Knative's ConfigMaps have them, in the syntax of Go: numbers with a unit, one after the other, such as <c>1m30s</c>, <c>1.5h</c> or <c>500ms</c>.
/// </summary>
public static class GoDuration
{
    private static readonly SearchValues<char> OfNumbers = SearchValues.Create("0123456789.");

    private static readonly (string Name, long Ticks)[] Units =
    [
        // Longer names first: "m" begins "ms", too.
        ("ms", TimeSpan.TicksPerMillisecond),
        ("us", TimeSpan.TicksPerMicrosecond),
        ("µs", TimeSpan.TicksPerMicrosecond),
        ("h", TimeSpan.TicksPerHour),
        ("m", TimeSpan.TicksPerMinute),
        ("s", TimeSpan.TicksPerSecond),
    ];

    /// <summary>Reads a duration that is not negative; <c>0</c> needs no unit. False for everything else.</summary>
    public static bool TryParse(string text, out TimeSpan duration)
    {
        duration = TimeSpan.Zero;
        if (text is "0")
        {
            return true;
        }

        var ticks = 0m;
        var rest = text.AsSpan();
        while (!rest.IsEmpty)
        {
            var digits = rest.IndexOfAnyExcept(OfNumbers);
            if (
                digits <= 0
                || !decimal.TryParse(rest[..digits], NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var number)
                || UnitOf(rest[digits..]) is not { Ticks: > 0 } unit
            )
            {
                return false;
            }

            rest = rest[(digits + unit.Name.Length)..];
            if (number > TimeSpan.MaxValue.Ticks / unit.Ticks || (ticks += number * unit.Ticks) > TimeSpan.MaxValue.Ticks)
            {
                return false;
            }
        }

        duration = new TimeSpan((long)ticks);
        return text.Length > 0;
    }

    private static (string Name, long Ticks) UnitOf(ReadOnlySpan<char> text)
    {
        foreach (var unit in Units)
        {
            if (text.StartsWith(unit.Name, StringComparison.Ordinal))
            {
                return unit;
            }
        }

        return default;
    }
}
