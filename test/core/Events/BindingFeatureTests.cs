using System.Text.Json;
using Brokkr.Core.Events;
using static Brokkr.Core.Tests.Events.EventTexts;

namespace Brokkr.Core.Tests.Events;

/// <summary>The Gherkin features of the CloudEvents project: CEH-20, CEK-16, DAT-02. Every step that stands there is run; an unknown one fails.</summary>
public sealed class BindingFeatureTests
{
    public static TheoryData<string, int> Scenarios(string feature, int expected)
    {
        var data = new TheoryData<string, int>();
        for (var i = 0; i < expected; i++)
        {
            data.Add(feature, i);
        }

        return data;
    }

    [Theory]
    [InlineData("http-protocol-binding", 4)]
    [InlineData("kafka-protocol-binding", 3)]
    public void All_scenarios_are_there(string feature, int count) => Assert.Equal(count, GherkinFeature.Load(feature).Count);

    [Theory]
    [MemberData(nameof(Scenarios), "http-protocol-binding", 4)]
    [MemberData(nameof(Scenarios), "kafka-protocol-binding", 3)]
    public void CEH_20_CEK_16_a_scenario_holds(string feature, int number)
    {
        var steps = GherkinFeature.Load(feature)[number];
        byte[] body = [];
        var headers = new List<(string Name, string Value)>();
        CloudEvent? e = null;
        foreach (var step in steps)
        {
            switch (step.Text)
            {
                case "Given an HTTP request":
                    var (head, rest) = Split(step.Argument!);
                    headers.AddRange(head.Split('\n').Skip(1).Select(l => l.Split(": ", 2)).Select(p => (p[0], p[1])));
                    body = Utf8(rest);
                    break;
                case "Given a Kafka message with payload:":
                    body = Utf8(step.Argument!);
                    break;
                case "And Kafka headers:":
                    headers.AddRange(step.Rows);
                    break;
                case "When parsed as HTTP request":
                    e = ParseHttp(headers, body);
                    break;
                case "When parsed as Kafka message":
                    e = Decoded(Record(body, [.. headers.Select(h => (h.Name, (string?)h.Value))]));
                    break;
                case "Then the attributes are:":
                    var shown = Show(e!).Split('\n');
                    Assert.Equal(step.Rows.Select(r => $"{r.Name}={r.Value}").Order(), shown.Take(step.Rows.Count).Order());
                    break;
                case "And the data is equal to the following JSON:":
                    using (var expected = JsonDocument.Parse(step.Argument!))
                    using (var actual = JsonDocument.Parse(e!.Data))
                    {
                        Assert.True(JsonElement.DeepEquals(expected.RootElement, actual.RootElement));
                    }

                    break;
                default:
                    Assert.Fail($"Unknown step: {step.Text}");
                    break;
            }
        }
    }

    private static CloudEvent ParseHttp(List<(string Name, string Value)> headers, byte[] body)
    {
        using var buffer = EventBuffer.Rent();
        var mode = HttpBinding.ModeOf(headers.Single(h => h.Name == "Content-Type").Value);
        var error = mode == ContentKind.Structured ? JsonEventFormat.Read(body, buffer) : Accept(buffer, headers, body);
        Assert.False(error.IsError, error.Message);
        return buffer.ToCloudEvent();
    }

    private static (string Head, string Body) Split(string message)
    {
        var at = message.IndexOf("\n\n", StringComparison.Ordinal);
        return (message[..at], message[(at + 2)..]);
    }
}
