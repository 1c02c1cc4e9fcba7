using System.Text.Json;
using System.Text.Json.Nodes;
using Brokkr.Apis;
using Brokkr.Apis.Validation;

namespace Brokkr.Apis.Tests;

/// <summary>The admission rules that bear on Broker, Trigger and KafkaSink (ADM-01 to ADM-27).</summary>
public sealed class RuleTests
{
    private static readonly EventingFeatures Features = EventingFeatures.Default;

    [Theory]
    [InlineData("""{}""", "spec.broker: is missing")] // ADM-01
    [InlineData("""{"broker": ""}""", "spec.broker: is missing")]
    [InlineData(
        """{"broker": "b", "brokerRef": {"apiVersion": "eventing.knative.dev/v1", "kind": "Broker", "name": "b"}}""",
        "spec.brokerRef: must not be given beside spec.broker"
    )] // ADM-02
    [InlineData(
        """{"brokerRef": {"apiVersion": "eventing.knative.dev/v1", "kind": "Broker", "name": "b", "namespace": "n"}}""",
        "spec.brokerRef.namespace: is not allowed while the feature cross-namespace-event-links is off"
    )] // ADM-03
    [InlineData(
        """{"brokerRef": {"apiVersion": "v1", "kind": "Service", "name": "b"}}""",
        "spec.brokerRef: must refer to a Broker of eventing.knative.dev"
    )]
    [InlineData("""{"broker": "b"}""", "spec.subscriber: is missing", false)] // ADM-25
    public void Trigger_names_its_broker_and_subscriber(string spec, string problem, bool withSubscriber = true)
    {
        var json = JsonNode.Parse(spec)!.AsObject();
        if (withSubscriber)
        {
            json["subscriber"] = new JsonObject { ["uri"] = "http://s/" };
        }

        Assert.Equal([problem], Texts(TriggerRules.Check(TriggerOf(json.ToJsonString()), Features)));
    }

    // DEV-21
    [Fact]
    public void Cross_namespace_broker_is_admitted_with_its_feature()
    {
        var trigger = TriggerOf(
            """{"brokerRef": {"apiVersion": "eventing.knative.dev/v1", "kind": "Broker", "name": "b", "namespace": "n"}, "subscriber": {"uri": "http://s/"}}"""
        );
        Assert.Empty(TriggerRules.Check(trigger, Features with { CrossNamespaceEventLinks = true }));
        Assert.Equal(new ObjectName("n", "b"), trigger.BrokerName);
    }

    // ADM-05
    [Theory]
    [InlineData("SOURCE")]
    [InlineData("Source")]
    [InlineData("souRce")]
    [InlineData("s pace s")]
    [InlineData("s_pace_s")]
    [InlineData("s-pace-s")]
    [InlineData("123")]
    [InlineData("")]
    [InlineData("😀")]
    [InlineData("!@#$%^&*")]
    public void Attribute_names_are_lower_case_letters_and_digits(string name)
    {
        var attributes = new Dictionary<string, string> { [name] = "x" };
        foreach (var dialect in new[] { "filter.attributes", "filters[0].exact", "filters[0].prefix", "filters[0].suffix" })
        {
            var spec = new TriggerSpec
            {
                Broker = "b",
                Subscriber = new Destination { Uri = "http://s/" },
            };
            spec = dialect switch
            {
                "filter.attributes" => spec with { Filter = new TriggerFilter { Attributes = attributes } },
                "filters[0].exact" => spec with { Filters = [new SubscriptionsFilter { Exact = attributes }] },
                "filters[0].prefix" => spec with { Filters = [new SubscriptionsFilter { Prefix = attributes }] },
                _ => spec with { Filters = [new SubscriptionsFilter { Suffix = attributes }] },
            };
            var problem = Assert.Single(TriggerRules.Check(TriggerOf("{}") with { Spec = spec }, Features));
            Assert.Equal(FieldPath.Member($"spec.{dialect}", name), problem.Path);
        }
    }

