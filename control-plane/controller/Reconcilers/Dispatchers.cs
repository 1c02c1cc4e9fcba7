using System.Collections.Concurrent;
using System.Text.Json.Nodes;
using Brokkr.Apis;
using Brokkr.Controller.Stores;
using Brokkr.Core.Contract.Wire;

namespace Brokkr.Controller.Reconcilers;

/// <summary>
/// Wakes the dispatcher when there is a Trigger to serve: the original ships its StatefulSet without replicas. It is never scaled down, nor touched otherwise: how many
/// there are is for people and autoscalers to say.
/// </summary>
internal sealed class Dispatchers(ReconcilerContext context)
{
    private static readonly TimeSpan Interval = TimeSpan.FromMinutes(1);

    private readonly ConcurrentDictionary<string, DateTimeOffset> _awake = new(StringComparer.Ordinal);
    private readonly ConcurrentDictionary<string, byte> _failed = new(StringComparer.Ordinal);

    /// <summary>
    /// Scales the dispatcher from none to one if the resource has an egress that is new. What keeps it from that is the pass's failure, and is tried again with the next
    /// pass; it keeps nothing else from being done.
    /// </summary>
    public async Task WakeAsync(ResourcePass pass, Resource? resource, CancellationToken cancellation)
    {
        if (
            resource is null
            || resource.Egresses.Count == 0
            || !(HasNew(resource, pass.Stored?.Resource) || _failed.ContainsKey(pass.DataPlaneNamespace))
        )
        {
            return;
        }

        var now = context.Time.GetUtcNow();
        if (_awake.TryGetValue(pass.DataPlaneNamespace, out var at) && now - at < Interval)
        {
            return;
        }

        var key = new ObjectKey("apps", "StatefulSet", pass.DataPlaneNamespace, context.Options.DispatcherApp);
        try
        {
            if (await context.Store.ReadAsync(key, cancellation) is { } found && found["spec"]?["replicas"]?.ToString() is "0")
            {
                await context.Store.PatchAsync(
                    key,
                    new JsonObject { ["spec"] = new JsonObject { ["replicas"] = 1 } },
                    "scale",
                    cancellation
                );
                context.Logger.DispatcherWoken(pass.DataPlaneNamespace, context.Options.DispatcherApp);
            }
        }
        catch (StoreException exception)
        {
            _failed[pass.DataPlaneNamespace] = 0;
            pass.Failure = exception;
            return;
        }

        _failed.TryRemove(pass.DataPlaneNamespace, out _);
        _awake[pass.DataPlaneNamespace] = now;
    }

    private static bool HasNew(Resource resource, Resource? stored)
    {
        var known = stored?.Egresses.Select(egress => egress.Uid).ToHashSet(StringComparer.Ordinal) ?? [];
        return resource.Egresses.Any(egress => !known.Contains(egress.Uid));
    }
}
