using Brokkr.Core.Log;
using Brokkr.Embedded.Storage;

namespace Brokkr.Embedded;

/// <summary>
/// What is known of a partition without asking the file. Readers see <see cref="Start"/> and <see cref="End"/>, which change when a transaction has
/// been committed; the members named Pending belong to the writer thread and run ahead of them within a transaction.
/// </summary>
internal sealed class PartitionState(TopicState topic, long id, int number)
{
    private long _start;
    private long _end;
    private TaskCompletionSource? _change;

    public TopicState Topic { get; } = topic;

    public long Id { get; } = id;

    public TopicPartition Name { get; } = new(topic.Name, number);

    public long Start => Volatile.Read(ref _start);

    public long End => Volatile.Read(ref _end);

    public long PendingStart { get; set; }

    public long PendingEnd { get; set; }

    public long PendingBytes { get; set; }

    public bool Touched { get; set; }

    /// <summary>The id of the record at an offset.</summary>
    public long RecordId(long offset) => (Id << Schema.OffsetBits) + offset;

    public long OffsetOf(long recordId) => recordId - (Id << Schema.OffsetBits);

    /// <summary>Completes at the next change. Take it, look at the bounds, and only then wait: no change is missed that way.</summary>
    public Task NextChange()
    {
        var change = Volatile.Read(ref _change);
        if (change is null)
        {
            var mine = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            change = Interlocked.CompareExchange(ref _change, mine, null) ?? mine;
        }

        return change.Task;
    }

    /// <summary>
    /// Moves the start before the records below it are deleted, so that no reader takes the hole for records that should be there. If the
    /// deletion fails nothing is wrong: they have expired all the same.
    /// </summary>
    public void RaiseStart(long start) => Volatile.Write(ref _start, start);

    /// <summary>Shows readers what has been committed.</summary>
    public void Publish()
    {
        Volatile.Write(ref _start, PendingStart);
        Volatile.Write(ref _end, PendingEnd);
        Wake();
    }

    public void Wake() => Interlocked.Exchange(ref _change, null)?.TrySetResult();
}
