using System.Diagnostics.CodeAnalysis;
using System.Text;
using Brokkr.Core.Events;
using Brokkr.Core.Log;
using Brokkr.Dispatcher.Cursors;
using Brokkr.Dispatcher.Delivery;
using Brokkr.Dispatcher.Feed;
using Brokkr.Dispatcher.Telemetry;

namespace Brokkr.Dispatcher;

/// <summary>
/// One egress while it is served: its settings, its bounds, and a cursor for each partition of its topics that this process owns.
/// </summary>
[SuppressMessage("Design", "CA1001", Justification = "A source of cancellation without a timer or a wait handle holds nothing.")]
internal sealed class Trigger
{
    private static readonly TimeSpan LogDeadline = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan FirstOwnerPatience = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan CommitDeadline = TimeSpan.FromSeconds(5);

    private readonly DispatcherParts _parts;
    private readonly LogSite _site;
    private readonly StartPositions _starts;
    private readonly Lock _lock = new();
    private readonly Dictionary<TopicPartition, PartitionFeed> _assigned = [];
    private readonly List<Cursor> _cursors = [];
    private readonly List<Cursor> _leaving = [];
    private readonly CancellationTokenSource _stopping = new();
    private readonly LogLimiter _attemptLog;
    private readonly LogLimiter _holdLog;
    private readonly LogLimiter _discardLog;
    private TriggerSettings _settings;
    private int _loading;

    public Trigger(EgressSpec spec, TriggerSettings settings, LogSite site, DispatcherParts parts)
    {
        Spec = spec;
        _settings = settings;
        _site = site;
        _parts = parts;
        Topics = spec.Resource.Topics.ToHashSet(StringComparer.Ordinal);
        Name = NameOf(spec);
        Gate = new DeliveryGate(parts.Memory, 0, 0, parts.Time);
        SetLimits();
        Pace = new Pace(parts.Time);
        Committer = new Committer(
            spec.Egress.ConsumerGroup,
            site.Log.Cursors,
            CommitTiming.From(parts.Options),
            site.Commits,
            Counts,
            parts.Time,
            parts.Logger
        );
        _starts = new StartPositions(site.Log, parts.Options.InitialOffset, parts.Logger);
        _attemptLog = new LogLimiter(parts.Time);
        _holdLog = new LogLimiter(parts.Time);
        _discardLog = new LogLimiter(parts.Time);
        parts.Memory.AddTrigger();
        parts.Metrics.Begin(this);
    }

    public EgressSpec Spec { get; private set; }

    public IReadOnlySet<string> Topics { get; }

    public TriggerName Name { get; private set; }

    /// <summary>The settings that hold now.</summary>
    public TriggerSettings Settings => Volatile.Read(ref _settings);

    public DeliveryGate Gate { get; }

    /// <summary>What is counted of it.</summary>
    public TriggerCounts Counts { get; } = new();

    public Pace Pace { get; }

    public Committer Committer { get; }

    public DispatcherOptions Options => _parts.Options;

    public DispatcherMetrics Metrics => _parts.Metrics;

    public DeliveryTraces Traces => _parts.Traces;

    public TimeProvider Time => _parts.Time;

    public Http.RequestWriter Requests => _parts.Requests;

    public Tokens.SubscriberTokens Tokens => _parts.Tokens;

    public DeliveryPool Deliveries => _parts.Deliveries;

    public DeadLetterTopics DeadLetters => _site.DeadLetters;

    public DeadLetterTopic DeadLetterTopic => _parts.Options.DeadLetterTopic;

    public ILogWriter Writer => _site.Log.Writer;

    /// <summary>Is told about the types of replies; null where nobody wants to know.</summary>
    public IEventTypeRegistry? EventTypes => _parts.EventTypes;

    /// <summary>The cursors, for tests and metrics.</summary>
    public IReadOnlyList<Cursor> Cursors
    {
        get
        {
            lock (_lock)
            {
                return [.. _cursors];
            }
        }
    }

    /// <summary>The consumer group under which its positions are stored.</summary>
    public string Group => Spec.Egress.ConsumerGroup;

