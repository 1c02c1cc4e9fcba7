using System.Text.Json.Nodes;
using Brokkr.Apis;
using Brokkr.Controller.Admission;

namespace Brokkr.Controller.Tests.Admission;

/// <summary>What the webhook does with Brokers, Triggers and KafkaSinks beyond what was observed.</summary>
public sealed class AdmissionTests
{
    private const string Metadata = """{"name": "x", "namespace": "shop"}""";
    private const string Config = """{"apiVersion": "v1", "kind": "ConfigMap", "name": "c", "namespace": "shop"}""";

    /// <summary>ADM-07, CPB-07: without config-br-defaults a Broker is of class Kafka; the rest is left to who made it.</summary>
    [Fact]
    public async Task Broker_without_a_class_gets_ours()
    {
        var patched = await DefaultedAsync("Broker", """{"surprise": 1}""");
        Assert.Equal("Kafka", (string?)patched["metadata"]!["annotations"]!["eventing.knative.dev/broker.class"]);
        Assert.Equal("""{"surprise":1}""", patched["spec"]!.ToJsonString());
    }

    /// <summary>ADM-15, RCO-07, RBR-08.</summary>
    [Fact]
    public async Task Broker_gets_the_defaults_of_its_namespace()
    {
        var settings = new AdmissionSettings
        {
            BrokerDefaults = new BrokerDefaults
            {
                ClusterDefault = new NamespaceBrokerDefaults { BrokerClass = "Other" },
                NamespaceDefaults = new Dictionary<string, NamespaceBrokerDefaults>
                {
                    ["shop"] = new()
                    {
                        BrokerClass = "Kafka",
                        ApiVersion = "v1",
                        Kind = "ConfigMap",
                        Name = "c",
                        Delivery = new DeliverySpec { Retry = 5 },
                    },
                },
            },
        };
        var patched = await DefaultedAsync("Broker", "{}", settings);
        Assert.Equal("Kafka", (string?)patched["metadata"]!["annotations"]!["eventing.knative.dev/broker.class"]);
        Assert.True(
            JsonNode.DeepEquals(JsonNode.Parse($$"""{"config": {{Config}}, "delivery": {"retry": 5} }"""), patched["spec"]),
            patched.ToJsonString()
        );

        // One of another class is left to others.
        var other = await DefaultedAsync("Broker", "{}", settings, """{"name": "x", "namespace": "elsewhere"}""");
        Assert.Null(other["metadata"]!["annotations"]);
    }

    /// <summary>ADM-12, RTR-01, RTR-02.</summary>
    [Fact]
    public async Task Trigger_gets_filter_label_and_namespaces_and_keeps_what_we_do_not_know()
    {
        var patched = await DefaultedAsync(
            "Trigger",
            """
            {
              "broker": "b", "surprise": {"a": 1}, "subscriber": {"ref": {"apiVersion": "v1", "kind": "Service", "name": "s", "surprise": 2}},
              "delivery": {"deadLetterSink": {"ref": {"apiVersion": "v1", "kind": "Service", "name": "d", "namespace": "other"}}}
            }
            """,
            metadata: """{"name": "x", "namespace": "shop", "labels": {"a/b": "c"}, "managedFields": []}"""
        );
        Assert.True(
            JsonNode.DeepEquals(
                JsonNode.Parse(
                    """
                    {
                      "apiVersion": "eventing.knative.dev/v1", "kind": "Trigger",
                      "metadata": {"name": "x", "namespace": "shop", "labels": {"a/b": "c", "eventing.knative.dev/broker": "b"}, "managedFields": []},
                      "spec": {
                        "broker": "b", "filter": {}, "surprise": {"a": 1},
                        "subscriber": {"ref": {"apiVersion": "v1", "kind": "Service", "name": "s", "namespace": "shop", "surprise": 2}},
                        "delivery": {"deadLetterSink": {"ref": {"apiVersion": "v1", "kind": "Service", "name": "d", "namespace": "other"}}}
                      }
                    }
                    """
                ),
                patched
            ),
            patched.ToJsonString()
        );
    }

