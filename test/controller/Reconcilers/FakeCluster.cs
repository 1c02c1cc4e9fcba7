using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Json.Serialization.Metadata;
using Brokkr.Apis;
using Brokkr.Controller.Folders;
using Brokkr.Controller.Stores;

namespace Brokkr.Controller.Tests.Reconcilers;

/// <summary>
/// An API server in memory, as far as reconcilers can tell: versions, generations, finalizers, the status subresource, merge patches, conditional writes. What is
/// written shows at once; a test can hold that back.
/// </summary>
internal sealed class FakeCluster : IClusterStore
{
    private readonly Lock _lock = new();
    private readonly Dictionary<ObjectKey, JsonObject> _objects = [];
    private readonly List<Action<ObjectKey>> _watchers = [];
    private readonly Dictionary<ObjectKey, IReadOnlyCollection<ObjectReference>> _references = [];
    private long _version = 100;

    public ObjectSet Objects { get; private set; } = ObjectSet.Empty;

    public List<ObjectEvent> Events { get; } = [];

    /// <summary>Kinds that the server does not have.</summary>
    public HashSet<string> UnknownKinds { get; } = [];

    /// <summary>What was written, as <c>verb kind namespace/name</c>.</summary>
    public List<string> Writes { get; } = [];

    /// <summary>Decides whether a write fails.</summary>
    public Func<string, ObjectKey, StoreFailure?>? Fails { get; set; }

    /// <summary>Creates or replaces objects as people do with kubectl.</summary>
    public void Put(params ReadOnlySpan<string> manifests)
    {
        foreach (var manifest in manifests)
        {
            foreach (var document in YamlReader.Read(manifest))
            {
                Put((JsonObject)document.Json!.DeepClone());
            }
        }
    }

    public void Put(JsonObject value)
    {
        var key = KeyOf(value);
        lock (_lock)
        {
            if (_objects.TryGetValue(key, out var before))
            {
                var metadata = (JsonObject)value["metadata"]!;
                foreach (var name in new[] { "uid", "generation", "finalizers", "deletionTimestamp" })
                {
                    if (!metadata.ContainsKey(name) && before["metadata"]![name] is { } kept)
                    {
                        metadata[name] = kept.DeepClone();
                    }
                }

                if (!value.ContainsKey("status") && before["status"] is { } status)
                {
                    value["status"] = status.DeepClone();
                }

                if (!JsonNode.DeepEquals(before["spec"], value["spec"]))
                {
                    metadata["generation"] = before["metadata"]!["generation"]!.GetValue<long>() + 1;
                }
            }
            else
            {
                value["metadata"]!["uid"] ??= Guid.NewGuid().ToString();
                value["metadata"]!["generation"] ??= 1L;
            }

            Store(key, value);
        }

        Tell(key);
    }

    public JsonObject? Find(string kind, string name, string ns = "shop")
    {
        lock (_lock)
        {
            var found = _objects
                .FirstOrDefault(entry => entry.Key.Kind == kind && entry.Key.Namespace == ns && entry.Key.Name == name)
                .Value;
            return (JsonObject?)found?.DeepClone();
        }
    }

    public IReadOnlyList<JsonObject> All(string kind)
    {
        lock (_lock)
        {
            return [.. _objects.Where(entry => entry.Key.Kind == kind).Select(entry => (JsonObject)entry.Value.DeepClone())];
        }
    }

    public void Delete(string kind, string name, string ns = "shop")
    {
        ObjectKey key;
        lock (_lock)
        {
            key = _objects.Keys.First(found => found.Kind == kind && found.Namespace == ns && found.Name == name);
            DeleteLocked(key);
        }

        Tell(key);
    }

    public void Patch(string kind, string name, string patch, string ns = "shop")
    {
        ObjectKey key;
        lock (_lock)
        {
            key = _objects.Keys.First(found => found.Kind == kind && found.Namespace == ns && found.Name == name);
            Change(key, (JsonObject)YamlReader.Read(patch)[0].Json!.DeepClone(), withStatus: true);
        }

        Tell(key);
    }

    public IDisposable Watch(Action onChange) => WatchObjects(_ => onChange());

    public IDisposable WatchObjects(Action<ObjectKey> onChange)
    {
        lock (_lock)
        {
            _watchers.Add(onChange);
        }

        return new Subscription(() =>
        {
            lock (_lock)
            {
                _watchers.Remove(onChange);
            }
        });
    }