    // ADM-05
    [Theory]
    [InlineData("specversion")]
    [InlineData("type")]
    [InlineData("source")]
    [InlineData("subject")]
    [InlineData("id")]
    [InlineData("time")]
    [InlineData("schemaurl")]
    [InlineData("datacontenttype")]
    [InlineData("aaa")]
    [InlineData("c1d2e3")]
    [InlineData("abcdefghijklmnopqrst")]
    public void Attribute_names_that_are_some_are_taken(string name) =>
        Assert.Empty(
            TriggerRules.Check(
                TriggerOf($$$"""{"broker": "b", "filter": {"attributes": {"{{{name}}}": ""}}, "subscriber": {"uri": "http://s/"}}"""),
                Features
            )
        );

    // ADM-06 to ADM-08
    [Theory]
    [InlineData("""[{}]""", null)]
    [InlineData("""[{"exact": {"type": "a"}}, {"prefix": {"type": "a"}}]""", null)]
    [InlineData("""[{"cesql": "type = 'a' AND EXISTS subject"}]""", null)]
    [InlineData("""[{"cesql": ""}]""", null)]
    [InlineData("""[{"cesql": "whatever text"}]""", "spec.filters[0].cesql")]
    [InlineData("""[{}, {"any": [{"not": {"cesql": "(("}}]}]""", "spec.filters[1].any[0].not.cesql")]
    [InlineData("""[{"exact": {"type": "a"}, "prefix": {"type": "a"}}]""", "spec.filters[0].exact")]
    [InlineData("""[{}, {"not": {"suffix": {"type": "a"}, "cesql": "x"}}]""", "spec.filters[1].not.suffix")]
    [InlineData("""[{"all": [{}, {"exact": {"type": "a"}, "not": {}}]}]""", "spec.filters[0].all[1].not")]
    [InlineData("""[{"any": [{"all": [{"exact": {"T": "a"}}]}]}]""", "spec.filters[0].any[0].all[0].exact.T")]
    public void Filter_has_one_dialect_at_every_depth(string filters, string? path)
    {
        var trigger = TriggerOf($$"""{"broker": "b", "filters": {{filters}}, "subscriber": {"uri": "http://s/"} }""");
        var problems = TriggerRules.Check(trigger, Features);
        if (path is null)
        {
            Assert.Empty(problems);
        }
        else
        {
            Assert.Equal(path, Assert.Single(problems).Path);
        }
    }

    // ADM-08, DEV-09: the place in the expression is told; what always fails may still be meant.
    [Theory]
    [InlineData("type = ", "is CESQL with a fault at character 8: expected a value, but the expression ends", false)]
    [InlineData(
        "LENGTH(type)",
        "is CESQL with a fault at character 1: the expression yields a number, but a filter must yield true or false",
        false
    )]
    [InlineData("FOO(type)", "is CESQL with a fault at character 1: there is no function FOO", false)]
    [InlineData("n = 1 / 0", "is CESQL with a fault at character 7: fails for every event", true)]
    public void Expression_is_compiled(string expression, string message, bool isWarning)
    {
        var trigger = TriggerOf($$"""{"broker": "b", "filters": [{"cesql": "{{expression}}"}], "subscriber": {"uri": "http://s/"} }""");
        var problem = Assert.Single(TriggerRules.Check(trigger, Features));
        Assert.Equal(("spec.filters[0].cesql", message, isWarning), (problem.Path, problem.Message, problem.IsWarning));
    }

