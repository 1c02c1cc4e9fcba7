using System.Buffers;
using System.IO.Pipelines;
using System.Text;
using Brokkr.Core.Events;
using Brokkr.Core.Log;
using Brokkr.Core.Telemetry;
using Brokkr.Receiver.Authentication;
using Brokkr.Receiver.Routing;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;

namespace Brokkr.Receiver.Http;

/// <summary>
/// One request. Hot path: an event in binary mode costs the task that the web server wants and the enumerator of its headers, nothing else.
/// </summary>
/// <remarks>
/// <code>
/// method, path, host ── no POST ──> health, probe, OPTIONS, 405
///        |
///     ingress? ── none ──> 404
///        |
///   audience? ── token, policies ──> 401, 403, 503
///        |
///  headers -> event (binary) ──> 400, 415
///        |
///      body ──> 413, 408, 429
///        |
///  event -> record(s) -> append -> 202 | 413 | 503
/// </code>
/// </remarks>
internal sealed partial class RequestContext(ReceiverApplication application) : Timed
{
    private IFeatureCollection _features = null!;
    private IHttpRequestFeature _request = null!;
    private IHttpResponseFeature _response = null!;
    private PipeReader? _reader;
    private Ingress? _ingress;
    private VerifiedToken? _sender;
    private string _challenge = MissingToken;
    private string _eventType = EventTypeTags.Unknown;
    private long _started;
    private long _bodyDue;
    private long _taken;

    /// <summary>Begins with a request.</summary>
    public RequestContext Begin(IFeatureCollection features)
    {
        _features = features;
        _request = features.GetRequiredFeature<IHttpRequestFeature>();
        _response = features.GetRequiredFeature<IHttpResponseFeature>();
        return this;
    }

    /// <summary>Forgets the request.</summary>
    public void End()
    {
        if (_span is { } span)
        {
            EndTrace(span);
        }

        _features = null!;
        _request = null!;
        _response = null!;
        _reader = null;
        _ingress = null;
        _sender = null;
        _eventType = EventTypeTags.Unknown;
        if (_taken != 0)
        {
            application.Bytes.Give(_taken);
            _taken = 0;
        }
    }

    /// <summary>Answers the request.</summary>
    public Task RunAsync()
    {
        var method = _request.Method;
        if (application.Draining && _request.Protocol.StartsWith("HTTP/1", StringComparison.Ordinal))
        {
            _response.Headers.Connection = "close";
        }

        if (application.Options.RequireTls && _features.Get<ITlsConnectionFeature>() is null && !IsKubelet(method))
        {
            return RefuseAsync(Problem.HttpsRequired, "Send the event over HTTPS, to the https address in the status of the resource.");
        }

        // Methods are case-sensitive (RFC 9110 §9.1).
        if (!Is(method, HttpMethods.Post))
        {
            return AnswerOtherMethodAsync(method);
        }

        _ingress = Resolve();
        if (_ingress is null)
        {
            return RefuseUnknownAsync();
        }

        _started = application.Time.GetTimestamp();
        if (application.Traces.IsOn)
        {
            BeginTrace();
        }

        return StoreAsync();
    }

    private static bool Is(string method, string known) => string.Equals(method, known, StringComparison.Ordinal);

    private Ingress? Resolve() => application.Store.Table.Resolve(RequestTarget.PathOf(_request.RawTarget), HostOf(_request.Headers));

    private static string HostOf(IHeaderDictionary headers)
    {
        var host = headers.Host;
        return host.Count == 0 ? "" : host[0] ?? "";
    }

    private async Task StoreAsync()
    {
        EventBuffer? read = null;
        RecordBuffer? body = null;
        try
        {
            var access = _ingress!.Definition.Access;
            var refusal = access is null ? null : await AdmitAsync(access);
            var contentType = _request.Headers.ContentType;
            var kind = HttpBinding.ModeOf(contentType.Count == 0 ? null : contentType[0]);
            refusal ??= CheckHead(kind, contentType);
            if (refusal is null && kind == ContentKind.Binary)
            {
                read = EventBuffer.Rent();
                refusal = ReadHeaders(read, contentType);
            }

            if (refusal is null)
            {
                body = RecordBuffer.Rent();
                refusal = await ReadBodyAsync(body);
            }

            if (refusal is null && application.Options.Decompress)
            {
                refusal = Unpack(ref body!);
            }

            if (refusal is not null)
            {
                await RefuseAsync(refusal);
                return;
            }

            if (kind == ContentKind.Batch)
            {
                await StoreBatchAsync(body!);
                return;
            }

            if (kind == ContentKind.Structured)
            {
                read = EventBuffer.Rent();
                refusal = Refusal.From(JsonEventFormat.Read(body!.Value, read));
                if (refusal is null)
                {
                    _eventType = application.Metrics.Types.Of(read.Get(CoreAttribute.Type));
                    ContinueTrace(read);
                }
            }

            if (refusal is null && access is not null)
            {
                refusal = Permit(access, read!);
            }

            if (refusal is null && !TryEnter())
            {
                await RefuseUnknownAsync();
                return;
            }

            if (refusal is null)
            {
                AppendResult result;
                try
                {
                    var append = BeginAppend(kind, read!, ref body!, out refusal);
                    if (kind == ContentKind.Binary && WhoWantsTypes is null)
                    {
                        // Its id can be had from the headers, should there be something to say.
                        read!.Dispose();
                        read = null;
                    }

                    body.Dispose();
                    body = null;
                    result = refusal is null ? await application.Appends.WaitAsync(append) : default;
                    if (_span is not null)
                    {
                        AppendEnded(refusal is null ? ProblemOf(result) : refusal.Detail);
                    }
                }
                finally
                {
                    _ingress.Log.Exit();
                }

                if (refusal is null)
                {
                    if (result.Outcome == AppendOutcome.Stored)
                    {
                        _response.StatusCode = StatusCodes.Status202Accepted;
                        Measure(StatusCodes.Status202Accepted);
                        if (WhoWantsTypes is { } owner)
                        {
                            await AnswerNowAsync();
                            MakeTypeKnown(owner, read!);
                        }

                        return;
                    }

                    refusal = NotStored(result, read);
                }
            }

            await RefuseAsync(refusal);
        }
        catch (Exception e)
        {
            await FailAsync(e);
        }
        finally
        {
            read?.Dispose();
            body?.Dispose();
        }
    }

