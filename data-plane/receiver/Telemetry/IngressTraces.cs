using System.Diagnostics;
using Brokkr.Core.Events;
using Brokkr.Core.Telemetry;
using Brokkr.Receiver.Routing;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;

namespace Brokkr.Receiver.Telemetry;

/// <summary>
/// The receiver's spans (receiver-and-core §14.3, RDP-21): one for the request and under it one for the append, whose id goes with the record. While nobody
/// listens nothing of this is called but <see cref="IsOn"/>.
/// </summary>
internal sealed class IngressTraces : IDisposable
{
    private readonly ActivitySource _source = new(TraceHeaders.ReceiverSource);

    /// <summary>Whether anybody wants spans.</summary>
    public bool IsOn => _source.HasListeners();

    /// <summary>Begins with a request; null if its trace is not sampled.</summary>
    public Activity? BeginRequest(IHttpRequestFeature request, IngressDefinition definition)
    {
        var span = Recorded(_source.CreateActivity(request.Method, ActivityKind.Server, ParentOf(request.Headers)));
        if (span is null)
        {
            return null;
        }

        var target = RequestTarget.WithoutToken(request.RawTarget);
        var query = target.IndexOf('?', StringComparison.Ordinal);
        span.SetTag("http.request.method", request.Method);
        span.SetTag("http.method", request.Method);
        span.SetTag("http.scheme", request.Scheme);
        span.SetTag("http.url", $"{request.Scheme}://{request.Headers.Host}{target}");
        span.SetTag("url.path", query < 0 ? target : target[..query]);
        if (query >= 0)
        {
            span.SetTag("url.query", target[(query + 1)..]);
        }

        span.SetTag("messaging.system", "knative");
        span.SetTag("messaging.protocol", "HTTP");
        span.SetTag("messaging.destination", $"{definition.Kind.ToLowerInvariant()}:{definition.Name}.{definition.Namespace}");
        return Start(span);
    }

    /// <summary>Begins with the append of a request's records.</summary>
    public Activity? BeginAppend(Activity request, string topic)
    {
        var span = Recorded(_source.CreateActivity("kafka_send", ActivityKind.Producer, request.Context));
        span?.SetTag("peer.service", "kafka");
        span?.SetTag("messaging.destination.name", topic);
        span?.SetTag("message_bus.destination", topic);
        return span is null ? null : Start(span);
    }

    /// <summary>Says which event a request brought.</summary>
    public static void Describe(Activity request, EventBuffer read)
    {
        request.SetTag("messaging.message_id", Text(read, CoreAttribute.Id));
        request.SetTag("messaging.message_source", Text(read, CoreAttribute.Source));
        request.SetTag("messaging.message_type", Text(read, CoreAttribute.Type));
    }

    /// <summary>The request was answered.</summary>
    public static void EndRequest(Activity request, int status)
    {
        request.SetTag("http.response.status_code", status);
        request.SetTag("http.status_code", status);
        if (status >= StatusCodes.Status500InternalServerError)
        {
            request.SetStatus(ActivityStatusCode.Error);
        }

        request.Dispose();
    }

    /// <inheritdoc/>
    public void Dispose() => _source.Dispose();

    private static string Text(EventBuffer read, CoreAttribute attribute) => System.Text.Encoding.UTF8.GetString(read.Get(attribute));

    private static ActivityContext ParentOf(IHeaderDictionary headers)
    {
        if (headers.TraceParent.Count > 0)
        {
            return
                headers.TraceParent.Count == 1
                && ActivityContext.TryParse(
                    headers.TraceParent[0],
                    headers.TraceState.ToString() is { Length: > 0 } state ? state : null,
                    isRemote: true,
                    out var w3c
                )
                ? w3c
                : default;
        }

        if (headers.TryGetValue("b3", out var single) && TraceHeaders.TryReadB3(single.ToString(), out var b3))
        {
            return b3;
        }

        return
            headers.TryGetValue("X-B3-TraceId", out var trace)
            && TraceHeaders.TryReadB3(
                trace.ToString(),
                headers["X-B3-SpanId"].ToString(),
                headers["X-B3-Sampled"].ToString(),
                headers["X-B3-Flags"].ToString(),
                out b3
            )
            ? b3
            : default;
    }

    /// <summary>Spans that only carry a trace on are not worth having: the record's headers do that.</summary>
    private static Activity? Recorded(Activity? span) => span is { IsAllDataRequested: true } ? span : null;

    /// <summary>Starts a span without making it the current one, which would follow the thread into other requests.</summary>
    private static Activity Start(Activity span)
    {
        var before = Activity.Current;
        span.Start();
        Activity.Current = before;
        return span;
    }
}
