using System.Text.Json.Nodes;

namespace Brokkr.Controller.Tests.Reconcilers;

/// <summary>KafkaSinks; and what features and policies do to both kinds of ingress.</summary>
public sealed class SinkReconcilerTests
{
    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Sink_becomes_ready_with_topic_contract_and_address()
    {
        await using var plane = await Plane.StartAsync(Plane.Sink);
        await plane.ReadyAsync("KafkaSink", "audit");
        var sink = plane.Cluster.Find("KafkaSink", "audit")!;
        Assert.Equal(
            "http://kafka-sink-ingress.knative-eventing.svc.cluster.local/shop/audit",
            sink["status"]!["address"]!["url"]!.GetValue<string>()
        );
        Assert.Equal("kafkasink-controller", sink["status"]!["annotations"]!["eventing.knative.dev/topic.owner"]!.GetValue<string>());
        Assert.Equal("kafkasinks.eventing.knative.dev", sink["metadata"]!["finalizers"]![0]!.GetValue<string>());
        Assert.Equal(
            "Topic audit (owner kafkasink-controller)",
            plane.Condition("KafkaSink", "audit", "TopicReady")!["reason"]!.GetValue<string>()
        );
        Assert.Equal(2, (await plane.Log.Topics.DescribeAsync("audit", Stop))?.Partitions);
        Assert.Equal("/shop/audit", Assert.Single(plane.Contract()).Ingress.Path);
    }

    [Fact]
    public async Task Sink_waits_for_the_topic_of_others_and_for_its_secret()
    {
        await using var plane = await Plane.StartAsync(
            """
            apiVersion: eventing.knative.dev/v1alpha1
            kind: KafkaSink
            metadata: {name: audit, namespace: shop}
            spec: {topic: audit, bootstrapServers: ["kafka:9092"], auth: {secret: {ref: {name: login}}}}
            """
        );
        await plane.ConditionAsync("KafkaSink", "audit", "ConfigParsed", "False", "SecretMissing");
        plane.Cluster.Put("{apiVersion: v1, kind: Secret, metadata: {name: login, namespace: shop}, data: {protocol: UExBSU5URVhU}}");
        await plane.ConditionAsync("KafkaSink", "audit", "TopicReady", "False", "Topic is not present or invalid");
        await plane.Log.Topics.CreateAsync(new Core.Log.TopicSpecification("audit", 1, 1, new Dictionary<string, string>()), Stop);
        await plane.ReadyAsync("KafkaSink", "audit");
        Assert.Equal(
            "external",
            plane.Cluster.Find("KafkaSink", "audit")!["status"]!["annotations"]!["eventing.knative.dev/topic.owner"]!.GetValue<string>()
        );
        plane.Cluster.Delete("KafkaSink", "audit");
        await plane.GoneAsync("KafkaSink", "audit");
        Assert.NotNull(await plane.Log.Topics.DescribeAsync("audit", Stop));
    }

    [Fact]
    public async Task Addresses_follow_transport_encryption()
    {
        await using var plane = await Plane.StartAsync(
            "{apiVersion: v1, kind: Secret, metadata: {name: kafka-sink-ingress-server-tls, namespace: knative-eventing}, data: {ca.crt: Y2E=}}",
            "{apiVersion: v1, kind: ConfigMap, metadata: {name: config-features, namespace: knative-eventing}, data: {transport-encryption: permissive}}",
            Plane.Sink,
            Plane.Broker
        );
        await plane.ConditionAsync("Broker", "orders", "Addressable", "False", "CertificateMissing");
        await plane.ReadyAsync("KafkaSink", "audit");
        Assert.Equal(["https", "http"], Names("KafkaSink", "audit"));
        Assert.Equal("http", plane.Cluster.Find("KafkaSink", "audit")!["status"]!["address"]!["name"]!.GetValue<string>());
        Assert.Equal("ca", plane.Cluster.Find("KafkaSink", "audit")!["status"]!["addresses"]![0]!["CACerts"]!.GetValue<string>());
        plane.Cluster.Put(
            "{apiVersion: v1, kind: Secret, metadata: {name: kafka-broker-ingress-server-tls, namespace: knative-eventing}, data: {ca.crt: Y2E=}}"
        );
        await plane.ReadyAsync("Broker", "orders");
        Assert.Equal(["http", "https"], Names("Broker", "orders"));
        plane.Cluster.Put(
            "{apiVersion: v1, kind: ConfigMap, metadata: {name: config-features, namespace: knative-eventing}, data: {transport-encryption: strict}}"
        );
        await Eventually.True(() => Names("KafkaSink", "audit") is ["https"], () => "only https is offered");
        plane.Cluster.Patch("Secret", "kafka-sink-ingress-server-tls", "data: {ca.crt: bmV3}", "knative-eventing");
        await Eventually.True(
            () => plane.Cluster.Find("KafkaSink", "audit")!["status"]!["address"]!["CACerts"]!.GetValue<string>() == "new",
            () => "the new certificate is told"
        );

        List<string> Names(string kind, string name) =>
            [
                .. ((JsonArray)plane.Cluster.Find(kind, name)!["status"]!["addresses"]!).Select(address =>
                    address!["name"]!.GetValue<string>()
                ),
            ];
    }

