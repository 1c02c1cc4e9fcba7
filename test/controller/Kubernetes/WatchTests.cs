using System.Collections.Concurrent;
using Brokkr.Apis;
using Brokkr.Controller.Stores;
using Brokkr.Testing.Kubernetes;

namespace Brokkr.Controller.Tests.Kubernetes;

/// <summary>What becomes of the reflected objects when watches end, expire, are refused or lose their connection, on a real API server.</summary>
public sealed class WatchTests
{
    private const string Brokers = "apis/eventing.knative.dev/v1/brokers";
    private const string Sinks = "apis/eventing.knative.dev/v1alpha1/kafkasinks";
    private const string ConfigMaps = "api/v1/configmaps";

    private const string AllButSinks = """
        [{"apiGroups":["eventing.knative.dev"],"resources":["brokers","triggers","eventpolicies"],"verbs":["list","watch"]},
         {"apiGroups":[""],"resources":["configmaps","services","pods","serviceaccounts"],"verbs":["list","watch"]}]
        """;

    [Fact]
    public async Task Watch_goes_on_where_its_connection_was_lost()
    {
        await using var cluster = await TestCluster.SharedAsync();
        await using var relay = new TcpRelay(int.Parse(cluster.Api.Port));
        await cluster.CreateAsync(Brokers, "b");
        var store = await cluster.StoreAsync(cluster.Options(url: $"https://127.0.0.1:{relay.Port}"));
        Assert.True(store.Objects.Brokers.ContainsKey(cluster.Name("b")));
        var told = new ConcurrentQueue<ObjectKey>();
        relay.Cut();
        await Eventually.True(() => cluster.Log.With("cannot be followed").Length > 0, "the loss to be noticed");
        await cluster.CreateAsync(Brokers, "meanwhile");
        await cluster.DeleteAsync(Brokers, "b");
        using var watch = store.WatchObjects(told.Enqueue);
        relay.Mend();
        await Eventually.True(
            () => store.Objects.Brokers.ContainsKey(cluster.Name("meanwhile")) && !store.Objects.Brokers.ContainsKey(cluster.Name("b")),
            "what happened meanwhile"
        );
        Assert.Empty(cluster.Log.With("expired"));
        await Eventually.True(() => cluster.Log.With("followed again").Length > 0, "the end of the loss to be logged");
    }

    [Fact]
    public async Task Expired_watch_lists_again_and_tells_only_what_changed()
    {
        await using var cluster = await TestCluster.OwnAsync();
        await using var relay = new TcpRelay(int.Parse(cluster.Api.Port));
        for (var i = 0; i < 5; i++)
        {
            await cluster.CreateAsync(Brokers, $"stays-{i}");
        }

        await cluster.CreateAsync(Brokers, "changes");
        await cluster.CreateAsync(Brokers, "goes");
        // Pages of two: the list goes over several, too.
        var store = await cluster.StoreAsync(cluster.Options(url: $"https://127.0.0.1:{relay.Port}") with { PageSize = 2 });
        Assert.Equal(7, store.Objects.Brokers.Count);
        relay.Cut();
        await cluster.PatchAsync(Brokers, "changes", """{"spec":{"delivery":{"retry":7}}}""");
        await cluster.DeleteAsync(Brokers, "goes");
        await cluster.CreateAsync(Brokers, "comes");
        await cluster.Api.StopAsync();
        await cluster.Api.CompactAsync();
        await cluster.Api.RestartAsync();
        var told = new ConcurrentQueue<ObjectKey>();
        using var watch = store.WatchObjects(told.Enqueue);
        relay.Mend();
        await Eventually.True(
            () => store.Objects.Brokers.ContainsKey(cluster.Name("comes")) && !store.Objects.Brokers.ContainsKey(cluster.Name("goes")),
            "what happened meanwhile"
        );
        Assert.NotEmpty(cluster.Log.With("expired"));
        Assert.Equal(7, store.Objects.Brokers[cluster.Name("changes")].Spec!.Delivery!.Retry);
        Assert.Equal(
            ["changes", "comes", "goes"],
            told.Where(key => key.Kind == "Broker").Select(key => key.Name).Order(StringComparer.Ordinal)
        );
        await cluster.PatchAsync(Brokers, "stays-1", """{"spec":{"delivery":{"retry":1}}}""");
        await Eventually.True(
            () => store.Objects.Brokers[cluster.Name("stays-1")].Spec?.Delivery?.Retry == 1,
            "changes to be followed after the list"
        );
    }

