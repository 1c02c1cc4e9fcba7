using System.Net;
using System.Text.Json.Nodes;

namespace Brokkr.Controller.Tests.CustomResources;

/// <summary>The definitions in <c>control-plane/config/crds</c>, installed in a real API server.</summary>
[Collection(DefinitionsCollection.Name)]
public sealed class CustomResourceTests(InstalledDefinitions definitions)
{
    public static TheoryData<string, string[]> Columns =>
        new()
        {
            { "/apis/eventing.knative.dev/v1alpha1/kafkasinks", ["Name", "URL", "Age", "Ready", "Reason"] },
            { "/apis/eventing.knative.dev/v1/brokers", ["Name", "URL", "Age", "Ready", "Reason", "Class"] },
            { "/apis/eventing.knative.dev/v1/triggers", ["Name", "Broker", "Subscriber_URI", "Age", "Ready", "Reason"] },
            { "/apis/eventing.knative.dev/v1alpha1/eventpolicies", ["Name", "Ready", "Reason", "Age"] },
        };

    [Theory]
    [MemberData(nameof(Columns))]
    public async Task Columns_are_those_that_people_know(string path, string[] columns)
    {
        var api = await definitions.ServerAsync();
        var table = await api.TableAsync(path);
        Assert.Equal(columns, table["columnDefinitions"]!.AsArray().Select(column => (string)column!["name"]!));
    }

    [Theory]
    [InlineData("kafkasinks", "duck.knative.dev/addressable", "knative.dev/crd-install", "app.kubernetes.io/version")]
    [InlineData("brokers", "duck.knative.dev/addressable", "knative.dev/crd-install", "app.kubernetes.io/version")]
    [InlineData("triggers", "knative.dev/crd-install", "app.kubernetes.io/version")]
    [InlineData("eventpolicies", "knative.dev/crd-install", "app.kubernetes.io/version")]
    public async Task Definitions_are_established_structural_and_labelled(string plural, params string[] labels)
    {
        var api = await definitions.ServerAsync();
        var definition = await api.ReadAsync($"{InstalledDefinitions.Path}/{plural}.eventing.knative.dev");
        var conditions = definition["status"]!["conditions"]!
            .AsArray()
            .ToDictionary(condition => (string)condition!["type"]!, condition => (string)condition!["status"]!);
        Assert.Equal("True", conditions["Established"]);
        Assert.Equal("True", conditions["NamesAccepted"]);
        Assert.DoesNotContain("NonStructuralSchema", conditions.Keys);
        Assert.Equal(
            labels,
            definition["metadata"]!["labels"]!.AsObject().Select(label => label.Key).OrderBy(label => Array.IndexOf(labels, label))
        );
        Assert.Equal(
            ["all", "knative", "eventing"],
            definition["spec"]!["names"]!["categories"]!.AsArray().Select(category => (string)category!)
        );
        Assert.Null(definition["spec"]!["names"]!["shortNames"]);
    }

    /// <summary>CPB-02, KSK-01, DEV-19.</summary>
    [Fact]
    public async Task KafkaSink_gets_its_default_and_shows_what_is_ready()
    {
        var api = await definitions.ServerAsync();
        var ns = await api.CreateNamespaceAsync();
        var path = $"/apis/eventing.knative.dev/v1alpha1/namespaces/{ns}/kafkasinks";
        var sink = await api.CreateAsync(path, Sink("""{"topic": "t", "bootstrapServers": ["k:9092"]}"""));
        Assert.Equal("binary", (string?)sink["spec"]!["contentMode"]);
        sink["status"] = JsonNode.Parse(
            """
            {
              "observedGeneration": 1, "annotations": {"eventing.knative.dev/topic.owner": "external"},
              "address": {"name": "https", "url": "https://k.example/ns/k", "CACerts": "pem", "audience": "me"},
              "addresses": [{"name": "https", "url": "https://k.example/ns/k", "CACerts": "pem", "audience": "me"}],
              "policies": [{"apiVersion": "eventing.knative.dev/v1alpha1", "name": "p"}],
              "conditions": [{"type": "Ready", "status": "False", "severity": "", "reason": "NoTopic", "message": "m", "lastTransitionTime": "2026-01-01T00:00:00Z"}]
            }
            """
        );
        sink["spec"]!["topic"] = "ignored";
        using var put = await api.SendAsync(HttpMethod.Put, $"{path}/k/status", sink.ToJsonString());
        Assert.Equal(HttpStatusCode.OK, put.StatusCode);
        var stored = await api.ReadAsync($"{path}/k");
        Assert.Equal("t", (string?)stored["spec"]!["topic"]);
        Assert.True(JsonNode.DeepEquals(sink["status"], stored["status"]), stored["status"]!.ToJsonString());
        var table = await api.TableAsync(path);
        var cells = table["rows"]![0]!["cells"]!.AsArray().Select(cell => cell?.ToString()).ToArray();
        Assert.Equal(("k", "https://k.example/ns/k", "False", "NoTopic"), (cells[0], cells[1], cells[3], cells[4]));
    }

