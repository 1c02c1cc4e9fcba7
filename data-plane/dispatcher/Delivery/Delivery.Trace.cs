using System.Diagnostics;
using System.Text;
using Brokkr.Core.Events;
using Brokkr.Core.Telemetry;

namespace Brokkr.Dispatcher.Delivery;

/// <content>The spans of a delivery, where somebody wants them; without them each of these is one comparison with null.</content>
internal sealed partial class Delivery
{
    private Activity? _span;
    private Activity? _child;

    private void BeginTrace() => _span = _trigger.Traces.BeginDelivery(_trigger, _cursor.Partition.Topic, _view);

    private void BeginChild(string name, ActivityKind kind, string destination)
    {
        if (_span is not null)
        {
            _child = _trigger.Traces.BeginChild(_span, name, kind, destination);
        }
    }

    private void EndChild(bool isSuccess)
    {
        if (_child is { } child)
        {
            _child = null;
            if (!isSuccess)
            {
                child.SetStatus(ActivityStatusCode.Error);
            }

            child.Dispose();
        }
    }

    private static void TraceAttempt(Activity span, int attempt, AttemptResult result)
    {
        var tags = new ActivityTagsCollection { { "attempt", attempt }, { "result", result.Kind.ToString() } };
        if (result.Status > 0)
        {
            tags.Add("http.response.status_code", result.Status);
        }

        if (result.Reason is not null)
        {
            tags.Add("reason", result.Reason);
        }

        span.AddEvent(new ActivityEvent("attempt", tags: tags));
    }

    private void EndTrace(DeliveryOutcome outcome)
    {
        EndChild(isSuccess: false);
        var span = _span!;
        _span = null;
        span.SetTag("outcome", outcome.ToString());
        if (outcome != DeliveryOutcome.Delivered)
        {
            span.SetStatus(ActivityStatusCode.Error);
        }

        span.Dispose();
    }

    /// <summary>A reply belongs to the trace of the event that it answers, under a span of its own.</summary>
    private void AddTrace(EventBuffer reply)
    {
        var settings = _trigger.Settings;
        if (settings.ReplyTarget is { } target)
        {
            BeginChild("reply", ActivityKind.Client, target.Text);
        }
        else
        {
            BeginChild("reply", ActivityKind.Producer, settings.ReplyTopic);
        }

        var context = (_child ?? _span!).Context;
        Span<byte> parent = stackalloc byte[TraceHeaders.ParentLength];
        TraceHeaders.WriteParent(context, parent);
        reply.AddRecordHeader("traceparent"u8, parent);
        if (context.TraceState is { Length: > 0 } state)
        {
            reply.AddRecordHeader("tracestate"u8, Encoding.Latin1.GetBytes(state));
        }
    }
}