    [Fact]
    public async Task Watches_that_the_server_ends_are_opened_again()
    {
        await using var cluster = await TestCluster.SharedAsync();
        var options = cluster.Options() with { WatchDuration = TimeSpan.FromSeconds(1) };
        var store = await cluster.StoreAsync(options);
        for (var i = 0; i < 4; i++)
        {
            await cluster.CreateAsync(Brokers, $"b{i}");
            await Eventually.True(() => store.Objects.Brokers.ContainsKey(cluster.Name($"b{i}")), "the Broker");
            var before = cluster.Requests;
            await Eventually.True(() => cluster.Requests >= before + 5, "watches to be opened again");
        }

        Assert.Empty(cluster.Log.With("cannot be followed"));
    }

    [Fact]
    public async Task Kind_that_may_not_be_read_is_told_once_with_the_rule_and_found_when_it_is_granted()
    {
        await using var cluster = await TestCluster.SharedAsync();
        await cluster.CreateAsync(Sinks, "s");
        var store = await cluster.StoreAsync(cluster.Options(await cluster.TokenAsync(AllButSinks)));
        Assert.False(store.Objects.KafkaSinks.ContainsKey(cluster.Name("s")));
        var reference = new ObjectReference("eventing.knative.dev", "", "KafkaSink", cluster.Namespace, "s");
        Assert.Equal(ReferenceKnowledge.Unreadable, store.StateOf(reference).Knowledge);
        var line = Assert.Single(cluster.Log.With("kafkasinks"));
        Assert.Contains("Grant it by a rule with apiGroups [\"eventing.knative.dev\"], resources [kafkasinks], verbs [list, watch].", line);
        await cluster.GrantAsync("""[{"apiGroups":["eventing.knative.dev"],"resources":["kafkasinks"],"verbs":["list","watch"]}]""");
        await Eventually.True(() => store.Objects.KafkaSinks.ContainsKey(cluster.Name("s")), "the KafkaSink");
        Assert.Equal(ReferenceKnowledge.Present, store.StateOf(reference).Knowledge);
    }

    [Fact]
    public async Task Without_the_right_to_read_Brokers_there_is_no_start()
    {
        await using var cluster = await TestCluster.SharedAsync();
        var token = await cluster.TokenAsync("""[{"apiGroups":[""],"resources":["configmaps"],"verbs":["list","watch"]}]""");
        var refused = await Assert.ThrowsAsync<StoreException>(() => cluster.StoreAsync(cluster.Options(token)));
        Assert.Equal(StoreFailure.Forbidden, refused.Failure);
        Assert.Contains("resources [brokers]", refused.Message);
    }

    [Fact]
    public async Task Kinds_that_are_installed_later_are_found_and_Brokers_and_Triggers_are_needed()
    {
        await using var cluster = await TestCluster.OwnAsync(withKinds: false);
        var refused = await Assert.ThrowsAsync<StoreException>(() => cluster.StoreAsync());
        Assert.Equal(StoreFailure.NotFound, refused.Failure);
        await cluster.Api.InstallKindAsync("eventing.knative.dev", "v1", "Broker");
        await cluster.Api.InstallKindAsync("eventing.knative.dev", "v1", "Trigger");
        var store = await cluster.StoreAsync();
        await cluster.CreateAsync(Brokers, "b");
        await Eventually.True(() => store.Objects.Brokers.ContainsKey(cluster.Name("b")), "the Broker");
        await cluster.Api.InstallKindAsync("eventing.knative.dev", "v1alpha1", "KafkaSink");
        await cluster.CreateAsync(Sinks, "s");
        await Eventually.True(() => store.Objects.KafkaSinks.ContainsKey(cluster.Name("s")), "the KafkaSink");
        await cluster.Api.RemoveKindAsync("eventing.knative.dev", "kafkasinks");
        await Eventually.True(() => store.Objects.KafkaSinks.Count == 0, "the KafkaSink to go with its kind");
    }

