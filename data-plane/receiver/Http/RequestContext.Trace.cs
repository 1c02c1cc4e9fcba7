using System.Diagnostics;
using System.Text;
using Brokkr.Core.Events;
using Brokkr.Core.Log;
using Brokkr.Core.Telemetry;
using Brokkr.Receiver.Telemetry;

namespace Brokkr.Receiver.Http;

/// <content>The spans of a request, where somebody wants them.</content>
internal sealed partial class RequestContext
{
    private Activity? _span;
    private Activity? _appendSpan;

    /// <summary>Begins with the span of the request, if its trace is sampled.</summary>
    private void BeginTrace() => _span = application.Traces.BeginRequest(_request, _ingress!.Definition);

    /// <summary>Gives a record the trace of the request, with the span of the append as the one before it.</summary>
    private void ContinueTrace(EventBuffer read, Activity span)
    {
        _appendSpan ??= application.Traces.BeginAppend(span, _ingress!.Definition.Topic);
        var context = (_appendSpan ?? span).Context;
        Span<byte> parent = stackalloc byte[TraceHeaders.ParentLength];
        TraceHeaders.WriteParent(context, parent);
        read.AddRecordHeader("traceparent"u8, parent);
        if (context.TraceState is { Length: > 0 } state)
        {
            read.AddRecordHeader("tracestate"u8, Encoding.Latin1.GetBytes(state));
        }

        CarryOn(read, "baggage"u8, _request.Headers.Baggage);
    }

    /// <summary>Records are about to be appended.</summary>
    private void AppendBegins(EventBuffer read)
    {
        IngressTraces.Describe(_span!, read);
        // The span was made for its id before the body had arrived.
        _appendSpan?.SetStartTime(application.Time.GetUtcNow().UtcDateTime);
    }

    /// <summary>The log has answered.</summary>
    private void AppendEnded(string? problem)
    {
        if (_appendSpan is { } span)
        {
            _appendSpan = null;
            if (problem is not null)
            {
                span.SetStatus(ActivityStatusCode.Error, problem);
            }

            span.Dispose();
        }
    }

    private static string? ProblemOf(in AppendResult result) =>
        result.Outcome == AppendOutcome.Stored ? null : $"{result.Outcome}: {result.Error}";

    private void EndTrace(Activity span)
    {
        _span = null;
        AppendEnded("it was not appended");
        IngressTraces.EndRequest(span, _response.StatusCode);
    }
}
