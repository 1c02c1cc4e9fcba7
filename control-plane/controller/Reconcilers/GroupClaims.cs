using Brokkr.Apis;
using Brokkr.Controller.Stores;

namespace Brokkr.Controller.Reconcilers;

/// <summary>Which Trigger of the cluster has which consumer group: two that shared one would each miss events.</summary>
/// <param name="store">Knows which Triggers there are.</param>
internal sealed class GroupClaims(IClusterStore store)
{
    private readonly Lock _lock = new();
    private readonly Dictionary<string, ObjectKey> _owners = new(StringComparer.Ordinal);

    /// <summary>Takes in which groups Triggers have by their statuses: those come before any new one.</summary>
    public void Load()
    {
        foreach (var trigger in store.Objects.Triggers.Values.OrderBy(trigger => trigger.Key.ToString(), StringComparer.Ordinal))
        {
            if (trigger.Status?.Annotations?.GetValueOrDefault(StatusAnnotations.ConsumerGroup) is { Length: > 0 } group)
            {
                _ = Claim(group, trigger.Key);
            }
        }
    }

    /// <summary>Has a Trigger have a group, if no other has it.</summary>
    /// <returns>The Trigger that has it.</returns>
    public ObjectKey Claim(string group, ObjectKey trigger)
    {
        lock (_lock)
        {
            if (_owners.TryGetValue(group, out var owner) && store.Objects.Triggers.ContainsKey(owner.ObjectName))
            {
                return owner;
            }

            _owners[group] = trigger;
            return trigger;
        }
    }

    /// <summary>Gives a group back.</summary>
    public void Release(string group, ObjectKey trigger)
    {
        lock (_lock)
        {
            if (_owners.TryGetValue(group, out var owner) && owner == trigger)
            {
                _owners.Remove(group);
            }
        }
    }
}
