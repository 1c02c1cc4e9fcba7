using System.Buffers;
using System.Globalization;
using Brokkr.Core.Events;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.Primitives;

namespace Brokkr.Receiver.Http;

/// <summary>Why a request is refused, and what to change.</summary>
/// <param name="Problem">The kind of refusal.</param>
/// <param name="Detail">A sentence for the sender.</param>
internal sealed record Refusal(Problem Problem, string Detail)
{
    /// <summary>The refusal that an error in the event causes; null without one.</summary>
    public static Refusal? From(in EventError error) =>
        error.Kind switch
        {
            EventErrorKind.None => null,
            EventErrorKind.UnsupportedMediaType => new Refusal(Problem.UnsupportedContentMode, error.Message ?? ""),
            EventErrorKind.NotAnEvent => new Refusal(
                Problem.InvalidEvent,
                $"{error.Message} Send the attributes as ce- headers, or the whole event as {HttpBinding.StructuredJson}."
            ),
            _ => new Refusal(Problem.InvalidEvent, error.Message ?? "The event breaks a rule of CloudEvents."),
        };
}

/// <content>What goes out, other than 202.</content>
internal sealed partial class RequestContext
{
    /// <summary>How much of a body that is not wanted is read before the answer.</summary>
    private const int DrainedBytes = 64 * 1024;

    private const string Post = "POST";
    private const string PostAndOptions = "POST, OPTIONS";

    private Task AnswerOtherMethodAsync(string method)
    {
        var headers = _request.Headers;
        if (Is(method, HttpMethods.Get))
        {
            var path = RequestTargetPath();
            if (path.SequenceEqual(application.Options.LivenessPath))
            {
                _response.StatusCode = StatusCodes.Status200OK;
                return Task.CompletedTask;
            }

            if (path.SequenceEqual(application.Options.ReadinessPath))
            {
                return application.NotReady is { } reason ? RefuseAsync(Problem.NotReady, reason) : Task.CompletedTask;
            }

            // The control plane asks whether a resource is served here (receiver-and-core §6.2).
            if (string.Equals(headers["K-Network-Probe"].ToString(), "probe", StringComparison.Ordinal))
            {
                return Resolve() is null ? RefuseUnknownAsync() : AnswerProbe();
            }
        }
        else if (Is(method, HttpMethods.Options))
        {
            return string.Equals(_request.RawTarget, "*", StringComparison.Ordinal) || Resolve() is not null
                ? AnswerOptions()
                : RefuseUnknownAsync();
        }

        _response.Headers.Allow = Post;
        return RefuseAsync(Problem.MethodNotAllowed, $"Send events with POST; {Shown(method)} is not supported here.");
    }

    /// <summary>Whether this is a probe for liveness or readiness, which the original's manifests have over HTTP.</summary>
    private bool IsKubelet(string method)
    {
        var path = RequestTargetPath();
        return Is(method, HttpMethods.Get)
            && (path.SequenceEqual(application.Options.LivenessPath) || path.SequenceEqual(application.Options.ReadinessPath));
    }

    private ReadOnlySpan<char> RequestTargetPath() => Routing.RequestTarget.PathOf(_request.RawTarget);

    private Task AnswerProbe()
    {
        GiveBack("K-Network-Hash", _request.Headers["K-Network-Hash"]);
        return Task.CompletedTask;
    }

    /// <summary>Says what is allowed, and agrees to the handshake of the webhook specification: senders of events are welcome at any rate.</summary>
    private Task AnswerOptions()
    {
        _response.Headers.Allow = PostAndOptions;
        var origin = _request.Headers["WebHook-Request-Origin"];
        if (origin.Count > 0)
        {
            GiveBack("WebHook-Allowed-Origin", origin);
            if (_request.Headers.ContainsKey("WebHook-Request-Rate"))
            {
                _response.Headers["WebHook-Allowed-Rate"] = "*";
            }
        }

        return Task.CompletedTask;
    }

    /// <summary>Answers with a header of the request, unless it holds a control character: none may stand in an answer (RFC 9110 §5.5).</summary>
    private void GiveBack(string name, StringValues values)
    {
        foreach (var value in values)
        {
            if (value.AsSpan().ContainsAnyInRange('\0', '\x1F') || value.AsSpan().Contains('\x7F'))
            {
                return;
            }
        }

        if (values.Count > 0)
        {
            _response.Headers[name] = values;
        }
    }

    private Task RefuseUnknownAsync() =>
        RefuseAsync(
            Problem.UnknownResource,
            $"No Broker, KafkaSink or KafkaChannel is served at {Shown(RequestTargetPath())}. Check namespace and name in the address, and that the resource is ready."
        );

    private Task RefuseAsync(Refusal refusal) => RefuseAsync(refusal.Problem, refusal.Detail);

