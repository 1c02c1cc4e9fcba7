using System.Buffers;
using System.Text;
using Brokkr.Core.Events;
using Brokkr.Core.Log;
using Brokkr.Dispatcher.Feed;

namespace Brokkr.Dispatcher.Delivery;

/// <content>Replies (dispatcher §8, design §6): an event in a 2xx answer goes to the topic or to a URL; anything else in it is dropped.</content>
internal sealed partial class Delivery
{
    private const int ReadSize = 16 * 1024;

    private EventBuffer? _reply;

    /// <summary>Reads an answer that may be an event.</summary>
    private async ValueTask<AttemptResult> ReadReplyAsync(HttpResponseMessage response, int status)
    {
        var content = response.Content.Headers;
        var contentType = content.NonValidated.TryGetValues("Content-Type", out var values) ? values.ToString() : null;
        var kind = HttpBinding.ModeOf(contentType);
        var isEvent =
            kind == ContentKind.Structured || (kind == ContentKind.Binary && response.Headers.NonValidated.Contains("ce-specversion"));
        if (!isEvent)
        {
            // Whether there is a body shows in its length; where that is not given, in its first byte.
            var hasBody = content.ContentLength is { } length ? length > 0 : await HasBodyAsync(response);
            if (hasBody)
            {
                _trigger.Metrics.AnswerDropped(_trigger.Settings);
            }

            return new AttemptResult(AttemptKind.Succeeded, status);
        }

        var buffer = EventBuffer.Rent();
        try
        {
            var (error, isEmpty) =
                kind == ContentKind.Structured
                    ? await ReadStructuredAsync(response, buffer)
                    : await ReadBinaryAsync(response, contentType, buffer);
            if (!error.IsError)
            {
                _reply = buffer;
                buffer = null;
                return new AttemptResult(AttemptKind.Succeeded, status);
            }

            // A broken event without a body is no reply; one with a body means to be one, and sending it again will not mend it (DEV-05).
            return isEmpty
                ? new AttemptResult(AttemptKind.Succeeded, status)
                : new AttemptResult(AttemptKind.Refused, Reason: $"the reply is no valid event: {error.Message}");
        }
        finally
        {
            buffer?.Dispose();
        }
    }

    /// <summary>Passes a reply on.</summary>
    private async ValueTask<AttemptResult> ForwardAsync(EventBuffer reply, TriggerSettings settings, int status)
    {
        if (settings.Reply == ReplyStrategy.Url)
        {
            var @event = reply.ToCloudEvent();
            var result = await PostAsync(
                settings.ReplyTarget!,
                new EventView(@event, _view.Record, EventOverlay.Empty, Overrides.None),
                settings
            );
            if (result.Kind == AttemptKind.Succeeded)
            {
                MakeTypeKnown(reply, settings);
            }

            return result.Kind switch
            {
                AttemptKind.Succeeded => new AttemptResult(AttemptKind.Succeeded, status),
                AttemptKind.Cancelled => result,
                // It had attempts of its own; the subscriber has done its part and is not called again (dispatcher §8.5).
                _ => result with
                {
                    Kind = AttemptKind.Refused,
                    Reason = "the reply could not be delivered: " + (result.Reason ?? $"status {result.Status}"),
                },
            };
        }

        if (!MayFollow(reply, settings))
        {
            return new AttemptResult(
                AttemptKind.Refused,
                Reason: $"the reply would be number {_trigger.Options.ReplyHopLimit + 1} of a chain of replies; Triggers seem to answer each other"
            );
        }

        ValueTask<AppendResult> append;
        using (var record = RecordBuffer.Rent())
        {
            reply.WriteBinary(record);
            append = _trigger.Writer.AppendAsync(settings.ReplyTopic, record);
        }

        var stored = await append;
        if (stored.Outcome == AppendOutcome.Stored)
        {
            MakeTypeKnown(reply, settings);
        }

        return stored.Outcome switch
        {
            AppendOutcome.Stored => new AttemptResult(AttemptKind.Succeeded, status),
            AppendOutcome.TooLarge => new AttemptResult(AttemptKind.Refused, Reason: $"the reply is too large: {stored.Error}"),
            // The delivery as a whole has failed, and the subscriber is called again (RTE-07, DEV-04).
            _ => new AttemptResult(AttemptKind.Failed, Reason: $"the reply could not be stored: {stored.Error}"),
        };
    }

