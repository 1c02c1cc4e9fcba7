using System.Net;
using System.Text.Json.Nodes;

namespace Brokkr.Controller.Tests.Kubernetes;

/// <summary>The store on a real API server.</summary>
public sealed class ClusterStoreConformanceTests : StoreConformance
{
    private TestCluster _cluster = null!;

    public override async ValueTask InitializeAsync()
    {
        _cluster = await TestCluster.SharedAsync();
        Namespace = _cluster.Namespace;
        Store = await _cluster.StoreAsync();
    }

    public override async ValueTask DisposeAsync()
    {
        if (_cluster is not null)
        {
            await _cluster.DisposeAsync();
        }
    }

    protected override async Task PutAsync(JsonObject manifest)
    {
        var path = PathOf((string)manifest["apiVersion"]!, (string)manifest["kind"]!);
        using var created = await _cluster.Api.SendAsync(HttpMethod.Post, path, manifest.ToJsonString());
        if (created.StatusCode == HttpStatusCode.Conflict)
        {
            using var put = await _cluster.Api.SendAsync(
                HttpMethod.Patch,
                $"{path}/{manifest["metadata"]!["name"]}",
                manifest.ToJsonString(),
                TestCluster.MergePatch
            );
            Assert.True(put.IsSuccessStatusCode, await put.Content.ReadAsStringAsync(TestContext.Current.CancellationToken));
            return;
        }

        Assert.True(created.IsSuccessStatusCode, await created.Content.ReadAsStringAsync(TestContext.Current.CancellationToken));
    }

    protected override async Task DeleteAsync(string kind, string name)
    {
        var version = kind is "Broker" ? "eventing.knative.dev/v1" : "v1";
        using var deleted = await _cluster.Api.SendAsync(HttpMethod.Delete, $"{PathOf(version, kind)}/{name}");
        Assert.True(deleted.IsSuccessStatusCode);
    }

    private string PathOf(string apiVersion, string kind)
    {
        var root = apiVersion.Contains('/', StringComparison.Ordinal) ? "/apis/" : "/api/";
        return $"{root}{apiVersion}/namespaces/{Namespace}/{kind.ToLowerInvariant()}s";
    }
}
