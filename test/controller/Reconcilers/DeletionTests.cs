using Brokkr.Core.Log;

namespace Brokkr.Controller.Tests.Reconcilers;

/// <summary>Deletion of Brokers and KafkaSinks always ends, and never takes along what is not theirs.</summary>
public sealed class DeletionTests
{
    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Broker_takes_along_the_topic_that_was_made_for_it()
    {
        await using var plane = await Plane.StartAsync(Plane.Broker);
        await plane.ReadyAsync("Broker", "orders");
        plane.Cluster.Delete("Broker", "orders");
        await plane.GoneAsync("Broker", "orders");
        Assert.Null(await plane.Log.Topics.DescribeAsync(Plane.Topic, Stop));
        Assert.Empty(plane.Contract());
    }

    [Fact]
    public async Task Topic_that_existed_before_is_used_and_stays()
    {
        // Design §5; control-plane §18 item 8
        await using var plane = await Plane.PrepareAsync();
        await plane.Log.Topics.CreateAsync(new TopicSpecification(Plane.Topic, 5, 1, new Dictionary<string, string>()), Stop);
        await plane.Log.Topics.CreateAsync(new TopicSpecification("audit", 5, 1, new Dictionary<string, string>()), Stop);
        plane.Cluster.Put(Plane.Config, Plane.Broker, Plane.Sink);
        plane.AddPod("kafka-broker-receiver");
        plane.AddPod("kafka-sink-receiver");
        plane.Start();
        await plane.ReadyAsync("Broker", "orders");
        await plane.ReadyAsync("KafkaSink", "audit");
        var topic = await plane.ConditionAsync("Broker", "orders", "TopicReady", "True");
        Assert.Contains("has 5 partitions, not 3", topic["message"]!.GetValue<string>(), StringComparison.Ordinal);
        plane.Cluster.Delete("Broker", "orders");
        plane.Cluster.Delete("KafkaSink", "audit");
        await plane.GoneAsync("Broker", "orders");
        await plane.GoneAsync("KafkaSink", "audit");
        Assert.Equal(5, (await plane.Log.Topics.DescribeAsync(Plane.Topic, Stop))?.Partitions);
        Assert.Equal(5, (await plane.Log.Topics.DescribeAsync("audit", Stop))?.Partitions);
    }

    [Fact]
    public async Task Whose_the_topic_is_survives_a_restart()
    {
        await using var plane = await Plane.StartAsync(Plane.Broker, Plane.Sink);
        await plane.ReadyAsync("Broker", "orders");
        await plane.ReadyAsync("KafkaSink", "audit");
        await plane.EndAsync();
        plane.Start();
        plane.Cluster.Put(Plane.Broker.Replace("spec: {", "spec: {delivery: {retry: 3}, ", StringComparison.Ordinal));
        await Eventually.True(() => plane.Contract().Any(part => part.EgressConfig?.Retry == 3), () => "the change is in the contract");
        await plane.IdleAsync();
        plane.Cluster.Delete("Broker", "orders");
        plane.Cluster.Delete("KafkaSink", "audit");
        await plane.GoneAsync("Broker", "orders");
        await plane.GoneAsync("KafkaSink", "audit");
        Assert.Null(await plane.Log.Topics.DescribeAsync(Plane.Topic, Stop));
        Assert.Null(await plane.Log.Topics.DescribeAsync("audit", Stop));
    }

    [Fact]
    public async Task Topic_waits_until_receivers_have_let_go()
    {
        await using var plane = await Plane.StartAsync(Plane.Broker);
        await plane.ReadyAsync("Broker", "orders");
        plane.AddPod("kafka-broker-receiver", applied: 1);
        plane.Cluster.Delete("Broker", "orders");
        await Eventually.True(() => plane.Contract().Count == 0, () => "the Broker is out of the contract");
        Assert.NotNull(await plane.Log.Topics.DescribeAsync(Plane.Topic, Stop));
        plane.AddPod("kafka-broker-receiver");
        await plane.GoneAsync("Broker", "orders");
        Assert.Null(await plane.Log.Topics.DescribeAsync(Plane.Topic, Stop));
    }

