using System.Globalization;
using System.Net;
using System.Text.Json.Nodes;
using Brokkr.Apis;
using Brokkr.Controller.Admission;
using Brokkr.Controller.Tests.CustomResources;
using Brokkr.Testing.Kubernetes;
using Microsoft.Extensions.Logging.Abstractions;

namespace Brokkr.Controller.Tests.Admission;

/// <summary>A real API server that asks our webhook, which registers itself there.</summary>
[Collection(DefinitionsCollection.Name)]
public sealed class ApiServerAdmissionTests(InstalledDefinitions definitions)
{
    /// <summary>TPL-01, ADM-07, ADM-26, ADM-27, and control-plane §18 item 18: a status does not wait for the webhook.</summary>
    [Fact]
    public async Task Objects_get_their_defaults_and_are_refused_and_their_status_never_waits()
    {
        var api = await definitions.ServerAsync();
        var system = await api.CreateNamespaceAsync();
        var ns = await api.CreateNamespaceAsync();
        var host = await WebhookHost.StartAsync(
            new WebhookOptions
            {
                SystemNamespace = system,
                Address = IPAddress.Loopback,
                Port = 0,
                CheckInterval = TimeSpan.FromMilliseconds(100),
            },
            new ServerStore(api),
            NullLoggerFactory.Instance,
            TimeProvider.System,
            TestContext.Current.CancellationToken
        );
        await using (host)
        {
            await InstallAsync(api, system, ns, host.Port);
            var sinks = $"/apis/eventing.knative.dev/v1alpha1/namespaces/{ns}/kafkasinks";
            JsonObject? sink = null;
            await Eventually.True(
                async () =>
                {
                    using var answer = await api.SendAsync(HttpMethod.Post, sinks, Sink("k", "t"));
                    if (answer.IsSuccessStatusCode)
                    {
                        sink = JsonNode.Parse(await answer.Content.ReadAsStringAsync(TestContext.Current.CancellationToken))!.AsObject();
                        if (sink["metadata"]!["annotations"] is not null)
                        {
                            return true;
                        }

                        // Stored before the registration was in force.
                        using var removed = await api.SendAsync(HttpMethod.Delete, $"{sinks}/k");
                    }

                    return false;
                },
                "the API server to ask the webhook"
            );
            Assert.Equal("admin", (string?)sink!["metadata"]!["annotations"]!["eventing.knative.dev/creator"]);

            using var changed = await api.SendAsync(
                HttpMethod.Patch,
                $"{sinks}/k",
                """{"spec": {"topic": "u"}}""",
                "application/merge-patch+json"
            );
            Assert.Equal(HttpStatusCode.BadRequest, changed.StatusCode);
            Assert.Contains(
                "admission webhook \\\"validation.webhook.kafka.eventing.knative.dev\\\" denied the request: validation failed: Immutable field updated: spec.topic",
                await changed.Content.ReadAsStringAsync(TestContext.Current.CancellationToken),
                StringComparison.Ordinal
            );
            var broker = await api.CreateAsync(
                $"/apis/eventing.knative.dev/v1/namespaces/{ns}/brokers",
                """{"apiVersion": "eventing.knative.dev/v1", "kind": "Broker", "metadata": {"name": "b"}}"""
            );
            Assert.Equal("Kafka", (string?)broker["metadata"]!["annotations"]!["eventing.knative.dev/broker.class"]);
            var trigger = await api.CreateAsync(
                $"/apis/eventing.knative.dev/v1/namespaces/{ns}/triggers",
                """
                {
                  "apiVersion": "eventing.knative.dev/v1", "kind": "Trigger", "metadata": {"name": "t"},
                  "spec": {"broker": "b", "subscriber": {"ref": {"apiVersion": "v1", "kind": "Service", "name": "s"}}}
                }
                """
            );
            Assert.Equal(ns, (string?)trigger["spec"]!["subscriber"]!["ref"]!["namespace"]);
        }

        // The webhook is gone.
        using var status = await api.SendAsync(
            HttpMethod.Patch,
            $"/apis/eventing.knative.dev/v1alpha1/namespaces/{ns}/kafkasinks/k/status",
            """{"status": {"observedGeneration": 1}}""",
            "application/merge-patch+json"
        );
        Assert.Equal(HttpStatusCode.OK, status.StatusCode);
        using var refused = await api.SendAsync(
            HttpMethod.Post,
            $"/apis/eventing.knative.dev/v1alpha1/namespaces/{ns}/kafkasinks",
            Sink("other", "t")
        );
        Assert.Equal(HttpStatusCode.InternalServerError, refused.StatusCode);
        using var triggered = await api.SendAsync(
            HttpMethod.Patch,
            $"/apis/eventing.knative.dev/v1/namespaces/{ns}/triggers/t",
            """{"metadata": {"labels": {"a": "b"}}}""",
            "application/merge-patch+json"
        );
        Assert.Equal(HttpStatusCode.OK, triggered.StatusCode);
        using var deleted = await api.SendAsync(HttpMethod.Delete, $"/apis/eventing.knative.dev/v1alpha1/namespaces/{ns}/kafkasinks/k");
        Assert.Equal(HttpStatusCode.OK, deleted.StatusCode);
    }

    private static async Task InstallAsync(ApiServer api, string system, string ns, int port)
    {
        await api.CreateAsync(
            $"/api/v1/namespaces/{system}/services",
            """{"metadata": {"name": "kafka-webhook-eventing"}, "spec": {"type": "ExternalName", "externalName": "localhost"}}"""
        );
        foreach (
            var configuration in WebhookRegistration.Configurations.Where(one => !one.Name.StartsWith("pods.", StringComparison.Ordinal))
        )
        {
            await api.CreateAsync(
                $"/apis/{WebhookRegistration.Group}/v1/{configuration.Kind.ToLower(CultureInfo.InvariantCulture)}s",
                $$$"""
                {
                  "apiVersion": "admissionregistration.k8s.io/v1", "kind": "{{{configuration.Kind}}}", "metadata": {"name": "{{{configuration.Name}}}"},
                  "webhooks": [{
                    "name": "{{{configuration.Name}}}", "admissionReviewVersions": ["v1", "v1beta1"], "sideEffects": "None", "failurePolicy": "Fail",
                    "clientConfig": {"service": {"name": "kafka-webhook-eventing", "namespace": "{{{system}}}", "port": {{{port}}}}},
                    "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "{{{ns}}}"}}
                  }]
                }
                """
            );
        }
    }

    private static string Sink(string name, string topic) =>
        $$"""
            {
              "apiVersion": "eventing.knative.dev/v1alpha1", "kind": "KafkaSink", "metadata": {"name": "{{name}}"},
              "spec": {"topic": "{{topic}}", "bootstrapServers": ["k:9092"]}
            }
            """;
}
