using Brokkr.Core.Filters;

namespace Brokkr.Dispatcher;

/// <summary>Where a group without a position begins (<c>auto.offset.reset</c>).</summary>
public enum InitialOffset
{
    /// <summary>With the records that come after the group was first seen.</summary>
    Latest,

    /// <summary>With the oldest record.</summary>
    Earliest,
}

/// <summary>What happens to an event whose attempts are spent and that no dead letter sink takes.</summary>
public enum DeadLetterTopic
{
    /// <summary>It is stored in <c>&lt;topic&gt;.dead-letters</c>, which is made when first needed. Until that succeeds the event is held, never skipped.</summary>
    Enabled,

    /// <summary>It is dropped: counted, and logged with its id.</summary>
    Disabled,
}

/// <summary>Settings of a dispatcher. The defaults suit one process in a pod of 256 MiB.</summary>
public sealed record DispatcherOptions
{
    /// <summary>
    /// The original's unit of concurrency (<c>max.poll.records</c>, its shipped value). An unordered Trigger has at most twice as many, less one,
    /// requests running at once (dispatcher §5.2). At least 1.
    /// </summary>
    public int MaxPollRecords { get; init; } = 50;

    /// <summary>
    /// How many records an unordered Trigger may have taken but not finished, as a multiple of its requests: those that wait for a retry give their
    /// request slot to others, but are not without limit. At least 1.
    /// </summary>
    public int BacklogFactor { get; init; } = 10;

    /// <summary>Where a group without a position begins; the client's own default is latest.</summary>
    public InitialOffset InitialOffset { get; init; } = InitialOffset.Latest;