    [Theory]
    [InlineData("Broker", $$"""{"config": {{Config}} }""", null)]
    [InlineData(
        "Broker",
        """{"config": {"apiVersion": "v1", "kind": "Pod", "name": "c"}}""",
        "validation failed: invalid value: Pod: spec.config.kind\nExpected ConfigMap"
    )] // ADM-17
    [InlineData(
        "Broker",
        """{"delivery": {"retry": -1, "backoffPolicy": "never", "timeout": "PT0S", "format": "xml"}}""",
        "validation failed: invalid value: -1: spec.delivery.retry\nmust not be negative\ninvalid value: PT0S: spec.delivery.timeout\nmust not be zero\n"
            + "invalid value: never: spec.delivery.backoffPolicy\nmust be \"linear\" or \"exponential\", is \"never\"\n"
            + "invalid value: xml: spec.delivery.format\nmust be \"json\" or \"binary\", is \"xml\""
    )] // ADM-19 to ADM-23
    [InlineData(
        "Broker",
        """{"confg": {}}""",
        "decoding request failed: cannot decode incoming new object: json: unknown field \"confg\"\nspec.confg: is not a field; did you mean \"config\"?"
    )]
    [InlineData("Trigger", """{"broker": "b", "subscriber": {"uri": "http://s/"}}""", null)]
    [InlineData("Trigger", """{"subscriber": {"uri": "http://s/"}}""", "validation failed: missing field(s): spec.broker")] // ADM-01
    [InlineData(
        "Trigger",
        """{"broker": "b", "brokerRef": {"apiVersion": "eventing.knative.dev/v1", "kind": "Broker", "name": "b"}, "subscriber": {"uri": "http://s/"}}""",
        "validation failed: expected exactly one, got both: spec.broker, spec.brokerRef"
    )] // ADM-02
    [InlineData(
        "Trigger",
        """{"broker": "b", "filters": [{"all": [{}, {"exact": {"SOURCE": "a"}, "prefix": {}}]}], "subscriber": {}}""",
        "validation failed: expected at least one, got none: spec.subscriber.ref, spec.subscriber.uri\n"
            + "invalid key name \"SOURCE\": spec.filters[0].all[1].exact.SOURCE\n"
            + "must be the name of an attribute: lower case letters and digits, the first a letter\n"
            + "multiple dialects found, filters can have only one dialect set: spec.filters[0].all[1]"
    )] // ADM-05 to ADM-07, ADM-25
    public async Task Rules_speak_as_the_original_does(string kind, string spec, string? denial)
    {
        await using var webhook = await RunningWebhook.StartAsync();
        var response = await webhook.ReviewAsync(Request("/resource-validation", "CREATE", ObjectOf(kind, spec)));
        Assert.Equal(denial, (string?)response["status"]?["message"]);
    }

    /// <summary>TPL-01, TPL-02, RCP-03, ADM-09, ADM-14, CPB-08, CPB-09, CPT-10.</summary>
    [Theory]
    [InlineData("Broker", $$"""{"config": {{Config}} }""", $$"""{"config": {{Config}}, "delivery": {"retry": 3} }""", null)]
    [InlineData(
        "Broker",
        $$"""{"config": {{Config}} }""",
        """{"config": {"apiVersion": "v2", "kind": "ConfigMap", "name": "c", "namespace": "shop"}}""",
        "validation failed: Immutable fields changed (-old +new): spec\nspec.config must not change; only spec.delivery may"
    )]
    [InlineData(
        "Trigger",
        """{"broker": "b", "subscriber": {"uri": "http://s/"}}""",
        """{"broker": "c", "subscriber": {"uri": "http://s/"}}""",
        "validation failed: Immutable fields changed (-old +new): broker, spec\nspec.broker must not change from shop/b to shop/c"
    )]
    [InlineData(
        "Trigger",
        """{"broker": "b", "subscriber": {"uri": "http://s/"}}""",
        """{"broker": "b", "filter": {"attributes": {"type": "t"}}, "subscriber": {"uri": "http://t/"}, "delivery": {"retry": 1}}""",
        null
    )]
    public async Task What_must_not_change_does_not(string kind, string before, string after, string? denial)
    {
        await using var webhook = await RunningWebhook.StartAsync();
        var response = await webhook.ReviewAsync(
            Request("/resource-validation", "UPDATE", ObjectOf(kind, after), ObjectOf(kind, before)),
            "v1beta1"
        );
        Assert.Equal(denial, (string?)response["status"]?["message"]);
    }

