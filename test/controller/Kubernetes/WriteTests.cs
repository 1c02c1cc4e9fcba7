using System.Text.Json.Nodes;
using Brokkr.Apis;
using Brokkr.Controller.Kubernetes;
using Brokkr.Controller.Stores;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;

namespace Brokkr.Controller.Tests.Kubernetes;

/// <summary>What is written, and what is said when it is not, on a real API server.</summary>
public sealed class WriteTests
{
    private const string Brokers = "apis/eventing.knative.dev/v1/brokers";

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Applied_object_is_created_and_then_changed_and_fields_of_others_stay()
    {
        await using var cluster = await TestCluster.SharedAsync();
        var store = await cluster.StoreAsync();
        var created = await store.ApplyAsync(ConfigMap(cluster, """{"a":"1","b":"1"}"""), Token);
        Assert.NotNull((string?)created["metadata"]!["uid"]);
        await cluster.PatchAsync("api/v1/configmaps", "c", """{"data":{"a":"theirs","c":"theirs"}}""");
        var changed = await store.ApplyAsync(ConfigMap(cluster, """{"a":"2"}"""), Token);
        // Ours again by force; dropped because we no longer name it; theirs.
        Assert.Equal("""{"a":"2","c":"theirs"}""", changed["data"]!.ToJsonString());
        Assert.Contains(
            changed["metadata"]!["managedFields"]!.AsArray(),
            field => (string?)field!["manager"] == "kafka-controller" && (string?)field["operation"] == "Apply"
        );
    }

    [Fact]
    public async Task Status_is_patched_and_an_old_version_is_a_conflict()
    {
        await using var cluster = await TestCluster.SharedAsync();
        var store = await cluster.StoreAsync();
        var created = await cluster.CreateAsync(Brokers, "b");
        var key = Key(cluster, "Broker", "b");
        var patched = await store.PatchAsync(key, Json("""{"status":{"observedGeneration":1}}"""), "status", Token);
        Assert.Equal(1, (int)patched["status"]!["observedGeneration"]!);
        var old = new JsonObject
        {
            ["metadata"] = new JsonObject { ["resourceVersion"] = (string)created["metadata"]!["resourceVersion"]! },
            ["status"] = new JsonObject { ["observedGeneration"] = 2 },
        };
        var refused = await Assert.ThrowsAsync<StoreException>(() => store.PatchAsync(key, old, "status", Token));
        Assert.Equal(StoreFailure.Conflict, refused.Failure);
        Assert.Equal(1, (int)(await store.ReadAsync(key, Token))!["status"]!["observedGeneration"]!);
    }

    [Fact]
    public async Task Only_the_object_that_was_meant_is_deleted()
    {
        await using var cluster = await TestCluster.SharedAsync();
        var store = await cluster.StoreAsync();
        var key = Key(cluster, "Broker", "b");
        var created = await cluster.CreateAsync(Brokers, "b");
        await store.DeleteAsync(key, Guid.NewGuid().ToString(), Token);
        Assert.NotNull(await store.ReadAsync(key, Token));
        await store.DeleteAsync(key, (string)created["metadata"]!["uid"]!, Token);
        Assert.Null(await store.ReadAsync(key, Token));
        await store.DeleteAsync(key, null, Token);
    }

    [Fact]
    public async Task What_is_not_there_is_told_apart_from_what_is_not_allowed_and_what_is_wrong()
    {
        await using var cluster = await TestCluster.SharedAsync();
        var store = await cluster.StoreAsync();
        var missing = await Assert.ThrowsAsync<StoreException>(() => store.PatchAsync(Key(cluster, "Broker", "b"), [], "", Token));
        Assert.Equal(StoreFailure.NotFound, missing.Failure);
        var unknown = await Assert.ThrowsAsync<StoreException>(() =>
            store.ReadAsync(new ObjectKey("nobody.example", "X", "y", "z"), Token)
        );
        Assert.Equal(StoreFailure.NotFound, unknown.Failure);
        Assert.Contains("no kind X", unknown.Message);
        var invalid = await Assert.ThrowsAsync<StoreException>(() => store.ApplyAsync(ConfigMap(cluster, """{"a b":"1"}"""), Token));
        Assert.Equal(StoreFailure.Invalid, invalid.Failure);
        Assert.Contains("a b", invalid.Message);

        using var going = await cluster.Api.SendAsync(HttpMethod.Delete, $"/api/v1/namespaces/{cluster.Namespace}");
        await Eventually.True(
            async () =>
            {
                try
                {
                    await store.ApplyAsync(ConfigMap(cluster, "{}"), Token);
                    return false;
                }
                catch (StoreException refused)
                {
                    Assert.Equal(StoreFailure.Forbidden, refused.Failure);
                    Assert.DoesNotContain("Grant", refused.Message);
                    return true;
                }
            },
            "nothing to be created where the namespace goes"
        );
    }