    // ADM-10, ADM-11, and the order of delivery (control-plane §18 item 18)
    [Theory]
    [InlineData("knative.dev/dependency", """{"kind":"K","name":"n","apiVersion":"v1"}""", true)]
    [InlineData("knative.dev/dependency", """{"kind":"K","name":"n","apiVersion":"v1","namespace":"ns"}""", true)]
    [InlineData("knative.dev/dependency", """{"kind":"K","name":"n","apiVersion":"v1","namespace":"other"}""", false)]
    [InlineData("knative.dev/dependency", """{"kind":"K","name":"n"}""", false)]
    [InlineData("knative.dev/dependency", "nothing", false)]
    [InlineData("knative.dev/dependency", "null", false)]
    [InlineData("eventing.knative.dev/injection", "enabled", true, "default")]
    [InlineData("eventing.knative.dev/injection", "disabled", true, "default")]
    [InlineData("eventing.knative.dev/injection", "maybe", false, "default")]
    [InlineData("eventing.knative.dev/injection", "enabled", false, "b")]
    [InlineData("kafka.eventing.knative.dev/delivery.order", "ordered", true)]
    [InlineData("kafka.eventing.knative.dev/delivery.order", "UnOrdered", true)]
    [InlineData("kafka.eventing.knative.dev/delivery.order", "by-key", false)]
    [InlineData("kafka.eventing.knative.dev/delivery.order", "", false)]
    public void Annotations_of_a_trigger(string name, string value, bool admitted, string broker = "b")
    {
        var trigger = TriggerOf($$"""{"broker": "{{broker}}", "subscriber": {"uri": "http://s/"} }""");
        trigger = trigger with { Metadata = trigger.Metadata! with { Annotations = new Dictionary<string, string> { [name] = value } } };
        var problems = TriggerRules.Check(trigger, Features);
        Assert.Equal(admitted, problems.Count == 0);
        Assert.All(problems, problem => Assert.Equal($"metadata.annotations[{name}]", problem.Path));
    }

    // ADM-19 to ADM-24
    [Theory]
    [InlineData("""{"retry": 0}""", null)]
    [InlineData("""{"retry": -1}""", "spec.delivery.retry: must not be negative")]
    [InlineData("""{"timeout": "PT0.5S"}""", null)]
    [InlineData("""{"timeout": "PT0S"}""", "spec.delivery.timeout: must not be zero")]
    [InlineData("""{"timeout": "1s"}""", "spec.delivery.timeout: must be an ISO 8601 duration such as PT0.5S or PT1M30S, is \"1s\"")]
    [InlineData("""{"backoffPolicy": "linear"}""", null)]
    [InlineData("""{"backoffPolicy": "Linear"}""", "spec.delivery.backoffPolicy: must be \"linear\" or \"exponential\", is \"Linear\"")]
    [InlineData("""{"backoffDelay": "PT0S"}""", null)]
    [InlineData("""{"backoffDelay": "PT4000S"}""", null)]
    [InlineData("""{"backoffDelay": "-PT1S"}""", "spec.delivery.backoffDelay: is negative; the sign does not count")]
    [InlineData("""{"backoffDelay": ""}""", "spec.delivery.backoffDelay: must be an ISO 8601 duration such as PT0.5S or PT1M30S, is \"\"")]
    [InlineData("""{"format": "json"}""", null)]
    [InlineData("""{"format": "xml"}""", "spec.delivery.format: must be \"json\" or \"binary\", is \"xml\"")]
    [InlineData(
        """{"retryAfterMax": "PT1S"}""",
        "spec.delivery.retryAfterMax: is not allowed while the feature delivery-retryafter is off"
    )]
    public void Delivery_options(string delivery, string? problem)
    {
        var broker = BrokerOf($$"""{"delivery": {{delivery}} }""");
        Assert.Equal(problem is null ? [] : [problem], Texts(BrokerRules.Check(broker, Features)));
        var trigger = TriggerOf($$"""{"broker": "b", "subscriber": {"uri": "http://s/"}, "delivery": {{delivery}} }""");
        Assert.Equal(problem is null ? [] : [problem], Texts(TriggerRules.Check(trigger, Features)));
    }

