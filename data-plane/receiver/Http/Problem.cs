using System.Buffers;
using System.Text.Encodings.Web;
using System.Text.Json;

namespace Brokkr.Receiver.Http;

/// <summary>
/// A kind of refusal: what an RFC 9457 problem document says about it every time. The <c>type</c> is a stable identifier that programs may
/// compare; it does not change when texts do.
/// </summary>
/// <param name="Name">Last part of the <c>type</c>.</param>
/// <param name="Status">Status code of the answer.</param>
/// <param name="Title">What happened, in words that do not depend on the request.</param>
internal sealed record Problem(string Name, int Status, string Title)
{
    private const string TypeBase = "https://brokkr.dev/problems/";

    // Nobody shows these documents as HTML, so quotes and the like stay readable.
    private static readonly JsonWriterOptions Readable = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    private static readonly JsonEncodedText TypeMember = JsonEncodedText.Encode("type");
    private static readonly JsonEncodedText TitleMember = JsonEncodedText.Encode("title");
    private static readonly JsonEncodedText StatusMember = JsonEncodedText.Encode("status");
    private static readonly JsonEncodedText DetailMember = JsonEncodedText.Encode("detail");

    /// <summary>The body means to be an event but is none.</summary>
    public static Problem InvalidEvent { get; } = new("invalid-event", 400, "The request is not a valid CloudEvent");

    /// <summary>The HTTP message itself is broken.</summary>
    public static Problem MalformedRequest { get; } = new("malformed-request", 400, "The request is not valid HTTP");

    /// <summary>The resource wants a token.</summary>
    public static Problem Unauthenticated { get; } = new("unauthenticated", 401, "The sender is not authenticated");

    /// <summary>The token is fine, but nobody lets its owner send this.</summary>
    public static Problem Forbidden { get; } = new("forbidden", 403, "The sender may not send this");

    /// <summary>HTTP where only HTTPS is allowed.</summary>
    public static Problem HttpsRequired { get; } = new("https-required", 403, "Events are taken over HTTPS only");

    /// <summary>No resource at this address.</summary>
    public static Problem UnknownResource { get; } = new("unknown-resource", 404, "Nothing receives events at this address");

    /// <summary>Not POST.</summary>
    public static Problem MethodNotAllowed { get; } = new("method-not-allowed", 405, "The method is not supported");

    /// <summary>The body took too long to arrive.</summary>
    public static Problem RequestTimeout { get; } = new("request-timeout", 408, "The request took too long to arrive");

    /// <summary>Larger than the receiver or the log accept.</summary>
    public static Problem EventTooLarge { get; } = new("event-too-large", 413, "The event is too large");

    /// <summary>An event format that is not supported.</summary>
    public static Problem UnsupportedContentMode { get; } = new("unsupported-content-mode", 415, "The event format is not supported");

    /// <summary>A content coding that is not supported.</summary>
    public static Problem UnsupportedContentCoding { get; } = new("unsupported-content-coding", 415, "The content coding is not supported");

    /// <summary>Too much is waiting.</summary>
    public static Problem TooManyRequests { get; } = new("too-many-requests", 429, "The receiver is busy");

    /// <summary>A bug.</summary>
    public static Problem InternalError { get; } = new("internal-error", 500, "The receiver failed");

    /// <summary>The log is away or behind.</summary>
    public static Problem LogUnavailable { get; } = new("log-unavailable", 503, "The event could not be stored now");

    /// <summary>The topic is missing.</summary>
    public static Problem TopicMissing { get; } = new("topic-missing", 503, "The topic of the resource does not exist");

    /// <summary>The log refuses the receiver's credentials.</summary>
    public static Problem LogRefused { get; } = new("log-refused", 503, "The log does not let the receiver store events");

    /// <summary>The issuer's keys are missing.</summary>
    public static Problem IssuerUnavailable { get; } = new("issuer-unavailable", 503, "Tokens cannot be checked now");

    /// <summary>Not ready.</summary>
    public static Problem NotReady { get; } = new("not-ready", 503, "The receiver does not take events now");

    /// <summary>The <c>type</c> member.</summary>
    public string Type => TypeBase + Name;

    /// <summary>Writes the document.</summary>
    /// <param name="output">Where to.</param>
    /// <param name="detail">What to change, in a sentence.</param>
    public void Write(IBufferWriter<byte> output, string detail)
    {
        using var json = new Utf8JsonWriter(output, Readable);
        json.WriteStartObject();
        json.WriteString(TypeMember, Type);
        json.WriteString(TitleMember, Title);
        json.WriteNumber(StatusMember, Status);
        json.WriteString(DetailMember, detail);
        json.WriteEndObject();
    }
}
