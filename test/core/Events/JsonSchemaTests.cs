using System.Text.Json;
using Brokkr.Core.Events;
using CsCheck;
using static Brokkr.Core.Tests.Events.EventTexts;

namespace Brokkr.Core.Tests.Events;

/// <summary>What is written satisfies the JSON Schema of the specification (DAT-05), as far as it speaks of members, types and lengths.</summary>
public sealed class JsonSchemaTests
{
    [Fact]
    public void DAT_05_every_written_event_satisfies_the_schema()
    {
        var path = Path.Combine(AppContext.BaseDirectory, "data", "ce-conformance", "json-schema", "cloudevents.json");
        using var schema = JsonDocument.Parse(File.ReadAllText(path));
        var text = PercentCodingTests.UnicodeText.Where(t => t.Trim(' ', '\t').Length > 0 && AttributeText.Fault(Utf8(t)) is null);
        var types = new[] { null, "text/plain", "application/json", "image/png" };
        Gen.Select(text, text, Gen.Byte.Array[0, 20], Gen.Int[0, types.Length - 1])
            .Sample(
                (id, subject, data, type) =>
                {
                    using var buffer = EventBuffer.Rent();
                    var headers = Headers(
                        ("ce-id", HttpBinding.EncodeValue(Utf8(id))),
                        ("ce-subject", HttpBinding.EncodeValue(Utf8(subject))),
                        ("ce-time", "2024-01-02T03:04:05Z"),
                        ("ce-dataschema", "urn:x"),
                        ("ce-ext", "v"),
                        ("content-type", types[type])
                    );
                    Assert.False(Accept(buffer, headers, data).IsError);
                    using var written = JsonDocument.Parse(Written(buffer.ToCloudEvent()));
                    AssertSatisfies(schema.RootElement, written.RootElement);
                }
            );
    }

    private static void AssertSatisfies(JsonElement schema, JsonElement document)
    {
        foreach (var required in schema.GetProperty("required").EnumerateArray())
        {
            Assert.True(document.TryGetProperty(required.GetString()!, out _));
        }

        foreach (var property in schema.GetProperty("properties").EnumerateObject())
        {
            if (!document.TryGetProperty(property.Name, out var value))
            {
                continue;
            }

            var definition = schema.GetProperty("definitions").GetProperty(property.Value.GetProperty("$ref").GetString()!.Split('/')[^1]);
            var allowed = definition.GetProperty("type");
            Assert.Contains(
                TypeOf(value),
                allowed.ValueKind == JsonValueKind.Array ? allowed.EnumerateArray().Select(t => t.GetString()) : [allowed.GetString()]
            );
            if (definition.TryGetProperty("minLength", out var least))
            {
                Assert.True(value.GetString()!.Length >= least.GetInt32());
            }
        }
    }

    private static string TypeOf(JsonElement value) =>
        value.ValueKind switch
        {
            JsonValueKind.True or JsonValueKind.False => "boolean",
            var kind => kind.ToString().ToLowerInvariant(),
        };
}
