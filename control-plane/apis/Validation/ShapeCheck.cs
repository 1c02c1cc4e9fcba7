using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Json.Serialization.Metadata;

namespace Brokkr.Apis.Validation;

/// <summary>
/// Checks that JSON has the shape of a type before it is read as one: fields the type does not know, and values of another kind. In <c>spec</c> an
/// unknown field is an error with a suggestion (a <c>filtres</c> that were dropped in silence would deliver everything); in
/// <c>metadata</c> it is a warning; in <c>status</c>, which belongs to whoever writes it, it is tolerated.
/// </summary>
public static class ShapeCheck
{
    private static readonly string[] OtherMetadata = ["deletionGracePeriodSeconds", "managedFields", "selfLink"];

    private enum Unknown
    {
        Error,
        Warning,
        Tolerate,
    }

    /// <summary>Checks an object.</summary>
    /// <param name="json">The object.</param>
    /// <param name="type">Its type, from <see cref="ApisJson"/>.</param>
    /// <param name="openSpec">Whether <c>spec</c> may have fields that the type does not know: the type has only a part of it.</param>
    /// <param name="quoteValues">Whether messages may show values; false for Secrets.</param>
    /// <returns>Problems. Without an error among them the object can be read, except perhaps its <c>status</c>.</returns>
    public static IReadOnlyList<FieldProblem> Check(JsonObject json, JsonTypeInfo type, bool openSpec = false, bool quoteValues = true)
    {
        var problems = new ProblemList { QuotesValues = quoteValues };
        foreach (var (name, value) in json)
        {
            if (Find(type, name) is not { } property)
            {
                if (name is not "status")
                {
                    problems.Error(FieldPath.Member("", name), UnknownMessage(name, type));
                }

                continue;
            }

            switch (name)
            {
                case "status":
                    break;
                case "metadata":
                    Walk(value, property.PropertyType, type.Options, name, Unknown.Warning, problems);
                    break;
                default:
                    Walk(value, property.PropertyType, type.Options, name, openSpec ? Unknown.Tolerate : Unknown.Error, problems);
                    break;
            }
        }

        return problems.Problems;
    }

    private static void Walk(JsonNode? node, Type type, JsonSerializerOptions options, string path, Unknown unknown, ProblemList problems)
    {
        if (node is null)
        {
            return;
        }

        var info = options.GetTypeInfo(Nullable.GetUnderlyingType(type) ?? type);
        switch (info.Kind)
        {
            case JsonTypeInfoKind.Object when node is JsonObject json:
                WalkObject(json, info, path, unknown, problems);
                break;
            case JsonTypeInfoKind.Dictionary when node is JsonObject json:
                foreach (var (name, value) in json)
                {
                    Walk(value, info.ElementType!, options, FieldPath.Member(path, name), unknown, problems);
                }

                break;
            case JsonTypeInfoKind.Enumerable when node is JsonArray array:
                for (var i = 0; i < array.Count; i++)
                {
                    if (array[i] is null)
                    {
                        problems.Error(FieldPath.Element(path, i), "must not be empty");
                    }

                    Walk(array[i], info.ElementType!, options, FieldPath.Element(path, i), unknown, problems);
                }

                break;
            case JsonTypeInfoKind.Object or JsonTypeInfoKind.Dictionary:
                problems.Error(path, $"must be a mapping, is {Describe(node, problems)}");
                break;
            case JsonTypeInfoKind.Enumerable:
                problems.Error(path, $"must be a list, is {Describe(node, problems)}");
                break;
            default:
                WalkScalar(node, info.Type, path, problems);
                break;
        }
    }

    private static void WalkObject(JsonObject json, JsonTypeInfo info, string path, Unknown unknown, ProblemList problems)
    {
        foreach (var (name, value) in json)
        {
            var member = FieldPath.Member(path, name);
            if (Find(info, name) is { } property)
            {
                Walk(value, property.PropertyType, info.Options, member, unknown, problems);
            }
            else if (unknown == Unknown.Error)
            {
                problems.Error(member, UnknownMessage(name, info));
            }
            else if (unknown == Unknown.Warning && !OtherMetadata.Contains(name, StringComparer.Ordinal))
            {
                problems.Warn(member, UnknownMessage(name, info));
            }
        }
    }