    [Fact]
    public async Task Policies_are_in_status_and_contract()
    {
        await using var plane = await Plane.StartAsync(
            "{apiVersion: v1, kind: ConfigMap, metadata: {name: config-features, namespace: knative-eventing}, data: {authentication-oidc: enabled}}",
            Plane.Sink
        );
        await plane.ConditionAsync("KafkaSink", "audit", "EventPoliciesReady", "True", "DefaultAuthorizationMode");
        await plane.ReadyAsync("KafkaSink", "audit");
        Assert.Equal("eventing.knative.dev/kafkasink/shop/audit", plane.Contract()[0].Ingress.Audience);
        Assert.Single(plane.Contract()[0].Ingress.EventPolicies);
        plane.Cluster.Put(
            """
            apiVersion: eventing.knative.dev/v1alpha1
            kind: EventPolicy
            metadata: {name: only, namespace: shop}
            spec: {to: [{ref: {apiVersion: eventing.knative.dev/v1alpha1, kind: KafkaSink, name: audit}}], from: [{sub: me}]}
            """
        );
        await plane.ConditionAsync("KafkaSink", "audit", "EventPoliciesReady", "False", "EventPoliciesNotReady");
        await Eventually.True(() => plane.Contract()[0].Ingress.EventPolicies.Count == 0, () => "nobody is let in meanwhile");
        plane.Cluster.Patch("EventPolicy", "only", "status: {from: [me], conditions: [{type: Ready, status: 'True'}]}");
        await plane.ReadyAsync("KafkaSink", "audit");
        Assert.Equal("only", plane.Cluster.Find("KafkaSink", "audit")!["status"]!["policies"]![0]!["name"]!.GetValue<string>());
        Assert.Single(plane.Contract()[0].Ingress.EventPolicies);
    }

    [Fact]
    public async Task Trust_bundles_have_a_contract_of_their_own()
    {
        using var authority = new Brokkr.Testing.Tls.TestAuthority();
        await using var plane = await Plane.StartAsync(Plane.Sink);
        await plane.ReadyAsync("KafkaSink", "audit");
        const string Name = "kafka-contract-trust-bundles";
        Assert.Null(plane.Cluster.Find("ConfigMap", Name, "knative-eventing"));
        plane.Cluster.Put(
            new JsonObject
            {
                ["apiVersion"] = "v1",
                ["kind"] = "ConfigMap",
                ["metadata"] = new JsonObject
                {
                    ["name"] = "bundle",
                    ["namespace"] = "knative-eventing",
                    ["labels"] = new JsonObject { ["networking.knative.dev/trust-bundle"] = "true" },
                },
                ["data"] = new JsonObject { ["ca.pem"] = authority.Pem },
            }
        );
        await Eventually.True(() => plane.TrustBundles() is [var bundle] && bundle == authority.Pem, () => "the bundle is in the contract");
        plane.Cluster.Delete("ConfigMap", "bundle", "knative-eventing");
        await Eventually.True(() => plane.TrustBundles().Count == 0, () => "the bundle is out of the contract");
        Assert.NotNull(plane.Cluster.Find("ConfigMap", Name, "knative-eventing"));
    }
}
