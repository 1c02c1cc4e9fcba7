namespace Brokkr.Testing.Http;

/// <summary>
/// What a <see cref="Subscriber"/> does with a request. Immutable; made from the starting points here and refined with <c>with</c>:
/// <code>
/// Answer.Status(503)
/// Answer.Ok with { Headers = [("ce-id", "reply"), ...], Body = bytes }
/// Answer.Ok with { Until = released.Task }
/// Answer.Close
/// </code>
/// </summary>
public sealed record Answer
{
    /// <summary>200 without a body.</summary>
    public static Answer Ok { get; } = new();

    /// <summary>Closes the connection (an orderly end, no reset) without answering.</summary>
    public static Answer Close { get; } = new() { Kind = AnswerKind.Close };

    /// <summary>Answers with bytes that are no HTTP, then closes.</summary>
    public static Answer Garbage { get; } = new() { Kind = AnswerKind.Garbage, Body = "\0\x01not http at all\r\n\r\n"u8.ToArray() };

    /// <summary>
    /// Sends status 200, the headers of an event in structured mode and half of the body, then nothing, until the client or the test gives up.
    /// </summary>
    public static Answer StallAfterHead { get; } =
        new()
        {
            Kind = AnswerKind.StallAfterHead,
            Headers = [("content-type", "application/cloudevents+json")],
            Body = new byte[64],
        };

    /// <summary>Sends status 200 and half of the body, then closes the connection.</summary>
    public static Answer CutOff { get; } = StallAfterHead with { Kind = AnswerKind.CutOff };

    /// <summary>Sends status 200 and then a body without an end, until the client or the test gives up.</summary>
    public static Answer Endless { get; } = StallAfterHead with { Kind = AnswerKind.Endless, Body = new byte[16 * 1024] };

    /// <summary>Never answers, until the client or the test gives up.</summary>
    public static Answer Never { get; } = new() { Kind = AnswerKind.Never };

    /// <summary>A status without a body.</summary>
    public static Answer Status(int code) => new() { Code = code };

    /// <summary>Status code.</summary>
    public int Code { get; init; } = 200;

    /// <summary>Headers; a name may appear more than once.</summary>
    public IReadOnlyList<(string Name, string Value)> Headers { get; init; } = [];

    /// <summary>Body, sent with its length.</summary>
    public ReadOnlyMemory<byte> Body { get; init; }

    /// <summary>The answer waits for this, or for the client to give up.</summary>
    public Task Until { get; init; } = Task.CompletedTask;

    internal AnswerKind Kind { get; init; }
}

internal enum AnswerKind
{
    Normal,
    Close,
    Garbage,
    StallAfterHead,
    CutOff,
    Endless,
    Never,
}
