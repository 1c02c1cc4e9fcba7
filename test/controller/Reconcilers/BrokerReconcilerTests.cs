using Brokkr.Controller.Stores;

namespace Brokkr.Controller.Tests.Reconcilers;

/// <summary>Brokers: topic, contract, address, status.</summary>
public sealed class BrokerReconcilerTests
{
    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Broker_becomes_ready_with_topic_contract_and_address()
    {
        // CPB-02, CPB-11, CPD-11, CPD-12
        await using var plane = await Plane.StartAsync(Plane.Broker);
        await plane.ReadyAsync("Broker", "orders");
        var broker = plane.Cluster.Find("Broker", "orders")!;
        Assert.Equal(
            "http://kafka-broker-ingress.knative-eventing.svc.cluster.local/shop/orders",
            broker["status"]!["address"]!["url"]!.GetValue<string>()
        );
        Assert.Equal(Plane.Topic, broker["status"]!["annotations"]!["default.topic"]!.GetValue<string>());
        Assert.Equal("kafka:9092", broker["status"]!["annotations"]!["bootstrap.servers"]!.GetValue<string>());
        Assert.Equal(1, broker["status"]!["observedGeneration"]!.GetValue<long>());
        Assert.Equal("brokers.eventing.knative.dev", broker["metadata"]!["finalizers"]![0]!.GetValue<string>());
        Assert.Equal(3, (await plane.Log.Topics.DescribeAsync(Plane.Topic, Stop))?.Partitions);
        var resource = Assert.Single(plane.Contract());
        Assert.Equal("/shop/orders", resource.Ingress.Path);
        Assert.Equal([Plane.Topic], resource.Topics);
        Assert.Contains(plane.Cluster.Events, happened => happened is { Reason: "FinalizerUpdate", Component: "broker-controller" });
    }

    [Fact]
    public async Task Broker_of_another_class_is_left_alone()
    {
        // CPB-06
        await using var plane = await Plane.StartAsync(Plane.Broker.Replace(": Kafka}", ": Other}", StringComparison.Ordinal));
        plane.Cluster.Put(Plane.Sink);
        await plane.ReadyAsync("KafkaSink", "audit");
        var broker = plane.Cluster.Find("Broker", "orders")!;
        Assert.Null(broker["status"]);
        Assert.Null(broker["metadata"]!["finalizers"]);
    }

    [Fact]
    public async Task Broker_waits_for_receivers_that_do_not_have_its_contract()
    {
        await using var plane = await Plane.PrepareAsync();
        plane.Cluster.Put(Plane.Config, Plane.Broker);
        plane.AddPod("kafka-broker-receiver", applied: 1);
        plane.AddPod("kafka-broker-receiver", applied: ulong.MaxValue, name: "kafka-broker-receiver-1");
        plane.Start();
        await plane.ConditionAsync("Broker", "orders", "ProbeSucceeded", "Unknown", "ContractPending");
        Assert.Null(plane.Cluster.Find("Broker", "orders")!["status"]!["address"]);
        plane.AddPod("kafka-broker-receiver");
        await plane.ReadyAsync("Broker", "orders");
    }

    [Fact]
    public async Task Broker_says_that_there_is_no_data_plane()
    {
        await using var plane = await Plane.PrepareAsync();
        plane.Cluster.Put(Plane.Config, Plane.Broker);
        plane.Start();
        // CPD-15: what is false has a reason.
        await plane.ConditionAsync("Broker", "orders", "DataPlaneAvailable", "False", "Data plane not available");
        await plane.ConditionAsync("Broker", "orders", "TopicReady", "True");
        await plane.ConditionAsync("Broker", "orders", "Ready", "False");
        plane.AddPod("kafka-broker-receiver");
        await plane.ReadyAsync("Broker", "orders");
    }

