using Brokkr.Core.Contract.Wire;

namespace Brokkr.Core.Events;

/// <summary>
/// Is told which types of events there are, for resources that ask for it (<c>featureFlags.enableEventTypeAutocreate</c>; dispatcher §8.4,
/// receiver-and-core §12). A control plane makes <c>EventType</c> objects of it. Data planes without one have no registry, and nothing is told.
/// </summary>
public interface IEventTypeRegistry
{
    /// <summary>
    /// An event was stored or passed on. Called on hot paths and for every such event, so it returns at once, leaves what takes time to the background,
    /// remembers what it has seen, and does not throw: what goes wrong concerns the registry alone, never the event.
    /// </summary>
    /// <param name="owner">Whose event it is: the reference of the ingress or of the Trigger. Its namespace is where an object belongs.</param>
    /// <param name="event">The event; not valid any more after the call.</param>
    void Seen(Reference owner, EventBuffer @event);
}