    [Fact]
    public async Task Deletion_ends_while_kafka_is_away_and_says_what_is_left()
    {
        await using var plane = await Plane.StartAsync(Plane.Broker, Plane.Sink);
        await plane.ReadyAsync("Broker", "orders");
        await plane.ReadyAsync("KafkaSink", "audit");
        plane.Logs.IsAway = true;
        plane.Cluster.Delete("Broker", "orders");
        plane.Cluster.Delete("KafkaSink", "audit");
        await plane.GoneAsync("Broker", "orders");
        await plane.GoneAsync("KafkaSink", "audit");
        Assert.Equal(2, plane.Cluster.Events.Count(happened => happened is { Reason: "TopicLeft", IsWarning: true }));
    }

    [Fact]
    public async Task Broker_that_never_came_up_can_be_deleted()
    {
        await using var plane = await Plane.PrepareAsync();
        plane.Cluster.Put(
            Plane.Broker,
            Plane.Sink.Replace("spec: {", "spec: {auth: {secret: {ref: {name: nobody}}}, ", StringComparison.Ordinal)
        );
        plane.Logs.IsAway = true;
        plane.Start();
        await plane.ConditionAsync("Broker", "orders", "ConfigParsed", "False");
        await plane.ConditionAsync("KafkaSink", "audit", "ConfigParsed", "False", "SecretMissing");
        plane.Cluster.Delete("Broker", "orders");
        plane.Cluster.Delete("KafkaSink", "audit");
        await plane.GoneAsync("Broker", "orders");
        await plane.GoneAsync("KafkaSink", "audit");
    }

    [Fact]
    public async Task Broker_can_be_deleted_after_its_config_map()
    {
        await using var plane = await Plane.StartAsync(Plane.Broker);
        await plane.ReadyAsync("Broker", "orders");
        plane.Cluster.Delete("ConfigMap", "kafka", "knative-eventing");
        plane.Cluster.Delete("Broker", "orders");
        await plane.GoneAsync("Broker", "orders");
        Assert.Null(await plane.Log.Topics.DescribeAsync(Plane.Topic, Stop));
    }

    [Fact]
    public async Task Namespace_that_is_being_deleted_does_not_keep_the_broker()
    {
        await using var plane = await Plane.StartAsync(Plane.Broker);
        await plane.ReadyAsync("Broker", "orders");
        plane.Cluster.Fails = (verb, key) => key.Kind is "ConfigMap" && verb is "apply" or "delete" ? Stores.StoreFailure.Forbidden : null;
        plane.Cluster.Delete("Broker", "orders");
        await plane.GoneAsync("Broker", "orders");
    }

    [Fact]
    public async Task Finalizer_of_the_original_on_a_secret_is_taken_off()
    {
        // Control-plane §18 item 9
        await using var plane = await Plane.PrepareAsync();
        plane.Cluster.Put(Plane.Config.Replace("data: {", "data: {auth.secret.ref.name: login, ", StringComparison.Ordinal), Plane.Broker);
        var uid = plane.Cluster.Find("Broker", "orders")!["metadata"]!["uid"]!.GetValue<string>();
        plane.Cluster.Put(
            $"{{apiVersion: v1, kind: Secret, metadata: {{name: login, namespace: knative-eventing, finalizers: ['kafka.eventing/{uid}', other/one]}}, data: {{protocol: UExBSU5URVhU}}}}"
        );
        plane.AddPod("kafka-broker-receiver");
        plane.Start();
        await plane.ReadyAsync("Broker", "orders");
        var left = plane.Cluster.Find("Secret", "login", "knative-eventing")!["metadata"]!["finalizers"]!.AsArray();
        Assert.Equal("other/one", Assert.Single(left)!.GetValue<string>());
        var reference = Assert.Single(plane.Contract()).AuthSecret;
        Assert.Equal("login", reference.Name);
        plane.Cluster.Patch("Secret", "login", "data: {user: YQ==}", "knative-eventing");
        await Eventually.True(
            () => plane.Contract()[0].AuthSecret.Version != reference.Version,
            () => "the new version of the Secret is in the contract"
        );
    }
}
