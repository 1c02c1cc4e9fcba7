using System.Buffers;
using System.Collections.Concurrent;
using System.Numerics;
using System.Threading.Tasks.Sources;
using Brokkr.Core.Log;
using Brokkr.Embedded.Storage;

namespace Brokkr.Embedded.Writing;

/// <summary>
/// An append on its way to the disk, and the task that its caller awaits. Hot path: pooled, together with its buffer, so that an append allocates
/// nothing once the pool is warm. Two own it, the caller and the writer thread; it goes back to the pool when both are done with it.
/// </summary>
internal sealed class PendingAppend : WriteOperation, IValueTaskSource<AppendResult>
{
    private readonly Pool _pool;
    private ManualResetValueTaskSourceCore<AppendResult> _answer = new() { RunContinuationsAsynchronously = true };
    private TopicState _topic = null!;
    private PartitionState? _partition;
    private byte[] _record = [];
    private int _length;
    private long _deadline;
    private long _offset;
    private int _answered;
    private int _owners;

    private PendingAppend(Pool pool) => _pool = pool;

    public override int Bytes => _length;

    public override bool IsAppend => true;

    public override bool Abandoned => Volatile.Read(ref _answered) != 0;

    /// <summary>What the caller awaits, once.</summary>
    public ValueTask<AppendResult> Answered => new(this, _answer.Version);

    public override void Apply(WriteSession session)
    {
        if (_topic.Going || _topic.Gone)
        {
            return;
        }

        _partition ??= _topic.NextUnkeyed(session.Transaction);
        _offset = session.Insert(_partition, _record.AsSpan(0, _length));
    }

    public override void Committed() =>
        Answer(
            _offset >= 0
                ? new AppendResult(AppendOutcome.Stored, _partition!.Name.Partition, _offset, null)
                : AppendResult.Failed(AppendOutcome.UnknownTopic, $"topic {_topic.Name} was deleted")
        );

    public override void Failed(string error, Exception? cause) => Answer(AppendResult.Failed(AppendOutcome.RetryLater, error));

    public override void Expire(long now)
    {
        if (now >= _deadline)
        {
            Answer(AppendResult.Failed(AppendOutcome.RetryLater, "the disk did not confirm in time; the record may have been stored"));
        }
    }

    public override void Released()
    {
        if (Interlocked.Decrement(ref _owners) == 0)
        {
            _pool.Return(this);
        }
    }

    /// <summary>It was not let into the queue.</summary>
    public void Discard()
    {
        _owners = 0;
        _pool.Return(this);
    }

    AppendResult IValueTaskSource<AppendResult>.GetResult(short token)
    {
        var result = _answer.GetResult(token);
        Released();
        return result;
    }

    ValueTaskSourceStatus IValueTaskSource<AppendResult>.GetStatus(short token) => _answer.GetStatus(token);

    void IValueTaskSource<AppendResult>.OnCompleted(
        Action<object?> continuation,
        object? state,
        short token,
        ValueTaskSourceOnCompletedFlags flags
    ) => _answer.OnCompleted(continuation, state, token, flags);

    private void Answer(AppendResult result)
    {
        if (Interlocked.Exchange(ref _answered, 1) == 0)
        {
            _answer.SetResult(result);
        }
    }

    /// <summary>Appends that are not in use.</summary>
    internal sealed class Pool
    {
        // Together at most 16 MiB. The shared array pool keeps too few arrays of a size for hundreds of appends at once.
        private const int Kept = 4096;
        private const int KeptBytes = 4096;
        private readonly ConcurrentQueue<PendingAppend> _free = new();
        private int _count;

        /// <summary>An append with a copy of the record.</summary>
        public PendingAppend Rent(TopicState topic, RecordBuffer record, long deadline)
        {
            if (_free.TryDequeue(out var append))
            {
                Interlocked.Decrement(ref _count);
            }
            else
            {
                append = new PendingAppend(this);
            }

            var bound = RecordCodec.BoundOf(record);
            if (append._record.Length < bound)
            {
                append._record =
                    bound <= KeptBytes ? new byte[BitOperations.RoundUpToPowerOf2((uint)bound)] : ArrayPool<byte>.Shared.Rent(bound);
            }

            append._length = RecordCodec.Encode(record, append._record);
            append._topic = topic;
            append._partition = record.HasKey ? topic.Partitions[Murmur2.PartitionOf(record.Key, topic.Partitions.Length)] : null;
            append._deadline = deadline;
            append._offset = -1;
            append._answered = 0;
            append._owners = 2;
            return append;
        }

        public void Return(PendingAppend append)
        {
            if (append._record.Length > KeptBytes)
            {
                ArrayPool<byte>.Shared.Return(append._record);
                append._record = [];
            }

            append._topic = null!;
            append._partition = null;
            append._answer.Reset();
            if (Interlocked.Increment(ref _count) <= Kept)
            {
                _free.Enqueue(append);
            }
            else
            {
                Interlocked.Decrement(ref _count);
            }
        }
    }
}
