using System.Buffers;
using System.Globalization;
using System.Text;

namespace Brokkr.Core.Telemetry;

/// <summary>The pieces of Prometheus' text format 0.0.4, in the form that the original's client library gives them.</summary>
internal static class ExpositionText
{
    /// <summary>A metric or label name: whatever is not allowed becomes an underscore.</summary>
    public static string Name(string dotted) =>
        string.Create(
            dotted.Length,
            dotted,
            static (name, source) =>
            {
                for (var i = 0; i < source.Length; i++)
                {
                    name[i] = char.IsAsciiLetterOrDigit(source[i]) || source[i] == ':' ? source[i] : '_';
                }
            }
        );

    /// <summary>The name of a family: the unit is appended unless the name ends with it, then <c>_total</c> to counters.</summary>
    public static string FamilyName(string dotted, string? unit, MetricKind kind)
    {
        var suffix = unit switch
        {
            null or "" => "",
            ['{', ..] => "",
            "By" => "bytes",
            "s" => "seconds",
            _ => Name(unit),
        };
        var name = Name(dotted);
        if (suffix.Length > 0 && !name.EndsWith("_" + suffix, StringComparison.Ordinal))
        {
            name += "_" + suffix;
        }

        return kind == MetricKind.Counter && !name.EndsWith("_total", StringComparison.Ordinal) ? name + "_total" : name;
    }

    /// <summary>Labels, each followed by a comma, values escaped.</summary>
    public static string Labels(ReadOnlySpan<KeyValuePair<string, string>> labels)
    {
        var text = new StringBuilder();
        foreach (var (name, value) in labels)
        {
            text.Append(name).Append("=\"");
            foreach (var c in value)
            {
                _ = c switch
                {
                    '\\' => text.Append("\\\\"),
                    '"' => text.Append("\\\""),
                    '\n' => text.Append("\\n"),
                    _ => text.Append(c),
                };
            }

            text.Append("\",");
        }

        return text.ToString();
    }

    /// <summary>A number as Java writes it: <c>1.0</c>, <c>1.234E7</c>; <c>+Inf</c>, <c>-Inf</c>, <c>NaN</c>.</summary>
    public static string Number(double value)
    {
        if (!double.IsFinite(value))
        {
            return double.IsNaN(value) ? "NaN"
                : value > 0 ? "+Inf"
                : "-Inf";
        }

        var magnitude = Math.Abs(value);
        if (magnitude is 0 or (>= 1e-3 and < 1e7))
        {
            // .NET writes numbers of this size without exponent.
            var plain = value.ToString("R", CultureInfo.InvariantCulture);
            return plain.Contains('.', StringComparison.Ordinal) ? plain : plain + ".0";
        }

        return Scientific(value);
    }

    /// <summary>The two comment lines before the samples of a family.</summary>
    public static void Head(IBufferWriter<byte> output, string name, string type, string help) =>
        Text(output, $"# HELP {name} {Escape(help)}\n# TYPE {name} {type}\n");

    /// <summary>One sample.</summary>
    /// <param name="output">Gets the line.</param>
    /// <param name="name">Name of the sample.</param>
    /// <param name="labels">Labels with their commas; may be empty.</param>
    /// <param name="value">The value.</param>
    /// <param name="last">One more label with its comma; may be empty.</param>
    public static void Sample(
        IBufferWriter<byte> output,
        ReadOnlySpan<byte> name,
        ReadOnlySpan<byte> labels,
        double value,
        ReadOnlySpan<byte> last = default
    )
    {
        output.Write(name);
        if (labels.Length + last.Length > 0)
        {
            output.Write("{"u8);
            output.Write(labels);
            output.Write(last);
            output.Write("}"u8);
        }

        Text(output, $" {Number(value)}\n");
    }

    private static string Escape(string help) =>
        help.Replace("\\", "\\\\", StringComparison.Ordinal).Replace("\n", "\\n", StringComparison.Ordinal);

    private static void Text(IBufferWriter<byte> output, string text) => Encoding.UTF8.GetBytes(text, output);

    private static string Scientific(double value)
    {
        // "R" has the shortest digits, with an exponent or without one, as .NET likes; only the digits and the power are of use.
        var text = Math.Abs(value).ToString("R", CultureInfo.InvariantCulture);
        var exponent = 0;
        if (text.IndexOf('E', StringComparison.Ordinal) is >= 0 and var e)
        {
            exponent = int.Parse(text.AsSpan(e + 1), NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture);
            text = text[..e];
        }

        var point = text.IndexOf('.', StringComparison.Ordinal);
        exponent += (point < 0 ? text.Length : point) - 1;
        var digits = text.Replace(".", "", StringComparison.Ordinal);
        var leading = digits.Length - digits.TrimStart('0').Length;
        exponent -= leading;
        digits = digits[leading..].TrimEnd('0');
        var rest = digits.Length > 1 ? digits[1..] : "0";
        return $"{(value < 0 ? "-" : "")}{digits[0]}.{rest}E{exponent}";
    }
}
