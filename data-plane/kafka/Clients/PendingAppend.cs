using System.Collections.Concurrent;
using System.Runtime.InteropServices;
using System.Threading.Tasks.Sources;
using Brokkr.Core.Log;

namespace Brokkr.Kafka.Clients;

/// <summary>
/// An append on its way. Pooled: rented by the writer, given back when its result has been read. Its one GC handle lives as long as the object, so
/// that the native client can carry it as the record's opaque value.
/// </summary>
internal sealed class PendingAppend : IValueTaskSource<AppendResult>
{
    private const int PoolLimit = 8192;
    private static readonly ConcurrentBag<PendingAppend> Pool = [];
    private static int s_pooled;

    private readonly GCHandle _handle;
    private ManualResetValueTaskSourceCore<AppendResult> _core;

    private PendingAppend() => _handle = GCHandle.Alloc(this);

    /// <summary>The topic whose share of the queue this record takes.</summary>
    public ProducedTopic? Topic { get; private set; }

    /// <summary>Bytes of the record.</summary>
    public int Size { get; private set; }

    /// <summary>When the record was handed over, as the metrics say; 0 where that is not measured.</summary>
    public long HandedOverAt { get; private set; }

    /// <summary>What the native client carries.</summary>
    public nint Opaque => GCHandle.ToIntPtr(_handle);

    public static PendingAppend Rent(ProducedTopic topic, int size, long handedOverAt)
    {
        if (Pool.TryTake(out var pending))
        {
            Interlocked.Decrement(ref s_pooled);
        }
        else
        {
            pending = new PendingAppend();
        }

        pending.Topic = topic;
        pending.Size = size;
        pending.HandedOverAt = handedOverAt;
        return pending;
    }

    public static PendingAppend From(nint opaque) => (PendingAppend)GCHandle.FromIntPtr(opaque).Target!;

    public ValueTask<AppendResult> AsValueTask() => new(this, _core.Version);

    /// <summary>Ends the append.</summary>
    /// <param name="result">How.</param>
    /// <param name="here">Whether whoever waits goes on on this thread, or on the thread pool.</param>
    public void Complete(in AppendResult result, bool here)
    {
        _core.RunContinuationsAsynchronously = !here;
        _core.SetResult(result);
    }

    public AppendResult GetResult(short token)
    {
        var result = _core.GetResult(token);
        Return();
        return result;
    }

    public ValueTaskSourceStatus GetStatus(short token) => _core.GetStatus(token);

    public void OnCompleted(Action<object?> continuation, object? state, short token, ValueTaskSourceOnCompletedFlags flags) =>
        _core.OnCompleted(continuation, state, token, flags);

    /// <summary>Gives it back without a result, when the record was never accepted.</summary>
    public void Return()
    {
        Topic = null;
        _core.Reset();
        if (Interlocked.Increment(ref s_pooled) <= PoolLimit)
        {
            Pool.Add(this);
        }
        else
        {
            Interlocked.Decrement(ref s_pooled);
            _handle.Free();
        }
    }
}
