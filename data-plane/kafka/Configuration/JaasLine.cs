using System.Text;

namespace Brokkr.Kafka.Configuration;

/// <summary>The line by which Java clients name their login module and its options: <c>MODULE required name="value" other=value;</c>.</summary>
internal static class JaasLine
{
    /// <summary>The options in their order, without quotes and escapes.</summary>
    public static IEnumerable<(string Name, string Value)> Options(string line)
    {
        var at = 0;
        while (at < line.Length)
        {
            var start = at;
            while (at < line.Length && line[at] is not ('=' or ';') && !char.IsWhiteSpace(line[at]))
            {
                at++;
            }

            if (at < line.Length && line[at] == '=')
            {
                var name = line[start..at];
                at++;
                yield return (name, Value(line, ref at));
            }
            else
            {
                // The module, its flag, or what separates.
                at++;
            }
        }
    }

    private static string Value(string line, ref int at)
    {
        var text = new StringBuilder();
        var quoted = at < line.Length && line[at] == '"';
        if (quoted)
        {
            at++;
        }

        for (; at < line.Length; at++)
        {
            if (quoted ? line[at] == '"' : line[at] is ';' || char.IsWhiteSpace(line[at]))
            {
                break;
            }

            if (quoted && line[at] == '\\' && at + 1 < line.Length)
            {
                at++;
            }

            text.Append(line[at]);
        }

        at++;
        return text.ToString();
    }
}
