using Brokkr.Core.Events;
using Brokkr.Core.Log;

namespace Brokkr.Dispatcher.Feed;

/// <summary>An event with what is laid over it: what a filter sees and what is sent. Immutable.</summary>
/// <param name="event">The event.</param>
/// <param name="record">The record it came in.</param>
/// <param name="overlay">What is laid over it.</param>
/// <param name="overrides">The overrides that the overlay was made from.</param>
/// <param name="synthesizer">What made the event, if the record is none.</param>
internal sealed class EventView(
    CloudEvent @event,
    StoredRecord record,
    EventOverlay overlay,
    Overrides overrides,
    EventSynthesizer? synthesizer = null
)
{
    private string[]? _headers;

    public CloudEvent Event { get; } = @event;

    public StoredRecord Record { get; } = record;

    public EventOverlay Overlay { get; } = overlay;

    public Overrides Overrides { get; } = overrides;

    public EventSynthesizer? Synthesizer { get; } = synthesizer;

    /// <summary>Names and values of the request headers of a delivery in binary mode, trace context included, in turn; null until they have been made.</summary>
    public string[]? Headers
    {
        get => Volatile.Read(ref _headers);
        set => Volatile.Write(ref _headers, value);
    }
}
