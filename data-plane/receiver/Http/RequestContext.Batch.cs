using Brokkr.Core.Events;
using Brokkr.Core.Log;
using Microsoft.AspNetCore.Http;

namespace Brokkr.Receiver.Http;

/// <content>Several events in one request.</content>
internal sealed partial class RequestContext
{
    /// <summary>Stores the events of a batch: all are valid before the first is appended, and all are stored before it is acknowledged.</summary>
    private async Task StoreBatchAsync(RecordBuffer body)
    {
        var events = new List<EventBuffer>();
        try
        {
            var refusal = Refusal.From(JsonEventFormat.ReadBatch(body.Value, events));
            var access = _ingress!.Definition.Access;
            for (var i = 0; access is not null && refusal is null && i < events.Count; i++)
            {
                refusal = Permit(access, events[i]);
            }

            if (refusal is not null)
            {
                await RefuseAsync(refusal);
                return;
            }

            if (!TryEnter())
            {
                await RefuseUnknownAsync();
                return;
            }

            try
            {
                var records = new List<RecordBuffer>(events.Count);
                try
                {
                    for (var i = 0; i < events.Count && refusal is null; i++)
                    {
                        ContinueTrace(events[i]);
                        refusal = Build(events[i], records);
                    }

                    refusal ??= await AppendAllAsync(events, records);
                }
                finally
                {
                    foreach (var record in records)
                    {
                        record.Dispose();
                    }
                }
            }
            finally
            {
                _ingress!.Log.Exit();
            }

            if (refusal is not null)
            {
                await RefuseAsync(refusal);
                return;
            }

            _response.StatusCode = StatusCodes.Status202Accepted;
            foreach (var one in events)
            {
                _eventType = application.Metrics.Types.Of(one.Get(CoreAttribute.Type));
                Measure(StatusCodes.Status202Accepted);
            }

            if (WhoWantsTypes is { } owner)
            {
                await AnswerNowAsync();
                events.ForEach(one => MakeTypeKnown(owner, one));
            }
        }
        finally
        {
            foreach (var one in events)
            {
                one.Dispose();
            }
        }
    }

    private Refusal? Build(EventBuffer read, List<RecordBuffer> records)
    {
        var record = RecordBuffer.Rent();
        records.Add(record);
        if (_ingress!.Definition.Structured)
        {
            return Refusal.From(read.WriteStructured(record));
        }

        read.WriteBinary(record);
        return null;
    }

    private async Task<Refusal?> AppendAllAsync(List<EventBuffer> events, List<RecordBuffer> records)
    {
        if (_span is not null && events.Count > 0)
        {
            AppendBegins(events[0]);
        }

        var appends = new Task<AppendResult>[records.Count];
        for (var i = 0; i < appends.Length; i++)
        {
            appends[i] = application.Appends.WaitAsync(_ingress!.Writer.AppendAsync(_ingress.Definition.Topic, records[i])).AsTask();
        }

        Refusal? refusal = null;
        string? problem = null;
        for (var i = 0; i < appends.Length; i++)
        {
            var result = await appends[i];
            problem ??= ProblemOf(result);
            if (
                result.Outcome != AppendOutcome.Stored
                && (refusal is null || refusal.Problem.Status != StatusCodes.Status503ServiceUnavailable)
            )
            {
                refusal = NotStored(result, events[i]);
                refusal = refusal with
                {
                    Detail = $"Event {i + 1} of {events.Count} in the batch: {refusal.Detail} Others of the batch may be stored.",
                };
            }
        }

        AppendEnded(problem);
        return refusal;
    }
}
