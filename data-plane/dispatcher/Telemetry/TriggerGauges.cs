using System.Collections.Concurrent;
using System.Diagnostics;
using System.Diagnostics.Metrics;
using Brokkr.Core.Telemetry;
using Brokkr.Dispatcher.Cursors;
using Brokkr.Dispatcher.Delivery;

namespace Brokkr.Dispatcher.Telemetry;

/// <summary>
/// Shows how Triggers are when somebody asks; until then it costs nothing. Their series carry the tags of the Trigger and its consumer group, by which the
/// subscriptions of one channel are told apart; those about partitions also topic and partition. The numbers of a Trigger go with it.
/// </summary>
internal sealed class TriggerGauges : IDisposable
{
    /// <summary>Name of the meter of what the original's Kafka clients show.</summary>
    public const string ClientMeterName = "Kafka.Clients.Consumer";

    /// <summary>The original collects the metrics of its clients once a minute: that long it takes until a partition has some.</summary>
    private static readonly TimeSpan ClientInterval = TimeSpan.FromMinutes(1);

    private const string GroupTag = "group";

    private readonly TimeProvider _time;
    private readonly Meter _clients = new(ClientMeterName);
    private readonly ConcurrentDictionary<Trigger, long> _triggers = new(ReferenceEqualityComparer.Instance);

    public TriggerGauges(Meter meter, TimeProvider time)
    {
        _time = time;
        Partitions(meter);
        Deliveries(meter);
        Outcomes(meter);
        Clients();
    }

    public void Add(Trigger trigger) => _triggers[trigger] = _time.GetTimestamp();

    public void Remove(Trigger trigger) => _triggers.TryRemove(trigger, out _);

    public void Dispose() => _clients.Dispose();

    private void Partitions(Meter meter)
    {
        meter.CreateObservableGauge(
            "brokkr.dispatcher.lag",
            () => OfCursors(static (cursor, _) => cursor.Feed.End is >= 0 and var end ? Math.Max(0, end - cursor.Position) : null),
            description: "Offsets from where the Trigger is to the end of the partition: events it is not done with"
        );
        meter.CreateObservableGauge(
            "brokkr.dispatcher.oldest_event_age_seconds",
            () => OfCursors(static (cursor, now) => AgeOf(cursor, now)),
            description: "Seconds since the oldest event that the Trigger is not done with was stored; 0 where it is done with all"
        );
    }

    private void Deliveries(Meter meter)
    {
        meter.CreateObservableGauge(
            "brokkr.dispatcher.unfinished_events",
            () => OfTriggers(static trigger => trigger.Gate.Records),
            description: "Events taken from the log whose outcome is not final yet"
        );
        meter.CreateObservableGauge(
            "brokkr.dispatcher.in_flight",
            () => OfTriggers(static trigger => trigger.Gate.Requests),
            description: "Events of which a request is under way"
        );
        meter.CreateObservableGauge(
            "brokkr.dispatcher.retries_waiting",
            () => OfTriggers(static trigger => trigger.Counts.RetriesWaiting),
            description: "Events that wait for their next attempt"
        );
        meter.CreateObservableCounter("brokkr.dispatcher.attempts", Attempts, description: "Requests that carried an event and have ended");
    }

    private void Outcomes(Meter meter)
    {
        meter.CreateObservableCounter(
            "brokkr.dispatcher.dead_letters",
            () => Pairs("destination", "sink", static t => t.Counts.DeadLettersInSink, "topic", static t => t.Counts.DeadLettersInTopic),
            description: "Events that went to a dead letter sink or topic"
        );
        meter.CreateObservableCounter(
            "brokkr.dispatcher.dropped_events",
            () => OfTriggers(static trigger => trigger.Counts.Drops),
            description: "Events that nobody took, lost because the dead letter topic is turned off; anything but 0 is an alarm"
        );
        meter.CreateObservableCounter(
            "brokkr.dispatcher.taken_records",
            () => Pairs("from", "window", static t => t.Counts.FromWindow, "catch_up", static t => t.Counts.FromCatchUp),
            description: "Records that the Trigger took from the window which all share, or from a reader that brings it back"
        );
        meter.CreateObservableCounter(
            "brokkr.dispatcher.commits",
            () => Pairs("result", "stored", static t => t.Counts.Commits, "failed", static t => t.Counts.FailedCommits),
            description: "Times that the positions of the Trigger were stored, or could not be"
        );
    }

    /// <summary>
    /// The lag as the original's consumers show it, one per Trigger (dispatcher §11.3): from the next record to take, not from the oldest that is unfinished.
    /// </summary>
    private void Clients()
    {
        _clients.CreateObservableGauge(
            "kafka.consumer.fetch.manager.records.lag.max",
            ClientLags,
            description: "The maximum lag in terms of number of records for any partition in this window"
        );
        _clients.CreateObservableGauge(
            "kafka.consumer.fetch.manager.records.lag",
            () => OfClientPartitions(static cursor => Math.Max(0, cursor.Feed.End - cursor.Next)),
            description: "The latest lag of the partition"
        );
    }

