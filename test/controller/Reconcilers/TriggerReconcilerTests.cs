using Brokkr.Controller.Stores;
using Brokkr.Core.Log;

namespace Brokkr.Controller.Tests.Reconcilers;

/// <summary>Triggers: whose they are, group, egress, status, identity.</summary>
public sealed class TriggerReconcilerTests
{
    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Trigger_becomes_ready_when_its_group_has_a_place_and_dispatchers_have_the_contract()
    {
        // CPT-06, CPT-07, CPT-12
        await using var plane = await Plane.PrepareAsync();
        plane.Cluster.Put(Plane.Config, Plane.Broker, Plane.Trigger);
        plane.AddPod("kafka-broker-receiver");
        plane.AddPod("kafka-broker-dispatcher", applied: 1);
        plane.Start();
        await plane.ConditionAsync("Trigger", "ship", "DependencyReady", "Unknown", "ContractPending");
        Assert.Equal(3, (await plane.Log.Cursors.LoadAsync(Plane.Group, Plane.Topic, Stop)).Count);
        plane.AddPod("kafka-broker-dispatcher");
        await plane.ReadyAsync("Trigger", "ship");
        var trigger = plane.Cluster.Find("Trigger", "ship")!;
        Assert.Equal("http://ship.example.com/", trigger["status"]!["subscriberUri"]!.GetValue<string>());
        Assert.Equal(Plane.Group, trigger["status"]!["annotations"]!["group.id"]!.GetValue<string>());
        Assert.Equal("kafka.triggers.eventing.knative.dev", trigger["metadata"]!["finalizers"]![0]!.GetValue<string>());
        var egress = Assert.Single(Assert.Single(plane.Contract()).Egresses);
        Assert.Equal(trigger["metadata"]!["uid"]!.GetValue<string>(), egress.Uid);
    }

    [Fact]
    public async Task Trigger_is_not_ready_before_there_is_a_dispatcher()
    {
        await using var plane = await Plane.PrepareAsync();
        plane.Cluster.Put(Plane.Config, Plane.Broker, Plane.Trigger);
        plane.AddPod("kafka-broker-receiver");
        plane.Start();
        await plane.ConditionAsync("Trigger", "ship", "DependencyReady", "Unknown", "DispatcherNotAvailable");
        plane.AddPod("kafka-broker-dispatcher");
        await plane.ReadyAsync("Trigger", "ship");
        plane.Cluster.Delete("Pod", "kafka-broker-dispatcher-0", "knative-eventing");
        await plane.IdleAsync();
        await plane.ReadyAsync("Trigger", "ship");
    }

    [Fact]
    public async Task Trigger_without_a_broker_says_so_and_gets_no_finalizer()
    {
        // CPT-02, CPT-03, CPT-05, CPT-06, DEV-18
        await using var plane = await Plane.StartAsync(Plane.Trigger);
        await plane.ConditionAsync("Trigger", "ship", "Ready", "False", "BrokerDoesNotExist");
        Assert.Null(plane.Cluster.Find("Trigger", "ship")!["metadata"]!["finalizers"]);
        plane.Cluster.Put(Plane.Broker);
        await plane.ReadyAsync("Trigger", "ship");
    }

    [Fact]
    public async Task Trigger_of_another_class_is_left_alone()
    {
        await using var plane = await Plane.StartAsync(
            Plane.Broker.Replace(": Kafka}", ": Other}", StringComparison.Ordinal),
            Plane.Trigger
        );
        plane.Cluster.Put(
            "{apiVersion: v1, kind: ConfigMap, metadata: {name: config-features, namespace: knative-eventing}, data: {a: b}}"
        );
        plane.Cluster.Put(Plane.Sink);
        await plane.ReadyAsync("KafkaSink", "audit");
        await plane.IdleAsync();
        var trigger = plane.Cluster.Find("Trigger", "ship")!;
        Assert.Null(trigger["status"]);
        Assert.Null(trigger["metadata"]!["finalizers"]);
    }

    [Fact]
    public async Task Trigger_says_why_its_broker_is_not_ready()
    {
        // CPT-04, CPT-05
        await using var plane = await Plane.PrepareAsync();
        plane.Cluster.Put(Plane.Broker, Plane.Trigger);
        plane.AddPod("kafka-broker-receiver");
        plane.AddPod("kafka-broker-dispatcher");
        plane.Start();
        await plane.ConditionAsync("Trigger", "ship", "BrokerReady", "False", "ConfigInvalid");
        plane.Cluster.Put(Plane.Config);
        await plane.ReadyAsync("Trigger", "ship");
    }