    private static void WalkScalar(JsonNode node, Type type, string path, ProblemList problems)
    {
        var kind = node.GetValueKind();
        if (type == typeof(string))
        {
            if (kind != JsonValueKind.String)
            {
                var remedy = node is JsonValue ? ": put it in quotes" : "";
                problems.Error(path, $"must be a text, is {Describe(node, problems)}{remedy}");
            }
        }
        else if (type == typeof(bool))
        {
            if (kind is not (JsonValueKind.True or JsonValueKind.False))
            {
                problems.Error(path, $"must be true or false, is {Describe(node, problems)}");
            }
        }
        else if (kind != JsonValueKind.Number || !TryGetWhole(node, out var number))
        {
            problems.Error(path, $"must be a whole number, is {Describe(node, problems)}");
        }
        else if (type == typeof(int) && number is < int.MinValue or > int.MaxValue)
        {
            problems.Error(path, $"must be a whole number of at most 32 bits, is {Describe(node, problems)}");
        }
    }

    private static bool TryGetWhole(JsonNode node, out long number) =>
        long.TryParse(node.ToJsonString(), NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out number);

    private static string Describe(JsonNode node, ProblemList problems) =>
        node switch
        {
            JsonValue when !problems.QuotesValues => "another kind of value",
            JsonArray => "a list",
            JsonObject => "a mapping",
            _ => node.GetValueKind() switch
            {
                JsonValueKind.String => $"the text {ProblemList.Quote(node.GetValue<string>())}",
                JsonValueKind.Number => $"the number {node.ToJsonString()}",
                _ => node.ToJsonString(),
            },
        };

    private static JsonPropertyInfo? Find(JsonTypeInfo type, string name)
    {
        foreach (var property in type.Properties)
        {
            if (string.Equals(property.Name, name, StringComparison.Ordinal) && property.Set is not null)
            {
                return property;
            }
        }

        return null;
    }

    private static string UnknownMessage(string name, JsonTypeInfo type)
    {
        string? closest = null;
        var distance = 3;
        foreach (var property in type.Properties)
        {
            if (property.Set is null)
            {
                continue;
            }

            var candidate = Distance(name, property.Name);
            if (candidate < distance && candidate < property.Name.Length / 2.0)
            {
                (closest, distance) = (property.Name, candidate);
            }
        }

        return closest is null ? "is not a field" : $"is not a field; did you mean \"{closest}\"?";
    }

    /// <summary>How many letters have to be added, removed, replaced or swapped to make one name of the other, whatever their case.</summary>
    private static int Distance(string a, string b)
    {
        var rows = new int[a.Length + 1, b.Length + 1];
        for (var i = 0; i <= a.Length; i++)
        {
            for (var j = 0; j <= b.Length; j++)
            {
                if (i == 0 || j == 0)
                {
                    rows[i, j] = i + j;
                    continue;
                }

                var same = char.ToLowerInvariant(a[i - 1]) == char.ToLowerInvariant(b[j - 1]);
                rows[i, j] = Math.Min(Math.Min(rows[i - 1, j], rows[i, j - 1]) + 1, rows[i - 1, j - 1] + (same ? 0 : 1));
                if (
                    i > 1
                    && j > 1
                    && char.ToLowerInvariant(a[i - 1]) == char.ToLowerInvariant(b[j - 2])
                    && char.ToLowerInvariant(a[i - 2]) == char.ToLowerInvariant(b[j - 1])
                )
                {
                    rows[i, j] = Math.Min(rows[i, j], rows[i - 2, j - 2] + 1);
                }
            }
        }

        return rows[a.Length, b.Length];
    }
}