    /// <summary>Whether a chain of replies may go on; says in the reply how long it is, where that matters.</summary>
    private bool MayFollow(EventBuffer reply, TriggerSettings settings)
    {
        var limit = _trigger.Options.ReplyHopLimit;
        if (limit == 0)
        {
            return true;
        }

        var before = ReplyHops.Of(_view.Record);
        if (before >= limit)
        {
            return false;
        }

        if (before > 0 || _trigger.IsWanted(reply, settings.ReplyTopic))
        {
            ReplyHops.Mark(reply, before + 1);
        }

        return true;
    }

    private void MakeTypeKnown(EventBuffer reply, TriggerSettings settings)
    {
        if (settings.EventTypeOwner is { } owner)
        {
            _trigger.EventTypes?.Seen(owner, reply);
        }
    }

    private async ValueTask<bool> HasBodyAsync(HttpResponseMessage response)
    {
        var stream = await response.Content.ReadAsStreamAsync(_cancellation.Token);
        var first = new byte[1];
        return await stream.ReadAsync(first, _cancellation.Token) > 0;
    }

    private async ValueTask<(EventError Error, bool IsEmpty)> ReadBinaryAsync(
        HttpResponseMessage response,
        string? contentType,
        EventBuffer reply
    )
    {
        var error = Attributes(response, contentType, reply);
        var stream = await response.Content.ReadAsStreamAsync(_cancellation.Token);
        var length = 0;
        var chunk = ArrayPool<byte>.Shared.Rent(ReadSize);
        try
        {
            int read;
            while ((read = await stream.ReadAsync(chunk, _cancellation.Token)) > 0)
            {
                length += read;
                if (length > _trigger.Options.ReplyLimit)
                {
                    return (EventError.Invalid($"The reply has more than {_trigger.Options.ReplyLimit} bytes."), false);
                }

                reply.AppendData(chunk.AsSpan(0, read));
            }
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(chunk);
        }

        return (error.IsError ? error : reply.Validate(), length == 0);
    }

    private async ValueTask<(EventError Error, bool IsEmpty)> ReadStructuredAsync(HttpResponseMessage response, EventBuffer reply)
    {
        var stream = await response.Content.ReadAsStreamAsync(_cancellation.Token);
        var limit = _trigger.Options.ReplyLimit;
        var json = ArrayPool<byte>.Shared.Rent(ReadSize);
        var length = 0;
        try
        {
            int read;
            while ((read = await stream.ReadAsync(json.AsMemory(length), _cancellation.Token)) > 0)
            {
                length += read;
                if (length > limit)
                {
                    return (EventError.Invalid($"The reply has more than {limit} bytes."), false);
                }

                if (length == json.Length)
                {
                    var bigger = ArrayPool<byte>.Shared.Rent(json.Length * 2);
                    json.AsSpan(0, length).CopyTo(bigger);
                    ArrayPool<byte>.Shared.Return(json);
                    json = bigger;
                }
            }

            var error = JsonEventFormat.Read(json.AsSpan(0, length), reply);
            AddTraceContext(reply);
            return (error, length == 0);
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(json);
        }
    }

    private EventError Attributes(HttpResponseMessage response, string? contentType, EventBuffer reply)
    {
        AddTraceContext(reply);
        foreach (var (name, values) in response.Headers.NonValidated)
        {
            if (!name.StartsWith("ce-", StringComparison.OrdinalIgnoreCase))
            {
                continue;
            }

            foreach (var value in values)
            {
                // The client gives one character per byte.
                var error = HttpBinding.AddHeader(reply, Encoding.Latin1.GetBytes(name), Encoding.Latin1.GetBytes(value));
                if (error.IsError)
                {
                    return error;
                }
            }
        }

        return contentType is null ? EventError.None : HttpBinding.SetContentType(reply, Encoding.Latin1.GetBytes(contentType));
    }

    /// <summary>A reply belongs to the trace of the event that it answers.</summary>
    private void AddTraceContext(EventBuffer reply)
    {
        if (_span is not null)
        {
            AddTrace(reply);
            return;
        }

        foreach (ref readonly var header in _view.Record.Headers)
        {
            var name = _view.Record.NameOf(header);
            if (header.ValueLength > 0 && (name.SequenceEqual("traceparent"u8) || name.SequenceEqual("tracestate"u8)))
            {
                reply.AddRecordHeader(name, _view.Record.ValueOf(header));
            }
        }
    }
}
