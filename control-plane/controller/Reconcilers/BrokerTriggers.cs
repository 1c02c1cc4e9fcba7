using Brokkr.Apis;
using Brokkr.Controller.Stores;

namespace Brokkr.Controller.Reconcilers;

/// <summary>Which Triggers each Broker has, whether it exists or not.</summary>
/// <param name="store">Where the Triggers are.</param>
internal sealed class BrokerTriggers(IClusterStore store)
{
    private readonly Lock _lock = new();
    private readonly Dictionary<ObjectName, ObjectName> _brokerOf = [];
    private readonly Dictionary<ObjectName, HashSet<ObjectName>> _triggersOf = [];

    /// <summary>Takes in that a Trigger appeared, changed or went.</summary>
    /// <returns>The Brokers that this bears on.</returns>
    public IReadOnlyCollection<ObjectName> Update(ObjectName trigger)
    {
        ObjectName? now = store.Objects.Triggers.TryGetValue(trigger, out var found) ? found.BrokerName : null;
        lock (_lock)
        {
            List<ObjectName> brokers = [];
            if (_brokerOf.TryGetValue(trigger, out var before))
            {
                brokers.Add(before);
                if (before != now && _triggersOf.TryGetValue(before, out var triggers))
                {
                    triggers.Remove(trigger);
                    if (triggers.Count == 0)
                    {
                        _triggersOf.Remove(before);
                    }
                }
            }

            if (now is not { } broker)
            {
                _brokerOf.Remove(trigger);
                return brokers;
            }

            if (before != broker || brokers.Count == 0)
            {
                brokers.Add(broker);
            }

            _brokerOf[trigger] = broker;
            if (!_triggersOf.TryGetValue(broker, out var all))
            {
                _triggersOf[broker] = all = [];
            }

            all.Add(trigger);
            return brokers;
        }
    }

    /// <summary>Names of the Triggers of a Broker.</summary>
    public IReadOnlyCollection<ObjectName> NamesOf(ObjectName broker)
    {
        lock (_lock)
        {
            return _triggersOf.TryGetValue(broker, out var triggers) ? [.. triggers] : [];
        }
    }

    /// <summary>The Triggers of a Broker.</summary>
    public List<Trigger> Of(ObjectName broker)
    {
        var objects = store.Objects.Triggers;
        List<Trigger> triggers = [];
        foreach (var name in NamesOf(broker))
        {
            if (objects.TryGetValue(name, out var trigger))
            {
                triggers.Add(trigger);
            }
        }

        return triggers;
    }
}
