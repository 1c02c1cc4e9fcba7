using System.Diagnostics;
using System.Text;

namespace Brokkr.Core.Telemetry;

/// <summary>The headers that carry a trace from one process to the next: W3C trace context, and B3 in both its forms.</summary>
public static class TraceHeaders
{
    /// <summary>Name of the source of the receiver's spans.</summary>
    public const string ReceiverSource = "Brokkr.Receiver";

    /// <summary>Name of the source of the dispatcher's spans.</summary>
    public const string DispatcherSource = "Brokkr.Dispatcher";

    /// <summary>Bytes of a <c>traceparent</c>.</summary>
    public const int ParentLength = 55;

    /// <summary>Reads B3 in one header: <c>TRACE-SPAN[-SAMPLED[-PARENT]]</c>. A sampling decision alone is no context.</summary>
    /// <param name="header">The header <c>b3</c>.</param>
    /// <param name="context">The context of the caller.</param>
    public static bool TryReadB3(string header, out ActivityContext context)
    {
        Span<Range> parts = stackalloc Range[5];
        var text = header.AsSpan().Trim();
        var count = text.Split(parts, '-');
        context = default;
        return count is >= 2 and <= 4
            && TryRead(text[parts[0]], text[parts[1]], count > 2 ? text[parts[2]] : default, isDebug: false, out context);
    }

    /// <summary>Reads B3 in several headers.</summary>
    /// <param name="traceId"><c>X-B3-TraceId</c>.</param>
    /// <param name="spanId"><c>X-B3-SpanId</c>.</param>
    /// <param name="sampled"><c>X-B3-Sampled</c>.</param>
    /// <param name="flags"><c>X-B3-Flags</c>: 1 means sampled, whatever else is said.</param>
    /// <param name="context">The context of the caller.</param>
    public static bool TryReadB3(string traceId, string spanId, string sampled, string flags, out ActivityContext context) =>
        TryRead(traceId, spanId, sampled, flags is "1", out context);

    /// <summary>Writes a <c>traceparent</c>.</summary>
    /// <param name="context">What it says.</param>
    /// <param name="output">Room for <see cref="ParentLength"/> bytes.</param>
    public static void WriteParent(in ActivityContext context, Span<byte> output) => Encoding.ASCII.GetBytes(Parent(context), output);

    /// <summary>A <c>traceparent</c>.</summary>
    public static string Parent(in ActivityContext context) =>
        $"00-{context.TraceId.ToHexString()}-{context.SpanId.ToHexString()}-{(context.TraceFlags.HasFlag(ActivityTraceFlags.Recorded) ? "01" : "00")}";

    private static bool TryRead(
        ReadOnlySpan<char> traceId,
        ReadOnlySpan<char> spanId,
        ReadOnlySpan<char> sampled,
        bool isDebug,
        out ActivityContext context
    )
    {
        context = default;
        if (traceId.Length is not (16 or 32) || spanId.Length != 16 || !IsHex(traceId) || !IsHex(spanId))
        {
            return false;
        }

        // Short trace ids are the lower half of long ones.
        Span<char> full = stackalloc char[32];
        full.Fill('0');
        traceId.ToLowerInvariant(full[^traceId.Length..]);
        Span<char> span = stackalloc char[16];
        spanId.ToLowerInvariant(span);
        if (full.IndexOfAnyExcept('0') < 0 || span.IndexOfAnyExcept('0') < 0)
        {
            return false;
        }

        // Who leaves the decision open gets ours, which follows his: yes.
        var isSampled = isDebug || sampled is not ("0" or "false");
        context = new ActivityContext(
            ActivityTraceId.CreateFromString(full),
            ActivitySpanId.CreateFromString(span),
            isSampled ? ActivityTraceFlags.Recorded : ActivityTraceFlags.None,
            traceState: null,
            isRemote: true
        );
        return true;
    }

    private static bool IsHex(ReadOnlySpan<char> text) => !text.ContainsAnyExcept(Hex);

    private static readonly System.Buffers.SearchValues<char> Hex = System.Buffers.SearchValues.Create("0123456789abcdefABCDEF");
}
