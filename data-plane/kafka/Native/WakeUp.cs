using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Brokkr.Kafka.Native;

/// <summary>
/// Wakes the one task that drains a librdkafka queue when the queue becomes non-empty. The client calls from its own threads and must not be called
/// back there, so the task continues on the thread pool. Ask for the wait only after the queue was found empty: a call in between is remembered.
/// </summary>
internal sealed class WakeUp : IDisposable
{
    private readonly Lock _lock = new();
    private GCHandle _self;
    private TaskCompletionSource? _waiting;
    private bool _set;
    private nint _queue;

    public WakeUp() => _self = GCHandle.Alloc(this);

    /// <summary>Starts to listen to a queue. The queue must outlive this object or be detached.</summary>
    public unsafe void Attach(nint queue)
    {
        _queue = queue;
        Rd.QueueOnEvent(queue, &OnEvent, GCHandle.ToIntPtr(_self));
    }

    /// <summary>Ends the wait, or the next one at once.</summary>
    public void Set()
    {
        lock (_lock)
        {
            // A wait that was cancelled has not seen this call, so the next one must.
            _set = _waiting?.TrySetResult() is not true;
            _waiting = null;
        }
    }

    /// <summary>Waits for <see cref="Set"/>; one waiter at a time.</summary>
    public async Task WaitAsync(CancellationToken cancellation)
    {
        TaskCompletionSource waiting;
        lock (_lock)
        {
            if (_set)
            {
                _set = false;
                return;
            }

            waiting = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            _waiting = waiting;
        }

        using (cancellation.UnsafeRegister(static (state, token) => ((TaskCompletionSource)state!).TrySetCanceled(token), waiting))
        {
            await waiting.Task;
        }
    }

    /// <summary>Stops listening. After this the queue may be destroyed.</summary>
    public unsafe void Dispose()
    {
        if (_queue != 0)
        {
            // The client calls back under the queue's lock, which this takes too: no call is under way afterwards.
            Rd.QueueOnEvent(_queue, null, 0);
            _queue = 0;
        }

        if (_self.IsAllocated)
        {
            _self.Free();
        }

        Set();
    }

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static void OnEvent(nint client, nint opaque) => (GCHandle.FromIntPtr(opaque).Target as WakeUp)?.Set();
}
