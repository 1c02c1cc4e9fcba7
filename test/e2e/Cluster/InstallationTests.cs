using System.Net;
using System.Text.Json.Nodes;
using Brokkr.EndToEnd.Tests.Parts;
using Brokkr.Testing;
using Brokkr.Testing.Http;
using Brokkr.Testing.Kafka;
using Brokkr.Testing.Kubernetes;
using Brokkr.Testing.Processes;

namespace Brokkr.EndToEnd.Tests.Cluster;

/// <summary>
/// The release as it is installed: real API server with RBAC, real Kafka, the roles as processes with the variables, files and rights that the manifests give them, and
/// <c>kubectl</c> for everything that people do.
/// </summary>
public sealed class InstallationTests
{
    [Fact]
    public async Task Objects_that_are_applied_become_ready_and_deliver_and_what_is_deleted_takes_its_topics_along()
    {
        var kafka = await KafkaCluster.SharedAsync();
        await using var api = await ApiServer.StartAsync();
        var kubectl = new Kubectl(api);
        await using var pods = new Pods(api, kubectl);
        await using var subscriber = await Subscriber.StartAsync();
        using var folder = new TemporaryFolder();
        await InstallAsync(kubectl, kafka, folder, out var webhookPort);
        var shop = await api.CreateNamespaceAsync();
        var controller = await pods.StartAsync(
            "deployment/kafka-controller",
            "kafka-controller-0",
            ("HEALTH_PORT", FreePort.Next()),
            ("WEBHOOK_PORT", webhookPort)
        );
        var (broker, sink) = (FreePort.Next(), FreePort.Next());
        await pods.StartAsync(
            "deployment/kafka-broker-receiver",
            "kafka-broker-receiver-0",
            ("INGRESS_PORT", broker),
            ("INGRESS_TLS_PORT", FreePort.Next())
        );
        await pods.StartAsync(
            "deployment/kafka-sink-receiver",
            "kafka-sink-receiver-0",
            ("INGRESS_PORT", sink),
            ("INGRESS_TLS_PORT", FreePort.Next())
        );
        await pods.StartAsync("statefulset/kafka-broker-dispatcher", "kafka-broker-dispatcher-0", ("PROBE_PORT", FreePort.Next()));

        await kubectl.RunAsync(
            "apply",
            "-n",
            shop,
            "-f",
            folder.Write(
                "objects.yaml",
                $$$"""
                apiVersion: eventing.knative.dev/v1
                kind: Broker
                metadata: {name: orders, annotations: {eventing.knative.dev/broker.class: Kafka}}
                spec: {config: {apiVersion: v1, kind: ConfigMap, name: kafka-broker-config, namespace: knative-eventing}}
                ---
                apiVersion: eventing.knative.dev/v1
                kind: Trigger
                metadata: {name: ship}
                spec:
                  broker: orders
                  filter: {attributes: {type: order}}
                  subscriber: {uri: "{{{subscriber.Url}}}/ship"}
                ---
                apiVersion: eventing.knative.dev/v1alpha1
                kind: KafkaSink
                metadata: {name: audit}
                spec: {topic: "audit-{{{shop}}}", bootstrapServers: ["{{{kafka.BootstrapServers}}}"], numPartitions: 1, replicationFactor: 1}
                """
            )
        );
        foreach (var name in (string[])["broker/orders", "trigger/ship", "kafkasink/audit"])
        {
            await WaitAsync(name);
        }

        // From the moment that it is ready no event is missed.
        using var orders = new Sender($"http://127.0.0.1:{broker}/{shop}/orders");
        await orders.MustSendAsync("first", "order");
        await orders.MustSendAsync("other", "invoice");
        await subscriber.CountAsync(1, at: "/ship");
        using var audit = new Sender($"http://127.0.0.1:{sink}/{shop}/audit");
        await audit.MustSendAsync("noted");
        Assert.Single(await Kcat.ReadAsync(kafka.BootstrapServers, $"audit-{shop}"));

        // A filter that is changed is in force when the Trigger is ready again.
        await kubectl.RunAsync(
            "patch",
            "trigger",
            "ship",
            "-n",
            shop,
            "--type",
            "merge",
            "-p",
            $$$"""{"spec": {"subscriber": {"uri": "{{{subscriber.Url}}}/bill"}, "filter": {"attributes": {"type": "invoice"} } } }"""
        );
        await Eventually.True(
            async () =>
            {
                await orders.MustSendAsync($"again-{Guid.NewGuid():n}", "invoice");
                return subscriber.At("/bill").Count > 0;
            },
            () => $"the change to be in force; the controller printed:\n{controller.Text}"
        );
        Assert.DoesNotContain(subscriber.At("/bill"), request => request["ce-type"] == "order");

        // A field that admission refuses, with its name.
        var refused = await Assert.ThrowsAnyAsync<Exception>(() =>
            kubectl.RunAsync("patch", "kafkasink", "audit", "-n", shop, "--type", "merge", "-p", """{"spec": {"topic": "another"}}""")
        );
        Assert.Contains("Immutable field updated: spec.topic", refused.Message, StringComparison.Ordinal);

        // Everything goes, with the topics that were made for it.
        var topic = (string)(await ObjectAsync("brokers/orders"))["status"]!["annotations"]!["default.topic"]!;
        await kubectl.RunAsync("delete", "broker/orders", "trigger/ship", "kafkasink/audit", "-n", shop, "--wait=true", "--timeout=60s");
        Assert.Equal(HttpStatusCode.NotFound, await orders.SendAsync("late"));
        Assert.DoesNotContain(topic, await ListTopicsAsync(kafka.BootstrapServers), StringComparison.Ordinal);
        Assert.DoesNotContain($"audit-{shop}", await ListTopicsAsync(kafka.BootstrapServers), StringComparison.Ordinal);

        async Task WaitAsync(string name)
        {
            try
            {
                await kubectl.RunAsync("wait", name, "-n", shop, "--for=condition=Ready", "--timeout=60s");
            }
            catch (Exception)
            {
                Assert.Fail(
                    $"{name} did not become ready:\n{await kubectl.RunAsync("get", name, "-n", shop, "-o", "yaml")}\n{controller.Text}"
                );
            }
        }

        async Task<JsonObject> ObjectAsync(string name) => await api.ReadAsync($"/apis/eventing.knative.dev/v1/namespaces/{shop}/{name}");
    }

