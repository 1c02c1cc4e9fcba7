using Brokkr.Apis;
using Brokkr.Controller.Stores;
using Microsoft.Extensions.Logging;

namespace Brokkr.Controller.Kubernetes;

/// <summary>
/// Watches what owners refer to: ConfigMaps and Secrets one by one, of other kinds all objects. Each is watched once, as long as anybody refers to it.
/// </summary>
internal sealed class References(
    ClusterConnection connection,
    Discovery discovery,
    ClusterObjects objects,
    ClusterShelves shelves,
    ILogger logger
) : IAsyncDisposable
{
    private readonly Lock _lock = new();
    private readonly Dictionary<ObjectKey, HashSet<ObjectReference>> _byOwner = [];
    private readonly Dictionary<ObjectReference, Watched> _watched = [];
    private readonly HashSet<Task> _running = [];
    private readonly CancellationTokenSource _stop = new();
    private bool _isStopped;

    /// <summary>What an owner refers to from now on.</summary>
    public void Set(ObjectKey owner, IReadOnlyCollection<ObjectReference> references)
    {
        // What the fixed reflections have needs nothing more.
        var wanted = references.Where(reference => !shelves.IsFixed(reference.Group, reference.Kind)).ToHashSet();
        lock (_lock)
        {
            if (_isStopped)
            {
                return;
            }

            var had = _byOwner.GetValueOrDefault(owner) ?? [];
            // The new ones first: what is in both stays watched.
            foreach (var reference in wanted.Except(had))
            {
                Add(reference);
            }

            foreach (var reference in had.Except(wanted))
            {
                Drop(reference);
            }

            if (wanted.Count > 0)
            {
                _byOwner[owner] = wanted;
            }
            else
            {
                _byOwner.Remove(owner);
            }
        }
    }

    /// <summary>What is known of an object.</summary>
    public ReferenceState StateOf(ObjectReference reference)
    {
        if (shelves.Fixed(reference.Group, reference.Kind, reference.Key.ObjectName) is { } known)
        {
            return known;
        }

        Watched? watched;
        lock (_lock)
        {
            _watched.TryGetValue(WatchOf(reference), out watched);
        }

        return watched?.StateOf(reference) ?? new ReferenceState(ReferenceKnowledge.Pending);
    }

    /// <summary>A Secret, if it is watched: null in it says that there is none.</summary>
    public bool TryGetSecret(ObjectName name, out Secret? secret)
    {
        var reference = new ObjectReference("", "v1", Secret.KindName, name.Namespace, name.Name);
        secret = shelves.Secrets.Items.GetValueOrDefault(name);
        return secret is not null || StateOf(reference).Knowledge == ReferenceKnowledge.Absent;
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        Task[] running;
        lock (_lock)
        {
            _isStopped = true;
            running = [.. _running];
        }

        await _stop.CancelAsync();
        await Task.WhenAll(running);
        foreach (var watched in _watched.Values)
        {
            watched.Dispose();
        }

        _stop.Dispose();
    }

    /// <summary>What is watched for a reference: itself, or its whole kind.</summary>
    private static ObjectReference WatchOf(ObjectReference reference) =>
        reference.Group.Length == 0 && reference.Kind is ConfigMap.KindName or Secret.KindName
            ? reference with
            {
                Version = "v1",
            }
            : reference with
            {
                Namespace = "",
                Name = "",
            };

    private void Add(ObjectReference reference)
    {
        var key = WatchOf(reference);
        if (!_watched.TryGetValue(key, out var watched))
        {
            watched = new Watched(this, key);
            _watched.Add(key, watched);
            watched.Start(_stop.Token);
            _running.Add(watched.Running);
            _ = ForgetAsync(watched.Running);
        }

        watched.Add(reference.Key);
    }

    private void Drop(ObjectReference reference)
    {
        var key = WatchOf(reference);
        if (_watched.TryGetValue(key, out var watched) && watched.Remove(reference.Key))
        {
            _watched.Remove(key);
            _ = EndAsync(watched);
        }
    }

    private static async Task EndAsync(Watched watched)
    {
        await watched.CancelAsync();
        await watched.Running.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        watched.Dispose();
    }

    private async Task ForgetAsync(Task task)
    {
        await task.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        lock (_lock)
        {
            _running.Remove(task);
        }
    }

    /// <summary>One thing that is watched, and who is referred to by it.</summary>
    private sealed class Watched(References owner, ObjectReference key) : IDisposable
    {
        private readonly CancellationTokenSource _stop = new();
        private readonly Lock _lock = new();

        // Two references to the same object in different versions count twice.
        private readonly Dictionary<ObjectKey, int> _referred = [];
        private volatile IWatchedState? _state;
        private volatile ApiFailure? _undiscovered;
        private volatile bool _isNamespaced = true;

        public void Add(ObjectKey referred)
        {
            lock (_lock)
            {
                _referred[referred] = _referred.GetValueOrDefault(referred) + 1;
            }
        }

        /// <summary>Takes one reference away.</summary>
        /// <returns>Whether it was the last.</returns>
        public bool Remove(ObjectKey referred)
        {
            lock (_lock)
            {
                if (--_referred[referred] == 0)
                {
                    _referred.Remove(referred);
                }

                return _referred.Count == 0;
            }
        }

        public Task Running { get; private set; } = Task.CompletedTask;

        public void Start(CancellationToken stop) => Running = Task.Run(() => RunAsync(stop), CancellationToken.None);

        public Task CancelAsync() => _stop.CancelAsync();

        public void Dispose() => _stop.Dispose();

        public ReferenceState StateOf(ObjectReference reference)
        {
            var name = _isNamespaced ? reference.Key.ObjectName : new ObjectName("", reference.Name);
            var state = _state;
            return state is null
                ? WatchedState.Of(has: false, isSynced: false, _undiscovered)
                : WatchedState.Of(state.Has(name), state.IsSynced, state.Failure);
        }

        /// <summary>Finds the kind and reflects its objects, for as long as anybody refers to them.</summary>
        private async Task RunAsync(CancellationToken stop)
        {
            using var either = CancellationTokenSource.CreateLinkedTokenSource(stop, _stop.Token);
            var options = owner.Connection.Options;
            var backoff = new Backoff(options.MinRetryDelay, options.MaxRetryDelay, owner.Connection.Time);
            try
            {
                while (true)
                {
                    TimeSpan? pause = null;
                    try
                    {
                        var resource = await owner.Find(key, either.Token);
                        _undiscovered = null;
                        await ReflectAsync(resource, either.Token);
                        owner.Forget(resource);
                    }
                    catch (ApiFailure failure)
                    {
                        pause = failure.RetryAfter;
                        if (!string.Equals(_undiscovered?.Message, failure.Message, StringComparison.Ordinal))
                        {
                            _undiscovered = failure;
                            owner.Logger.KindNotFound(key.Kind, failure.Message);
                            Tell();
                        }
                    }

                    await backoff.PauseAsync(pause, either.Token);
                }
            }
            catch (OperationCanceledException) when (either.IsCancellationRequested)
            {
                // Nobody refers to it any more.
            }
        }

        private async Task ReflectAsync(ApiResource resource, CancellationToken cancellation)
        {
            _isNamespaced = resource.IsNamespaced;
            switch (key)
            {
                case { Group: "", Kind: ConfigMap.KindName }:
                    await ReflectAsync(resource, owner.Shelves.ConfigMaps, static name => name, ApisJson.Default.ConfigMap, cancellation);
                    break;
                case { Group: "", Kind: Secret.KindName }:
                    await ReflectAsync(resource, owner.Shelves.Secrets, static name => name, ApisJson.Default.Secret, cancellation);
                    break;
                default:
                    await ReflectAsync(
                        resource,
                        owner.Shelves.Others,
                        name => new ObjectKey(key.Group, key.Kind, name.Namespace, name.Name),
                        ApisJson.Default.AddressableObject,
                        cancellation
                    );
                    break;
            }
        }

        private async Task ReflectAsync<TKey, T>(
            ApiResource resource,
            Shelf<TKey, T> shelf,
            Func<ObjectName, TKey> keyOf,
            System.Text.Json.Serialization.Metadata.JsonTypeInfo<T> type,
            CancellationToken cancellation
        )
            where TKey : struct, IEquatable<TKey>
            where T : ApiObject
        {
            var place = shelf.Open(resource, keyOf, Tell);
            _state = place;
            try
            {
                var selection = new Selection(resource, key.Namespace, Fields: key.Name.Length > 0 ? $"metadata.name={key.Name}" : "");
                var decoder = new Decoder<T>(resource, type);
                // A kind that goes is looked for again, perhaps in another version; of ConfigMaps and Secrets that is nothing to expect.
                await new Reflector<T>(owner.Connection, selection, decoder, place, owner.Logger).RunAsync(
                    untilUnknown: key.Name.Length == 0,
                    cancellation
                );
                _undiscovered = place.Failure;
            }
            finally
            {
                _state = null;
                place.Clear();
            }
        }

        /// <summary>There is something new to know of everything that is referred to here.</summary>
        private void Tell()
        {
            ObjectKey[] referred;
            lock (_lock)
            {
                referred = [.. _referred.Keys];
            }

            owner.Objects.Tell(referred);
        }
    }

    private ClusterConnection Connection => connection;

    private ClusterObjects Objects => objects;

    private ClusterShelves Shelves => shelves;

    private ILogger Logger => logger;

    private Task<ApiResource> Find(ObjectReference kind, CancellationToken cancellation) =>
        discovery.FindAsync(kind.Group, kind.Version, kind.Kind, cancellation);

    private void Forget(ApiResource resource) => discovery.Forget(resource);
}