    // ADM-20, ADM-24
    [Fact]
    public void Features_decide_on_timeout_and_retry_after()
    {
        var timeout = BrokerOf("""{"delivery": {"timeout": "PT1S"}}""");
        Assert.NotEmpty(BrokerRules.Check(timeout, Features with { DeliveryTimeout = false }));
        var retryAfter = Features with { DeliveryRetryAfter = true };
        Assert.Empty(BrokerRules.Check(BrokerOf("""{"delivery": {"retryAfterMax": "PT0S"}}"""), retryAfter));
        Assert.Equal(
            ["spec.delivery.retryAfterMax: must not be negative"],
            Texts(BrokerRules.Check(BrokerOf("""{"delivery": {"retryAfterMax": "-PT1S"}}"""), retryAfter))
        );
    }

    // ADM-25, CPD-03, CPD-04
    [Theory]
    [InlineData("""{"uri": "http://s/"}""", null)]
    [InlineData("""{"uri": "https://s:8443/p?q=1"}""", null)]
    [InlineData("""{"ref": {"apiVersion": "v1", "kind": "Service", "name": "s"}}""", null)]
    [InlineData("""{"ref": {"apiVersion": "v1", "kind": "Service", "name": "s"}, "uri": "/p"}""", null)]
    [InlineData("""{"ref": {"apiVersion": "v1", "kind": "Service", "name": "s"}, "uri": "a/b"}""", null)]
    [InlineData("""{}""", "$: must have ref or uri")]
    [InlineData("""{"uri": ""}""", "$: must have ref or uri")]
    [InlineData("""{"uri": "/p"}""", "$.uri: must be absolute, with scheme and host, since no ref is given; is \"/p\"")]
    [InlineData(
        """{"uri": "s.example.com"}""",
        "$.uri: must be absolute, with scheme and host, since no ref is given; is \"s.example.com\""
    )]
    [InlineData("""{"uri": "ftp://s/"}""", "$.uri: must begin with http:// or https://, is \"ftp://s/\"")]
    [InlineData("""{"ref": {"apiVersion": "v1", "kind": "Service"}}""", "$.ref.name: is missing")]
    [InlineData("""{"ref": {"apiVersion": "v1", "name": "s"}}""", "$.ref.kind: is missing")]
    [InlineData("""{"ref": {"kind": "Service", "name": "s"}}""", "$.ref.apiVersion: is missing")]
    [InlineData(
        """{"ref": {"group": "g", "kind": "Service", "name": "s"}}""",
        "$.ref.group: is not allowed while the feature kreference-group is off: give apiVersion"
    )]
    [InlineData(
        """{"ref": {"apiVersion": "v1", "kind": "Service", "name": "s"}, "uri": "http://x/"}""",
        "$.uri: must be relative, since ref is given too"
    )]
    public void Destinations(string destination, string? problem)
    {
        var subscriber = TriggerOf($$"""{"broker": "b", "subscriber": {{destination}} }""");
        Expect("spec.subscriber", TriggerRules.Check(subscriber, Features));
        var deadLetterSink = BrokerOf($$"""{"delivery": {"deadLetterSink": {{destination}} } }""");
        Expect("spec.delivery.deadLetterSink", BrokerRules.Check(deadLetterSink, Features));

        void Expect(string path, IReadOnlyList<FieldProblem> problems) =>
            Assert.Equal(problem is null ? [] : [problem.Replace("$", path)], Texts(problems));
    }

