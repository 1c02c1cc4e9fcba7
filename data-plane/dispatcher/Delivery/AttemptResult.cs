namespace Brokkr.Dispatcher.Delivery;

/// <summary>What an attempt came to.</summary>
internal enum AttemptKind : byte
{
    /// <summary>The peer took the event.</summary>
    Succeeded,

    /// <summary>It failed and may be repeated.</summary>
    Failed,

    /// <summary>It failed and would fail again.</summary>
    Refused,

    /// <summary>It was cancelled; nothing is known.</summary>
    Cancelled,
}

/// <summary>What an attempt came to.</summary>
/// <param name="Kind">How it ended.</param>
/// <param name="Status">Status code of the answer; 0 if there was none.</param>
/// <param name="RetryAfter">What the peer asked for.</param>
/// <param name="Detail">What goes into error attributes; only of a failure that ends the attempts.</param>
/// <param name="Reason">What went wrong, for the log.</param>
internal readonly record struct AttemptResult(
    AttemptKind Kind,
    int Status = 0,
    TimeSpan? RetryAfter = null,
    FailureDetail? Detail = null,
    string? Reason = null
)
{
    public static AttemptResult Cancelled => new(AttemptKind.Cancelled);
}

/// <summary>What a failed answer said.</summary>
/// <param name="Body">The first bytes of its body.</param>
/// <param name="Headers">Its <c>kne-</c> headers: name without the prefix, lower case, and value as UTF-8; of equal names the last.</param>
internal sealed record FailureDetail(byte[] Body, IReadOnlyList<KeyValuePair<string, byte[]>> Headers)
{
    /// <summary>How much of the body is kept (dispatcher §9).</summary>
    public const int BodyLimit = 1024;

    public static FailureDetail Empty { get; } = new([], []);
}

/// <summary>The final outcome of a record for a Trigger: exactly one of these.</summary>
internal enum DeliveryOutcome
{
    /// <summary>The subscriber took it, and its reply, if any, was dealt with.</summary>
    Delivered,

    /// <summary>The dead letter sink took it.</summary>
    SentToDeadLetterSink,

    /// <summary>The dead letter topic holds it.</summary>
    StoredAsDeadLetter,

    /// <summary>Nobody took it, and the dead letter topic is turned off.</summary>
    Dropped,

    /// <summary>This process stops serving the partition: whoever serves it next goes on with it.</summary>
    Released,
}