    /// <summary>Its uid in the contract.</summary>
    public string Uid => Spec.Egress.Uid;

    /// <summary>Puts new settings in force; they hold from the next attempt on.</summary>
    public void Change(EgressSpec spec, TriggerSettings settings)
    {
        Spec = spec;
        Name = NameOf(spec);
        Volatile.Write(ref _settings, settings);
        SetLimits();
        foreach (var cursor in Cursors)
        {
            Metrics.MeasureQueue(cursor, settings.MeasuresQueue ? settings.Tags : null);
            cursor.Signal();
        }
    }

    /// <summary>Begins with partitions of a topic: their positions are loaded, then cursors take records.</summary>
    public void Gained(string topic, PartitionFeed[] feeds)
    {
        lock (_lock)
        {
            if (_stopping.IsCancellationRequested)
            {
                return;
            }

            foreach (var feed in feeds)
            {
                _assigned[feed.Partition] = feed;
                feed.Expect();
            }

            _loading++;
        }

        _ = LoadAsync(topic, feeds);
    }

    /// <summary>Gives partitions up: stops, lets running requests finish within the budget, stores the positions.</summary>
    public async Task GiveUpAsync(IReadOnlyList<TopicPartition> partitions, CancellationToken budget)
    {
        using var bounded = CancellationTokenSource.CreateLinkedTokenSource(budget);
        await using var timer = CancelAfter(bounded, Options.HandOverBudget);
        Cursor[] leaving;
        lock (_lock)
        {
            leaving = [.. _leaving.Where(cursor => partitions.Contains(cursor.Partition))];
        }

        await ReleaseAsync(Take(partitions), bounded.Token);
        // Those that a stop is about to release must not be stored once the partition has gone.
        await Task.WhenAny(Task.WhenAll(leaving.Select(cursor => cursor.Released)), UntilCancelledAsync(bounded.Token));
        foreach (var cursor in leaving)
        {
            cursor.Abandon();
        }
    }

    /// <summary>Partitions went without a hand-over.</summary>
    public void Lost(IReadOnlyList<TopicPartition> partitions)
    {
        List<Cursor> leaving;
        lock (_lock)
        {
            leaving = _leaving.FindAll(cursor => partitions.Contains(cursor.Partition));
        }

        Forget([.. Take(partitions), .. leaving]);
    }

    /// <summary>Stops for good: lets running requests finish within the budget and stores the positions.</summary>
    public async Task StopAsync(TimeSpan budget)
    {
        TopicPartition[] all;
        lock (_lock)
        {
            _ = _stopping.CancelAsync();
            all = [.. _assigned.Keys];
        }

        using var bounded = new CancellationTokenSource();
        await using var timer = CancelAfter(bounded, budget);
        await ReleaseAsync(Take(all), bounded.Token);
        await Committer.DisposeAsync();
        Pace.Dispose();
        Gate.Dispose();
        Metrics.End(this);
        _parts.Memory.RemoveTrigger();
    }

    /// <summary>A record that is no event is not delivered.</summary>
    public void Discard(Cursor cursor, FeedRecord record)
    {
        Metrics.Discarded(Settings);
        if (_discardLog.ShouldLog(out var suppressed))
        {
            _parts.Logger.RecordDiscarded(
                cursor.Partition.Topic,
                cursor.Partition.Partition,
                record.Record.Offset,
                Uid,
                record.Problem ?? "",
                suppressed
            );
        }
    }

    /// <summary>Whether some Trigger of this process would take a reply from a topic, as far as can be told before it is stored.</summary>
    public bool IsWanted(EventBuffer reply, string topic) => _site.All.IsWanted(reply, topic);

    public void FilterFailed(Cursor cursor, long offset, EventView view, Exception failure)
    {
        Metrics.Discarded(Settings);
        var (topic, partition) = cursor.Partition;
        _parts.Logger.FilterFailed(failure, IdOf(view), SourceOf(view), topic, partition, offset, Uid);
    }

