using System.Globalization;

namespace Brokkr.Dispatcher.Feed;

/// <summary>How many files and connections the process may have open. A process that reaches that number ends sooner or later, without a word that would help.</summary>
internal static class OpenFiles
{
    private const string Limits = "/proc/self/limits";

    /// <summary>The number; <see cref="int.MaxValue"/> where the system does not tell or has none.</summary>
    public static int Limit() => File.Exists(Limits) ? Read(File.ReadLines(Limits)) : int.MaxValue;

    /// <summary>Finds the number in what Linux tells of a process.</summary>
    internal static int Read(IEnumerable<string> lines)
    {
        const string name = "Max open files";
        var line = lines.FirstOrDefault(static line => line.StartsWith(name, StringComparison.Ordinal));
        var soft = line?[name.Length..].Split(' ', StringSplitOptions.RemoveEmptyEntries).FirstOrDefault();
        return int.TryParse(soft, NumberStyles.None, CultureInfo.InvariantCulture, out var limit) ? limit : int.MaxValue;
    }
}