    /// <summary>Applies the release as the guide says, with what a cluster would do besides: where Kafka is, and the way from the API server to the webhook.</summary>
    private static Task InstallAsync(Kubectl kubectl, KafkaCluster kafka, TemporaryFolder folder, out int webhookPort)
    {
        var port = webhookPort = FreePort.Next();
        return RunAsync();

        async Task RunAsync()
        {
            var release = folder.Write("release.yaml", await Kubectl.KustomizeAsync("control-plane/config/standalone"));
            await kubectl.RunAsync("create", "namespace", Pods.Namespace);
            await kubectl.RunAsync("apply", "--server-side", "--force-conflicts", "-f", release);
            await PatchAsync(
                "configmap/kafka-broker-config",
                $$"""{"data": {"bootstrap.servers": "{{kafka.BootstrapServers}}", "default.topic.replication.factor": "1", "default.topic.partitions": "3"} }"""
            );
            await PatchAsync("configmap/config-observability", """{"data": {"metrics-protocol": "none"}}""");
            await kubectl.RunAsync("delete", "service", "kafka-webhook-eventing", "-n", Pods.Namespace);
            await kubectl.RunAsync(
                "create",
                "service",
                "externalname",
                "kafka-webhook-eventing",
                "--external-name=localhost",
                "-n",
                Pods.Namespace
            );
            foreach (
                var configuration in (string[])
                    [
                        "mutatingwebhookconfiguration/defaulting.webhook.kafka.eventing.knative.dev",
                        "validatingwebhookconfiguration/validation.webhook.kafka.eventing.knative.dev",
                    ]
            )
            {
                await kubectl.RunAsync(
                    "patch",
                    configuration,
                    "--type",
                    "json",
                    "-p",
                    $$"""[{"op": "add", "path": "/webhooks/0/clientConfig/service/port", "value": {{port}} }]"""
                );
            }
        }

        Task<string> PatchAsync(string name, string patch) =>
            kubectl.RunAsync("patch", name, "-n", Pods.Namespace, "--type", "merge", "-p", patch);
    }

    private static Task<string> ListTopicsAsync(string bootstrapServers) => ChildProcess.RunAsync("kcat", ["-b", bootstrapServers, "-L"]);
}