    public void AttemptFailed(Cursor cursor, long offset, EventView view, int attempt, AttemptResult result) =>
        LogFailure(cursor, offset, view, attempt, Settings.Subscriber, result);

    public void DeadLetterSinkFailed(Cursor cursor, long offset, EventView view, AttemptResult result) =>
        LogFailure(cursor, offset, view, 0, Settings.DeadLetterSink, result);

    public void Holds(Cursor cursor, long offset, EventView? view, string problem, TimeSpan wait)
    {
        if (_holdLog.ShouldLog(out var suppressed))
        {
            var (topic, partition) = cursor.Partition;
            _parts.Logger.RecordHeld(IdOf(view), SourceOf(view), topic, partition, offset, Uid, wait, problem, suppressed);
        }
    }

    public void Dropped(Cursor cursor, long offset, EventView view, AttemptResult failure)
    {
        Counts.Dropped();
        var (topic, partition) = cursor.Partition;
        _parts.Logger.EventDropped(IdOf(view), SourceOf(view), topic, partition, offset, Uid, failure.Reason ?? "", failure.Status);
    }

    public void DeliveryBroke(Cursor cursor, long offset, EventView? view, Exception failure)
    {
        var (topic, partition) = cursor.Partition;
        _parts.Logger.DeliveryBroke(failure, IdOf(view), SourceOf(view), topic, partition, offset, Uid);
    }

    /// <summary>The id of an event; empty for a record that is none.</summary>
    private static string IdOf(EventView? view) => view is null ? "" : Encoding.UTF8.GetString(view.Event.Get(CoreAttribute.Id));

    /// <summary>The source of an event; empty for a record that is none.</summary>
    private static string SourceOf(EventView? view) => view is null ? "" : Encoding.UTF8.GetString(view.Event.Get(CoreAttribute.Source));

    private static async Task UntilCancelledAsync(CancellationToken cancellation)
    {
        var cancelled = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await using (cancellation.UnsafeRegister(static source => ((TaskCompletionSource)source!).TrySetResult(), cancelled))
        {
            await cancelled.Task;
        }
    }

    private static TriggerName NameOf(EgressSpec spec) =>
        new(spec.Egress.Reference?.Namespace ?? "", spec.Egress.Reference?.Name ?? "", spec.Egress.ConsumerGroup);

    private void LogFailure(Cursor cursor, long offset, EventView view, int attempt, Target? target, AttemptResult result)
    {
        if (_attemptLog.ShouldLog(out var suppressed))
        {
            _parts.Logger.AttemptFailed(
                attempt,
                IdOf(view),
                SourceOf(view),
                cursor.Partition.Topic,
                cursor.Partition.Partition,
                offset,
                target?.Url.GetComponents(UriComponents.SchemeAndServer | UriComponents.Path, UriFormat.UriEscaped) ?? "",
                Uid,
                result.Reason ?? "it was refused",
                result.Status,
                suppressed
            );
        }
    }

    private void SetLimits()
    {
        // In order there is one request per partition anyway; what is unordered may be as much as the original allows (dispatcher §5.2).
        var requests = Settings.IsOrdered ? int.MaxValue : (2 * Options.MaxPollRecords) - 1;
        Gate.SetLimits(requests, Settings.IsOrdered ? int.MaxValue : (int)Math.Min(int.MaxValue, (long)requests * Options.BacklogFactor));
    }

    private ITimer CancelAfter(CancellationTokenSource source, TimeSpan after) =>
        Time.CreateTimer(static s => _ = ((CancellationTokenSource)s!).CancelAsync(), source, after, Timeout.InfiniteTimeSpan);

    private async Task LoadAsync(string topic, PartitionFeed[] feeds)
    {
        try
        {
            var positions = await FindPositionsAsync(topic, feeds);
            foreach (var feed in feeds)
            {
                Begin(feed, positions);
            }
        }
        catch (Exception failure)
        {
            // Stopped; or a bug, which must not keep the partitions of others waiting.
            if (!_stopping.IsCancellationRequested)
            {
                _parts.Logger.ReadingFailed(failure, topic, feeds[0].Partition.Partition);
            }

            foreach (var feed in feeds)
            {
                feed.Arrived();
            }
        }
    }

