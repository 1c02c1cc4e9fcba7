namespace Brokkr.Core.Tests.Events;

/// <summary>A step of a scenario: its line, and the text or the table under it.</summary>
internal sealed record GherkinStep(string Text)
{
    public string? Argument { get; set; }

    public List<(string Name, string Value)> Rows { get; } = [];
}

/// <summary>Reads as much of Gherkin as the CloudEvents features use: scenarios, outlines with one placeholder, doc strings, tables of two columns.</summary>
internal static class GherkinFeature
{
    public static List<List<GherkinStep>> Load(string name)
    {
        var lines = File.ReadAllLines(Path.Combine(AppContext.BaseDirectory, "data", "ce-conformance", "features", name + ".feature"));
        var scenarios = new List<List<GherkinStep>>();
        var starts = Enumerable
            .Range(0, lines.Length)
            .Where(i => lines[i].Trim().StartsWith("Scenario", StringComparison.Ordinal))
            .ToList();
        foreach (var (start, end) in starts.Zip(starts.Skip(1).Append(lines.Length)))
        {
            var examples = Array.FindIndex(lines, start, end - start, l => l.Trim() == "Examples:");
            var steps = lines[(start + 1)..(examples < 0 ? end : examples)];
            if (examples < 0)
            {
                scenarios.Add(Steps(steps));
                continue;
            }

            var cells = lines[(examples + 1)..end].Where(l => l.Trim().Length > 0).Select(l => l.Trim().Trim('|').Trim()).ToList();
            scenarios.AddRange(cells.Skip(1).Select(value => Steps([.. steps.Select(l => l.Replace($"<{cells[0]}>", value))])));
        }

        return scenarios;
    }

    private static List<GherkinStep> Steps(string[] lines)
    {
        var steps = new List<GherkinStep>();
        for (var i = 0; i < lines.Length; i++)
        {
            var line = lines[i].Trim();
            if (line == "\"\"\"")
            {
                var indent = lines[i].IndexOf('"');
                var end = Array.FindIndex(lines, i + 1, l => l.Trim() == "\"\"\"");
                steps[^1].Argument = string.Join('\n', lines[(i + 1)..end].Select(l => l.Length >= indent ? l[indent..] : ""));
                i = end;
            }
            else if (line.StartsWith('|'))
            {
                var cells = line.Trim('|').Split('|');
                if (cells[0].Trim() != "key")
                {
                    steps[^1].Rows.Add((cells[0].Trim(), cells[1].Trim()));
                }
            }
            else if (line.Length > 0)
            {
                steps.Add(new GherkinStep(line));
            }
        }

        return steps;
    }
}
