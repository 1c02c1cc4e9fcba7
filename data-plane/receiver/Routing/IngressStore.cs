using Brokkr.Core.Contract.Wire;
using Brokkr.Core.Log;
using Brokkr.Receiver.Authentication;
using Brokkr.Receiver.Telemetry;
using Microsoft.Extensions.Logging;

namespace Brokkr.Receiver.Routing;

/// <summary>
/// Turns contracts into the table that requests are routed by. Every resource is on its own: its log is opened in the background, tried again
/// until it opens, and what it served before goes on meanwhile. A new entry is built first, then the table is swapped, then what was replaced
/// is given back (receiver-and-core §5.3, §18.1-5, 12).
/// </summary>
internal sealed partial class IngressStore(
    ILogProvider logs,
    ReceiverMetrics metrics,
    TimeSpan retryDelay,
    TimeSpan openTimeout,
    TimeProvider time,
    ILogger logger
) : IAsyncDisposable
{
    private readonly Lock _lock = new();
    private readonly Dictionary<string, Entry> _entries = new(StringComparer.Ordinal);
    private readonly List<Entry> _order = [];
    private readonly List<StandIn> _standIns = [];
    private readonly List<SharedLog> _replaced = [];
    private readonly HashSet<Task> _running = [];
    private IngressTable _table = IngressTable.Empty;
    private ulong _generation;
    private TaskCompletionSource? _inForce;
    private bool _rebuildQueued;
    private bool _applied;
    private bool _closed;

    /// <summary>Puts a contract in force. Resources whose log is open are served as the contract says when this returns.</summary>
    public void Apply(Contract contract)
    {
        lock (_lock)
        {
            if (_closed)
            {
                return;
            }

            var wanted = Read(contract);
            RemoveOthers(wanted);
            _order.Clear();
            foreach (var (definition, resource) in wanted.Values)
            {
                if (!_entries.TryGetValue(definition.Uid, out var entry))
                {
                    _entries.Add(definition.Uid, entry = new Entry());
                }

                _order.Add(entry);
                Want(entry, definition, resource);
            }

            _applied = true;
            Interlocked.Exchange(ref _generation, contract.Generation);
            Rebuild();
            logger.ContractApplied(contract.Generation, _order.Count);
        }
    }

    /// <summary>Gives every log back, waiting for requests that still use one.</summary>
    public async ValueTask DisposeAsync()
    {
        var waits = new List<Task>();
        lock (_lock)
        {
            _closed = true;
            foreach (var entry in _entries.Values)
            {
                entry.Opening?.Cancel();
                Replace(entry.Log);
            }

            foreach (var standIn in _standIns)
            {
                Replace(standIn.Ingress.Log);
            }

            _entries.Clear();
            _order.Clear();
            _standIns.Clear();
            Rebuild();
            waits.AddRange(_running);
        }

        await Task.WhenAll(waits);
    }

    private Dictionary<string, (IngressDefinition Definition, Resource Resource)> Read(Contract contract)
    {
        var wanted = new Dictionary<string, (IngressDefinition, Resource)>(StringComparer.Ordinal);
        foreach (var resource in contract.Resources)
        {
            if (resource.Ingress is null)
            {
                continue;
            }

            var definition = IngressDefinition.From(resource, out var reason);
            if (definition is null)
            {
                // A resource that was served stays as it was: a broken change must not be an outage. Not if the change is about who may send:
                // then going on could let in whom it shuts out.
                logger.ResourceRefused(resource.Uid, resource.Reference?.Namespace, resource.Reference?.Name, reason);
                definition = _entries.TryGetValue(resource.Uid, out var entry) ? entry.Wanted : null;
                if (definition is not null && !Access.IsUnchanged(definition.Access, resource.Ingress))
                {
                    definition = null;
                }

                if (definition is not null)
                {
                    wanted.TryAdd(resource.Uid, (definition, entry!.Resource!));
                }
            }
            else if (!wanted.TryAdd(resource.Uid, (definition, resource)))
            {
                logger.DuplicateUid(resource.Uid, definition.Namespace, definition.Name);
            }
        }

        return wanted;
    }

    /// <summary>Makes an entry what the contract says, at once if its log is open, else as soon as it is.</summary>
    private void Want(Entry entry, IngressDefinition definition, Resource resource)
    {
        entry.Resource = resource;
        var before = entry.Wanted;
        entry.Wanted = definition;
        if (entry.Log is not null && definition.Log.Equals(entry.LogIdentity))
        {
            // Unless it is opened anew for the same identity.
            if (!entry.Log.Outdated.IsCancellationRequested)
            {
                entry.Opening?.Cancel();
                entry.Opening = null;
                entry.Pending = false;
            }

            if (entry.Served?.Definition != definition)
            {
                entry.Served = new Ingress(definition, entry.Log, metrics.For(definition));
            }
        }
        else
        {
            // Who may send is not left as it was until another log is open.
            if (entry.Served is { } served && !Equals(served.Definition.Access, definition.Access))
            {
                entry.Served = served with { Definition = served.Definition with { Access = definition.Access } };
            }

            if (entry.Opening is not null && definition.Log.Equals(before?.Log))
            {
                return;
            }

            entry.Opening?.Cancel();
            entry.Opening = new CancellationTokenSource();
            entry.Pending = true;
            Run(OpenAsync(entry, definition.Log, resource, entry.Opening.Token));
        }
    }

    private async Task OpenAsync(Entry entry, LogIdentity identity, Resource resource, CancellationToken cancellation)
    {
        // The caller holds the lock.
        await Task.CompletedTask.ConfigureAwait(ConfigureAwaitOptions.ForceYielding);
        while (!cancellation.IsCancellationRequested)
        {
            try
            {
                using var limit = new CancellationTokenSource(openTimeout, time);
                using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellation, limit.Token);
                var lease = await logs.AcquireAsync(resource, either.Token);
                Opened(entry, identity, new SharedLog(lease, logger), cancellation);
                return;
            }
            catch (OperationCanceledException) when (cancellation.IsCancellationRequested)
            {
                return;
            }
            catch (Exception e)
            {
                NotOpened(entry, e);
            }

            try
            {
                await Task.Delay(retryDelay, time, cancellation);
            }
            catch (OperationCanceledException)
            {
                return;
            }
        }
    }

    private void Opened(Entry entry, LogIdentity identity, SharedLog log, CancellationToken cancellation)
    {
        lock (_lock)
        {
            if (cancellation.IsCancellationRequested)
            {
                log.Retire();
                return;
            }

            var definition = entry.Wanted!;
            var replaced = entry.Log;
            entry.Log = log;
            entry.LogIdentity = identity;
            entry.Opening = null;
            entry.Problem = null;
            entry.Pending = false;
            entry.Tried = true;
            entry.Served = new Ingress(definition, log, metrics.For(definition));
            Inherit(definition.Uid);
            Replace(replaced);
            QueueRebuild();
        }

        // Not under the lock; at once if it happened meanwhile.
        log.Outdated.UnsafeRegister(_ => OpenAgain(entry, log), null);
    }

    /// <summary>Another log has taken the place of this one; until it is open, requests go on with this one.</summary>
    private void OpenAgain(Entry entry, SharedLog outdated)
    {
        lock (_lock)
        {
            // Otherwise it was replaced, or its resource removed, or another one is being opened anyway.
            if (!_closed && entry.Log == outdated && entry.Opening is null && _entries.GetValueOrDefault(entry.Wanted!.Uid) == entry)
            {
                entry.Opening = new CancellationTokenSource();
                Run(OpenAsync(entry, entry.LogIdentity!, entry.Resource!, entry.Opening.Token));
            }
        }
    }

    private void NotOpened(Entry entry, Exception e)
    {
        lock (_lock)
        {
            var definition = entry.Wanted!;
            if (!string.Equals(entry.Problem, e.Message, StringComparison.Ordinal))
            {
                // While it stays like that there is no news.
                entry.Problem = e.Message;
                logger.LogNotOpened(definition.Namespace, definition.Name, retryDelay.TotalSeconds, e);
            }

            entry.Pending = false;
            entry.Tried = true;
            Inherit(definition.Uid);
            QueueRebuild();
        }
    }

    /// <summary>Many logs may open at the same time; the table is made once for those that did since the last time.</summary>
    private void QueueRebuild()
    {
        if (!_rebuildQueued)
        {
            _rebuildQueued = true;
            ThreadPool.UnsafeQueueUserWorkItem(static store => store.RebuildLater(), this, preferLocal: false);
        }
    }

    private void RebuildLater()
    {
        lock (_lock)
        {
            if (!_closed)
            {
                Rebuild();
            }
        }
    }

    private void Rebuild()
    {
        _rebuildQueued = false;
        var builder = new IngressTable.Builder();
        foreach (var entry in _order)
        {
            // Whoever has a path by the contract in force comes before those whose change is still under way.
            if (entry.Served is { } served && Overlap(served.Definition, entry.Wanted!))
            {
                var free = builder.Add(served, out var taken);
                if (!free && !entry.Conflict)
                {
                    logger.AddressTaken(served.Definition.Path, served.Definition.Host, served.Definition.Uid, taken!.Definition.Uid);
                }

                entry.Conflict = !free;
            }
        }

        foreach (var entry in _order)
        {
            if (entry.Served is { } served && !Overlap(served.Definition, entry.Wanted!))
            {
                builder.Add(served, out _);
            }
        }

        for (var i = _standIns.Count - 1; i >= 0; i--)
        {
            if (_standIns[i].Heirs.Count > 0)
            {
                builder.Add(_standIns[i].Ingress, out _);
            }
            else
            {
                Replace(_standIns[i].Ingress.Log);
                _standIns.RemoveAt(i);
            }
        }

        Volatile.Write(ref _table, builder.Build());

        // Only now may the old logs go: no request can find them any more.
        foreach (var log in _replaced)
        {
            log.Retire();
            Run(log.Released);
        }

        _replaced.Clear();
        if (_inForce is { } waiting && IsInForce)
        {
            _inForce = null;
            waiting.TrySetResult();
        }
    }

    private static bool Overlap(IngressDefinition one, IngressDefinition other) =>
        (one.Path.Length > 0 && string.Equals(one.Path, other.Path, StringComparison.Ordinal))
        || (one.Host.Length > 0 && string.Equals(one.Host, other.Host, StringComparison.OrdinalIgnoreCase));

    /// <summary>Gives a log back after the next table is in force.</summary>
    private void Replace(SharedLog? log)
    {
        if (log is not null)
        {
            _replaced.Add(log);
        }
    }

    private void Run(Task task)
    {
        _running.Add(task);
        _ = task.ContinueWith(
            static (done, state) =>
            {
                var store = (IngressStore)state!;
                lock (store._lock)
                {
                    store._running.Remove(done);
                }
            },
            this,
            CancellationToken.None,
            TaskContinuationOptions.DenyChildAttach,
            TaskScheduler.Default
        );
    }
}
