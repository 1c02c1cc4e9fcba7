using System.Globalization;

namespace Brokkr.Controller.Kubernetes;

/// <summary>Versions as Kubernetes writes them: <c>v1.35.4</c>, <c>v1.34.1-gke.100</c>, <c>v1.34.0+k3s1</c>.</summary>
internal static class ServerVersion
{
    /// <summary>The three numbers; what distributions append does not count. Null for what is no version.</summary>
    public static Version? Parse(string text)
    {
        var numbers = text.StartsWith('v') ? text[1..] : text;
        var end = numbers.AsSpan().IndexOfAny('-', '+');
        numbers = end < 0 ? numbers : numbers[..end];
        var parts = numbers.Split('.');
        return
            parts.Length == 3
            && Array.TrueForAll(parts, part => int.TryParse(part, NumberStyles.None, CultureInfo.InvariantCulture, out _))
            && Version.TryParse(numbers, out var version)
            ? version
            : null;
    }
}