    public ValueTask<Secret?> GetSecretAsync(ObjectName name, CancellationToken cancellation)
    {
        lock (_lock)
        {
            var key = new ObjectKey("", Secret.KindName, name.Namespace, name.Name);
            return ValueTask.FromResult(_objects.TryGetValue(key, out var found) ? found.Deserialize(ApisJson.Default.Secret) : null);
        }
    }

    public void SetReferences(ObjectKey owner, IReadOnlyCollection<ObjectReference> references)
    {
        lock (_lock)
        {
            _references[owner] = references;
        }
    }

    public ReferenceState StateOf(ObjectReference reference)
    {
        lock (_lock)
        {
            return UnknownKinds.Contains(reference.Kind) ? new ReferenceState(ReferenceKnowledge.UnknownKind)
                : !_references.Values.Any(all => all.Contains(reference)) ? new ReferenceState(ReferenceKnowledge.Pending)
                : new ReferenceState(_objects.ContainsKey(reference.Key) ? ReferenceKnowledge.Present : ReferenceKnowledge.Absent);
        }
    }

    public Task<JsonObject> ApplyAsync(JsonObject manifest, CancellationToken cancellation)
    {
        var key = KeyOf(manifest);
        JsonObject result;
        lock (_lock)
        {
            Check("apply", key);
            if (_objects.ContainsKey(key))
            {
                result = Change(key, (JsonObject)manifest.DeepClone(), withStatus: false);
            }
            else
            {
                var value = (JsonObject)manifest.DeepClone();
                value["metadata"]!["uid"] = Guid.NewGuid().ToString();
                value["metadata"]!["generation"] = 1L;
                result = Store(key, value);
            }
        }

        Tell(key);
        return Task.FromResult(result);
    }

    public Task<JsonObject> PatchAsync(ObjectKey key, JsonObject patch, string subresource, CancellationToken cancellation)
    {
        JsonObject result;
        lock (_lock)
        {
            Check(subresource.Length > 0 ? $"patch-{subresource}" : "patch", key);
            if (!_objects.ContainsKey(key))
            {
                throw new StoreException(StoreFailure.NotFound, $"{key} not found");
            }

            result = Change(key, (JsonObject)patch.DeepClone(), subresource is "status");
        }

        Tell(key);
        return Task.FromResult(result);
    }

    public Task<JsonObject?> ReadAsync(ObjectKey key, CancellationToken cancellation)
    {
        lock (_lock)
        {
            return Task.FromResult(_objects.TryGetValue(key, out var found) ? (JsonObject?)found.DeepClone() : null);
        }
    }

    public Task DeleteAsync(ObjectKey key, string? uid, CancellationToken cancellation)
    {
        lock (_lock)
        {
            Check("delete", key);
            if (!_objects.TryGetValue(key, out var found) || (uid is not null && found["metadata"]!["uid"]!.GetValue<string>() != uid))
            {
                return Task.CompletedTask;
            }

            DeleteLocked(key);
        }

        Tell(key);
        return Task.CompletedTask;
    }

    public void Record(ObjectEvent happened)
    {
        lock (_lock)
        {
            Events.Add(happened);
        }
    }

    private void Check(string verb, ObjectKey key)
    {
        if (Fails?.Invoke(verb, key) is { } failure)
        {
            throw new StoreException(failure, $"{verb} of {key} is made to fail");
        }

        Writes.Add($"{verb} {key}");
    }

    private JsonObject Change(ObjectKey key, JsonObject patch, bool withStatus)
    {
        var before = _objects[key];
        var after = (JsonObject)before.DeepClone();
        if (
            patch["metadata"]?["resourceVersion"]?.GetValue<string>() is { } version
            && version != before["metadata"]!["resourceVersion"]!.GetValue<string>()
        )
        {
            throw new StoreException(StoreFailure.Conflict, $"{key} has been modified");
        }

        var isCustom = key.Group == GroupVersion.EventingGroup;
        if (isCustom && !withStatus)
        {
            patch.Remove("status");
        }

        Merge(after, patch);
        if (JsonNode.DeepEquals(before, after))
        {
            return (JsonObject)before.DeepClone();
        }

        if (!JsonNode.DeepEquals(before["spec"], after["spec"]))
        {
            after["metadata"]!["generation"] = before["metadata"]!["generation"]!.GetValue<long>() + 1;
        }

        if (after["metadata"]!["deletionTimestamp"] is not null && after["metadata"]!["finalizers"] is not JsonArray { Count: > 0 })
        {
            _objects.Remove(key);
            Show(key, null);
            return after;
        }

        return Store(key, after);
    }

