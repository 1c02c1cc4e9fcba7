using System.Collections.Concurrent;
using System.Runtime.CompilerServices;
using System.Threading.Tasks.Sources;
using Brokkr.Core.Log;

namespace Brokkr.Receiver.Http;

/// <summary>
/// Waits for an append, but not beyond a deadline: no request is left unanswered whatever the log does (receiver-and-core §18.7). Pooled; hot
/// path: a wait allocates nothing.
/// </summary>
internal sealed class AppendWait : Timed, IValueTaskSource<AppendResult>
{
    private readonly Pool _pool;
    private readonly Action _appended;
    private ManualResetValueTaskSourceCore<AppendResult> _result;
    private ValueTaskAwaiter<AppendResult> _append;
    private int _users;

    // When the wait ends at the latest; 0 when it is over. One word, so that a late check cannot end the next wait.
    private long _due;

    private AppendWait(Pool pool)
    {
        _pool = pool;
        _appended = Appended;
    }

    /// <inheritdoc/>
    public AppendResult GetResult(short token)
    {
        try
        {
            return _result.GetResult(token);
        }
        finally
        {
            Leave();
        }
    }

    /// <inheritdoc/>
    public ValueTaskSourceStatus GetStatus(short token) => _result.GetStatus(token);

    /// <inheritdoc/>
    public void OnCompleted(Action<object?> continuation, object? state, short token, ValueTaskSourceOnCompletedFlags flags) =>
        _result.OnCompleted(continuation, state, token, flags);

    /// <inheritdoc/>
    internal override void Check(long now)
    {
        var due = Volatile.Read(ref _due);
        if (due != 0 && now >= due && Interlocked.CompareExchange(ref _due, 0, due) == due)
        {
            _result.SetResult(AppendResult.Failed(AppendOutcome.RetryLater, "the log did not answer before the deadline of the request"));
        }
    }

    private void Begin(ValueTask<AppendResult> append, long due)
    {
        _result.Reset();
        _users = 2;
        _append = append.GetAwaiter();
        Volatile.Write(ref _due, due);
        _append.UnsafeOnCompleted(_appended);
    }

    private void Appended()
    {
        AppendResult result;
        try
        {
            result = _append.GetResult();
        }
        catch (Exception e)
        {
            result = AppendResult.Failed(AppendOutcome.Fatal, e.Message);
        }

        _append = default;
        if (Interlocked.Exchange(ref _due, 0) != 0)
        {
            _result.SetResult(result);
        }

        Leave();
    }

    /// <summary>The one who waits and the log both have to be done with this before it is used again: the log may answer after the deadline.</summary>
    private void Leave()
    {
        if (Interlocked.Decrement(ref _users) == 0)
        {
            _pool.Return(this);
        }
    }

    /// <summary>Keeps waits for use again. They stay under the deadline's eyes while they are kept.</summary>
    internal sealed class Pool(Deadlines deadlines, TimeSpan deadline)
    {
        private const int Kept = 4096;

        private readonly ConcurrentQueue<AppendWait> _free = new();
        private readonly long _milliseconds = (long)deadline.TotalMilliseconds;

        /// <summary>The result of an append, at the latest after the deadline.</summary>
        public ValueTask<AppendResult> WaitAsync(ValueTask<AppendResult> append)
        {
            if (append.IsCompleted)
            {
                return append;
            }

            if (!_free.TryDequeue(out var wait))
            {
                wait = new AppendWait(this);
                deadlines.Add(wait);
            }

            wait.Begin(append, deadlines.Now + _milliseconds);
            return new ValueTask<AppendResult>(wait, wait._result.Version);
        }

        internal void Return(AppendWait wait)
        {
            if (_free.Count < Kept)
            {
                _free.Enqueue(wait);
            }
            else
            {
                deadlines.Remove(wait);
            }
        }
    }
}