    private void Begin(PartitionFeed feed, Dictionary<int, CursorPosition> positions)
    {
        Cursor? cursor = null;
        lock (_lock)
        {
            if (IsAssigned(feed) && positions.TryGetValue(feed.Partition.Partition, out var position))
            {
                cursor = new Cursor(this, feed, position);
                _cursors.Add(cursor);
                Metrics.MeasureQueue(cursor, Settings.MeasuresQueue ? Settings.Tags : null);
            }
        }

        feed.Arrived();
        cursor?.Signal();
    }

    private bool IsAssigned(PartitionFeed feed) => _assigned.TryGetValue(feed.Partition, out var assigned) && assigned == feed;

    private async Task<Dictionary<int, CursorPosition>> FindPositionsAsync(string topic, PartitionFeed[] feeds)
    {
        var wait = TimeSpan.FromMilliseconds(500);
        var began = Time.GetTimestamp();
        while (true)
        {
            int[] wanted;
            lock (_lock)
            {
                wanted = [.. feeds.Where(IsAssigned).Select(f => f.Partition.Partition)];
            }

            if (wanted.Length == 0)
            {
                return [];
            }

            // Who owns the first partition begins for all; if that does not happen, the others do.
            var mayBegin = wanted.Contains(0) || Time.GetElapsedTime(began) >= FirstOwnerPatience;
            string problem;
            using (var deadline = CancellationTokenSource.CreateLinkedTokenSource(_stopping.Token))
            {
                await using var timer = CancelAfter(deadline, LogDeadline);
                try
                {
                    if (await _starts.FindAsync(Group, topic, wanted, mayBegin, deadline.Token) is { } positions)
                    {
                        return positions;
                    }

                    await Task.Delay(TimeSpan.FromMilliseconds(500), Time, _stopping.Token);
                    continue;
                }
                catch (Exception failure) when (!_stopping.IsCancellationRequested)
                {
                    problem = failure.Message;
                }
            }

            _parts.Logger.PositionsNotLoaded(Group, topic, wait, problem);
            await Task.Delay(wait, Time, _stopping.Token);
            wait = wait * 2 < LogDeadline ? wait * 2 : LogDeadline;
        }
    }

    private List<Cursor> Take(IReadOnlyList<TopicPartition> partitions)
    {
        lock (_lock)
        {
            foreach (var partition in partitions)
            {
                _assigned.Remove(partition);
            }

            var taken = _cursors.FindAll(cursor => partitions.Contains(cursor.Partition));
            _cursors.RemoveAll(taken.Contains);
            _leaving.AddRange(taken);
            return taken;
        }
    }

    private async Task ReleaseAsync(List<Cursor> cursors, CancellationToken budget)
    {
        if (cursors.Count == 0)
        {
            return;
        }

        var drained = Task.WhenAll(cursors.Select(cursor => cursor.StopAsync()));
        try
        {
            await drained.WaitAsync(budget);
        }
        catch (OperationCanceledException)
        {
            cursors.ForEach(cursor => cursor.Abort());
        }

        using var deadline = new CancellationTokenSource();
        await using var timer = CancelAfter(deadline, CommitDeadline);
        try
        {
            // What was aborted says so at once; what finishes later than this is not counted.
            await drained.WaitAsync(TimeSpan.FromSeconds(1), Time, deadline.Token);
        }
        catch (TimeoutException)
        {
            // Its offset stays unfinished.
        }

        try
        {
            await Committer.StoreAsync(cursors, deadline.Token);
        }
        catch (OperationCanceledException)
        {
            _parts.Logger.CommitFailed(new TimeoutException("The log did not confirm in time."), Group, cursors.Count);
        }

        Forget(cursors);
    }

    private void Forget(List<Cursor> cursors)
    {
        foreach (var cursor in cursors)
        {
            Metrics.MeasureQueue(cursor, null);
            cursor.Abandon();
        }

        lock (_lock)
        {
            _leaving.RemoveAll(cursors.Contains);
        }
    }
}