    [Fact]
    public async Task Trigger_waits_for_its_subscriber()
    {
        // CPT-08, CPT-11
        await using var plane = await Plane.StartAsync(
            Plane.Broker,
            Plane.Trigger.Replace(
                "{uri: \"http://ship.example.com/\"}",
                "{ref: {apiVersion: serving.knative.dev/v1, kind: Service, name: ship}, uri: /in}",
                StringComparison.Ordinal
            )
        );
        await plane.ConditionAsync("Trigger", "ship", "SubscriberResolved", "False", "SubscriberNotResolved");
        await plane.ConditionAsync("Trigger", "ship", "Ready", "False", "SubscriberNotResolved");
        await Eventually.True(
            async () => (await plane.Log.Cursors.LoadAsync(Plane.Group, Plane.Topic, Stop)).Count == 3,
            "events are kept for it from now on"
        );
        Assert.Null(plane.Cluster.Find("Trigger", "ship")!["status"]!["subscriberUri"]);
        plane.Cluster.Put(
            """
            apiVersion: serving.knative.dev/v1
            kind: Service
            metadata: {name: ship, namespace: shop}
            status: {address: {url: "http://ship.shop.svc.cluster.local"}}
            """
        );
        await plane.ReadyAsync("Trigger", "ship");
        Assert.Equal(
            "http://ship.shop.svc.cluster.local/in",
            plane.Cluster.Find("Trigger", "ship")!["status"]!["subscriberUri"]!.GetValue<string>()
        );
        plane.Cluster.Patch("Service", "ship", "status: {address: {url: 'http://other.example.com'}}");
        await Eventually.True(
            () => plane.Contract()[0].Egresses[0].Destination == "http://other.example.com/in",
            () => "the new address is in the contract"
        );
    }

    [Fact]
    public async Task Every_field_of_a_trigger_can_change_and_go()
    {
        // CPT-11; control-plane §18 items 11 and 14
        await using var plane = await Plane.StartAsync(
            Plane.Broker,
            Plane.Trigger.Replace(
                "spec: {",
                "spec: {filter: {attributes: {type: a}}, delivery: {retry: 2, deadLetterSink: {uri: 'http://dead.example.com'}}, ",
                StringComparison.Ordinal
            )
        );
        await plane.ReadyAsync("Trigger", "ship");
        var egress = plane.Contract()[0].Egresses[0];
        Assert.Equal("a", egress.Filter.Attributes["type"]);
        Assert.Equal("http://dead.example.com", egress.EgressConfig.DeadLetter);
        Assert.Equal("http://dead.example.com", plane.Cluster.Find("Trigger", "ship")!["status"]!["deadLetterSinkUri"]!.GetValue<string>());
        plane.Cluster.Put(Plane.Trigger);
        await Eventually.True(
            () => plane.Contract()[0].Egresses[0] is { EgressConfig: null, Filter.Attributes.Count: 0 },
            () => "filter and delivery are gone from the contract"
        );
        await Eventually.True(
            () => plane.Cluster.Find("Trigger", "ship")!["status"]!["deadLetterSinkUri"] is null,
            () => "the dead letter sink is no longer told"
        );
    }

    [Fact]
    public async Task New_trigger_does_not_see_earlier_events_and_one_from_the_beginning_does()
    {
        await using var plane = await Plane.StartAsync(
            Plane.Broker,
            """
            apiVersion: v1
            kind: ConfigMap
            metadata: {name: config-kafka-broker-data-plane, namespace: knative-eventing}
            data: {config-kafka-broker-consumer.properties: "auto.offset.reset=earliest"}
            """,
            Plane.Trigger
        );
        await plane.ReadyAsync("Trigger", "ship");
        Assert.Empty(await plane.Log.Cursors.LoadAsync(Plane.Group, Plane.Topic, Stop));
    }

    [Fact]
    public async Task Two_triggers_never_share_a_consumer_group()
    {
        await using var plane = await Plane.StartAsync(
            """
            apiVersion: v1
            kind: ConfigMap
            metadata: {name: config-kafka-features, namespace: knative-eventing}
            data: {triggers-consumergroup-template: "same"}
            """,
            Plane.Broker,
            Plane.Broker.Replace("name: orders", "name: other", StringComparison.Ordinal),
            Plane.Trigger
        );
        await plane.ReadyAsync("Trigger", "ship");
        plane.Cluster.Put(
            Plane
                .Trigger.Replace("name: ship", "name: second", StringComparison.Ordinal)
                .Replace("broker: orders", "broker: other", StringComparison.Ordinal)
        );
        await plane.ConditionAsync("Trigger", "second", "DependencyReady", "False", "ConsumerGroupInUse");
        Assert.Null(plane.Cluster.Find("Trigger", "second")!["status"]!["annotations"]);
        plane.Cluster.Delete("Trigger", "ship");
        await plane.GoneAsync("Trigger", "ship");
        await plane.ReadyAsync("Trigger", "second");
    }

