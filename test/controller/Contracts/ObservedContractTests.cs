using System.Text.Json.Nodes;

namespace Brokkr.Controller.Tests.Contracts;

/// <summary>Contracts for the same manifests as the original was given, compared with what it wrote (data/README.md). ONM-01 to ONM-03, CPD-01 to CPD-09.</summary>
public sealed class ObservedContractTests
{
    /// <summary>What we mean to do otherwise. The value is the egressConfig of ours, or null where only one of the two serves the object.</summary>
    private static readonly Dictionary<string, (string? EgressConfig, string Reason)> Deliberate = new(StringComparer.Ordinal)
    {
        ["broker-delivery/retry-only"] = ("""{"retry":4,"backoffDelay":"200"}""", "one default delay (control-plane §18 item 16)"),
        ["broker-delivery/retry-zero"] = ("""{"backoffDelay":"200"}""", "one default delay"),
        ["broker-delivery/dls-ref-no-namespace"] = (
            """{"retry":2,"backoffDelay":"200","deadLetter":"http://dls.broker-delivery.svc.cluster.local"}""",
            "one default delay"
        ),
        ["broker-delivery/delay-hundredths"] = ("""{"retry":1,"backoffDelay":"250"}""", "durations in full precision"),
        ["broker-delivery/delay-millisecond"] = ("""{"retry":1,"backoffDelay":"1"}""", "durations in full precision"),
        ["broker-delivery/delay-big"] = ("""{"retry":1,"backoffDelay":"4000000"}""", "durations do not overflow"),
        ["broker-delivery/format"] = ("""{"retry":1,"backoffDelay":"200","format":"json"}""", "format is implemented (design §6)"),
        ["broker-delivery/retry-after"] = (
            """{"retry":1,"backoffDelay":"200","retryAfterMax":"10000"}""",
            "retryAfterMax is implemented (design §6)"
        ),
        ["broker-delivery/dls-missing"] = ("null", "a missing dead letter sink does not keep events out"),
        ["trigger-delivery/delay-big"] = ("""{"retry":1,"backoffDelay":"4000000"}""", "durations do not overflow"),
        ["trigger-delivery/format"] = ("""{"retry":1,"backoffDelay":"200","format":"json"}""", "format is implemented"),
        ["trigger-delivery/retry-after"] = ("""{"retry":1,"backoffDelay":"200","retryAfterMax":"10000"}""", "retryAfterMax is implemented"),
        ["trigger-filters/two-dialects"] = (null, "refused when it is read (ADM-06), as Knative's own webhook does"),
        ["broker-topic-template/d"] = ("null", "a template that can never be applied is refused when it is read; the one before stays"),
        ["trigger-group-template/v"] = ("null", "a group need not be the name of an object (control-plane §18 item 20)"),
    };

    /// <summary>Steps after which the original went on with what it had, where ours follows the objects (control-plane §18 item 11).</summary>
    private static readonly HashSet<string> StaleSteps = new(StringComparer.Ordinal) { "trigger-default/04-delete-broker.yaml" };

    public static TheoryData<string> Scenarios =>
        [
            .. Directory
                .EnumerateDirectories(ObservedScenario.FolderOf(""))
                .Select(folder => Path.GetFileName(folder))
                .Order(StringComparer.Ordinal),
        ];

    [Theory]
    [MemberData(nameof(Scenarios))]
    public void Contract_is_that_of_the_original_or_differs_on_purpose(string name)
    {
        var folder = ObservedScenario.FolderOf(name);
        var observed = JsonNode.Parse(File.ReadAllText(Path.Combine(folder, "contract.json")))!["steps"]!.AsArray();
        var scenario = new ObservedScenario(name);
        var differences = new List<string>();
        foreach (var step in observed)
        {
            var stepName = (string)step!["step"]!;
            scenario.Apply(File.ReadAllText(Path.Combine(folder, stepName)));
            if (StaleSteps.Contains($"{name}/{stepName}"))
            {
                continue;
            }

            Compare(name, stepName, "resource", step["resources"]!.AsArray(), scenario.Resources(), differences);
            Compare(name, stepName, "egress", step["egresses"]!.AsArray(), scenario.Egresses(), differences);
            CompareTopics(stepName, step["topics"]!.AsObject(), scenario, differences);
        }

        Assert.True(differences.Count == 0, string.Join("\n", differences));
    }

    private static void Compare(
        string scenario,
        string step,
        string what,
        JsonArray observed,
        Dictionary<string, JsonObject> ours,
        List<string> differences
    )
    {
        foreach (var theirs in observed.Select(node => node!.AsObject()))
        {
            var name = (string)theirs["reference"]!["name"]!;
            ours.Remove(name, out var own);
            if (Deliberate.TryGetValue($"{scenario}/{name}", out var difference))
            {
                if (difference.EgressConfig is null)
                {
                    Expect(own is null, $"not served: {difference.Reason}");
                    continue;
                }

                theirs["egressConfig"] = JsonNode.Parse(difference.EgressConfig);
            }

            SortServers(theirs);
            if (own is not null)
            {
                SortServers(own);
            }

            Expect(JsonNode.DeepEquals(theirs, own), $"expected {theirs.ToJsonString()}\n    ours {own?.ToJsonString()}");

            void Expect(bool holds, string message)
            {
                if (!holds)
                {
                    differences.Add($"{step}: {what} {name}: {message}");
                }
            }
        }

        foreach (var (name, own) in ours)
        {
            if (
                !Deliberate.TryGetValue($"{scenario}/{name}", out var difference)
                || !JsonNode.DeepEquals(JsonNode.Parse(difference.EgressConfig ?? "false"), own["egressConfig"])
            )
            {
                differences.Add($"{step}: {what} {name}: only ours: {own.ToJsonString()}");
            }
        }
    }

    /// <summary>Servers are in alphabetical order, but their names here are placeholders.</summary>
    private static void SortServers(JsonObject resource)
    {
        if ((string?)resource["bootstrapServers"] is { } servers)
        {
            resource["bootstrapServers"] = string.Join(',', servers.Split(',').Order(StringComparer.Ordinal));
        }
    }

    private static void CompareTopics(string step, JsonObject observed, ObservedScenario scenario, List<string> differences)
    {
        foreach (var plan in scenario.Plan.Resources.Values.Where(plan => !plan.Topic.IsExternal))
        {
            var wanted = plan.Topic.Specification;
            if (observed[wanted.Name] is not JsonObject topic)
            {
                continue;
            }

            var settings = (topic["configs"] ?? topic["config"])
                ?.AsObject()
                .ToDictionary(entry => entry.Key, entry => (string)entry.Value!);
            if (
                (int)topic["partitions"]! != wanted.Partitions
                || (int)topic["replicationFactor"]! != wanted.ReplicationFactor
                || (settings ?? []).Except(wanted.Settings).Any()
            )
            {
                differences.Add($"{step}: topic {wanted.Name}: expected {topic.ToJsonString()}, ours {wanted}");
            }
        }
    }
}
