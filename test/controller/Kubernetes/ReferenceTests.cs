using System.Collections.Concurrent;
using System.Text;
using Brokkr.Apis;
using Brokkr.Controller.Stores;
using Brokkr.Testing.Kubernetes;

namespace Brokkr.Controller.Tests.Kubernetes;

/// <summary>What is known of objects that others refer to, and for how long they are watched, on a real API server.</summary>
public sealed class ReferenceTests
{
    private const string ConfigMaps = "api/v1/configmaps";
    private const string Secrets = "api/v1/secrets";

    [Fact]
    public async Task ConfigMap_elsewhere_is_reflected_as_long_as_somebody_refers_to_it()
    {
        await using var cluster = await TestCluster.SharedAsync();
        var store = await cluster.StoreAsync(cluster.Options() with { SystemNamespace = "default" });
        var told = new ConcurrentQueue<ObjectKey>();
        using var watch = store.WatchObjects(told.Enqueue);
        var reference = new ObjectReference("", "v1", "ConfigMap", cluster.Namespace, "settings");
        Assert.Equal(ReferenceKnowledge.Pending, store.StateOf(reference).Knowledge);
        store.SetReferences(Owner("a"), [reference]);
        store.SetReferences(Owner("b"), [reference]);
        await Eventually.True(() => store.StateOf(reference).Knowledge == ReferenceKnowledge.Absent, "to know that it is not there");
        await Eventually.True(() => told.Contains(reference.Key), "to be told so");
        await cluster.CreateAsync(ConfigMaps, "settings", """{"data":{"key":"1"}}""");
        await Eventually.True(() => store.StateOf(reference).Knowledge == ReferenceKnowledge.Present, "to know that it is there");
        Assert.Equal("1", store.Objects.ConfigMaps[cluster.Name("settings")].Data!["key"]);
        await cluster.PatchAsync(ConfigMaps, "settings", """{"data":{"key":"2"}}""");
        await Eventually.True(() => store.Objects.ConfigMaps[cluster.Name("settings")].Data!["key"] == "2", "the change");

        store.SetReferences(Owner("a"), []);
        await cluster.PatchAsync(ConfigMaps, "settings", """{"data":{"key":"3"}}""");
        await Eventually.True(
            () => store.Objects.ConfigMaps[cluster.Name("settings")].Data!["key"] == "3",
            "the other owner's reference to hold"
        );
        store.SetReferences(Owner("b"), [reference with { Name = "other" }]);
        await Eventually.True(() => !store.Objects.ConfigMaps.ContainsKey(cluster.Name("settings")), "it to be watched no more");
    }

    [Fact]
    public async Task Secret_is_served_from_its_watch_and_never_logged()
    {
        await using var cluster = await TestCluster.SharedAsync();
        var store = await cluster.StoreAsync();
        var reference = new ObjectReference("", "v1", "Secret", cluster.Namespace, "credentials");
        var told = new ConcurrentQueue<ObjectKey>();
        using var watch = store.WatchObjects(told.Enqueue);
        store.SetReferences(Owner("a"), [reference]);
        await Eventually.True(() => store.StateOf(reference).Knowledge == ReferenceKnowledge.Absent, "to know that it is not there");
        var before = cluster.Requests;
        Assert.Null(await store.GetSecretAsync(cluster.Name("credentials"), TestContext.Current.CancellationToken));
        var hidden = Convert.ToBase64String(Encoding.UTF8.GetBytes("hidden-password"));
        await cluster.CreateAsync(Secrets, "credentials", $$$"""{"data":{"password":"{{{hidden}}}"} }""");
        await Eventually.True(() => store.StateOf(reference).Knowledge == ReferenceKnowledge.Present, "to know that it is there");
        var secret = await store.GetSecretAsync(cluster.Name("credentials"), TestContext.Current.CancellationToken);
        Assert.Equal(hidden, secret!.Data!["password"]);
        Assert.Equal(before, cluster.Requests);
        told.Clear();
        await cluster.PatchAsync(Secrets, "credentials", """{"data":{"password":null}}""");
        await Eventually.True(() => told.Contains(reference.Key), "to be told of the change");
        var refused = await Assert.ThrowsAsync<StoreException>(() =>
            store.PatchAsync(
                reference.Key,
                (System.Text.Json.Nodes.JsonObject)System.Text.Json.Nodes.JsonNode.Parse($$$"""{"data":{"hidden-{{{hidden}}}!":"?"} }""")!,
                "",
                TestContext.Current.CancellationToken
            )
        );
        Assert.Equal(StoreFailure.Invalid, refused.Failure);
        Assert.DoesNotContain(hidden, refused.Message);
        Assert.Empty(cluster.Log.With("hidden"));
    }

    [Fact]
    public async Task Kind_that_is_installed_later_is_found_with_its_addresses_and_lost_when_it_goes()
    {
        await using var cluster = await TestCluster.SharedAsync();
        var store = await cluster.StoreAsync();
        var group = $"g{Guid.NewGuid():n}.example.com";
        // The server prefers the version; a reference need not name it.
        var reference = new ObjectReference(group, "", "Target", cluster.Namespace, "t");
        store.SetReferences(Owner("a"), [reference]);
        await Eventually.True(
            () => store.StateOf(reference).Knowledge == ReferenceKnowledge.UnknownKind,
            "to know that there is no such kind"
        );
        Assert.Contains("no kind Target", store.StateOf(reference).Text);
        await cluster.Api.InstallKindAsync(group, "v1beta1", "Target");
        await Eventually.True(() => store.StateOf(reference).Knowledge == ReferenceKnowledge.Absent, "the kind to be found");
        await cluster.CreateAsync($"apis/{group}/v1beta1/targets", "t", """{"status":{"address":{"url":"http://t"}}}""");
        await Eventually.True(() => store.StateOf(reference).Knowledge == ReferenceKnowledge.Present, "the object");
        await cluster.PatchAsync($"apis/{group}/v1beta1/targets", "t/status", """{"status":{"address":{"url":"http://t.example"}}}""");
        await Eventually.True(() => store.Objects.Others[reference.Key].Status?.Address?.Url == "http://t.example", "its address");
        await cluster.Api.RemoveKindAsync(group, "targets");
        await Eventually.True(
            () => store.StateOf(reference).Knowledge == ReferenceKnowledge.UnknownKind && !store.Objects.Others.ContainsKey(reference.Key),
            "the kind to go"
        );
    }

    [Fact]
    public async Task Kind_that_may_not_be_read_says_which_rule_is_missing()
    {
        await using var cluster = await TestCluster.SharedAsync();
        var token = await cluster.TokenAsync(
            """
            [{"apiGroups":["eventing.knative.dev"],"resources":["brokers","triggers"],"verbs":["list","watch"]}]
            """
        );
        var store = await cluster.StoreAsync(cluster.Options(token));
        var reference = new ObjectReference("apps", "v1", "Deployment", cluster.Namespace, "d");
        store.SetReferences(Owner("a"), [reference]);
        await Eventually.True(() => store.StateOf(reference).Knowledge == ReferenceKnowledge.Unreadable, "to know that it may not be read");
        Assert.Contains("apiGroups [\"apps\"], resources [deployments], verbs [list, watch]", store.StateOf(reference).Text);
    }

    private static ObjectKey Owner(string name) => new("eventing.knative.dev", "Broker", "shop", name);
}