    [Fact]
    public async Task Broker_waits_for_its_config_map_and_goes_on_without_it()
    {
        await using var plane = await Plane.PrepareAsync();
        plane.Cluster.Put(Plane.Broker);
        plane.AddPod("kafka-broker-receiver");
        plane.Start();
        await plane.ConditionAsync("Broker", "orders", "ConfigParsed", "False", "ConfigInvalid");
        await plane.ConditionAsync("Broker", "orders", "Ready", "False", "ConfigInvalid");
        plane.Cluster.Put(Plane.Config);
        await plane.ReadyAsync("Broker", "orders");
        plane.Cluster.Delete("ConfigMap", "kafka", "knative-eventing");
        await plane.IdleAsync();
        plane.Cluster.Put(Plane.Broker.Replace("spec: {", "spec: {delivery: {retry: 3}, ", StringComparison.Ordinal));
        await Eventually.True(() => plane.Contract()[0].EgressConfig?.Retry == 3, () => "the change is in the contract");
        await plane.ReadyAsync("Broker", "orders");
    }

    [Fact]
    public async Task Times_of_conditions_change_with_their_states_only()
    {
        // CPD-19, CPB-13
        await using var plane = await Plane.StartAsync(Plane.Broker);
        await plane.ReadyAsync("Broker", "orders");
        await plane.IdleAsync();
        plane.Cluster.Patch(
            "Broker",
            "orders",
            "status: {conditions: [{type: TopicReady, status: 'True', lastTransitionTime: '2020-01-01T00:00:00Z'}]}"
        );
        plane.Cluster.Put(Plane.Broker.Replace("spec: {", "spec: {delivery: {retry: 3}, ", StringComparison.Ordinal));
        await Eventually.True(
            () => plane.Cluster.Find("Broker", "orders")!["status"]!["observedGeneration"]!.GetValue<long>() == 2,
            () => "the second generation is observed"
        );
        var topic = await plane.ConditionAsync("Broker", "orders", "TopicReady", "True");
        Assert.Equal("2020-01-01T00:00:00Z", topic["lastTransitionTime"]!.GetValue<string>());
    }

    [Fact]
    public async Task Nothing_is_written_when_nothing_changed()
    {
        await using var plane = await Plane.StartAsync(Plane.Broker, Plane.Trigger);
        await plane.ReadyAsync("Trigger", "ship");
        await plane.IdleAsync();
        await plane.EndAsync();
        plane.Cluster.Writes.Clear();
        plane.Start();
        plane.Cluster.Put(Plane.Sink);
        await plane.ReadyAsync("KafkaSink", "audit");
        await plane.IdleAsync();
        Assert.DoesNotContain(
            plane.Cluster.Writes,
            write => write.Contains("orders", StringComparison.Ordinal) || write.Contains("ship", StringComparison.Ordinal)
        );
    }

    [Fact]
    public async Task Unresolved_dead_letter_sink_keeps_the_broker_from_being_ready()
    {
        // CPB-05
        await using var plane = await Plane.StartAsync(
            Plane.Broker.Replace(
                "spec: {",
                "spec: {delivery: {deadLetterSink: {ref: {apiVersion: v1, kind: Service, name: dead}}}, ",
                StringComparison.Ordinal
            )
        );
        await plane.ConditionAsync("Broker", "orders", "ConfigParsed", "False", "DeadLetterSinkNotResolved");
        Assert.Null(plane.Cluster.Find("Broker", "orders")!["status"]!["deadLetterSinkUri"]);
        plane.Cluster.Put("{apiVersion: v1, kind: Service, metadata: {name: dead, namespace: shop}}");
        await plane.ReadyAsync("Broker", "orders");
        Assert.Equal(
            "http://dead.shop.svc.cluster.local",
            plane.Cluster.Find("Broker", "orders")!["status"]!["deadLetterSinkUri"]!.GetValue<string>()
        );
        plane.Cluster.Put(Plane.Broker);
        await Eventually.True(
            () => plane.Cluster.Find("Broker", "orders")!["status"]!["deadLetterSinkUri"] is null,
            () => "the dead letter sink is no longer told"
        );
    }

