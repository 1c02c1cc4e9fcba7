using System.Diagnostics;
using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;
using Brokkr.Core.Log;
using Brokkr.Dispatcher.Cursors;
using Brokkr.Dispatcher.Feed;

namespace Brokkr.Dispatcher.Delivery;

/// <summary>
/// One record on its way to one Trigger, from the request to exactly one outcome:
/// <code>
/// attempt --failed--> wait --> attempt ... --spent or refused--> dead letter sink --failed--> dead letter topic --failed--> wait --> dead letter topic ...
///    |                                                                 |                            |
///    +--> reply --> Delivered                                          +--> SentToDeadLetterSink    +--> StoredAsDeadLetter
/// </code>
/// Every wait ends at once when the cursor stops; then the record is released, unfinished, and the failed attempts that were counted travel with the
/// position. Pooled.
/// </summary>
[SuppressMessage("Design", "CA1001", Justification = "A source of cancellation without a timer or a wait handle holds nothing.")]
internal sealed partial class Delivery : UnfinishedRecord
{
    private static readonly TimeSpan LongestHold = TimeSpan.FromMinutes(1);

    private Cursor _cursor = null!;
    private Trigger _trigger = null!;
    private FeedRecord _record = null!;
    private EventView _view = null!;
    private volatile CancellationTokenSource _cancellation = new();
    private volatile bool _isStopping;
    private volatile bool _isWaiting;
    private readonly DeliveryPool _pool;
    private readonly Action _end;
    private ValueTaskAwaiter<DeliveryOutcome> _delivering;
    private bool _hasRequest;
    private bool _isAside;
    private long _filteredAt;

    public Delivery(DeliveryPool pool)
    {
        _pool = pool;
        _end = End;
    }

    /// <summary>When the record was stored, in milliseconds since the Unix epoch. Only while the record is unfinished, under the lock of its cursor.</summary>
    public long Timestamp => _record.Record.Timestamp;

    /// <summary>Takes a record. Room for it and for a request has been taken.</summary>
    public void Prepare(Cursor cursor, Trigger trigger, FeedRecord record, EventView view, int failedAttempts)
    {
        _cursor = cursor;
        _trigger = trigger;
        _record = record;
        _view = view;
        _hasRequest = true;
        _filteredAt = DispatcherMetrics.Now;
        Offset = record.Record.Offset;
        FailedAttempts = failedAttempts;
    }

    /// <summary>Takes a record that is no event, on its way to the dead letter topic. Room for it and for a request has been taken.</summary>
    public void PrepareAside(Cursor cursor, Trigger trigger, FeedRecord record)
    {
        Prepare(cursor, trigger, record, null!, failedAttempts: 0);
        _isAside = true;
    }

    /// <summary>Whether the record is no event, which other records do not wait for.</summary>
    public bool IsAside => _isAside;

    /// <summary>Begins; goes on in the background.</summary>
    [SuppressMessage("Reliability", "CA2012", Justification = "Awaited by hand, once, so that no state machine is made for it.")]
    public void Start()
    {
        if (_trigger.Traces.IsOn && !_isAside)
        {
            BeginTrace();
        }

        _delivering = DeliverSafelyAsync().GetAwaiter();
        if (_delivering.IsCompleted)
        {
            End();
        }
        else
        {
            _delivering.UnsafeOnCompleted(_end);
        }
    }

    /// <summary>No more waits and no more attempts. A running request may finish.</summary>
    public void Stop()
    {
        _isStopping = true;
        Interlocked.MemoryBarrier();
        if (_isWaiting)
        {
            _ = _cancellation.CancelAsync();
        }
    }

    /// <summary>Cancels a running request.</summary>
    public void Abort()
    {
        _isStopping = true;
        Interlocked.MemoryBarrier();
        _ = _cancellation.CancelAsync();
    }

    private void End()
    {
        var outcome = _delivering.GetResult();
        _delivering = default;
        var cursor = _cursor;
        var trigger = _trigger;
        var record = _record;
        var hasRequest = _hasRequest;
        var isFinished = outcome != DeliveryOutcome.Released;
        if (_span is not null)
        {
            EndTrace(outcome);
        }

        cursor.End(this, isFinished);
        if (isFinished)
        {
            // Nobody else knows this any more. What was released stays in the cursor's window and is not used again.
            Return();
        }

        cursor.Done(record);
        trigger.Gate.Finish(record.Size, hasRequest, isFinished);
        cursor.Signal();
    }

