using System.Text.Json;
using System.Text.Json.Nodes;
using Brokkr.Apis;
using Brokkr.Controller.Stores;
using Microsoft.Extensions.Logging;

namespace Brokkr.Controller.Kubernetes;

/// <summary>
/// The object store on a Kubernetes API server. It writes as field manager <c>kafka-controller</c>. Objects are as the server has them: nothing is defaulted,
/// and nothing but their types is validated.
/// </summary>
public sealed class ClusterStore : IClusterStore, IAsyncDisposable
{
    private const string FieldManager = "kafka-controller";

    private readonly ClusterConnection _connection;
    private readonly ClusterObjects _objects;
    private readonly ClusterShelves _shelves;
    private readonly References _references;
    private readonly Discovery _discovery;
    private readonly EventRecorder _events;
    private readonly CancellationTokenSource _stop = new();
    private Task _running = Task.CompletedTask;

    /// <summary>Creates the store; nothing is read before <see cref="StartAsync"/>.</summary>
    public ClusterStore(ClusterConnection connection, ILoggerFactory loggers)
    {
        var logger = loggers.CreateLogger("Brokkr.Controller.Cluster");
        _connection = connection;
        _objects = new ClusterObjects(logger);
        _shelves = new ClusterShelves(connection, _objects, logger);
        _discovery = new Discovery(connection);
        _references = new References(connection, _discovery, _objects, _shelves, logger);
        _events = new EventRecorder(connection, logger);
    }

    /// <inheritdoc/>
    public ObjectSet Objects => _objects.Current;

    /// <summary>
    /// Begins to reflect, and waits until all that is always reflected is in <see cref="Objects"/>. What may not be read, or whose kind is not installed, is
    /// left out and tried again for ever; but without Brokers and Triggers there is nothing to do.
    /// </summary>
    /// <exception cref="StoreException">Brokers or Triggers are not installed or may not be read.</exception>
    public async Task StartAsync(CancellationToken cancellation)
    {
        var token = _stop.Token;
        _running = Task.WhenAll([.. _shelves.Always.Select(one => RunAsync(one, token)), RunEventsAsync(token)]);
        foreach (var reflection in _shelves.Always)
        {
            // A reflection that fails otherwise is a defect: let it be seen.
            var first = await Task.WhenAny(reflection.FirstOutcome, _running).WaitAsync(cancellation);
            await first;
            if (reflection is { IsRequired: true, State: { IsSynced: false, Failure: { } failure } })
            {
                throw failure.ToStoreException();
            }
        }
    }

    /// <inheritdoc/>
    public IDisposable Watch(Action onChange) => _objects.Watch(onChange);

    /// <inheritdoc/>
    public IDisposable WatchObjects(Action<ObjectKey> onChange) => _objects.Watch(onChange);

    /// <inheritdoc/>
    public void SetReferences(ObjectKey owner, IReadOnlyCollection<ObjectReference> references) => _references.Set(owner, references);

    /// <inheritdoc/>
    public ReferenceState StateOf(ObjectReference reference) => _references.StateOf(reference);

    /// <inheritdoc/>
    public async ValueTask<Secret?> GetSecretAsync(ObjectName name, CancellationToken cancellation)
    {
        if (_references.TryGetSecret(name, out var known))
        {
            return known;
        }

        var call = ApiCall.About(HttpMethod.Get, "get", ApiResource.Secrets, name.Namespace, name.Name);
        try
        {
            return await _connection.CallAsync(
                call,
                (stream, token) => JsonSerializer.DeserializeAsync(stream, ApisJson.Default.Secret, token),
                cancellation
            );
        }
        catch (ApiFailure failure) when (failure.IsNotFound)
        {
            return null;
        }
        catch (ApiFailure failure)
        {
            throw failure.ToStoreException();
        }
    }

    /// <inheritdoc/>
    public async Task<JsonObject> ApplyAsync(JsonObject manifest, CancellationToken cancellation)
    {
        var apiVersion = Text(manifest, "apiVersion");
        var kind = Text(manifest, "kind");
        var metadata = manifest["metadata"] as JsonObject;
        var name = Text(metadata, "name");
        if (apiVersion.Length == 0 || kind.Length == 0 || name.Length == 0)
        {
            throw new ArgumentException("apiVersion, kind and metadata.name must be there.", nameof(manifest));
        }

        var group = GroupVersion.GroupOf(apiVersion);
        var version = group.Length == 0 ? apiVersion : apiVersion[(group.Length + 1)..];
        return await WriteAsync(
            new ObjectKey(group, kind, Text(metadata, "namespace"), name),
            version,
            resource =>
                About(
                    HttpMethod.Patch,
                    "patch",
                    resource,
                    Text(metadata, "namespace"),
                    name,
                    "",
                    $"fieldManager={FieldManager}&force=true"
                ) with
                {
                    Body = Bytes(manifest),
                    ContentType = ApiCall.ApplyPatch,
                },
            cancellation
        );
    }