    [Fact]
    public async Task Deleted_trigger_takes_its_group_along_after_dispatchers_have_let_go()
    {
        // Design §6: Trigger deleted, its group is deleted.
        await using var plane = await Plane.StartAsync(Plane.Broker, Plane.Trigger);
        await plane.ReadyAsync("Trigger", "ship");
        plane.AddPod("kafka-broker-dispatcher", applied: 1);
        plane.Cluster.Delete("Trigger", "ship");
        await Eventually.True(() => plane.Contract()[0].Egresses.Count == 0, () => "the Trigger is out of the contract");
        Assert.NotEmpty(await plane.Log.Cursors.LoadAsync(Plane.Group, Plane.Topic, Stop));
        Assert.NotNull(plane.Cluster.Find("Trigger", "ship"));
        plane.AddPod("kafka-broker-dispatcher");
        await plane.GoneAsync("Trigger", "ship");
        Assert.Empty(await plane.Log.Cursors.LoadAsync(Plane.Group, Plane.Topic, Stop));
    }

    [Fact]
    public async Task Deletion_of_a_trigger_ends_while_kafka_is_away()
    {
        await using var plane = await Plane.StartAsync(Plane.Broker, Plane.Trigger);
        await plane.ReadyAsync("Trigger", "ship");
        plane.Logs.IsAway = true;
        plane.Cluster.Delete("Trigger", "ship");
        await plane.GoneAsync("Trigger", "ship");
        Assert.Contains(plane.Cluster.Events, happened => happened is { Reason: "ConsumerGroupLeft", IsWarning: true });
    }

    [Fact]
    public async Task Trigger_survives_its_broker_and_joins_the_next_one_of_that_name()
    {
        await using var plane = await Plane.StartAsync(Plane.Broker, Plane.Trigger);
        await plane.ReadyAsync("Trigger", "ship");
        plane.Cluster.Delete("Broker", "orders");
        await plane.GoneAsync("Broker", "orders");
        await plane.ConditionAsync("Trigger", "ship", "BrokerReady", "False", "BrokerDoesNotExist");
        plane.Cluster.Put(Plane.Broker);
        await plane.ReadyAsync("Trigger", "ship");
        plane.Cluster.Delete("Broker", "orders");
        await plane.GoneAsync("Broker", "orders");
        plane.Cluster.Delete("Trigger", "ship");
        await plane.GoneAsync("Trigger", "ship");
    }

    [Fact]
    public async Task Trigger_of_a_broker_in_another_namespace_needs_the_feature()
    {
        var trigger = """
            apiVersion: eventing.knative.dev/v1
            kind: Trigger
            metadata: {name: far, namespace: shop}
            spec: {brokerRef: {apiVersion: eventing.knative.dev/v1, kind: Broker, name: orders, namespace: central}, subscriber: {uri: "http://far.example.com/"}}
            """;
        await using var plane = await Plane.StartAsync(
            Plane.Broker.Replace("namespace: shop", "namespace: central", StringComparison.Ordinal),
            trigger
        );
        await plane.ConditionAsync("Trigger", "far", "DependencyReady", "False", "TriggerInvalid");
        plane.Cluster.Put(
            "{apiVersion: v1, kind: ConfigMap, metadata: {name: config-features, namespace: knative-eventing}, data: {cross-namespace-event-links: enabled}}"
        );
        await plane.ReadyAsync("Trigger", "far");
        Assert.Equal("far", Assert.Single(Assert.Single(plane.Contract()).Egresses).Reference.Name);
    }

