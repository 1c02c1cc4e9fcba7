using System.Net;

namespace Brokkr.Testing.Kubernetes;

/// <summary>Kinds that a test installs itself.</summary>
public static class CustomKinds
{
    private const string Definitions = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions";

    /// <summary>
    /// Installs Broker, Trigger, KafkaSink and EventPolicy without a schema: they take any contents. What is there already stays.
    /// </summary>
    public static async Task InstallBrokkrKindsAsync(this ApiServer api)
    {
        await api.InstallKindAsync("eventing.knative.dev", "v1", "Broker");
        await api.InstallKindAsync("eventing.knative.dev", "v1", "Trigger");
        await api.InstallKindAsync("eventing.knative.dev", "v1alpha1", "KafkaSink");
        await api.InstallKindAsync("eventing.knative.dev", "v1alpha1", "EventPolicy", "eventpolicies");
    }

    /// <summary>Installs a kind without a schema, with a status, and waits until it is served.</summary>
    /// <param name="api">The server.</param>
    /// <param name="group">Its API group.</param>
    /// <param name="version">Its version.</param>
    /// <param name="kind">The kind.</param>
    /// <param name="plural">Its plural; the kind in small letters with an s by default.</param>
    public static async Task InstallKindAsync(this ApiServer api, string group, string version, string kind, string? plural = null)
    {
        var names = plural ?? kind.ToLowerInvariant() + "s";
        var definition = $$$"""
            {
              "apiVersion": "apiextensions.k8s.io/v1",
              "kind": "CustomResourceDefinition",
              "metadata": {"name": "{{{names}}}.{{{group}}}"},
              "spec": {
                "group": "{{{group}}}",
                "scope": "Namespaced",
                "names": {"kind": "{{{kind}}}", "plural": "{{{names}}}", "singular": "{{{kind.ToLowerInvariant()}}}"},
                "versions": [{
                  "name": "{{{version}}}", "served": true, "storage": true,
                  "schema": {"openAPIV3Schema": {"type": "object", "x-kubernetes-preserve-unknown-fields": true}},
                  "subresources": {"status": {}}
                }]
              }
            }
            """;
        using var created = await api.SendAsync(HttpMethod.Post, Definitions, definition);
        Assert.True(
            created.IsSuccessStatusCode || created.StatusCode == HttpStatusCode.Conflict,
            await created.Content.ReadAsStringAsync(TestContext.Current.CancellationToken)
        );
        await Eventually.True(
            async () =>
            {
                using var list = await api.SendAsync(HttpMethod.Get, $"/apis/{group}/{version}/{names}?limit=1");
                return list.IsSuccessStatusCode;
            },
            $"{kind} to be served"
        );
    }

    /// <summary>Removes a kind and all its objects.</summary>
    public static async Task RemoveKindAsync(this ApiServer api, string group, string plural)
    {
        using var removed = await api.SendAsync(HttpMethod.Delete, $"{Definitions}/{plural}.{group}");
        Assert.True(removed.IsSuccessStatusCode);
    }
}
