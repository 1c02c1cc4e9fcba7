using System.Collections.Concurrent;
using System.Globalization;
using System.Text.Json.Nodes;
using Brokkr.Apis;
using Brokkr.Controller.Stores;

namespace Brokkr.Controller.Tests.Admission;

/// <summary>The part of an object store that the webhook uses, in memory, with versions and conflicts.</summary>
internal sealed class RememberedStore : IClusterStore
{
    private readonly ConcurrentDictionary<ObjectKey, JsonObject> _objects = new();
    private int _version;

    /// <summary>Called before each write; may fail it.</summary>
    public Action<ObjectKey> Writing { get; set; } = _ => { };

    public int Writes { get; private set; }

    public ObjectSet Objects { get; set; } = ObjectSet.Empty;

    public JsonObject this[ObjectKey key]
    {
        get => _objects[key];
        set
        {
            value = value.DeepClone().AsObject();
            if (value["metadata"] is not JsonObject metadata)
            {
                value["metadata"] = metadata = [];
            }

            metadata["resourceVersion"] = Interlocked.Increment(ref _version).ToString(CultureInfo.InvariantCulture);
            _objects[key] = value;
        }
    }

    public Task<JsonObject?> ReadAsync(ObjectKey key, CancellationToken cancellation) =>
        Task.FromResult(_objects.GetValueOrDefault(key)?.DeepClone().AsObject());

    public Task<JsonObject> ApplyAsync(JsonObject manifest, CancellationToken cancellation)
    {
        var metadata = manifest["metadata"]!;
        var key = new ObjectKey("", (string)manifest["kind"]!, (string)metadata["namespace"]!, (string)metadata["name"]!);
        Writing(key);
        Writes++;
        this[key] = manifest;
        return Task.FromResult(this[key]);
    }

    public Task<JsonObject> PatchAsync(ObjectKey key, JsonObject patch, string subresource, CancellationToken cancellation)
    {
        Writing(key);
        if (!_objects.TryGetValue(key, out var present))
        {
            throw new StoreException(StoreFailure.NotFound, $"there is no {key}");
        }

        if (patch["metadata"]?["resourceVersion"] is { } version && !JsonNode.DeepEquals(version, present["metadata"]!["resourceVersion"]))
        {
            throw new StoreException(StoreFailure.Conflict, $"{key} has changed");
        }

        Writes++;
        this[key] = Merge(present, patch);
        return Task.FromResult(this[key]);
    }

    public IDisposable Watch(Action onChange) => throw new NotSupportedException();

    public IDisposable WatchObjects(Action<ObjectKey> onChange) => throw new NotSupportedException();

    public void SetReferences(ObjectKey owner, IReadOnlyCollection<ObjectReference> references) => throw new NotSupportedException();

    public ReferenceState StateOf(ObjectReference reference) => throw new NotSupportedException();

    public ValueTask<Secret?> GetSecretAsync(ObjectName name, CancellationToken cancellation) => throw new NotSupportedException();

    public Task DeleteAsync(ObjectKey key, string? uid, CancellationToken cancellation) => throw new NotSupportedException();

    public void Record(ObjectEvent happened) => throw new NotSupportedException();

    private static JsonObject Merge(JsonObject target, JsonObject patch)
    {
        var result = target.DeepClone().AsObject();
        foreach (var (name, value) in patch)
        {
            result[name] = (result[name], value) switch
            {
                (JsonObject old, JsonObject change) => Merge(old, change),
                var (_, change) => change?.DeepClone(),
            };
        }

        return result;
    }
}