    [Fact]
    public async Task Class_of_a_broker_does_not_change()
    {
        await using var webhook = await RunningWebhook.StartAsync();
        var changed = ObjectOf("Broker", "{}");
        changed["metadata"]!["annotations"]!["eventing.knative.dev/broker.class"] = "KafkaNamespaced";
        var response = await webhook.ReviewAsync(Request("/resource-validation", "UPDATE", changed, ObjectOf("Broker", "{}")));
        Assert.StartsWith(
            "validation failed: Immutable annotations changed (-old +new): annotations",
            (string?)response["status"]!["message"],
            StringComparison.Ordinal
        );
    }

    /// <summary>An object that was stored when nobody looked must stay changeable: its finalizers have to go one day.</summary>
    [Fact]
    public async Task Old_faults_are_told_but_hold_nothing_up_and_new_ones_do()
    {
        await using var webhook = await RunningWebhook.StartAsync();
        const string Bad = """{"topic": "a b", "bootstrapServers": ["k:9092"], "contentMode": "binary"}""";
        var labelled = ObjectOf("KafkaSink", Bad);
        labelled["metadata"]!["labels"] = new JsonObject { ["a"] = "b" };
        var response = await webhook.ReviewAsync(Request("/resource-validation", "UPDATE", labelled, ObjectOf("KafkaSink", Bad)));
        Assert.True((bool)response["allowed"]!);
        Assert.StartsWith(
            "spec.topic: must name a topic",
            (string?)Assert.Single(response["warnings"]!.AsArray()),
            StringComparison.Ordinal
        );

        var worse = ObjectOf("KafkaSink", """{"topic": "a b", "bootstrapServers": [], "contentMode": "binary"}""");
        response = await webhook.ReviewAsync(Request("/resource-validation", "UPDATE", worse, ObjectOf("KafkaSink", Bad)));
        Assert.Equal("validation failed: invalid value: []: spec.bootstrapServers", (string?)response["status"]!["message"]);

        worse["metadata"]!["deletionTimestamp"] = "2026-01-01T00:00:00Z";
        response = await webhook.ReviewAsync(Request("/resource-validation", "UPDATE", worse, ObjectOf("KafkaSink", Bad)));
        Assert.True((bool)response["allowed"]!);
    }

    /// <summary>ADM-03, ADM-04.</summary>
    [Fact]
    public async Task Broker_of_another_namespace_takes_feature_and_right()
    {
        const string Spec = """
            {"brokerRef": {"apiVersion": "eventing.knative.dev/v1", "kind": "Broker", "name": "b", "namespace": "other"}, "subscriber": {"uri": "http://s/"}}
            """;
        var request = Request("/resource-validation", "CREATE", ObjectOf("Trigger", Spec));
        await using var off = await RunningWebhook.StartAsync();
        Assert.StartsWith(
            "validation failed: must not set the field(s): spec.brokerRef.namespace",
            (string?)(await off.ReviewAsync(request))["status"]!["message"],
            StringComparison.Ordinal
        );

        var settings = new AdmissionSettings { Features = EventingFeatures.Default with { CrossNamespaceEventLinks = true } };
        await using var on = await RunningWebhook.StartAsync(settings, new Only("friend", new ObjectName("other", "b")));
        Assert.Equal(
            "validation failed: user someone@example.com may not have events of another namespace's Broker: spec.brokerRef\n"
                + "it takes the verb knsubscribe on Broker other/b",
            (string?)(await on.ReviewAsync(request))["status"]!["message"]
        );
        request["user"] = "friend";
        Assert.True((bool)(await on.ReviewAsync(request))["allowed"]!);
    }