    private void DeleteLocked(ObjectKey key)
    {
        var found = (JsonObject)_objects[key].DeepClone();
        if (found["metadata"]!["finalizers"] is JsonArray { Count: > 0 })
        {
            found["metadata"]!["deletionTimestamp"] ??= "2026-01-01T00:00:00Z";
            Store(key, found);
            return;
        }

        _objects.Remove(key);
        Show(key, null);
    }

    private JsonObject Store(ObjectKey key, JsonObject value)
    {
        value["metadata"]!["resourceVersion"] = (++_version).ToString(CultureInfo.InvariantCulture);
        _objects[key] = value;
        Show(key, value);
        return (JsonObject)value.DeepClone();
    }

    private void Show(ObjectKey key, JsonObject? value)
    {
        var name = key.ObjectName;
        Objects = key switch
        {
            (GroupVersion.EventingGroup, Broker.KindName, _, _) => Objects with
            {
                Brokers = With(Objects.Brokers, name, value, ApisJson.Default.Broker),
            },
            (GroupVersion.EventingGroup, Trigger.KindName, _, _) => Objects with
            {
                Triggers = With(Objects.Triggers, name, value, ApisJson.Default.Trigger),
            },
            (GroupVersion.EventingGroup, KafkaSink.KindName, _, _) => Objects with
            {
                KafkaSinks = With(Objects.KafkaSinks, name, value, ApisJson.Default.KafkaSink),
            },
            (GroupVersion.EventingGroup, EventPolicy.KindName, _, _) => Objects with
            {
                EventPolicies = With(Objects.EventPolicies, name, value, ApisJson.Default.EventPolicy),
            },
            ("", ConfigMap.KindName, _, _) => Objects with
            {
                ConfigMaps = With(Objects.ConfigMaps, name, value, ApisJson.Default.ConfigMap),
            },
            ("", Service.KindName, _, _) => Objects with { Services = With(Objects.Services, name, value, ApisJson.Default.Service) },
            ("", Pod.KindName, _, _) => Objects with { Pods = With(Objects.Pods, name, value, ApisJson.Default.Pod) },
            ("", ServiceAccount.KindName, _, _) => Objects with
            {
                ServiceAccounts = With(Objects.ServiceAccounts, name, value, ApisJson.Default.ServiceAccount),
            },
            ("", Secret.KindName, _, _) => Objects,
            _ => Objects with { Others = With(Objects.Others, key, value, ApisJson.Default.AddressableObject) },
        };
    }

    private static Dictionary<TKey, T> With<TKey, T>(IReadOnlyDictionary<TKey, T> all, TKey name, JsonObject? value, JsonTypeInfo<T> type)
        where TKey : notnull
    {
        var copy = all.ToDictionary();
        if (value is null)
        {
            copy.Remove(name);
        }
        else
        {
            copy[name] = value.Deserialize(type)!;
        }

        return copy;
    }

    private void Tell(ObjectKey key)
    {
        List<Action<ObjectKey>> watchers;
        lock (_lock)
        {
            watchers = [.. _watchers];
        }

        foreach (var watcher in watchers)
        {
            watcher(key);
        }
    }

    private static void Merge(JsonObject target, JsonObject patch)
    {
        foreach (var (name, value) in patch)
        {
            switch (value)
            {
                case null:
                    target.Remove(name);
                    break;
                case JsonObject inner:
                    if (target[name] is not JsonObject child)
                    {
                        target[name] = child = [];
                    }

                    Merge(child, inner);
                    break;
                default:
                    target[name] = value.DeepClone();
                    break;
            }
        }
    }

    private static ObjectKey KeyOf(JsonObject value) =>
        new(
            GroupVersion.GroupOf(value["apiVersion"]!.GetValue<string>()),
            value["kind"]!.GetValue<string>(),
            value["metadata"]!["namespace"]?.GetValue<string>() ?? "",
            value["metadata"]!["name"]!.GetValue<string>()
        );

    private sealed class Subscription(Action end) : IDisposable
    {
        public void Dispose() => end();
    }
}