    /// <summary>
    /// How often positions are committed that have moved (<c>auto.commit.interval.ms</c>). Those that a kill would repeat deliveries for are committed much sooner:
    /// see the next three.
    /// </summary>
    public TimeSpan CommitInterval { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>How long after a delivery was finished, or an attempt has failed, this is committed; not later than <see cref="CommitInterval"/>.</summary>
    public TimeSpan CommitDelay { get; init; } = TimeSpan.FromMilliseconds(100);

    /// <summary>When so many deliveries of a Trigger were finished after its last commit, the next one does not wait any longer. At least 1.</summary>
    public int CommitBatch { get; init; } = 5000;

    /// <summary>
    /// How many commits are made per second on one cluster. Each Trigger needs one of its own, so that with more than a tenth as many busy Triggers they wait longer
    /// than <see cref="CommitDelay"/>, and longer than <see cref="CommitBatch"/> says. At least 1.
    /// </summary>
    public int CommitsPerSecond { get; init; } = 200;

    /// <summary>How long running requests may take to finish when the process stops. Kubernetes kills after 30 s by default.</summary>
    public TimeSpan StopBudget { get; init; } = TimeSpan.FromSeconds(20);

    /// <summary>
    /// How long running requests may take to finish when a partition goes to another process or an egress is removed. Less than what the log grants for
    /// a hand-over, so that the positions can still be stored.
    /// </summary>
    public TimeSpan HandOverBudget { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>
    /// Bytes of records that may be held in this process: half of it in the windows of the partitions, half by deliveries that are not finished,
    /// shared out evenly among partitions and Triggers. Client libraries and connections come on top.
    /// </summary>
    public long MemoryBudget { get; init; } = 64L * 1024 * 1024;

    /// <summary>
    /// How many requests may run at once in this process, shared out evenly among Triggers; each has at least one. Each may need a connection of its own. Null: half as
    /// many as the process may have files open.
    /// </summary>
    public int? RequestBudget { get; init; }

    /// <summary>Upper bound of one partition's window in bytes; it gets less where there are many partitions.</summary>
    public int WindowBytes { get; init; } = 4 * 1024 * 1024;

    /// <summary>Upper bound of one partition's window in records.</summary>
    public int WindowRecords { get; init; } = 4096;

    /// <summary>Bytes of the window of a reader that brings a Trigger back which fell behind.</summary>
    public int CatchUpBytes { get; init; } = 512 * 1024;

    /// <summary>How many such readers may be open at once in this process. Where more are wanted they take turns.</summary>
    public int CatchUpReaders { get; init; } = 16;

    /// <summary>A reader that brings a Trigger back is closed when the Trigger takes nothing for so long.</summary>
    public TimeSpan CatchUpIdle { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>Time for one attempt where the contract says none (dispatcher §7.3).</summary>
    public TimeSpan DefaultTimeout { get; init; } = TimeSpan.FromMinutes(10);

    /// <summary>Time to connect to a subscriber; part of the time of the attempt.</summary>
    public TimeSpan ConnectTimeout { get; init; } = TimeSpan.FromSeconds(60);

    /// <summary>How long an idle connection is kept.</summary>
    public TimeSpan ConnectionIdleTimeout { get; init; } = TimeSpan.FromSeconds(60);

    /// <summary>Largest reply that is read, in bytes.</summary>
    public int ReplyLimit { get; init; } = 1024 * 1024;

    /// <summary>
    /// Where set, records that are no events become some, whose <c>source</c> names the owner of their resource as one of this kind, in plural and lower
    /// case: <c>kafkasources</c> (<c>cloudevent.invalid.kind.plural</c>). Null: such records are not delivered.
    /// </summary>
    public string? SynthesizedKind { get; init; }

    /// <summary>
    /// How many replies may follow from one another: the next one counts as a failed delivery, so that Triggers that answer each other come to an end.
    /// 0: no limit. The default is that of Knative's own broker.
    /// </summary>
    public int ReplyHopLimit { get; init; } = 255;

    /// <summary>What happens to events that cannot be delivered and that no dead letter sink takes.</summary>
    public DeadLetterTopic DeadLetterTopic { get; init; } = DeadLetterTopic.Enabled;

    /// <summary>False: the tag <c>cloudevents.type</c> of metrics is always <c>unknown</c> (<c>METRICS_DISABLE_EVENT_TYPE_TAG</c>).</summary>
    public bool EventTypeTag { get; init; } = true;

    /// <summary>Keys of RequestReplies, for filters that recognise their replies; null where there are none.</summary>
    public ICorrelationKeys? CorrelationKeys { get; init; }

    /// <summary>Throws if a setting is out of its range.</summary>
    /// <exception cref="ArgumentException">A setting is out of its range; the message names it.</exception>
    public DispatcherOptions Validate()
    {
        Check(MaxPollRecords >= 1, nameof(MaxPollRecords), "at least 1");
        Check(BacklogFactor >= 1, nameof(BacklogFactor), "at least 1");
        Check(CommitInterval > TimeSpan.Zero, nameof(CommitInterval), "more than 0");
        Check(CommitDelay >= TimeSpan.Zero, nameof(CommitDelay), "not negative");
        Check(CommitBatch >= 1, nameof(CommitBatch), "at least 1");
        Check(CommitsPerSecond >= 1, nameof(CommitsPerSecond), "at least 1");
        Check(StopBudget >= TimeSpan.Zero, nameof(StopBudget), "not negative");
        Check(HandOverBudget >= TimeSpan.Zero, nameof(HandOverBudget), "not negative");
        Check(MemoryBudget >= 1024 * 1024, nameof(MemoryBudget), "at least 1 MiB");
        Check(RequestBudget is null or >= 1, nameof(RequestBudget), "at least 1");
        Check(WindowBytes >= 1024, nameof(WindowBytes), "at least 1 KiB");
        Check(WindowRecords >= 2, nameof(WindowRecords), "at least 2");
        Check(CatchUpBytes >= 1024, nameof(CatchUpBytes), "at least 1 KiB");
        Check(CatchUpReaders >= 1, nameof(CatchUpReaders), "at least 1");
        Check(CatchUpIdle > TimeSpan.Zero, nameof(CatchUpIdle), "more than 0");
        Check(DefaultTimeout > TimeSpan.Zero, nameof(DefaultTimeout), "more than 0");
        Check(ConnectTimeout > TimeSpan.Zero, nameof(ConnectTimeout), "more than 0");
        Check(ConnectionIdleTimeout > TimeSpan.Zero, nameof(ConnectionIdleTimeout), "more than 0");
        Check(ReplyLimit >= 0, nameof(ReplyLimit), "not negative");
        Check(ReplyHopLimit >= 0, nameof(ReplyHopLimit), "not negative");
        return this;
    }

    private static void Check(bool holds, string name, string range)
    {
        if (!holds)
        {
            throw new ArgumentException($"{name} must be {range}.");
        }
    }
}
