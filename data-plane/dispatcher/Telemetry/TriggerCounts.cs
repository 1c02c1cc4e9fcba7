using Brokkr.Core.Log;
using Brokkr.Dispatcher.Delivery;

namespace Brokkr.Dispatcher.Telemetry;

/// <summary>What is counted of one Trigger from its start on. Hot path: an interlocked addition each; labels are put to them when somebody asks.</summary>
internal sealed class TriggerCounts
{
    private readonly long[] _attempts = new long[9];
    private long _fromWindow;
    private long _fromCatchUp;
    private long _stored;
    private long _notStored;
    private long _deadLetterSink;
    private long _deadLetterTopic;
    private long _dropped;
    private int _retriesWaiting;

    /// <summary>Records taken from the window that all Triggers of the partition share.</summary>
    public long FromWindow => Interlocked.Read(ref _fromWindow);

    /// <summary>Records taken from a reader that brings Triggers back which fell behind.</summary>
    public long FromCatchUp => Interlocked.Read(ref _fromCatchUp);

    /// <summary>Times that positions were stored.</summary>
    public long Commits => Interlocked.Read(ref _stored);

    /// <summary>Times that the log did not store positions.</summary>
    public long FailedCommits => Interlocked.Read(ref _notStored);

    /// <summary>Events that the dead letter sink took.</summary>
    public long DeadLettersInSink => Interlocked.Read(ref _deadLetterSink);

    /// <summary>Events that were stored in the dead letter topic.</summary>
    public long DeadLettersInTopic => Interlocked.Read(ref _deadLetterTopic);

    /// <summary>Events that are lost.</summary>
    public long Drops => Interlocked.Read(ref _dropped);

    /// <summary>Events that wait for their next attempt, or for room for it.</summary>
    public int RetriesWaiting => Volatile.Read(ref _retriesWaiting);

    /// <summary>Requests to a kind of target that ended in a certain way.</summary>
    public long Attempts(TargetKind target, AttemptKind result) => Interlocked.Read(ref _attempts[Index(target, result)]);

    public void Taken(int records, ReadPurpose from) =>
        Interlocked.Add(ref from == ReadPurpose.CatchUp ? ref _fromCatchUp : ref _fromWindow, records);

    /// <summary>A request has ended. One that was cancelled is no attempt: nothing is known of it.</summary>
    public void Attempted(TargetKind target, AttemptKind result)
    {
        if (result != AttemptKind.Cancelled)
        {
            Interlocked.Increment(ref _attempts[Index(target, result)]);
        }
    }

    public void Committed(bool isStored) => Interlocked.Increment(ref isStored ? ref _stored : ref _notStored);

    public void SentToSink() => Interlocked.Increment(ref _deadLetterSink);

    public void StoredAsDeadLetter() => Interlocked.Increment(ref _deadLetterTopic);

    public void Dropped() => Interlocked.Increment(ref _dropped);

    public void RetryWaits(int difference) => Interlocked.Add(ref _retriesWaiting, difference);

    private static int Index(TargetKind target, AttemptKind result) => ((int)target * 3) + (int)result;
}