    [Fact]
    public async Task Only_what_is_selected_is_reflected()
    {
        await using var cluster = await TestCluster.SharedAsync();
        var elsewhere = await cluster.Api.CreateNamespaceAsync();
        var store = await cluster.StoreAsync();
        Task CreateElsewhereAsync(string name, string labels) =>
            cluster.Api.CreateAsync(
                $"/api/v1/namespaces/{elsewhere}/configmaps",
                $$$"""{"metadata":{"name":"{{{name}}}","labels":{{{labels}}} } }"""
            );
        await CreateElsewhereAsync("plain", "{}");
        await CreateElsewhereAsync("contract", """{"kafka.eventing.knative.dev/contract":"broker"}""");
        await CreateElsewhereAsync("bundle", """{"networking.knative.dev/trust-bundle":"true"}""");
        await CreateElsewhereAsync("no-bundle", """{"networking.knative.dev/trust-bundle":"false"}""");
        await cluster.CreateAsync(ConfigMaps, "own");
        const string labelled = """{"metadata":{"labels":{"kafka.eventing.knative.dev/contract":"broker"}}}""";
        await cluster.CreateAsync(ConfigMaps, "own-contract", labelled);
        const string containers = """ "spec":{"containers":[{"name":"c","image":"i"}]} """;
        await cluster.CreateAsync(
            "api/v1/pods",
            "receiver",
            $$$"""{"metadata":{"labels":{"app":"kafka-broker-receiver"}},{{{containers}}} }"""
        );
        await cluster.CreateAsync("api/v1/pods", "foreign", $$$"""{"metadata":{"labels":{"app":"shop"}},{{{containers}}} }""");
        await cluster.CreateAsync("api/v1/serviceaccounts", "t", """{"metadata":{"labels":{"eventing.knative.dev/oidc":"enabled"}}}""");
        await cluster.CreateAsync("api/v1/serviceaccounts", "foreign");
        await Eventually.True(
            () => store.Objects.Pods.ContainsKey(cluster.Name("receiver")) && store.Objects.ServiceAccounts.ContainsKey(cluster.Name("t")),
            "pod and service account"
        );
        string[] Names() =>
            [
                .. store
                    .Objects.ConfigMaps.Keys.Where(name => name.Namespace == elsewhere || name.Namespace == cluster.Namespace)
                    .Select(name => name.Name)
                    .Order(StringComparer.Ordinal),
            ];
        await Eventually.True(
            () => Names() is ["bundle", "contract", "own", "own-contract"],
            () => $"the selected ConfigMaps; are: {string.Join(' ', Names())}"
        );
        Assert.False(store.Objects.Pods.ContainsKey(cluster.Name("foreign")));
        Assert.False(store.Objects.ServiceAccounts.ContainsKey(cluster.Name("foreign")));

        using var relabelled = await cluster.Api.SendAsync(
            HttpMethod.Patch,
            $"/api/v1/namespaces/{elsewhere}/configmaps/contract",
            """{"metadata":{"labels":null}}""",
            TestCluster.MergePatch
        );
        await cluster.PatchAsync(ConfigMaps, "own-contract", """{"metadata":{"labels":null}}""");
        await Eventually.True(() => Names() is ["bundle", "own", "own-contract"], "what has lost its label to go, but not from here");
    }

    [Fact]
    public async Task Object_that_cannot_be_read_is_told_with_the_field_and_its_metadata()
    {
        await using var cluster = await TestCluster.SharedAsync();
        await cluster.CreateAsync(
            Brokers,
            "never",
            """{"metadata":{"finalizers":["example.com/f"]},"spec":{"delivery":{"retry":"three"}}}"""
        );
        var store = await cluster.StoreAsync();
        var key = new ObjectKey("eventing.knative.dev", "Broker", cluster.Namespace, "never");
        Assert.Equal("spec.delivery.retry: is not of the type it should have", store.Objects.Unreadable[key].Problem);
        Assert.Equal(["example.com/f"], store.Objects.Unreadable[key].Metadata.Finalizers);
        await cluster.PatchAsync(Brokers, "never", """{"metadata":{"finalizers":null},"spec":{"delivery":{"retry":3}}}""");
        await Eventually.True(() => store.Objects.Brokers.ContainsKey(key.ObjectName), "the mended Broker");
        Assert.False(store.Objects.Unreadable.ContainsKey(key));
    }
}
