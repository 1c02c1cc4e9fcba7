using System.Collections.Concurrent;
using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Json.Serialization.Metadata;
using Brokkr.Apis;
using Brokkr.Controller.Stores;

namespace Brokkr.Controller.Reconcilers;

/// <summary>
/// Writes statuses and finalizers, and remembers what was written until the store shows it: a pass that follows at once must not take the state before it for the
/// present.
/// </summary>
/// <param name="store">Where the objects are.</param>
/// <param name="time">The clock.</param>
internal sealed class ObjectWriter(IClusterStore store, TimeProvider time)
{
    private readonly ConcurrentDictionary<ObjectKey, JsonObject> _written = new();

    /// <summary>What is known of an object: as the store shows it, or newer where we wrote it.</summary>
    public T Newest<T>(T shown, JsonTypeInfo<T> type, Func<T, T, T> take)
        where T : ApiObject
    {
        if (!_written.TryGetValue(shown.Key, out var json))
        {
            return shown;
        }

        var written = json.Deserialize(type)!;
        if (!string.Equals(written.Uid, shown.Uid, StringComparison.Ordinal) || VersionOf(shown) >= VersionOf(written))
        {
            _written.TryRemove(new KeyValuePair<ObjectKey, JsonObject>(shown.Key, json));
            return shown;
        }

        return take(shown, written);
    }

    /// <summary>Forgets an object that is gone.</summary>
    public void Forget(ObjectKey key) => _written.TryRemove(key, out _);

    /// <summary>Makes the status so, if it is not.</summary>
    /// <returns>Whether it was written.</returns>
    public async Task<bool> WriteStatusAsync(ApiObject value, JsonObject? current, StatusDraft draft, CancellationToken cancellation)
    {
        if (draft.PatchOf(current, value.Metadata?.Generation ?? 0, time.GetUtcNow()) is not { } status)
        {
            return false;
        }

        try
        {
            _written[value.Key] = await store.PatchAsync(value.Key, new JsonObject { ["status"] = status }, "status", cancellation);
            return true;
        }
        catch (StoreException exception) when (exception.Failure == StoreFailure.NotFound)
        {
            return false;
        }
    }

    /// <summary>Puts a finalizer on an object, if it is not there.</summary>
    /// <param name="value">The object.</param>
    /// <param name="finalizer">The finalizer.</param>
    /// <param name="component">Who says so.</param>
    /// <param name="cancellation">Ends the wait.</param>
    /// <exception cref="StoreException">It was not written.</exception>
    public async Task AddFinalizerAsync(ApiObject value, string finalizer, string component, CancellationToken cancellation)
    {
        if (!value.HasFinalizer(finalizer))
        {
            await WriteFinalizersAsync(value, [.. value.Metadata?.Finalizers ?? [], finalizer], cancellation);
            Updated(value, component);
        }
    }

    /// <summary>Takes a finalizer off an object, if it is there.</summary>
    /// <exception cref="StoreException">It was not written.</exception>
    public async Task RemoveFinalizerAsync(ApiObject value, string finalizer, string component, CancellationToken cancellation)
    {
        if (!value.HasFinalizer(finalizer))
        {
            return;
        }

        try
        {
            await WriteFinalizersAsync(
                value,
                value.Metadata!.Finalizers!.Where(name => !string.Equals(name, finalizer, StringComparison.Ordinal)),
                cancellation
            );
            Updated(value, component);
        }
        catch (StoreException exception) when (exception.Failure == StoreFailure.NotFound)
        {
            // Gone already.
        }
    }

    /// <summary>Tells people of an object.</summary>
    public void Tell(ApiObject value, string component, string reason, string message, bool isWarning) =>
        store.Record(new ObjectEvent(value.Key, value.Uid, value.ApiVersion ?? "", isWarning, reason, message, component));

    /// <summary>The version of an object as a number: versions of one kind compare so since Kubernetes 1.35.</summary>
    public static ulong VersionOf(ApiObject value) => NumberOf(value.Metadata?.ResourceVersion);

    /// <summary>A version as a number; 0 where it is none.</summary>
    public static ulong NumberOf(string? version) =>
        ulong.TryParse(version, NumberStyles.None, CultureInfo.InvariantCulture, out var number) ? number : 0;

    private async Task WriteFinalizersAsync(ApiObject value, IEnumerable<string> finalizers, CancellationToken cancellation)
    {
        var list = new JsonArray([.. finalizers.Order(StringComparer.Ordinal).Select(name => (JsonNode)name)]);
        var patch = new JsonObject
        {
            ["metadata"] = new JsonObject { ["finalizers"] = list, ["resourceVersion"] = value.Metadata?.ResourceVersion },
        };
        _written[value.Key] = await store.PatchAsync(value.Key, patch, "", cancellation);
    }

    private void Updated(ApiObject value, string component) =>
        Tell(value, component, "FinalizerUpdate", $"Updated \"{value.Name}\" finalizers", isWarning: false);
}