    [Fact]
    public async Task Dispatcher_without_replicas_is_woken_for_the_first_trigger_only()
    {
        await using var plane = await Plane.StartAsync(
            "{apiVersion: apps/v1, kind: StatefulSet, metadata: {name: kafka-broker-dispatcher, namespace: knative-eventing}, spec: {replicas: 0}}",
            Plane.Broker
        );
        await plane.ReadyAsync("Broker", "orders");
        Assert.Equal("0", Replicas());
        plane.Cluster.Put(Plane.Trigger);
        await plane.ReadyAsync("Trigger", "ship");
        Assert.Equal("1", Replicas());
        plane.Cluster.Patch("StatefulSet", "kafka-broker-dispatcher", "spec: {replicas: 0}", "knative-eventing");
        plane.Cluster.Patch("Broker", "orders", "metadata: {labels: {a: b}}");
        await plane.IdleAsync();
        Assert.Equal("0", Replicas());

        string Replicas() =>
            plane.Cluster.Find("StatefulSet", "kafka-broker-dispatcher", "knative-eventing")!["spec"]!["replicas"]!.ToString();
    }

    [Fact]
    public async Task Dispatcher_that_may_not_be_woken_keeps_nothing_else_from_being_done_and_is_woken_later()
    {
        await using var plane = await Plane.StartAsync(
            "{apiVersion: apps/v1, kind: StatefulSet, metadata: {name: kafka-broker-dispatcher, namespace: knative-eventing}, spec: {replicas: 0}}",
            Plane.Broker
        );
        await plane.ReadyAsync("Broker", "orders");
        plane.Cluster.Fails = static (verb, _) => verb is "patch-scale" ? StoreFailure.Forbidden : null;
        plane.Cluster.Put(Plane.Trigger);
        await plane.ReadyAsync("Trigger", "ship");
        Assert.Equal("0", Replicas());
        plane.Cluster.Fails = null;
        plane.Cluster.Patch("Broker", "orders", "metadata: {labels: {a: b}}");
        await Eventually.True(() => Replicas() is "1", () => "the dispatcher is woken");

        string Replicas() =>
            plane.Cluster.Find("StatefulSet", "kafka-broker-dispatcher", "knative-eventing")!["spec"]!["replicas"]!.ToString();
    }

    [Fact]
    public async Task Trigger_has_an_identity_while_tokens_are_used()
    {
        await using var plane = await Plane.StartAsync(Plane.Broker, Plane.Trigger);
        await plane.ConditionAsync("Trigger", "ship", "OIDCIdentityCreated", "True", "authentication-oidc feature disabled");
        await plane.ReadyAsync("Trigger", "ship");
        plane.Cluster.Put(
            "{apiVersion: v1, kind: ConfigMap, metadata: {name: config-features, namespace: knative-eventing}, data: {authentication-oidc: enabled}}"
        );
        const string Name = "ship-oidc-eventing.knative.dev-trigger";
        await Eventually.True(() => plane.Cluster.Find("ServiceAccount", Name) is not null, () => "the ServiceAccount is made");
        await Eventually.True(
            () => plane.Contract()[0].Egresses.FirstOrDefault()?.OidcServiceAccountName == Name,
            () => "the ServiceAccount is in the contract"
        );
        await Eventually.True(
            () => plane.Cluster.Find("Trigger", "ship")!["status"]!["auth"]?["serviceAccountName"]?.GetValue<string>() == Name,
            () => "the ServiceAccount is in the status"
        );
        Assert.Equal("eventing.knative.dev/broker/shop/orders", plane.Contract()[0].Ingress.Audience);
        plane.Cluster.Put("{apiVersion: v1, kind: ConfigMap, metadata: {name: config-features, namespace: knative-eventing}, data: {}}");
        await Eventually.True(() => plane.Cluster.Find("ServiceAccount", Name) is null, () => "the ServiceAccount is deleted");
        await Eventually.True(
            () => plane.Cluster.Find("Trigger", "ship")!["status"]!["auth"] is null,
            () => "the ServiceAccount is out of the status"
        );
    }

    [Fact]
    public async Task Identity_of_somebody_else_is_not_taken()
    {
        await using var plane = await Plane.StartAsync(
            "{apiVersion: v1, kind: ConfigMap, metadata: {name: config-features, namespace: knative-eventing}, data: {authentication-oidc: enabled}}",
            "{apiVersion: v1, kind: ServiceAccount, metadata: {name: ship-oidc-eventing.knative.dev-trigger, namespace: shop}}",
            Plane.Broker,
            Plane.Trigger
        );
        await plane.ConditionAsync(
            "Trigger",
            "ship",
            "OIDCIdentityCreated",
            "False",
            "Unable to resolve service account for OIDC authentication"
        );
        Assert.NotNull(plane.Cluster.Find("ServiceAccount", "ship-oidc-eventing.knative.dev-trigger"));
    }
}