    private Task RefuseAsync(Problem problem, string detail)
    {
        if (application.Logger.IsEnabled(Microsoft.Extensions.Logging.LogLevel.Debug))
        {
            // Without the query, in which a sender may have put its token.
            application.Logger.Refused(_request.Method, RequestTargetPath().ToString(), problem.Status, detail);
        }

        if (_ingress is not null)
        {
            Measure(problem.Status);
        }

        if (_response.HasStarted)
        {
            return Task.CompletedTask;
        }

        var headers = _response.Headers;
        _response.StatusCode = problem.Status;
        headers.ContentType = "application/problem+json";
        switch (problem.Status)
        {
            case StatusCodes.Status401Unauthorized:
                headers.WWWAuthenticate = _challenge;
                break;
            case StatusCodes.Status403Forbidden when ReferenceEquals(problem, Problem.Forbidden):
                headers.WWWAuthenticate = "Bearer error=\"insufficient_scope\"";
                break;
            case StatusCodes.Status415UnsupportedMediaType when ReferenceEquals(problem, Problem.UnsupportedContentMode):
                headers["Accept-Post"] = $"{HttpBinding.StructuredJson}, {HttpBinding.BatchJson}, */*";
                break;
            case StatusCodes.Status429TooManyRequests or StatusCodes.Status503ServiceUnavailable:
                headers.RetryAfter = application.Options.RetryAfterSeconds.ToString(CultureInfo.InvariantCulture);
                break;
            case StatusCodes.Status400BadRequest
            or StatusCodes.Status408RequestTimeout
                when !ReferenceEquals(problem, Problem.InvalidEvent) && _request.Protocol.StartsWith("HTTP/1", StringComparison.Ordinal):
                // Where the next request begins is not certain.
                headers.Connection = "close";
                break;
        }

        var document = new ArrayBufferWriter<byte>(512);
        problem.Write(document, detail);
        headers.ContentLength = document.WrittenCount;
        if (Is(_request.Method, HttpMethods.Head))
        {
            return Task.CompletedTask;
        }

        // Some HTTP/2 clients take the reset of a stream whose body is not wanted for a failure and lose the answer (RFC 9113 §8.1).
        if (
            HttpProtocol.IsHttp2(_request.Protocol)
            && _request.Headers.ContentLength is null or <= DrainedBytes
            && _features.Get<IHttpRequestBodyDetectionFeature>()?.CanHaveBody == true
        )
        {
            return DrainAndWriteAsync(document.WrittenMemory);
        }

        return WriteAsync(document.WrittenMemory);
    }

    private async Task DrainAndWriteAsync(ReadOnlyMemory<byte> document)
    {
        var drained = 0L;
        var reader = Watch();
        try
        {
            while (drained <= DrainedBytes)
            {
                var result = await reader.ReadAsync();
                drained += result.Buffer.Length;
                reader.AdvanceTo(result.Buffer.End);
                if (result.IsCompleted || result.IsCanceled)
                {
                    break;
                }
            }
        }
        catch (Exception e) when (e is IOException or OperationCanceledException or InvalidOperationException)
        {
            // The body does not matter any more; whether the answer arrives shows when it is written.
            application.Logger.DrainFailed(e);
        }
        finally
        {
            Unwatch();
        }

        await WriteAsync(document);
    }

    private Task WriteAsync(ReadOnlyMemory<byte> document)
    {
        var writing = _features.GetRequiredFeature<IHttpResponseBodyFeature>().Writer.WriteAsync(document);
        return writing.IsCompletedSuccessfully ? Task.CompletedTask : writing.AsTask();
    }

    /// <summary>Answers a request that broke down, as far as there is anybody to answer to.</summary>
    private Task FailAsync(Exception e)
    {
        switch (e)
        {
            case BadHttpRequestException { StatusCode: StatusCodes.Status413PayloadTooLarge }:
                return RefuseAsync(TooLarge());
            case BadHttpRequestException { StatusCode: StatusCodes.Status408RequestTimeout }:
                return RefuseAsync(Problem.RequestTimeout, "The request did not arrive in time. Send it again, faster.");
            case BadHttpRequestException bad:
                return RefuseAsync(Problem.MalformedRequest, bad.Message);
            case IOException or OperationCanceledException or ConnectionAbortedException:
                // The sender has gone: there is nobody to answer to.
                _features.Get<IHttpRequestLifetimeFeature>()?.Abort();
                return Task.CompletedTask;
            default:
                application.Logger.RequestFailed(e);
                return RefuseAsync(Problem.InternalError, "The receiver's own log says what went wrong. Send the event again later.");
        }
    }

    /// <summary>Text from a request as it may be shown: short, and nothing but printable ASCII.</summary>
    private static string Shown(ReadOnlySpan<char> text)
    {
        var shown = text.Length > 200 ? text[..200] : text;
        return string.Create(
            shown.Length + 2,
            shown,
            static (to, from) =>
            {
                to[0] = to[^1] = '\'';
                for (var i = 0; i < from.Length; i++)
                {
                    to[i + 1] = from[i] is >= ' ' and <= '~' ? from[i] : '?';
                }
            }
        );
    }
}
