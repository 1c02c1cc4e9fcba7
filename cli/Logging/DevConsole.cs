using System.Globalization;

namespace Brokkr.Cli.Logging;

/// <summary>How a line is to be taken.</summary>
internal enum Tone
{
    Plain,
    Good,
    Warning,
    Error,
    Faint,
}

/// <summary>Writes lines with the time of day for a person; in colour on a terminal. Thread-safe.</summary>
/// <param name="output">Gets the lines.</param>
/// <param name="colour">Whether it understands escape sequences.</param>
/// <param name="time">The clock.</param>
internal sealed class DevConsole(TextWriter output, bool colour, TimeProvider time)
{
    private readonly Lock _lock = new();

    /// <summary>The standard output; in colour if that is a terminal and nobody objects (no-color.org).</summary>
    public static DevConsole Standard(TimeProvider time) =>
        new(Console.Out, !Console.IsOutputRedirected && string.IsNullOrEmpty(Environment.GetEnvironmentVariable("NO_COLOR")), time);

    /// <summary>Writes a line that begins with the time and, for warnings and errors, says so.</summary>
    public void Line(Tone tone, string text)
    {
        var at = time.GetUtcNow()
            .ToOffset(time.LocalTimeZone.GetUtcOffset(time.GetUtcNow()))
            .ToString("HH:mm:ss", CultureInfo.InvariantCulture);
        var word = tone switch
        {
            Tone.Warning => "warning: ",
            Tone.Error => "error: ",
            _ => "",
        };
        Text($"{at}  {Paint(tone, word + text)}");
    }

    /// <summary>Writes text as it is, and a line end.</summary>
    public void Text(string text)
    {
        lock (_lock)
        {
            output.WriteLine(text);
            output.Flush();
        }
    }

    /// <summary>Text in the colour of a tone.</summary>
    public string Paint(Tone tone, string text)
    {
        var code = tone switch
        {
            Tone.Good => "32",
            Tone.Warning => "33",
            Tone.Error => "31",
            Tone.Faint => "90",
            _ => "",
        };
        return colour && code.Length > 0 ? $"\e[{code}m{text}\e[0m" : text;
    }
}