    private static double? AgeOf(Cursor cursor, DateTimeOffset now)
    {
        var (position, timestamp) = cursor.Oldest;
        return cursor.Feed.End switch
        {
            < 0 => null,
            var end when position >= end => 0,
            _ => timestamp < 0 ? null : Math.Max(0, (now.ToUnixTimeMilliseconds() - timestamp) / 1000.0),
        };
    }

    private IEnumerable<Measurement<double>> OfCursors(Func<Cursor, DateTimeOffset, double?> measure)
    {
        var now = _time.GetUtcNow();
        foreach (var (trigger, _) in _triggers)
        {
            var tags = trigger.Settings.Tags;
            foreach (var cursor in trigger.Cursors)
            {
                if (measure(cursor, now) is { } value)
                {
                    var at = tags.At(cursor.Feed);
                    at.Add(GroupTag, trigger.Group);
                    yield return new Measurement<double>(value, at);
                }
            }
        }
    }

    private IEnumerable<Measurement<long>> OfTriggers(Func<Trigger, long> measure)
    {
        foreach (var (trigger, _) in _triggers)
        {
            yield return new Measurement<long>(measure(trigger), TagsOf(trigger));
        }
    }

    private IEnumerable<Measurement<long>> Pairs(
        string tag,
        string first,
        Func<Trigger, long> measureFirst,
        string second,
        Func<Trigger, long> measureSecond
    )
    {
        foreach (var (trigger, _) in _triggers)
        {
            yield return new Measurement<long>(measureFirst(trigger), TagsOf(trigger, tag, first));
            yield return new Measurement<long>(measureSecond(trigger), TagsOf(trigger, tag, second));
        }
    }

    private IEnumerable<Measurement<long>> Attempts()
    {
        foreach (var (trigger, _) in _triggers)
        {
            foreach (var target in (TargetKind[])[TargetKind.Subscriber, TargetKind.DeadLetterSink, TargetKind.Reply])
            {
                foreach (var result in (AttemptKind[])[AttemptKind.Succeeded, AttemptKind.Failed, AttemptKind.Refused])
                {
                    // Few Triggers have all of them; the subscriber's are there from the start, so that their rates are right.
                    var count = trigger.Counts.Attempts(target, result);
                    if (count > 0 || target == TargetKind.Subscriber)
                    {
                        var tags = TagsOf(trigger, "target", NameOf(target));
                        tags.Add("result", NameOf(result));
                        yield return new Measurement<long>(count, tags);
                    }
                }
            }
        }
    }

    private IEnumerable<Measurement<long>> ClientLags()
    {
        foreach (var (trigger, _) in _triggers)
        {
            long most = 0;
            foreach (var cursor in trigger.Cursors)
            {
                most = Math.Max(most, cursor.Feed.End - cursor.Next);
            }

            yield return new Measurement<long>(most, ClientTagsOf(trigger));
        }
    }

    private IEnumerable<Measurement<long>> OfClientPartitions(Func<Cursor, long> measure)
    {
        foreach (var (trigger, since) in _triggers)
        {
            if (_time.GetElapsedTime(since) < ClientInterval)
            {
                continue;
            }

            foreach (var cursor in trigger.Cursors)
            {
                var tags = ClientTagsOf(trigger);
                tags.Add("topic", cursor.Partition.Topic);
                tags.Add("partition", cursor.Feed.Name.Text);
                yield return new Measurement<long>(measure(cursor), tags);
            }
        }
    }

    /// <summary>As a Java client without a name of its own calls itself; its version is what the original says where it knows none.</summary>
    private static TagList ClientTagsOf(Trigger trigger) =>
        new() { { "client.id", $"consumer-{trigger.Group}-1" }, { "kafka.version", "unknown" } };

    private static TagList TagsOf(Trigger trigger)
    {
        var tags = trigger.Settings.Tags.List;
        tags.Add(GroupTag, trigger.Group);
        return tags;
    }

    private static TagList TagsOf(Trigger trigger, string tag, string value)
    {
        var tags = TagsOf(trigger);
        tags.Add(tag, value);
        return tags;
    }

    private static string NameOf(TargetKind target) =>
        target switch
        {
            TargetKind.Subscriber => "subscriber",
            TargetKind.DeadLetterSink => "deadLetterSink",
            _ => "reply",
        };

    private static string NameOf(AttemptKind result) =>
        result switch
        {
            AttemptKind.Succeeded => "succeeded",
            AttemptKind.Failed => "failed",
            _ => "refused",
        };
}