    /// <summary>CPB-12: a status that comes with the object is dropped.</summary>
    [Fact]
    public async Task Status_is_a_subresource()
    {
        var api = await definitions.ServerAsync();
        var ns = await api.CreateNamespaceAsync();
        var broker = JsonNode.Parse(Broker("""{}"""))!;
        broker["status"] = new JsonObject { ["observedGeneration"] = 7 };
        var stored = await api.CreateAsync($"/apis/eventing.knative.dev/v1/namespaces/{ns}/brokers", broker.ToJsonString());
        Assert.Null(stored["status"]);
    }

    [Theory]
    [InlineData("""{"bootstrapServers": ["k:9092"]}""", "spec.topic: Required value")]
    [InlineData("""{"topic": "t"}""", "spec.bootstrapServers: Required value")]
    [InlineData("""{"topic": "t", "bootstrapServers": []}""", "spec.bootstrapServers")]
    [InlineData("""{"topic": "t", "bootstrapServers": ["k:9092"], "contentMode": "batched"}""", "spec.contentMode: Unsupported value")]
    [InlineData("""{"topic": "t", "bootstrapServers": ["k:9092"], "numPartitions": "2"}""", "spec.numPartitions: Invalid value")]
    [InlineData(
        """{"topic": "t", "bootstrapServers": ["k:9092"], "auth": {"secret": {"ref": {}}}}""",
        "spec.auth.secret.ref.name: Required value"
    )]
    public async Task Schema_refuses(string spec, string message)
    {
        var api = await definitions.ServerAsync();
        var ns = await api.CreateNamespaceAsync();
        using var answer = await api.SendAsync(
            HttpMethod.Post,
            $"/apis/eventing.knative.dev/v1alpha1/namespaces/{ns}/kafkasinks",
            Sink(spec)
        );
        Assert.Equal(HttpStatusCode.UnprocessableEntity, answer.StatusCode);
        Assert.Contains(message, await answer.Content.ReadAsStringAsync(TestContext.Current.CancellationToken), StringComparison.Ordinal);
    }

    /// <summary>CPB-01, CPT-01: what Knative's own definitions let through, these do.</summary>
    [Fact]
    public async Task Fields_of_others_stay_where_they_may_be()
    {
        var api = await definitions.ServerAsync();
        var ns = await api.CreateNamespaceAsync();
        var broker = await api.CreateAsync(
            $"/apis/eventing.knative.dev/v1/namespaces/{ns}/brokers",
            Broker(
                """{"surprise": 1, "delivery": {"retry": 3, "timeout": "PT1S", "retryAfterMax": "PT2S", "format": "json", "surprise": 1}}"""
            )
        );
        Assert.Null(broker["spec"]!["surprise"]);
        Assert.Equal(1, (int?)broker["spec"]!["delivery"]!["surprise"]);
        Assert.Equal("PT2S", (string?)broker["spec"]!["delivery"]!["retryAfterMax"]);
        var trigger = await api.CreateAsync(
            $"/apis/eventing.knative.dev/v1/namespaces/{ns}/triggers",
            """
            {
              "apiVersion": "eventing.knative.dev/v1", "kind": "Trigger", "metadata": {"name": "t"},
              "spec": {
                "broker": "b", "surprise": 1, "filter": {"attributes": {"type": "a"}},
                "filters": [{"all": [{"any": [{"not": {"all": [{"exact": {"type": "x"}}]}}]}]}, {"cesql": "true"}],
                "subscriber": {"ref": {"apiVersion": "v1", "kind": "Service", "name": "s"}, "uri": "/x", "CACerts": "pem", "audience": "a"}
              }
            }
            """
        );
        Assert.Equal(1, (int?)trigger["spec"]!["surprise"]);
        Assert.Equal("x", (string?)trigger["spec"]!["filters"]![0]!["all"]![0]!["any"]![0]!["not"]!["all"]![0]!["exact"]!["type"]);
        Assert.Equal("pem", (string?)trigger["spec"]!["subscriber"]!["CACerts"]);
    }

    private static string Sink(string spec) =>
        $$"""{"apiVersion": "eventing.knative.dev/v1alpha1", "kind": "KafkaSink", "metadata": {"name": "k"}, "spec": {{spec}} }""";

    private static string Broker(string spec) =>
        $$"""{"apiVersion": "eventing.knative.dev/v1", "kind": "Broker", "metadata": {"name": "b"}, "spec": {{spec}} }""";
}