    [Theory]
    [InlineData("DELETE", "")]
    [InlineData("UPDATE", "status")]
    [InlineData("UPDATE", "scale")]
    public async Task Deletions_and_subresources_are_nobodys_business(string operation, string subResource)
    {
        await using var webhook = await RunningWebhook.StartAsync();
        foreach (var path in new[] { "/defaulting", "/resource-validation" })
        {
            var request = Request(path, operation, ObjectOf("Trigger", """{"nonsense": 1}"""), ObjectOf("Trigger", """{"broker": "b"}"""));
            request["subResource"] = subResource;
            var response = await webhook.ReviewAsync(request);
            Assert.True((bool)response["allowed"]!);
            Assert.Null(response["patch"]);
        }
    }

    [Fact]
    public async Task Pods_that_report_their_contract_do_not_get_one_mounted()
    {
        await using var webhook = await RunningWebhook.StartAsync();
        var pod = JsonNode
            .Parse(
                """
                {
                  "apiVersion": "v1", "kind": "Pod",
                  "metadata": {"name": "p", "namespace": "knative-eventing", "annotations": {"kafka.eventing.knative.dev/reports-contract": "true"}},
                  "spec": {"containers": []}
                }
                """
            )!
            .AsObject();
        var response = await webhook.ReviewAsync(Request("/pods-defaulting", "CREATE", pod));
        Assert.Null(response["patch"]);
        pod["metadata"]!.AsObject().Remove("annotations");
        response = await webhook.ReviewAsync(Request("/pods-defaulting", "CREATE", pod));
        Assert.NotNull(response["patch"]);
    }

    private static async Task<JsonObject> DefaultedAsync(
        string kind,
        string spec,
        AdmissionSettings? settings = null,
        string metadata = Metadata
    )
    {
        await using var webhook = await RunningWebhook.StartAsync(settings);
        var value = JsonNode
            .Parse($$"""{"apiVersion": "eventing.knative.dev/v1", "kind": "{{kind}}", "metadata": {{metadata}}, "spec": {{spec}} }""")!
            .AsObject();
        return RunningWebhook.Patched(value, await webhook.ReviewAsync(Request("/defaulting", "CREATE", value)));
    }

    private static JsonObject Request(string path, string operation, JsonObject? value, JsonObject? old = null) =>
        new()
        {
            ["path"] = path,
            ["operation"] = operation,
            ["object"] = value?.DeepClone(),
            ["oldObject"] = old?.DeepClone(),
        };

    private static JsonObject ObjectOf(string kind, string spec)
    {
        var version = kind is "KafkaSink" ? "v1alpha1" : "v1";
        var value = JsonNode
            .Parse(
                $$"""{"apiVersion": "eventing.knative.dev/{{version}}", "kind": "{{kind}}", "metadata": {{Metadata}}, "spec": {{spec}} }"""
            )!
            .AsObject();
        if (kind is "Broker")
        {
            value["metadata"]!["annotations"] = new JsonObject { ["eventing.knative.dev/broker.class"] = "Kafka" };
        }

        return value;
    }

    private sealed class Only(string user, ObjectName broker) : ISubscribeAccess
    {
        public ValueTask<bool> MaySubscribeAsync(AdmissionUser asking, ObjectName about, CancellationToken cancellation) =>
            new(asking.Name == user && about == broker);
    }
}