    [Fact]
    public async Task Refusal_names_the_rule_that_is_missing()
    {
        await using var cluster = await TestCluster.SharedAsync();
        await cluster.CreateAsync(Brokers, "b");
        var token = await cluster.TokenAsync(
            """[{"apiGroups":["eventing.knative.dev"],"resources":["brokers","triggers"],"verbs":["list","watch"]}]"""
        );
        var store = await cluster.StoreAsync(cluster.Options(token));
        var refused = await Assert.ThrowsAsync<StoreException>(() =>
            store.PatchAsync(Key(cluster, "Broker", "b"), Json("""{"status":{}}"""), "status", Token)
        );
        Assert.Equal(StoreFailure.Forbidden, refused.Failure);
        Assert.EndsWith(
            "Grant it by a rule with apiGroups [\"eventing.knative.dev\"], resources [brokers/status], verbs [patch].",
            refused.Message
        );
    }

    [Fact]
    public async Task Same_event_is_counted_and_another_is_written_beside_it()
    {
        await using var cluster = await TestCluster.SharedAsync();
        var store = await cluster.StoreAsync();
        var broker = await cluster.CreateAsync(Brokers, "b");
        var happened = new ObjectEvent(
            Key(cluster, "Broker", "b"),
            (string)broker["metadata"]!["uid"]!,
            "eventing.knative.dev/v1",
            IsWarning: true,
            "InternalError",
            "it broke",
            "broker-controller"
        );
        store.Record(happened);
        store.Record(happened);
        store.Record(happened);
        store.Record(happened with { Reason = "FinalizerUpdate", Message = "Updated \"b\" finalizers", IsWarning = false });
        JsonArray? events = null;
        await Eventually.True(
            async () =>
            {
                events = (await cluster.ReadAsync("api/v1/events"))["items"]!.AsArray();
                return events.Count == 2 && events.Any(one => (int)one!["count"]! == 3);
            },
            () => $"two events, one of them three times; are: {events?.ToJsonString()}"
        );
        var counted = events!.Single(one => (int)one!["count"]! == 3)!;
        Assert.Equal("Warning", (string)counted["type"]!);
        Assert.Equal("InternalError", (string)counted["reason"]!);
        Assert.Equal("it broke", (string)counted["message"]!);
        Assert.Equal("broker-controller", (string)counted["source"]!["component"]!);
        Assert.Equal("Broker", (string)counted["involvedObject"]!["kind"]!);
        Assert.Equal((string)broker["metadata"]!["uid"]!, (string)counted["involvedObject"]!["uid"]!);
    }

    [Fact]
    public async Task Server_that_wants_to_be_asked_later_is_asked_later()
    {
        var requests = 0;
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        await using var server = builder.Build();
        server.Urls.Add("http://127.0.0.1:0");
        server.MapGet("/version", () => Results.Text("""{"gitVersion":"v1.35.0"}""", "application/json"));
        server.MapGet(
            "/api/v1/namespaces/n/secrets/s",
            (HttpContext context) =>
            {
                if (Interlocked.Increment(ref requests) < 3)
                {
                    context.Response.Headers.RetryAfter = "0";
                    return Results.StatusCode(429);
                }

                return Results.Text("""{"metadata":{"name":"s","namespace":"n"}}""", "application/json");
            }
        );
        server.MapGet("/api/v1/namespaces/n/secrets/busy", () => Results.StatusCode(503));
        await server.StartAsync(Token);
        using var folder = new TemporaryFolder();
        using var connection = await ClusterConnection.ConnectAsync(
            Options(folder, server.Urls.Single()),
            TimeProvider.System,
            NullLoggerFactory.Instance,
            Token
        );
        await using var store = new ClusterStore(connection, NullLoggerFactory.Instance);
        Assert.Equal("s", (await store.GetSecretAsync(new ObjectName("n", "s"), Token))!.Name);
        Assert.Equal(3, requests);
        var busy = await Assert.ThrowsAsync<StoreException>(async () => await store.GetSecretAsync(new ObjectName("n", "busy"), Token));
        Assert.Equal(StoreFailure.Unavailable, busy.Failure);
    }

    internal static ClusterOptions Options(TemporaryFolder folder, string url) =>
        new()
        {
            SystemNamespace = "knative-eventing",
            KubeConfig = folder.Write(
                "config",
                $$$"""
                apiVersion: v1
                kind: Config
                current-context: c
                clusters: [{name: c, cluster: {server: "{{{url}}}"}}]
                users: [{name: c, user: {token: "any"}}]
                contexts: [{name: c, context: {cluster: c, user: c}}]
                """
            ),
        };

    private static JsonObject ConfigMap(TestCluster cluster, string data) =>
        new()
        {
            ["apiVersion"] = "v1",
            ["kind"] = "ConfigMap",
            ["metadata"] = new JsonObject { ["name"] = "c", ["namespace"] = cluster.Namespace },
            ["data"] = Json(data),
        };

    private static JsonObject Json(string text) => JsonNode.Parse(text)!.AsObject();

    private static ObjectKey Key(TestCluster cluster, string kind, string name) =>
        new("eventing.knative.dev", kind, cluster.Namespace, name);
}
