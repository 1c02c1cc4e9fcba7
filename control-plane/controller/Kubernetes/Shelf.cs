using System.Collections.Immutable;
using Brokkr.Apis;
using Brokkr.Controller.Stores;
using Microsoft.Extensions.Logging;

namespace Brokkr.Controller.Kubernetes;

/// <summary>
/// One dictionary of the set of objects, filled by any number of reflections: an object is there as long as one of them has it, in the newest version that any
/// of them has seen.
/// </summary>
/// <param name="objects">The set.</param>
/// <param name="put">Puts the dictionary into the set; null where it is no part of the set (Secrets).</param>
/// <param name="logger">Where unreadable objects are told.</param>
internal sealed class Shelf<TKey, T>(ClusterObjects objects, Func<ObjectSet, ImmutableDictionary<TKey, T>, ObjectSet>? put, ILogger logger)
    where TKey : struct, IEquatable<TKey>
    where T : ApiObject
{
    // How many reflections have it.
    private readonly Dictionary<TKey, int> _holders = [];
    private ImmutableDictionary<TKey, T> _items = ImmutableDictionary<TKey, T>.Empty;

    /// <summary>What is there now.</summary>
    public ImmutableDictionary<TKey, T> Items => Volatile.Read(ref _items);

    /// <summary>A place for one reflection of objects of a kind.</summary>
    /// <param name="resource">The kind.</param>
    /// <param name="key">The key of an object here.</param>
    /// <param name="stateChanged">Called when there is something new to know of the reflection as a whole.</param>
    public Reflection Open(ApiResource resource, Func<ObjectName, TKey> key, Action? stateChanged = null) =>
        new(this, resource, key, stateChanged);

    /// <summary>What one reflection puts here.</summary>
    internal sealed class Reflection(Shelf<TKey, T> shelf, ApiResource resource, Func<ObjectName, TKey> key, Action? stateChanged)
        : IReflection<T>,
            IWatchedState
    {
        // Versions of what this reflection has; also of what cannot be read.
        private readonly Dictionary<ObjectName, string> _versions = [];
        private volatile ApiFailure? _failure;
        private volatile bool _isSynced;

        public bool IsSynced => _isSynced;

        public ApiFailure? Failure => _failure;

        public bool Has(ObjectName name) => shelf.Items.ContainsKey(key(name));

        public void Replace(IReadOnlyList<Decoded<T>> items)
        {
            shelf.Change(
                (change) =>
                {
                    var present = new HashSet<ObjectName>(items.Count);
                    foreach (var item in items)
                    {
                        present.Add(item.Name);
                        Set(change, item);
                    }

                    foreach (var name in _versions.Keys.Where(name => !present.Contains(name)).ToArray())
                    {
                        Remove(change, name);
                    }
                }
            );
            if (!_isSynced)
            {
                _isSynced = true;
                stateChanged?.Invoke();
            }
        }

        public void Set(Decoded<T> item) => shelf.Change(change => Set(change, item));

        public void Remove(ObjectName name) => shelf.Change(change => Remove(change, name));

        /// <summary>Takes away all that this reflection has put here.</summary>
        public void Clear() =>
            shelf.Change(change =>
            {
                foreach (var name in _versions.Keys.ToArray())
                {
                    Remove(change, name);
                }
            });

        public void Tell(ApiFailure? failure)
        {
            if (!string.Equals(_failure?.Message, failure?.Message, StringComparison.Ordinal))
            {
                _failure = failure;
                stateChanged?.Invoke();
            }
        }

        private void Set(ShelfChange change, Decoded<T> item)
        {
            var name = item.Name;
            if (_versions.TryGetValue(name, out var known) && string.Equals(known, item.ResourceVersion, StringComparison.Ordinal))
            {
                // Listed again, and still the same.
                return;
            }

            _versions[name] = item.ResourceVersion;
            var at = key(name);
            if (known is null)
            {
                shelf._holders[at] = shelf._holders.GetValueOrDefault(at) + 1;
            }

            var have = change.Items.GetValueOrDefault(at);
            if (have?.Metadata?.ResourceVersion is { } version)
            {
                var isShared = shelf._holders[at] > 1;
                if (
                    string.Equals(version, item.ResourceVersion, StringComparison.Ordinal)
                    || (isShared && ResourceVersion.IsOlder(item.ResourceVersion, version))
                )
                {
                    return;
                }
            }

            var id = KeyOf(name);
            change.Changed.Add(id);
            if (item.Object is null)
            {
                shelf.Tell(id, item.Problem, have is not null);
                change.Unreadable[id] = new UnreadableObject(item.Metadata, item.Problem);
                return;
            }

            change.Unreadable.Remove(id);
            change.Items[at] = item.Object;
        }

        private void Remove(ShelfChange change, ObjectName name)
        {
            if (!_versions.Remove(name))
            {
                return;
            }

            var at = key(name);
            var others = shelf._holders[at] - 1;
            if (others > 0)
            {
                shelf._holders[at] = others;
                return;
            }

            shelf._holders.Remove(at);
            change.Items.Remove(at);
            change.Unreadable.Remove(KeyOf(name));
            change.Changed.Add(KeyOf(name));
        }

        private ObjectKey KeyOf(ObjectName name) => new(resource.Group, resource.Kind, name.Namespace, name.Name);
    }

    private void Change(Action<ShelfChange> change) =>
        objects.Change(
            (set, changed) =>
            {
                var made = new ShelfChange(_items.ToBuilder(), set.Unreadable.ToBuilder(), changed);
                change(made);
                if (changed.Count == 0)
                {
                    return set;
                }

                var items = made.Items.ToImmutable();
                Volatile.Write(ref _items, items);
                var after = put is null ? set : put(set, items);
                return after with { Unreadable = made.Unreadable.ToImmutable() };
            }
        );

    private void Tell(ObjectKey key, string problem, bool hasGoodVersion)
    {
        if (hasGoodVersion)
        {
            logger.ObjectUnreadableKept(key, problem);
        }
        else
        {
            logger.ObjectUnreadable(key, problem);
        }
    }

    private sealed record ShelfChange(
        ImmutableDictionary<TKey, T>.Builder Items,
        ImmutableDictionary<ObjectKey, UnreadableObject>.Builder Unreadable,
        List<ObjectKey> Changed
    );
}
