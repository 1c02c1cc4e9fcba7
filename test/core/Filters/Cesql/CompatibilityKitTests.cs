using System.Text.Json.Nodes;
using Brokkr.Core.Events;
using Brokkr.Core.Filters;
using Brokkr.Core.Filters.Cesql;
using YamlDotNet.Core;
using YamlDotNet.RepresentationModel;
using static Brokkr.Core.Tests.Events.EventTexts;

namespace Brokkr.Core.Tests.Filters.Cesql;

/// <summary>The compatibility kit of CESQL 1.0, all its 275 cases (SQL-43 to SQL-46, DAT-01).</summary>
public sealed class CompatibilityKitTests
{
    /// <summary>
    /// Cases that are not as the specification has it, and what is right. <c>NOT 10</c> is said to fail, but the table of casts has Integer to Boolean
    /// (SQL-46, DEV-15).
    /// </summary>
    private static readonly Dictionary<string, (string Result, string? Error)> Exceptions = new(StringComparer.Ordinal)
    {
        ["not_operator: Invalid int cast"] = ("Boolean False", null),
    };

    private static readonly Dictionary<string, YamlMappingNode> Cases = Load();

    public static TheoryData<string> Names => [.. Cases.Keys];

    [Fact]
    public void All_cases_are_there()
    {
        Assert.Equal(275, Cases.Count);
        Assert.Subset(Cases.Keys.ToHashSet(), Exceptions.Keys.ToHashSet());
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void A_case_yields_its_value_and_its_error(string name)
    {
        var test = Cases[name];
        var expression = Text(test, "expression")!;
        var (result, error) = Exceptions.TryGetValue(name, out var exception)
            ? exception
            : (test.Children.TryGetValue("result", out var expected) ? Shown((YamlScalarNode)expected) : null, Text(test, "error"));
        if (error == "parse")
        {
            Assert.Contains("at character ", Assert.Throws<FilterException>(() => CesqlExpression.Compile(expression)).Message);
            Assert.Single(CesqlExpression.Check(expression));
            return;
        }

        var compiled = CesqlExpression.Compile(expression);
        var input = new FilterInput(EventOf(test), EventOverlay.Empty);
        var value = compiled.Evaluate(input);
        Assert.Equal(KindOf(error), value.Errors);
        if (result is not null)
        {
            Assert.Equal(result, Shown(value));
        }

        Assert.Equal(
            value is { IsFailed: false, Errors: CesqlErrors.None } && Shown(value) is ("Boolean True" or "String true"),
            compiled.Matches(input)
        );
    }

    private static CesqlErrors KindOf(string? error) =>
        error switch
        {
            null => CesqlErrors.None,
            "math" => CesqlErrors.Math,
            "cast" => CesqlErrors.Cast,
            "missingAttribute" => CesqlErrors.MissingAttribute,
            "missingFunction" => CesqlErrors.MissingFunction,
            "functionEvaluation" => CesqlErrors.FunctionEvaluation,
            _ => throw new InvalidDataException(error),
        };

    private static string Shown(CesqlResult result) =>
        result.Type switch
        {
            CesqlType.Boolean => $"Boolean {result.Number != 0}",
            CesqlType.Integer => $"Integer {result.Number}",
            _ => $"String {result.Text}",
        };

    /// <summary>An expected result; its type follows from how it is written, and a timestamp is a String.</summary>
    private static string Shown(YamlScalarNode node) =>
        node.Style == ScalarStyle.Plain && bool.TryParse(node.Value, out var boolean) ? $"Boolean {boolean}"
        : node.Style == ScalarStyle.Plain && int.TryParse(node.Value, out var number) ? $"Integer {number}"
        : $"String {node.Value}";

    private static CloudEvent EventOf(YamlMappingNode test)
    {
        var json = new JsonObject();
        if (!test.Children.TryGetValue("event", out var attributes))
        {
            json = new JsonObject
            {
                ["specversion"] = "1.0",
                ["id"] = "i",
                ["source"] = "/s",
                ["type"] = "t",
            };
            test.Children.TryGetValue("eventOverrides", out attributes);
        }

        foreach (var (key, value) in ((YamlMappingNode?)attributes ?? []).Children)
        {
            var scalar = (YamlScalarNode)value;
            json[key.ToString()] = Shown(scalar) switch
            {
                "Boolean True" or "Boolean False" => bool.Parse(scalar.Value!),
                ['I', .. _] => int.Parse(scalar.Value!, System.Globalization.CultureInfo.InvariantCulture),
                _ => scalar.Value,
            };
        }

        var error = ReadJson(json.ToJsonString(), out var e);
        Assert.False(error.IsError, error.Message);
        return e!;
    }

    private static string? Text(YamlMappingNode node, string key) =>
        node.Children.TryGetValue(key, out var value) ? ((YamlScalarNode)value).Value : null;

    private static Dictionary<string, YamlMappingNode> Load()
    {
        var cases = new Dictionary<string, YamlMappingNode>(StringComparer.Ordinal);
        var folder = Path.Combine(AppContext.BaseDirectory, "data", "cesql-tck");
        foreach (var file in Directory.EnumerateFiles(folder, "*.yaml").Order(StringComparer.Ordinal))
        {
            var stream = new YamlStream();
            using var text = File.OpenText(file);
            stream.Load(text);
            foreach (var test in (YamlSequenceNode)stream.Documents[0].RootNode["tests"])
            {
                var name = $"{Path.GetFileNameWithoutExtension(file)}: {test["name"]}";
                for (var i = 2; cases.ContainsKey(name); i++)
                {
                    name = $"{Path.GetFileNameWithoutExtension(file)}: {test["name"]} #{i}";
                }

                cases.Add(name, (YamlMappingNode)test);
            }
        }

        return cases;
    }
}
