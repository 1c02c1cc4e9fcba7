using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using Brokkr.Controller.Folders;

namespace Brokkr.Controller.Tests.Admission;

/// <summary>Reviews that the original was given, sent to ours over HTTPS (data/README.md). ADM-26, ADM-27.</summary>
public sealed partial class ObservedReviewTests
{
    /// <summary>
    /// Where ours differs on purpose: what it answers instead, as the test writes it down (<c>allowed</c>, a denial, or the patched object), and why.
    /// </summary>
    private static readonly Dictionary<string, (string Answer, string Reason)> Deliberate = new(StringComparer.Ordinal)
    {
        ["kafkasink: blank server (validation)"] = (
            "validation failed: invalid value: : spec.bootstrapServers[0]\nmust be one server, such as kafka:9092, is \"\"",
            "no client can use it"
        ),
        ["kafkasink: topic name impossible (validation)"] = (
            "validation failed: invalid value: a b!: spec.topic\nmust name a topic: Kafka allows letters, digits, \".\", \"_\" and \"-\" only, not ' '",
            "Kafka refuses it for ever (control-plane §18 item 20)"
        ),
        ["kafkasink: replication too big for 16 bits (validation)"] = (
            "validation failed: invalid value: 40000: spec.replicationFactor",
            "a rule, not a fault of decoding"
        ),
        ["kafkasink: only partitions (validation)"] = (
            "allowed, warning: spec.numPartitions: does nothing without replicationFactor: the topic must exist already",
            "control-plane §18 item 23"
        ),
        ["kafkasink: unknown field (validation)"] = (
            "decoding request failed: cannot decode incoming new object: json: unknown field \"surprise\"\nspec.surprise: is not a field",
            "the place is told too"
        ),
        ["kafkasink: content mode absent (validation)"] = (
            "allowed",
            "the original ends the connection without an answer (control-plane §18 item 13); absent means binary"
        ),
        ["kafkasink: update of the status with a changed topic (validation)"] = (
            "allowed",
            "the status never waits for us; the API server itself drops changes of the spec there"
        ),
        ["trigger: validation"] = (
            "allowed, warning: metadata.annotations[kafka.eventing.knative.dev/delivery.order]: must be \"ordered\" or \"unordered\", is \"sometimes\"",
            "the original says so only in the status (control-plane §18 item 18)"
        ),
    };

    public static TheoryData<string, string, string, string> Cases
    {
        get
        {
            var cases = new TheoryData<string, string, string, string>();
            foreach (var folder in Directory.EnumerateDirectories(FolderOf("")).Order(StringComparer.Ordinal))
            {
                var reviews = YamlReader
                    .Read(File.ReadAllText(Path.Combine(folder, "reviews.yaml")))
                    .Where(review => review.Json is not null);
                var observed = JsonNode.Parse(File.ReadAllText(Path.Combine(folder, "observed.json")))!["reviews"]!.AsArray();
                foreach (var (review, answer) in reviews.Zip(observed))
                {
                    var name = Path.GetFileName(folder);
                    cases.Add(name, (string)answer!["case"]!, review.Json!.ToJsonString(), answer.ToJsonString());
                }
            }

            return cases;
        }
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public async Task Answer_is_that_of_the_original_or_differs_on_purpose(string kind, string name, string review, string observed)
    {
        var request = JsonNode.Parse(review)!.AsObject();
        Assert.Equal(name, (string?)request["case"]);
        await using var webhook = await RunningWebhook.StartAsync();
        var response = await webhook.ReviewAsync(request);
        var ours = DescribeOurs(request, response);
        var theirs = DescribeTheirs(JsonNode.Parse(observed)!.AsObject(), request);
        if (Deliberate.TryGetValue($"{kind}: {name}", out var difference))
        {
            Assert.NotEqual(theirs, ours);
            Assert.Equal(difference.Answer, ours);
        }
        else if (kind is "trigger")
        {
            // The original does not know Triggers here; ours fills in what Knative's own webhook would (ADM-12).
            Assert.StartsWith("mutation failed: unhandled kind", theirs, StringComparison.Ordinal);
            var patched = RunningWebhook.Patched(request["object"]!.AsObject(), response);
            Assert.Equal("b", (string?)patched["metadata"]!["labels"]!["eventing.knative.dev/broker"]);
            Assert.Equal("{}", patched["spec"]!["filter"]!.ToJsonString());
        }
        else
        {
            Assert.Equal(theirs, ours);
        }
    }

    [Fact]
    public void Every_deliberate_difference_is_a_case() =>
        Assert.Empty(Deliberate.Keys.Except(Cases.Select(row => $"{row.Data.Item1}: {row.Data.Item2}")));

    private static string FolderOf(string kind) => Path.Combine(AppContext.BaseDirectory, "data", "webhook", kind);

    private static string DescribeOurs(JsonObject request, JsonObject response)
    {
        if (!(bool)response["allowed"]!)
        {
            Assert.Equal(400, (int)response["status"]!["code"]!);
            return (string)response["status"]!["message"]!;
        }

        var warnings = string.Concat((response["warnings"]?.AsArray() ?? []).Select(warning => $", warning: {warning}"));
        return response["patch"] is null
            ? $"allowed{warnings}"
            : Comparable(RunningWebhook.Patched(request["object"]!.AsObject(), response));
    }

    /// <summary>What the original answered. Where its patch changed nothing, ours has none.</summary>
    private static string DescribeTheirs(JsonObject observed, JsonObject request)
    {
        if (observed["closed"] is not null)
        {
            return "closed";
        }

        if (!(bool)observed["allowed"]!)
        {
            return (string)observed["message"]!;
        }

        if (observed["object"] is null)
        {
            return "allowed";
        }

        var patched = Comparable(observed["object"]!.AsObject());
        return string.Equals(patched, Comparable(request["object"]!.AsObject()), StringComparison.Ordinal) ? "allowed" : patched;
    }

    /// <summary>
    /// In the order of names, and without what the original does by the way: it adds an empty status, strips fields that it does not know, and notes on Pods
    /// who made them, under names without a prefix (control-plane §18 item 18).
    /// </summary>
    private static string Comparable(JsonObject value)
    {
        var copy = value.DeepClone().AsObject();
        if (copy["status"] is JsonObject { Count: 0 })
        {
            copy.Remove("status");
        }

        (copy["spec"] as JsonObject)?.Remove("surprise");
        if ((string?)copy["kind"] is "Pod" && copy["metadata"]!["annotations"] is JsonObject annotations)
        {
            annotations.Remove("creator");
            annotations.Remove("lastModifier");
            if (annotations.Count == 0)
            {
                copy["metadata"]!.AsObject().Remove("annotations");
            }
        }

        return Uuid().Replace(Sorted(copy)!.ToJsonString(), "<uuid>");
    }

    private static JsonNode? Sorted(JsonNode? node) =>
        node switch
        {
            JsonObject json => new JsonObject(
                json.OrderBy(member => member.Key, StringComparer.Ordinal)
                    .Select(member => KeyValuePair.Create(member.Key, Sorted(member.Value)))
            ),
            JsonArray list => new JsonArray([.. list.Select(Sorted)]),
            _ => node?.DeepClone(),
        };

    [GeneratedRegex("[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}|\\\\u003Cuuid\\\\u003E|<uuid>", RegexOptions.None, 1000)]
    private static partial Regex Uuid();
}
