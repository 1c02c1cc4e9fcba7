using System.Globalization;

namespace Brokkr.Core.Configuration;

/// <summary>Typed reading of properties by the rules of the original: <c>true</c>/<c>false</c> in any case, numbers as decimals, anything else is text.</summary>
public static class PropertyValues
{
    /// <summary>A flag; the fallback where the key is absent or its value is neither <c>true</c> nor <c>false</c>.</summary>
    public static bool Flag(this IReadOnlyDictionary<string, string> properties, string key, bool fallback) =>
        properties.TryGetValue(key, out var text) && bool.TryParse(text.Trim(), out var value) ? value : fallback;

    /// <summary>A number; the fallback where the key is absent or its value is no finite number.</summary>
    public static double Number(this IReadOnlyDictionary<string, string> properties, string key, double fallback) =>
        properties.TryGetValue(key, out var text)
        && double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out var value)
        && double.IsFinite(value)
            ? value
            : fallback;

    /// <summary>A whole number; the fallback where the key is absent or its value is no whole number in the range of the type.</summary>
    public static long WholeNumber(this IReadOnlyDictionary<string, string> properties, string key, long fallback)
    {
        var value = properties.Number(key, double.NaN);
        return value == Math.Truncate(value) && Math.Abs(value) < long.MaxValue ? (long)value : fallback;
    }
}
