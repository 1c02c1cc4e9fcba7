using Brokkr.Core.Events;

namespace Brokkr.Core.Filters;

/// <summary>
/// Decides whether an event passes. Compiled once, immutable, thread-safe. Hot path: runs on the raw bytes of the attributes and allocates nothing.
/// </summary>
public abstract class EventFilter
{
    /// <summary>Whether the event passes.</summary>
    public abstract bool Matches(in FilterInput input);
}

/// <summary>An event as a Trigger sees it: with what is laid over it on delivery, since filters see that too (dispatcher §5.1, §6).</summary>
/// <param name="event">The event.</param>
/// <param name="overlay">Extensions laid over the event; they win over its own.</param>
public readonly ref struct FilterInput(CloudEvent @event, EventOverlay overlay)
{
    /// <summary>The event.</summary>
    public CloudEvent Event { get; } = @event;

    /// <summary>Extensions laid over the event.</summary>
    public EventOverlay Overlay { get; } = overlay;
}
