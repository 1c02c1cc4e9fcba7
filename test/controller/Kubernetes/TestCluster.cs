using System.Text.Json.Nodes;
using Brokkr.Apis;
using Brokkr.Controller.Kubernetes;
using Brokkr.Testing.Kubernetes;
using Microsoft.Extensions.Logging;

namespace Brokkr.Controller.Tests.Kubernetes;

/// <summary>An API server with Brokkr's kinds, and stores and objects on it. Whatever a test makes is in namespaces of its own.</summary>
internal sealed class TestCluster : IAsyncDisposable
{
    private static readonly Lazy<Task<ApiServer>> Shared = new(async () =>
    {
        var api = await ApiServer.SharedAsync();
        await api.InstallBrokkrKindsAsync();
        return api;
    });

    public const string MergePatch = "application/merge-patch+json";

    private static readonly Dictionary<string, string> Kinds = new(StringComparer.Ordinal)
    {
        ["brokers"] = "Broker",
        ["triggers"] = "Trigger",
        ["kafkasinks"] = "KafkaSink",
        ["configmaps"] = "ConfigMap",
        ["secrets"] = "Secret",
        ["services"] = "Service",
        ["pods"] = "Pod",
        ["serviceaccounts"] = "ServiceAccount",
        ["targets"] = "Target",
    };

    private readonly List<IAsyncDisposable> _stores = [];
    private readonly List<ClusterConnection> _connections = [];
    private readonly ILoggerFactory _loggers;
    private readonly bool _isOwn;

    private TestCluster(ApiServer api, string @namespace, bool isOwn)
    {
        Api = api;
        Namespace = @namespace;
        _isOwn = isOwn;
        _loggers = LoggerFactory.Create(builder => builder.AddProvider(Log));
    }

    public ApiServer Api { get; }

    /// <summary>The system namespace, and that of the test's objects.</summary>
    public string Namespace { get; }

    public RememberedLog Log { get; } = new();

    public ILoggerFactory Loggers => _loggers;

    /// <summary>On the server that the tests share.</summary>
    public static async Task<TestCluster> SharedAsync()
    {
        Needs.Present(ApiServer.SkipReason);
        var api = await Shared.Value;
        return new TestCluster(api, await api.CreateNamespaceAsync(), isOwn: false);
    }

    /// <summary>On a server of its own, which the test may stop and break.</summary>
    public static async Task<TestCluster> OwnAsync(bool withKinds = true)
    {
        var api = await ApiServer.StartAsync();
        if (withKinds)
        {
            await api.InstallBrokkrKindsAsync();
        }

        return new TestCluster(api, await api.CreateNamespaceAsync(), isOwn: true);
    }

    public ClusterOptions Options(string? token = null, string? url = null) =>
        new()
        {
            KubeConfig = Api.WriteKubeConfig(token, url),
            SystemNamespace = Namespace,
            MinRetryDelay = TimeSpan.FromMilliseconds(50),
            MaxRetryDelay = TimeSpan.FromMilliseconds(500),
        };

    public async Task<ClusterConnection> ConnectAsync(ClusterOptions? options = null)
    {
        var connection = await ClusterConnection.ConnectAsync(
            options ?? Options(),
            TimeProvider.System,
            _loggers,
            TestContext.Current.CancellationToken
        );
        _connections.Add(connection);
        return connection;
    }

    public async Task<ClusterStore> StoreAsync(ClusterOptions? options = null)
    {
        var store = new ClusterStore(await ConnectAsync(options), _loggers);
        _stores.Add(store);
        await store.StartAsync(TestContext.Current.CancellationToken);
        return store;
    }

    /// <summary>Requests of all connections so far.</summary>
    public long Requests => _connections.Sum(connection => connection.Requests);

    /// <summary>Name of an object in the test's namespace.</summary>
    public ObjectName Name(string name) => new(Namespace, name);

    /// <summary>A token of a service account that may do what the rules say, in all namespaces.</summary>
    /// <param name="rules">Rules of a ClusterRole.</param>
    public async Task<string> TokenAsync(string rules)
    {
        await Api.CreateServiceAccountAsync(Namespace, "limited");
        await GrantAsync(rules);
        return await Api.TokenAsync(Namespace, "limited");
    }

    /// <summary>Lets the service account of <see cref="TokenAsync"/> do more.</summary>
    public async Task GrantAsync(string rules)
    {
        var name = "limited-" + Guid.NewGuid().ToString("n");
        const string rbac = "/apis/rbac.authorization.k8s.io/v1";
        await Api.CreateAsync($"{rbac}/clusterroles", $$"""{"metadata":{"name":"{{name}}"},"rules":{{rules}}}""");
        await Api.CreateAsync(
            $"{rbac}/clusterrolebindings",
            $$"""
            {"metadata":{"name":"{{name}}"},"roleRef":{"apiGroup":"rbac.authorization.k8s.io","kind":"ClusterRole","name":"{{name}}"},
             "subjects":[{"kind":"ServiceAccount","name":"limited","namespace":"{{Namespace}}"}]}
            """
        );
    }

    /// <summary>Creates an object in the test's namespace.</summary>
    /// <param name="collection"><c>api/v1/configmaps</c>, <c>apis/eventing.knative.dev/v1/brokers</c>.</param>
    /// <param name="name">Its name.</param>
    /// <param name="rest">Its other fields.</param>
    public Task<JsonObject> CreateAsync(string collection, string name, string rest = "{}")
    {
        var manifest = JsonNode.Parse(rest)!.AsObject();
        var apiVersion = collection[(collection.IndexOf('/') + 1)..collection.LastIndexOf('/')];
        manifest["apiVersion"] = apiVersion;
        manifest["kind"] = Kinds[collection[(collection.LastIndexOf('/') + 1)..]];
        manifest["metadata"] ??= new JsonObject();
        manifest["metadata"]!["name"] = name;
        return Api.CreateAsync(PathOf(collection), manifest.ToJsonString());
    }

    public async Task PatchAsync(string collection, string name, string patch)
    {
        using var response = await Api.SendAsync(HttpMethod.Patch, $"{PathOf(collection)}/{name}", patch, MergePatch);
        Assert.True(response.IsSuccessStatusCode, await response.Content.ReadAsStringAsync(TestContext.Current.CancellationToken));
    }

    public async Task DeleteAsync(string collection, string name)
    {
        using var response = await Api.SendAsync(HttpMethod.Delete, $"{PathOf(collection)}/{name}");
        Assert.True(response.IsSuccessStatusCode, await response.Content.ReadAsStringAsync(TestContext.Current.CancellationToken));
    }

    public async Task<JsonObject> ReadAsync(string collection, string name = "")
    {
        using var response = await Api.SendAsync(HttpMethod.Get, PathOf(collection) + (name.Length > 0 ? "/" + name : ""));
        var text = await response.Content.ReadAsStringAsync(TestContext.Current.CancellationToken);
        Assert.True(response.IsSuccessStatusCode, text);
        return JsonNode.Parse(text)!.AsObject();
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var store in _stores)
        {
            await store.DisposeAsync();
        }

        foreach (var connection in _connections)
        {
            connection.Dispose();
        }

        _loggers.Dispose();
        TestContext.Current.TestOutputHelper?.WriteLine(Log.ToString());
        if (_isOwn)
        {
            await Api.DisposeAsync();
        }
    }

    private string PathOf(string collection)
    {
        var slash = collection.LastIndexOf('/');
        return $"/{collection[..slash]}/namespaces/{Namespace}{collection[slash..]}";
    }
}