    // ADM-13, ADM-17, ADM-18
    [Theory]
    [InlineData(null, """{}""", "metadata.annotations[eventing.knative.dev/broker.class]: is missing")]
    [InlineData("Kafka", """{}""", null)]
    [InlineData("Kafka", """{"config": {"apiVersion": "v1", "kind": "configmap", "name": "c", "namespace": "other"}}""", null)]
    [InlineData(
        "Kafka",
        """{"config": {"apiVersion": "v1", "kind": "Secret", "name": "c"}}""",
        "spec.config.kind: must be \"ConfigMap\", is \"Secret\""
    )]
    [InlineData(
        "KafkaNamespaced",
        """{"config": {"apiVersion": "v1", "kind": "Pod", "name": "c"}}""",
        "spec.config.kind: must be \"ConfigMap\", is \"Pod\""
    )]
    [InlineData("Other", """{"config": {"apiVersion": "v1", "kind": "Secret", "name": "c"}}""", null)]
    [InlineData("Kafka", """{"config": {"apiVersion": "v1", "kind": "ConfigMap"}}""", "spec.config.name: is missing")]
    [InlineData("KafkaNamespaced", """{"config": {"apiVersion": "v1", "kind": "ConfigMap", "name": "c", "namespace": "ns"}}""", null)]
    [InlineData(
        "KafkaNamespaced",
        """{"config": {"apiVersion": "v1", "kind": "ConfigMap", "name": "c", "namespace": "other"}}""",
        "spec.config.namespace: must be the Broker's own namespace \"ns\" for class KafkaNamespaced"
    )]
    public void Broker_class_and_config(string? brokerClass, string spec, string? problem) =>
        Assert.Equal(problem is null ? [] : [problem], Texts(BrokerRules.Check(BrokerOf(spec, brokerClass), Features)));

    // ADM-16
    [Fact]
    public void Config_of_another_namespace_may_be_forbidden()
    {
        var broker = BrokerOf("""{"config": {"apiVersion": "v1", "kind": "ConfigMap", "name": "c", "namespace": "other"}}""");
        var defaults = new BrokerDefaults { ClusterDefault = new NamespaceBrokerDefaults { DisallowDifferentNamespaceConfig = true } };
        Assert.Equal("spec.config.namespace", Assert.Single(BrokerRules.Check(broker, Features, defaults)).Path);
        Assert.Empty(BrokerRules.Check(broker, Features, new BrokerDefaults()));
    }

    // ADM-09, ADM-14, ADM-27
    [Fact]
    public void What_must_not_change()
    {
        var trigger = TriggerOf("""{"broker": "b"}""");
        Assert.Equal(
            ["spec.broker: must not change from ns/b to ns/c"],
            Texts(TriggerRules.CheckUpdate(trigger, TriggerOf("""{"broker": "c"}""")))
        );
        Assert.Empty(TriggerRules.CheckUpdate(trigger, TriggerOf("""{"broker": "b", "filters": []}""")));
        var broker = BrokerOf("""{"config": {"name": "a"}}""");
        Assert.Empty(BrokerRules.CheckUpdate(broker, BrokerOf("""{"config": {"name": "a"}, "delivery": {"retry": 1}}""")));
        Assert.Equal(
            ["spec.config", "metadata.annotations[eventing.knative.dev/broker.class]"],
            BrokerRules.CheckUpdate(broker, BrokerOf("""{"config": {"name": "b"}}""", "Other")).Select(problem => problem.Path)
        );
        var sink = SinkOf("""{"topic": "a", "numPartitions": 1, "replicationFactor": 1}""");
        Assert.Equal(
            ["spec.topic", "spec.numPartitions", "spec.replicationFactor"],
            KafkaSinkRules.CheckUpdate(sink, SinkOf("""{"topic": "b"}""")).Select(problem => problem.Path)
        );
    }

    // DEV-19
    [Theory]
    [InlineData("""{"topic": "t", "bootstrapServers": ["k:9092"]}""", "binary")]
    [InlineData("""{"topic": "t", "bootstrapServers": ["k:9092"], "contentMode": ""}""", "binary")]
    [InlineData("""{"topic": "t", "bootstrapServers": ["k:9092"], "contentMode": "structured"}""", "structured")]
    public void KafkaSink_writes_binary_records_unless_told_otherwise(string spec, string mode) =>
        Assert.Equal(mode, Defaulting.Apply(SinkOf(spec)).Spec!.ContentMode);

