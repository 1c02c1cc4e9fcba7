using Brokkr.Apis;
using Brokkr.Controller.Stores;

namespace Brokkr.Controller.Reconcilers;

/// <summary>Who has to be looked at when an object changes.</summary>
/// <param name="store">Is told what is referred to.</param>
internal sealed class OwnerIndex(IClusterStore store)
{
    private readonly Lock _lock = new();
    private readonly Dictionary<ObjectKey, HashSet<ObjectReference>> _references = [];
    private readonly Dictionary<ObjectKey, HashSet<ObjectKey>> _owners = [];

    /// <summary>Says what an owner depends on, in place of what was said before.</summary>
    public void Set(ObjectKey owner, IReadOnlyCollection<ObjectReference> references)
    {
        lock (_lock)
        {
            if (_references.TryGetValue(owner, out var known) ? known.SetEquals(references) : references.Count == 0)
            {
                return;
            }

            foreach (var reference in known ?? [])
            {
                if (_owners.TryGetValue(reference.Key, out var owners) && owners.Remove(owner) && owners.Count == 0)
                {
                    _owners.Remove(reference.Key);
                }
            }

            if (references.Count == 0)
            {
                _references.Remove(owner);
            }
            else
            {
                _references[owner] = [.. references];
            }

            foreach (var reference in references)
            {
                if (!_owners.TryGetValue(reference.Key, out var owners))
                {
                    _owners[reference.Key] = owners = [];
                }

                owners.Add(owner);
            }

            // Within the lock: two passes over one owner follow each other, so must what they tell the store.
            store.SetReferences(owner, [.. references.Where(IsWatchedOneByOne)]);
        }
    }

    /// <summary>Forgets an owner.</summary>
    public void Forget(ObjectKey owner) => Set(owner, []);

    /// <summary>The owners that depend on an object.</summary>
    public IReadOnlyCollection<ObjectKey> OwnersOf(ObjectKey key)
    {
        lock (_lock)
        {
            return _owners.TryGetValue(key, out var owners) ? [.. owners] : [];
        }
    }

    // The others are watched anyway.
    private static bool IsWatchedOneByOne(ObjectReference reference) =>
        reference.Key switch
        {
            ("", Service.KindName, _, _) => false,
            (GroupVersion.EventingGroup, Broker.KindName or KafkaSink.KindName or Trigger.KindName, _, _) => false,
            _ => reference is { Kind.Length: > 0, Name.Length: > 0 },
        };
}
