using System.Globalization;
using System.Text.Json;
using Brokkr.Testing.Processes;

namespace Brokkr.Testing.Kafka;

/// <summary>A record as <c>kcat</c> sees it.</summary>
/// <param name="Partition">Its partition.</param>
/// <param name="Offset">Its offset.</param>
/// <param name="Key">Its key; null when it is null.</param>
/// <param name="Value">Its value; null when it is null.</param>
/// <param name="Headers">Its headers, in order.</param>
public sealed record KcatRecord(int Partition, long Offset, string? Key, string? Value, IReadOnlyList<(string Name, string? Value)> Headers)
{
    /// <summary>The last header of a name; null when absent.</summary>
    public string? this[string header] => Headers.LastOrDefault(h => h.Name == header).Value;
}

/// <summary>
/// Reads and writes records with <c>kcat</c>, a client that knows nothing of this project. Where it is missing, the test is skipped.
/// </summary>
public static class Kcat
{
    /// <summary>Writes one record with a value.</summary>
    /// <param name="bootstrapServers">Where Kafka is.</param>
    /// <param name="topic">The topic.</param>
    /// <param name="value">The value.</param>
    /// <param name="headers">Headers, in order.</param>
    /// <param name="key">The key; none if null.</param>
    /// <param name="partition">The partition; one of the client's choice if null.</param>
    public static async Task ProduceAsync(
        string bootstrapServers,
        string topic,
        string value,
        IEnumerable<(string Name, string Value)> headers,
        string? key = null,
        int? partition = null
    )
    {
        Needs.Program("kcat");
        using var folder = new TemporaryFolder();
        List<string> arguments = ["-P", "-b", bootstrapServers, "-t", topic];
        foreach (var (name, text) in headers)
        {
            arguments.AddRange(["-H", $"{name}={text}"]);
        }

        if (key is not null)
        {
            arguments.AddRange(["-k", key]);
        }

        if (partition is { } chosen)
        {
            arguments.AddRange(["-p", chosen.ToString(CultureInfo.InvariantCulture)]);
        }

        arguments.Add(folder.Write("value", value));
        await ChildProcess.RunAsync("kcat", arguments);
    }

    /// <summary>All records of a topic at this moment.</summary>
    public static async Task<IReadOnlyList<KcatRecord>> ReadAsync(string bootstrapServers, string topic)
    {
        Needs.Program("kcat");
        var output = await ChildProcess.RunAsync("kcat", ["-C", "-b", bootstrapServers, "-t", topic, "-o", "beginning", "-e", "-q", "-J"]);
        return [.. output.Split('\n', StringSplitOptions.RemoveEmptyEntries).Where(line => line.StartsWith('{')).Select(Parse)];
    }

    private static KcatRecord Parse(string line)
    {
        using var json = JsonDocument.Parse(line);
        var root = json.RootElement;
        var headers = new List<(string, string?)>();
        if (root.TryGetProperty("headers", out var flat))
        {
            var items = flat.EnumerateArray().Select(item => item.GetString()).ToArray();
            for (var i = 0; i + 1 < items.Length; i += 2)
            {
                headers.Add((items[i]!, items[i + 1]));
            }
        }

        return new KcatRecord(
            root.GetProperty("partition").GetInt32(),
            root.GetProperty("offset").GetInt64(),
            Text(root.GetProperty("key")),
            Text(root.GetProperty("payload")),
            headers
        );
    }

    private static string? Text(JsonElement value) =>
        value.ValueKind switch
        {
            JsonValueKind.Null => null,
            JsonValueKind.String => value.GetString(),
            _ => string.Format(CultureInfo.InvariantCulture, "{0}", value.GetRawText()),
        };
}
