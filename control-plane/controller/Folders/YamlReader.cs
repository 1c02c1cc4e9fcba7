using System.Globalization;
using System.Text.Json.Nodes;
using Brokkr.Apis.Validation;
using YamlDotNet.Core;
using YamlDotNet.Core.Events;
using YamlDotNet.RepresentationModel;

namespace Brokkr.Controller.Folders;

/// <summary>One document of a YAML file, as JSON.</summary>
/// <param name="Json">The document.</param>
/// <param name="Line">Its first line, from 1.</param>
/// <param name="Lines">The line of each field, by the field's path.</param>
internal sealed record YamlDocumentJson(JsonNode? Json, int Line, IReadOnlyDictionary<string, int> Lines)
{
    /// <summary>The line of a field, or of the closest thing around it that stands in the file.</summary>
    public int LineOf(string path)
    {
        for (var at = path; at.Length > 0; at = FieldPath.Parent(at))
        {
            if (Lines.TryGetValue(at, out var line))
            {
                return line;
            }
        }

        return Line;
    }
}

/// <summary>A YAML file could not be read.</summary>
internal sealed class YamlFileException(int line, string message) : Exception(message)
{
    /// <summary>Where, from 1; 0 when unknown.</summary>
    public int Line { get; } = line;
}

/// <summary>
/// Reads YAML into JSON without reflection, and remembers where each field stands. Plain scalars mean what they mean to Kubernetes (YAML 1.1: <c>on</c>
/// is true, <c>010</c> is a number), so that what works here works there.
/// </summary>
internal sealed class YamlReader
{
    // Far more than any manifest has; keeps references to references (the "billion laughs") and endless nesting from eating the process.
    private const int MaxNodes = 200_000;
    private const int MaxDepth = 100;

    private readonly Dictionary<string, int> _lines = new(StringComparer.Ordinal);
    private int _nodes;

    /// <summary>Reads all documents of a file.</summary>
    /// <exception cref="YamlFileException">The text is no YAML.</exception>
    public static List<YamlDocumentJson> Read(string text)
    {
        try
        {
            CheckDepth(text);
            var stream = new YamlStream();
            using var reader = new StringReader(text);
            stream.Load(reader);
            return
            [
                .. stream.Documents.Select(document =>
                {
                    var yaml = new YamlReader();
                    var json = yaml.Convert(document.RootNode, "", 0);
                    return new YamlDocumentJson(json, LineOf(document.RootNode), yaml._lines);
                }),
            ];
        }
        catch (YamlException exception)
        {
            throw new YamlFileException((int)exception.Start.Line, Explain(exception));
        }
    }

    private static void CheckDepth(string text)
    {
        using var reader = new StringReader(text);
        var parser = new Parser(reader);
        var depth = 0;
        while (parser.MoveNext())
        {
            depth += parser.Current!.NestingIncrease;
            if (depth > MaxDepth)
            {
                throw new YamlFileException((int)parser.Current.Start.Line, $"is nested more than {MaxDepth} levels deep");
            }
        }
    }

    private static string Explain(YamlException exception)
    {
        var message = (exception.InnerException ?? exception).Message;
        var line = message.IndexOfAny(['\r', '\n']);
        return $"is no YAML: {(line < 0 ? message : message[..line]).TrimEnd('.')}";
    }

    private static int LineOf(YamlNode node) => (int)node.Start.Line;

    private JsonNode? Convert(YamlNode node, string path, int depth)
    {
        if (++_nodes > MaxNodes || depth > MaxDepth)
        {
            throw new YamlFileException(LineOf(node), "is too large when its references are followed");
        }

        switch (node)
        {
            case YamlMappingNode mapping:
                var json = new JsonObject();
                AddMembers(json, mapping, path, depth);
                return json;
            case YamlSequenceNode sequence:
                var array = new JsonArray();
                for (var i = 0; i < sequence.Children.Count; i++)
                {
                    var element = FieldPath.Element(path, i);
                    _lines[element] = LineOf(sequence.Children[i]);
                    array.Add(Convert(sequence.Children[i], element, depth + 1));
                }

                return array;
            case YamlScalarNode scalar:
                return Scalar(scalar);
            default:
                throw new YamlFileException(LineOf(node), "refers to something that is not in the document");
        }
    }

    private void AddMembers(JsonObject json, YamlMappingNode mapping, string path, int depth)
    {
        foreach (var (key, value) in mapping.Children)
        {
            if (key is not YamlScalarNode { Value: { } name } scalar)
            {
                throw new YamlFileException(LineOf(key), "has a key that is no text");
            }

            if (name is "<<" && scalar.Style == ScalarStyle.Plain)
            {
                Merge(json, value, path, depth);
                continue;
            }

            var member = FieldPath.Member(path, name);
            _lines[member] = LineOf(key);
            json[name] = Convert(value, member, depth + 1);
        }
    }

    /// <summary>Adds what <c>&lt;&lt;</c> refers to, where the mapping does not say it itself.</summary>
    private void Merge(JsonObject json, YamlNode value, string path, int depth)
    {
        switch (value)
        {
            case YamlMappingNode mapping:
                var merged = new JsonObject();
                AddMembers(merged, mapping, path, depth + 1);
                foreach (var (name, member) in merged.ToArray())
                {
                    merged.Remove(name);
                    json.TryAdd(name, member);
                }

                break;
            case YamlSequenceNode sequence when depth < MaxDepth:
                foreach (var child in sequence.Children)
                {
                    Merge(json, child, path, depth + 1);
                }

                break;
            default:
                throw new YamlFileException(LineOf(value), "merges something that is no mapping");
        }
    }

    private static JsonNode? Scalar(YamlScalarNode scalar)
    {
        var text = scalar.Value ?? "";
        if (scalar.Style != ScalarStyle.Plain || (!scalar.Tag.IsEmpty && scalar.Tag.Value.EndsWith(":str", StringComparison.Ordinal)))
        {
            return JsonValue.Create(text);
        }

        switch (text)
        {
            case "" or "~" or "null" or "Null" or "NULL":
                return null;
            case "true" or "True" or "TRUE" or "yes" or "Yes" or "YES" or "on" or "On" or "ON":
                return JsonValue.Create(true);
            case "false" or "False" or "FALSE" or "no" or "No" or "NO" or "off" or "Off" or "OFF":
                return JsonValue.Create(false);
            default:
                return Number(text) ?? JsonValue.Create(text);
        }
    }

    private static JsonValue? Number(string text)
    {
        var digits = text.AsSpan().TrimStart("+-");
        if (digits.IsEmpty || text.Length - digits.Length > 1 || !(char.IsAsciiDigit(digits[0]) || digits[0] == '.'))
        {
            return null;
        }

        if (long.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var whole))
        {
            // A leading zero makes it octal in YAML 1.1.
            return digits.Length > 1 && digits[0] == '0' && !digits.ContainsAny('8', '9')
                ? JsonValue.Create(System.Convert.ToInt64(digits.ToString(), 8) * (text[0] == '-' ? -1 : 1))
                : JsonValue.Create(whole);
        }

        if (
            digits.StartsWith("0x", StringComparison.Ordinal)
            && long.TryParse(digits[2..], NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out var hex)
        )
        {
            return JsonValue.Create(hex);
        }

        return
            double.TryParse(
                text,
                NumberStyles.AllowLeadingSign | NumberStyles.AllowDecimalPoint | NumberStyles.AllowExponent,
                CultureInfo.InvariantCulture,
                out var fraction
            ) && double.IsFinite(fraction)
            ? JsonValue.Create(fraction)
            : null;
    }
}
