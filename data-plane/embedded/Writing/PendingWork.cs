using Brokkr.Core.Log;

namespace Brokkr.Embedded.Writing;

/// <summary>Something other than an append that is to be written; its caller awaits a result.</summary>
/// <typeparam name="T">The result.</typeparam>
internal abstract class PendingWork<T> : WriteOperation
{
    private readonly TaskCompletionSource<T> _answer = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>Completes when the transaction is on the disk.</summary>
    /// <exception cref="LogUnavailableException">It could not be written.</exception>
    public Task<T> Answered => _answer.Task;

    public sealed override void Committed()
    {
        try
        {
            _answer.TrySetResult(Show());
        }
        catch (Exception e)
        {
            _answer.TrySetException(e);
        }
    }

    public sealed override void Failed(string error, Exception? cause)
    {
        Undo();
        _answer.TrySetException(cause is null ? new LogUnavailableException(error) : new LogUnavailableException(error, cause));
    }

    /// <summary>Makes visible what was committed.</summary>
    protected abstract T Show();

    /// <summary>Takes back what <see cref="WriteOperation.Apply"/> changed in memory.</summary>
    protected virtual void Undo() { }
}