    [Fact]
    public async Task Kafka_that_is_away_is_told_and_waited_for()
    {
        await using var plane = await Plane.PrepareAsync();
        plane.Cluster.Put(Plane.Config, Plane.Broker);
        plane.AddPod("kafka-broker-receiver");
        plane.Logs.IsAway = true;
        plane.Start();
        await plane.ConditionAsync("Broker", "orders", "TopicReady", "False", "Failed to obtain Kafka cluster admin");
        await plane.ConditionAsync("Broker", "orders", "ConfigParsed", "True");
        plane.Logs.IsAway = false;
        await plane.ReadyAsync("Broker", "orders");
        plane.Logs.IsAway = true;
        plane.Cluster.Put(Plane.Broker.Replace("spec: {", "spec: {delivery: {retry: 3}, ", StringComparison.Ordinal));
        await Eventually.True(() => plane.Contract()[0].EgressConfig?.Retry == 3, () => "what was there is taken to be there");
        await plane.ReadyAsync("Broker", "orders");
    }

    [Fact]
    public async Task Contract_that_somebody_deleted_or_spoiled_is_written_again()
    {
        await using var plane = await Plane.StartAsync(Plane.Broker);
        await plane.ReadyAsync("Broker", "orders");
        await plane.IdleAsync();
        var name = plane.Cluster.Find("Broker", "orders")!["metadata"]!["uid"]!.GetValue<string>();
        plane.Cluster.Delete("ConfigMap", $"kafka-broker-contract-{name}", "knative-eventing");
        await Eventually.True(() => plane.Contract().Count == 1, () => "the contract is there again");
        plane.Cluster.Patch("ConfigMap", $"kafka-broker-contract-{name}", "binaryData: {data: bm9uZQ==}", "knative-eventing");
        plane.Cluster.Patch("Broker", "orders", "metadata: {labels: {a: b}}");
        await Eventually.True(
            () =>
                plane.Cluster.Find("ConfigMap", $"kafka-broker-contract-{name}", "knative-eventing")!["binaryData"]!["data"]!
                    .GetValue<string>()
                    .Length > 20,
            () => "the contract is whole again"
        );
    }

    [Fact]
    public async Task Contract_of_a_broker_whose_finalizer_was_taken_off_by_force_is_deleted()
    {
        await using var plane = await Plane.StartAsync(Plane.Broker);
        await plane.ReadyAsync("Broker", "orders");
        await plane.IdleAsync();
        await plane.EndAsync();
        plane.Cluster.Patch("Broker", "orders", "metadata: {finalizers: null}");
        plane.Cluster.Delete("Broker", "orders");
        Assert.Single(plane.Contract());
        plane.Start();
        await Eventually.True(() => plane.Contract().Count == 0, () => "the contract is gone");
    }

    [Fact]
    public async Task Refused_contract_is_told_and_tried_again()
    {
        await using var plane = await Plane.PrepareAsync();
        plane.Cluster.Put(Plane.Config, Plane.Broker);
        plane.AddPod("kafka-broker-receiver");
        plane.Cluster.Fails = (verb, key) => verb is "apply" && key.Kind is "ConfigMap" ? StoreFailure.Forbidden : null;
        plane.Start();
        await plane.ConditionAsync("Broker", "orders", "ConfigMapUpdated", "False");
        plane.Cluster.Fails = null;
        await plane.ReadyAsync("Broker", "orders");
    }

    [Fact]
    public async Task Large_contract_is_written_in_parts()
    {
        await using var plane = await Plane.PrepareAsync();
        plane.Options = plane.Options with { MaxContractBytes = 2000 };
        plane.Cluster.Put(Plane.Config, Plane.Broker);
        for (var i = 0; i < 20; i++)
        {
            plane.Cluster.Put(Plane.Trigger.Replace("name: ship", $"name: ship-{i:00}", StringComparison.Ordinal));
        }

        plane.AddPod("kafka-broker-receiver");
        plane.AddPod("kafka-broker-dispatcher");
        plane.Start();
        await plane.ReadyAsync("Trigger", "ship-19");
        await Eventually.True(() => plane.Contract().Sum(part => part.Egresses.Count) == 20, () => "all Triggers are in the contract");
        Assert.True(plane.Contract().Count > 2);
        Assert.Single(plane.Contract(), part => part.Ingress is not null);
        Assert.Single(plane.Contract().Select(part => part.Uid).Distinct());
        for (var i = 1; i < 20; i++)
        {
            plane.Cluster.Delete("Trigger", $"ship-{i:00}");
        }

        await Eventually.True(() => plane.Contract().Count == 1, () => "one part is left");
    }
}