    // ADM-26, control-plane §18 items 20 and 23
    [Theory]
    [InlineData("""{"topic": "t", "bootstrapServers": ["k:9092"]}""", null)]
    [InlineData("""{"topic": "t", "bootstrapServers": ["k:9092"], "contentMode": "structured"}""", null)]
    [InlineData("""{"topic": "t", "bootstrapServers": ["k:9092"], "contentMode": "batched"}""", "spec.contentMode")]
    [InlineData("""{"bootstrapServers": ["k:9092"]}""", "spec.topic")]
    [InlineData("""{"topic": "a b", "bootstrapServers": ["k:9092"]}""", "spec.topic")]
    [InlineData("""{"topic": "..", "bootstrapServers": ["k:9092"]}""", "spec.topic")]
    [InlineData("""{"topic": "t"}""", "spec.bootstrapServers")]
    [InlineData("""{"topic": "t", "bootstrapServers": []}""", "spec.bootstrapServers")]
    [InlineData("""{"topic": "t", "bootstrapServers": ["k:9092", " "]}""", "spec.bootstrapServers[1]")]
    [InlineData("""{"topic": "t", "bootstrapServers": ["k:9092"], "numPartitions": 0, "replicationFactor": 1}""", "spec.numPartitions")]
    [InlineData("""{"topic": "t", "bootstrapServers": ["k:9092"], "numPartitions": 1, "replicationFactor": 0}""", "spec.replicationFactor")]
    [InlineData(
        """{"topic": "t", "bootstrapServers": ["k:9092"], "numPartitions": 1, "replicationFactor": 40000}""",
        "spec.replicationFactor"
    )]
    [InlineData("""{"topic": "t", "bootstrapServers": ["k:9092"], "numPartitions": 1}""", "spec.numPartitions", true)]
    [InlineData(
        """{"topic": "t", "bootstrapServers": ["k:9092"], "auth": {"secret": {"ref": {"name": ""}}}}""",
        "spec.auth.secret.ref.name"
    )]
    public void KafkaSinks(string spec, string? path, bool isWarning = false)
    {
        var problems = KafkaSinkRules.Check(Defaulting.Apply(SinkOf(spec)));
        Assert.Equal(path is null ? [] : [(path, isWarning)], problems.Select(problem => (problem.Path, problem.IsWarning)));
    }

    [Theory]
    [InlineData("Shop")]
    [InlineData("a_b")]
    [InlineData("-a")]
    [InlineData("a.-b")]
    [InlineData("a-.b")]
    [InlineData("a.")]
    public void Names_are_those_of_kubernetes(string name)
    {
        var sink = SinkOf("""{"topic": "t", "bootstrapServers": ["k:9092"]}""");
        sink = sink with { Metadata = sink.Metadata! with { Name = name } };
        Assert.Equal(["metadata.name"], KafkaSinkRules.Check(sink).Select(problem => problem.Path));
    }

    [Fact]
    public void External_topic_must_be_a_name()
    {
        var broker = BrokerOf("{}");
        broker = broker with
        {
            Metadata = broker.Metadata! with
            {
                Annotations = new Dictionary<string, string>(broker.Metadata.Annotations!) { [BrokerAnnotations.ExternalTopic] = "" },
            },
        };
        Assert.Equal(
            ["metadata.annotations[kafka.eventing.knative.dev/external.topic]: must name a topic, is empty"],
            Texts(BrokerRules.Check(broker, Features))
        );
    }

    // ADM-12
    [Fact]
    public void Defaults_of_a_trigger()
    {
        var trigger = Defaulting.Apply(
            TriggerOf(
                """
                {"broker": "b", "subscriber": {"ref": {"name": "s"}}, "delivery": {"deadLetterSink": {"ref": {"name": "d", "namespace": "other"}}}}
                """
            )
        );
        Assert.NotNull(trigger.Spec!.Filter);
        Assert.Equal("ns", trigger.Spec.Subscriber!.Ref!.Namespace);
        Assert.Equal("other", trigger.Spec.Delivery!.DeadLetterSink!.Ref!.Namespace);
        Assert.Equal("b", trigger.Metadata!.Labels!["eventing.knative.dev/broker"]);
    }