    private void Return()
    {
        Reset();
        _cursor = null!;
        _trigger = null!;
        _record = null!;
        _view = null!;
        _isAside = false;
        _isStopping = false;
        _pool.Return(this);
    }

    /// <summary>
    /// Makes the source of cancellation usable again after a time budget. One that was used up is left to the collector, not disposed: it may be being
    /// cancelled on another thread at this moment. Whoever cancels sets the flag before it looks here, and the flag is looked at after this.
    /// </summary>
    private void Reset()
    {
        if (!_cancellation.TryReset())
        {
            _cancellation = new CancellationTokenSource();
        }

        Interlocked.MemoryBarrier();
    }

    /// <summary>Delivers. A bug must not lose the record, nor run in circles.</summary>
    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
    private async ValueTask<DeliveryOutcome> DeliverSafelyAsync()
    {
        while (true)
        {
            try
            {
                return await DeliverAsync();
            }
            catch (Exception failure)
            {
                _trigger.DeliveryBroke(_cursor, Offset, _view, failure);
            }

            if (!await WaitAsync(LongestHold))
            {
                return DeliveryOutcome.Released;
            }
        }
    }

    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
    private async ValueTask<DeliveryOutcome> DeliverAsync()
    {
        if (_isAside)
        {
            return await StoreAsync(letter: null, _trigger.Settings, default);
        }

        AttemptResult result;
        TriggerSettings settings;
        while (true)
        {
            // A changed contract holds from the next attempt on.
            settings = _trigger.Settings;
            result = await AttemptAsync(settings);
            if (_span is not null)
            {
                TraceAttempt(_span, FailedAttempts + 1, result);
            }

            if (result.Kind == AttemptKind.Succeeded)
            {
                _trigger.Metrics.Dispatched(settings, _view, result.Status, _filteredAt);
                return DeliveryOutcome.Delivered;
            }

            if (result.Kind == AttemptKind.Cancelled)
            {
                return DeliveryOutcome.Released;
            }

            FailedAttempts++;
            _trigger.AttemptFailed(_cursor, Offset, _view, FailedAttempts, result);
            if (result.Kind == AttemptKind.Refused || !settings.Retry.Allows(FailedAttempts))
            {
                break;
            }

            _trigger.Committer.Attempted(_cursor);
            if (!await WaitForRetryAsync(settings.Retry.WaitAfter(FailedAttempts, result.RetryAfter)))
            {
                return DeliveryOutcome.Released;
            }
        }

        _trigger.Metrics.Dispatched(settings, _view, result.Status, _filteredAt);
        return _isStopping ? DeliveryOutcome.Released : await DeadLetterAsync(settings, result);
    }

    private async ValueTask<DeliveryOutcome> DeadLetterAsync(TriggerSettings settings, AttemptResult failure)
    {
        var letter = DeadLetterEvent.From(_view, settings.Subscriber.Text, failure);
        if (settings.DeadLetterSink is { } sink)
        {
            BeginChild("dead_letter", ActivityKind.Client, sink.Text);
            var result = await PostAsync(sink, letter, settings);
            EndChild(result.Kind == AttemptKind.Succeeded);
            if (result.Kind == AttemptKind.Succeeded)
            {
                _trigger.Counts.SentToSink();
                return DeliveryOutcome.SentToDeadLetterSink;
            }

            if (result.Kind == AttemptKind.Cancelled)
            {
                return DeliveryOutcome.Released;
            }

            _trigger.DeadLetterSinkFailed(_cursor, Offset, _view, result);
        }

        if (_trigger.DeadLetterTopic == DeadLetterTopic.Disabled)
        {
            _trigger.Dropped(_cursor, Offset, _view, failure);
            return DeliveryOutcome.Dropped;
        }

        BeginChild("dead_letter", ActivityKind.Producer, DeadLetterTopics.NameOf(_cursor.Partition.Topic));
        var outcome = await StoreAsync(letter, settings, failure);
        EndChild(outcome == DeliveryOutcome.StoredAsDeadLetter);
        return outcome;
    }

