using System.Text.Json.Nodes;

namespace Brokkr.Controller.Admission;

/// <summary>JSON patches (RFC 6902).</summary>
internal static class JsonPatch
{
    /// <summary>
    /// The operations that make <paramref name="after"/> of <paramref name="before"/>. They apply as well to an object with more in it than
    /// <paramref name="before"/> has, and leave that alone: only members that differ are touched, and a list that differs is replaced whole.
    /// </summary>
    public static JsonArray Between(JsonObject before, JsonObject after)
    {
        var operations = new JsonArray();
        Compare(before, after, "", operations);
        return operations;
    }

    /// <summary>The operation that sets a value.</summary>
    public static JsonObject Set(string operation, string path, JsonNode? value) =>
        new()
        {
            ["op"] = operation,
            ["path"] = path,
            ["value"] = value,
        };

    /// <summary>A part of a path, escaped.</summary>
    public static string Escape(string name) =>
        name.Replace("~", "~0", StringComparison.Ordinal).Replace("/", "~1", StringComparison.Ordinal);

    private static void Compare(JsonObject before, JsonObject after, string path, JsonArray operations)
    {
        foreach (var (name, value) in after)
        {
            var member = $"{path}/{Escape(name)}";
            switch (before[name], value)
            {
                case (JsonObject old, JsonObject current):
                    Compare(old, current, member, operations);
                    break;
                case (null, _):
                    operations.Add((JsonNode)Set("add", member, value?.DeepClone()));
                    break;
                case var (old, current) when !JsonNode.DeepEquals(old, current):
                    operations.Add((JsonNode)Set("replace", member, current?.DeepClone()));
                    break;
            }
        }

        foreach (var (name, _) in before)
        {
            if (!after.ContainsKey(name))
            {
                operations.Add((JsonNode)new JsonObject { ["op"] = "remove", ["path"] = $"{path}/{Escape(name)}" });
            }
        }
    }
}
