namespace Brokkr.Core.Events;

/// <summary>Why something is not a valid CloudEvent.</summary>
public enum EventErrorKind
{
    /// <summary>No error.</summary>
    None,

    /// <summary>Neither a <c>specversion</c> nor the media type of an event: this is no event at all.</summary>
    NotAnEvent,

    /// <summary>The media type names an event format or a batch that is not supported here.</summary>
    UnsupportedMediaType,

    /// <summary>It means to be an event but breaks a rule.</summary>
    Invalid,
}

/// <summary>Why something is not a valid CloudEvent, with a sentence that says what to change.</summary>
/// <param name="Kind">The kind of error.</param>
/// <param name="Message">A sentence for the sender; null when there is no error.</param>
public readonly record struct EventError(EventErrorKind Kind, string? Message)
{
    /// <summary>No error.</summary>
    public static EventError None => default;

    /// <summary>Whether there is an error.</summary>
    public bool IsError => Kind != EventErrorKind.None;

    /// <summary>A rule was broken.</summary>
    public static EventError Invalid(string message) => new(EventErrorKind.Invalid, message);
}