    /// <summary>Stores the dead letter, or the record itself if it is no event, however long it takes: until then the record is held.</summary>
    private async ValueTask<DeliveryOutcome> StoreAsync(EventView? letter, TriggerSettings settings, AttemptResult failure)
    {
        var wait = TimeSpan.FromSeconds(1);
        var isHeld = false;
        GiveRequestRoomBack();
        try
        {
            while (true)
            {
                _isWaiting = true;
                Interlocked.MemoryBarrier();
                if (_isStopping)
                {
                    return DeliveryOutcome.Released;
                }

                var topic = _cursor.Partition.Topic;
                var (outcome, problem) = letter is null
                    ? await _trigger.DeadLetters.StoreAsync(topic, _record, _cancellation.Token)
                    : await _trigger.DeadLetters.StoreAsync(topic, letter, _trigger.Name, _cancellation.Token);
                _isWaiting = false;
                if (outcome == AppendOutcome.Stored)
                {
                    _trigger.Counts.StoredAsDeadLetter();
                    return DeliveryOutcome.StoredAsDeadLetter;
                }

                if (outcome == AppendOutcome.TooLarge && failure.Detail is not null)
                {
                    // What the subscriber said may be what is too much.
                    failure = failure with
                    {
                        Detail = null,
                    };
                    letter = DeadLetterEvent.From(_view, settings.Subscriber.Text, failure);
                    continue;
                }

                if (!isHeld)
                {
                    isHeld = true;
                    _trigger.Metrics.Held(settings, 1);
                }

                _trigger.Holds(_cursor, Offset, _view, problem, wait);
                if (!await WaitAsync(wait))
                {
                    return DeliveryOutcome.Released;
                }

                wait = wait * 2 < LongestHold ? wait * 2 : LongestHold;
            }
        }
        catch (OperationCanceledException) when (_isStopping)
        {
            return DeliveryOutcome.Released;
        }
        finally
        {
            _isWaiting = false;
            if (isHeld)
            {
                _trigger.Metrics.Held(settings, -1);
            }
        }
    }

    /// <summary>Sends an event to a dead letter sink or a reply URL, with attempts of its own (dispatcher §7.5).</summary>
    private async ValueTask<AttemptResult> PostAsync(Target target, EventView view, TriggerSettings settings)
    {
        for (var failed = 1; ; failed++)
        {
            var result = await SendAsync(target, view, settings, readReply: false, isLast: !settings.Retry.Allows(failed));
            _trigger.Counts.Attempted(target.Kind, result.Kind);
            if (_child is not null)
            {
                TraceAttempt(_child, failed, result);
            }

            if (result.Kind != AttemptKind.Failed || !settings.Retry.Allows(failed))
            {
                return result;
            }

            if (!await WaitForRetryAsync(settings.Retry.WaitAfter(failed, result.RetryAfter)))
            {
                return AttemptResult.Cancelled;
            }

            // A changed contract holds from the next attempt on: other certificates of the target, or another target.
            settings = _trigger.Settings;
            target = (target.Kind == TargetKind.Reply ? settings.ReplyTarget : settings.DeadLetterSink) ?? target;
        }
    }

    /// <summary>Waits before the next attempt, without room for a request, and takes room again.</summary>
    /// <returns>False if the delivery stops.</returns>
    private async ValueTask<bool> WaitForRetryAsync(TimeSpan wait)
    {
        if (_isStopping)
        {
            return false;
        }

        if (wait == TimeSpan.Zero && _hasRequest)
        {
            return true;
        }

        GiveRequestRoomBack();
        _trigger.Counts.RetryWaits(1);
        try
        {
            return (wait == TimeSpan.Zero || await WaitAsync(wait)) && await TakeRequestRoomAsync();
        }
        finally
        {
            _trigger.Counts.RetryWaits(-1);
        }
    }

    private void GiveRequestRoomBack()
    {
        if (_hasRequest)
        {
            _hasRequest = false;
            _trigger.Gate.EndRequest();
        }
    }

    private async ValueTask<bool> TakeRequestRoomAsync()
    {
        _isWaiting = true;
        Interlocked.MemoryBarrier();
        try
        {
            _hasRequest = !_isStopping && await _trigger.Gate.BeginRequestAsync(_cancellation.Token);
            return _hasRequest && !_isStopping;
        }
        finally
        {
            _isWaiting = false;
        }
    }

    private async ValueTask<bool> WaitAsync(TimeSpan wait)
    {
        _isWaiting = true;
        Interlocked.MemoryBarrier();
        try
        {
            if (_isStopping)
            {
                return false;
            }

            await Task.Delay(wait, _trigger.Time, _cancellation.Token);
            return !_isStopping;
        }
        catch (OperationCanceledException)
        {
            return false;
        }
        finally
        {
            _isWaiting = false;
        }
    }
}