    /// <inheritdoc/>
    public Task<JsonObject> PatchAsync(ObjectKey key, JsonObject patch, string subresource, CancellationToken cancellation) =>
        WriteAsync(
            key,
            "",
            resource =>
                About(HttpMethod.Patch, "patch", resource, key.Namespace, key.Name, subresource, $"fieldManager={FieldManager}") with
                {
                    Body = Bytes(patch),
                    ContentType = ApiCall.MergePatch,
                },
            cancellation
        );

    /// <inheritdoc/>
    public async Task<JsonObject?> ReadAsync(ObjectKey key, CancellationToken cancellation)
    {
        try
        {
            var resource = await _discovery.FindAsync(key.Group, "", key.Kind, cancellation);
            var call = ApiCall.About(HttpMethod.Get, "get", resource, key.Namespace, key.Name);
            try
            {
                return await _connection.CallAsync(call, ReadObjectAsync, cancellation);
            }
            catch (ApiFailure failure) when (failure.IsNotFound)
            {
                _discovery.Forget(resource);
                return null;
            }
        }
        catch (ApiFailure failure)
        {
            throw failure.ToStoreException();
        }
    }

    /// <inheritdoc/>
    public async Task DeleteAsync(ObjectKey key, string? uid, CancellationToken cancellation)
    {
        var options = new JsonObject { ["propagationPolicy"] = "Background" };
        if (uid is not null)
        {
            options["preconditions"] = new JsonObject { ["uid"] = uid };
        }

        try
        {
            var resource = await _discovery.FindAsync(key.Group, "", key.Kind, cancellation);
            var call = ApiCall.About(HttpMethod.Delete, "delete", resource, key.Namespace, key.Name) with { Body = Bytes(options) };
            await _connection.CallAsync(call, ReadObjectAsync, cancellation);
        }
        catch (ApiFailure failure) when (failure.IsNotFound || (uid is not null && failure.Failure == StoreFailure.Conflict))
        {
            // Gone, or another one of the same name.
        }
        catch (ApiFailure failure)
        {
            throw failure.ToStoreException();
        }
    }

    /// <inheritdoc/>
    public void Record(ObjectEvent happened) => _events.Record(happened);

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await _running.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        await _references.DisposeAsync();
        _stop.Dispose();
    }

    private static async Task RunAsync(FixedReflection reflection, CancellationToken stop)
    {
        try
        {
            await reflection.RunAsync(stop);
        }
        catch (OperationCanceledException) when (stop.IsCancellationRequested)
        {
            // Stopped.
        }
    }

    private Task RunEventsAsync(CancellationToken stop) => Task.Run(() => _events.RunAsync(stop), CancellationToken.None);

    private async Task<JsonObject> WriteAsync(
        ObjectKey key,
        string version,
        Func<ApiResource, ApiCall> call,
        CancellationToken cancellation
    )
    {
        try
        {
            var resource = await _discovery.FindAsync(key.Group, version, key.Kind, cancellation);
            try
            {
                return await _connection.CallAsync(call(resource), ReadObjectAsync, cancellation);
            }
            catch (ApiFailure failure) when (failure.IsNotFound)
            {
                // Perhaps it is the kind that is gone, or has moved to another version.
                _discovery.Forget(resource);
                throw;
            }
        }
        catch (ApiFailure failure)
        {
            throw failure.ToStoreException();
        }
    }

    private static ApiCall About(
        HttpMethod method,
        string verb,
        ApiResource resource,
        string ns,
        string name,
        string subresource,
        string query
    )
    {
        var call = ApiCall.About(method, verb, resource, ns, name, subresource);
        return call with { Path = $"{call.Path}?{query}" };
    }

    internal static async ValueTask<JsonObject> ReadObjectAsync(Stream stream, CancellationToken cancellation) =>
        await JsonNode.ParseAsync(stream, cancellationToken: cancellation) as JsonObject ?? throw new JsonException();

    private static string Text(JsonObject? node, string name) =>
        node?[name] is JsonValue value && value.TryGetValue(out string? text) ? text : "";

    internal static byte[] Bytes(JsonObject node)
    {
        using var stream = new MemoryStream();
        using (var writer = new Utf8JsonWriter(stream))
        {
            node.WriteTo(writer);
        }

        return stream.ToArray();
    }
}