    // ADM-15
    [Fact]
    public void Defaults_of_a_broker()
    {
        var defaults = JsonSerializer.Deserialize(
            """
            {
              "clusterDefault": {
                "brokerClass": "Other", "apiVersion": "v1", "kind": "ConfigMap", "name": "other-config", "namespace": "sys",
                "brokerClasses": {"Kafka": {"apiVersion": "v1", "kind": "ConfigMap", "name": "kafka-config", "namespace": "sys", "delivery": {"retry": 5}}}
              },
              "namespaceDefaults": {
                "special": {"brokerClass": "Kafka", "apiVersion": "v1", "kind": "ConfigMap", "name": "special-config", "delivery": {"retry": 7}}
              }
            }
            """,
            ApisJson.Default.BrokerDefaults
        );
        var unnamed = Defaulting.Apply(BrokerOf("{}", null), defaults, "Kafka");
        Assert.Equal(("Other", "other-config"), (unnamed.Annotation(BrokerAnnotations.Class), unnamed.Spec!.Config!.Name));
        var kafka = Defaulting.Apply(BrokerOf("{}"), defaults, null);
        Assert.Equal(("kafka-config", "sys", 5), (kafka.Spec!.Config!.Name, kafka.Spec.Config.Namespace, kafka.Spec.Delivery!.Retry));
        var special = BrokerOf("{}", null) with
        {
            Metadata = new ObjectMeta { Name = "b", Namespace = "special" },
        };
        special = Defaulting.Apply(special, defaults, null);
        Assert.Equal(
            ("special-config", "special", 7),
            (special.Spec!.Config!.Name, special.Spec.Config.Namespace, special.Spec.Delivery!.Retry)
        );
        var own = Defaulting.Apply(BrokerOf("""{"config": {"name": "mine"}, "delivery": {"retry": 1}}"""), defaults, null);
        Assert.Equal(("mine", "ns", 1), (own.Spec!.Config!.Name, own.Spec.Config.Namespace, own.Spec.Delivery!.Retry));
        Assert.Equal("Kafka", Defaulting.Apply(BrokerOf("{}", null), null, "Kafka").Annotation(BrokerAnnotations.Class));
    }

    private static IEnumerable<string> Texts(IEnumerable<FieldProblem> problems) => problems.Select(problem => problem.ToString());

    private static Trigger TriggerOf(string spec) =>
        JsonSerializer.Deserialize(
            $$"""{"apiVersion": "eventing.knative.dev/v1", "kind": "Trigger", "metadata": {"name": "t", "namespace": "ns"}, "spec": {{spec}} }""",
            ApisJson.Default.Trigger
        )!;

    private static KafkaSink SinkOf(string spec) =>
        JsonSerializer.Deserialize(
            $$"""{"apiVersion": "eventing.knative.dev/v1alpha1", "kind": "KafkaSink", "metadata": {"name": "k", "namespace": "ns"}, "spec": {{spec}} }""",
            ApisJson.Default.KafkaSink
        )!;

    private static Broker BrokerOf(string spec, string? brokerClass = "Kafka")
    {
        var broker = JsonSerializer.Deserialize(
            $$"""{"apiVersion": "eventing.knative.dev/v1", "kind": "Broker", "metadata": {"name": "b", "namespace": "ns"}, "spec": {{spec}} }""",
            ApisJson.Default.Broker
        )!;
        return brokerClass is null
            ? broker
            : broker with
            {
                Metadata = broker.Metadata! with
                {
                    Annotations = new Dictionary<string, string> { [BrokerAnnotations.Class] = brokerClass },
                },
            };
    }
}
