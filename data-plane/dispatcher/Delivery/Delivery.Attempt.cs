using System.Runtime.CompilerServices;
using Brokkr.Dispatcher.Feed;
using Brokkr.Dispatcher.Http;
using Brokkr.Dispatcher.Tokens;

namespace Brokkr.Dispatcher.Delivery;

/// <content>One attempt: a request, its answer, and what the answer asks for.</content>
internal sealed partial class Delivery
{
    /// <summary>How often one attempt may meet a kept connection that the peer had closed.</summary>
    private const int StaleLimit = 8;

    /// <summary>One attempt at the subscriber, its reply included.</summary>
    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
    private async ValueTask<AttemptResult> AttemptAsync(TriggerSettings settings)
    {
        var isLast = !settings.Retry.Allows(FailedAttempts + 1);
        var result = await SendAsync(settings.Subscriber, _view, settings, settings.Reply != ReplyStrategy.Discard, isLast);
        _trigger.Counts.Attempted(TargetKind.Subscriber, result.Kind);
        if (_reply is null)
        {
            EndChild(isSuccess: false);
            return result;
        }

        using var reply = _reply;
        _reply = null;
        var forwarded = await ForwardAsync(reply, settings, result.Status);
        EndChild(forwarded.Kind == AttemptKind.Succeeded);
        return forwarded;
    }

    /// <summary>Sends an event once and classifies the answer. One time budget covers connecting, head and body.</summary>
    /// <param name="target">Where to.</param>
    /// <param name="view">The event.</param>
    /// <param name="settings">The settings that hold for this attempt.</param>
    /// <param name="readReply">Whether the answer may be an event that is wanted; it is left in <see cref="_reply"/>.</param>
    /// <param name="isLast">Whether a failure will be the final one, so that its details are needed.</param>
    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
    private async ValueTask<AttemptResult> SendAsync(Target target, EventView view, TriggerSettings settings, bool readReply, bool isLast)
    {
        if (_isStopping)
        {
            return AttemptResult.Cancelled;
        }

        settings.Tags.Begin(target.Kind);
        _cancellation.CancelAfter(settings.Timeout);
        try
        {
            var authorization = default(Authorization);
            if (target.Identity is { } identity)
            {
                authorization = await _trigger.Tokens.GetAsync(identity, _cancellation.Token);
                if (authorization.Value is null)
                {
                    // Nothing was sent; the token may be there for the next attempt.
                    return new AttemptResult(AttemptKind.Failed, Reason: authorization.Problem);
                }
            }

            var isRenewed = false;
            for (var stale = 0; ; stale++)
            {
                try
                {
                    using var request = _trigger.Requests.Create(
                        target.Url,
                        view,
                        settings.IsStructured && target.Kind != TargetKind.Reply,
                        settings.Namespace,
                        _child ?? _span
                    );
                    if (authorization.Value is { } token)
                    {
                        request.Headers.TryAddWithoutValidation("Authorization", token);
                    }

                    using var response = await target.Client.SendAsync(request, _cancellation.Token);
                    if (response.StatusCode == System.Net.HttpStatusCode.Unauthorized && target.Identity is { } refused && !isRenewed)
                    {
                        _trigger.Tokens.Refused(refused, authorization);
                        var next = await _trigger.Tokens.GetAsync(refused, _cancellation.Token);
                        isRenewed = next.Value is not null && next != authorization;
                        if (isRenewed)
                        {
                            // Part of the same attempt: the event was not looked at.
                            authorization = next;
                            continue;
                        }
                    }

                    return await ClassifyAsync(response, readReply, isLast);
                }
                catch (HttpRequestException failure) when (stale < StaleLimit && StaleConnectionException.IsCauseOf(failure))
                {
                    // The subscriber never saw this request.
                }
            }
        }
        catch (OperationCanceledException) when (_cancellation.IsCancellationRequested)
        {
            return _isStopping
                ? AttemptResult.Cancelled
                : new AttemptResult(AttemptKind.Failed, Reason: $"no answer within {settings.Timeout.TotalMilliseconds} ms");
        }
        catch (Exception failure)
        {
            // No connection, no answer, or one that is no HTTP.
            return new AttemptResult(AttemptKind.Failed, Reason: failure.Message);
        }
        finally
        {
            settings.Tags.End(target.Kind);
            Reset();
        }
    }

    private async ValueTask<AttemptResult> ClassifyAsync(HttpResponseMessage response, bool readReply, bool isLast)
    {
        var status = (int)response.StatusCode;
        if (status is >= 200 and < 300)
        {
            // An answer of 202 is never a reply (DP-12, DEV-01).
            return !readReply || status == 202 ? new AttemptResult(AttemptKind.Succeeded, status) : await ReadReplyAsync(response, status);
        }

        var kind = status is 404 or 408 or 409 or 429 or >= 500 ? AttemptKind.Failed : AttemptKind.Refused;
        TimeSpan? retryAfter = null;
        if (status is 429 or 503 && response.Headers.NonValidated.TryGetValues("Retry-After", out var values))
        {
            retryAfter = RetryPolicy.ParseRetryAfter(values.ToString(), _trigger.Time.GetUtcNow());
        }

        var detail = isLast || kind == AttemptKind.Refused ? await FailureReader.ReadAsync(response, _cancellation.Token) : null;
        return new AttemptResult(kind, status, retryAfter, detail);
    }
}