    /// <summary>
    /// Begins to use the log of the ingress. If it was replaced since the request was routed, the request is routed again, to an ingress that lets
    /// the same pass; what another one lets pass was not looked at.
    /// </summary>
    private bool TryEnter()
    {
        var access = _ingress!.Definition.Access;
        while (_ingress is not null)
        {
            if (_ingress.Log.TryEnter())
            {
                return true;
            }

            _ingress = Resolve();
            if (!Equals(_ingress?.Definition.Access, access))
            {
                _ingress = null;
            }
        }

        return false;
    }

    /// <summary>Makes the record and hands it to the log.</summary>
    /// <param name="kind">How the event came.</param>
    /// <param name="read">The event, valid; without its data if it came in binary mode.</param>
    /// <param name="body">The body of the request; becomes the record.</param>
    /// <param name="refusal">Why there is no record.</param>
    private ValueTask<AppendResult> BeginAppend(ContentKind kind, EventBuffer read, ref RecordBuffer body, out Refusal? refusal)
    {
        refusal = null;
        if (_span is not null)
        {
            AppendBegins(read);
        }

        var definition = _ingress!.Definition;
        if (kind == ContentKind.Binary && !definition.Structured)
        {
            // The body is the data as it is: it was read to where the record wants it.
            read.WriteHeaders(body);
        }
        else
        {
            if (kind == ContentKind.Binary)
            {
                read.AppendData(body.Value);
            }

            body.Clear();
            if (definition.Structured)
            {
                refusal = Refusal.From(read.WriteStructured(body));
                if (refusal is not null)
                {
                    return default;
                }
            }
            else
            {
                read.WriteBinary(body);
            }
        }

        return _ingress.Writer.AppendAsync(definition.Topic, body);
    }

    private Refusal NotStored(in AppendResult result, EventBuffer? read)
    {
        var definition = _ingress!.Definition;
        if (result.Outcome != AppendOutcome.TooLarge && _ingress.Log.MayReport(application.Deadlines.Now))
        {
            application.Logger.NotStored(
                TextOf(read, CoreAttribute.Id, "ce-id"),
                TextOf(read, CoreAttribute.Source, "ce-source"),
                RequestTargetPath().ToString(),
                definition.Topic,
                result.Outcome,
                result.Error
            );
        }

        return result.Outcome switch
        {
            AppendOutcome.TooLarge => new Refusal(
                Problem.EventTooLarge,
                "The event as a record is larger than the log or its topic accept. Send a smaller event, or a link to the data."
            ),
            AppendOutcome.UnknownTopic => new Refusal(
                Problem.TopicMissing,
                $"The topic '{definition.Topic}' does not exist in the log, or not yet. Create it, then send the event again."
            ),
            AppendOutcome.Unauthorized => new Refusal(
                Problem.LogRefused,
                $"The receiver's credentials may not write to the topic '{definition.Topic}'. Grant them that right, then send the event again."
            ),
            AppendOutcome.Fatal => new Refusal(
                Problem.LogUnavailable,
                $"The log refused the event for the topic '{definition.Topic}'. The receiver's own log says why."
            ),
            _ => new Refusal(Problem.LogUnavailable, "The log is away or behind. Send the event again later; it may be stored twice then."),
        };
    }

    /// <summary>An attribute as text, for the log: of an event that is gone, as its header was sent.</summary>
    private string TextOf(EventBuffer? read, CoreAttribute attribute, string header) =>
        read is null ? _request.Headers[header].ToString() : Encoding.UTF8.GetString(read.Get(attribute));

    private void Measure(int status) =>
        _ingress!.Latency.Record(status, _eventType, application.Time.GetElapsedTime(_started).TotalMilliseconds);
}
