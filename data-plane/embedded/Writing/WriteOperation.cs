namespace Brokkr.Embedded.Writing;

/// <summary>Something to be written. Many share a transaction; each hears whether it was committed.</summary>
internal abstract class WriteOperation
{
    /// <summary>Bytes it holds while it waits.</summary>
    public virtual int Bytes => 0;

    /// <summary>Whether the bounds of the queue for appends apply, or those for everything else.</summary>
    public virtual bool IsAppend => false;

    /// <summary>Whether it needs no answer any more, so that it is not begun.</summary>
    public virtual bool Abandoned => false;

    /// <summary>
    /// Writes within the transaction. An exception ends the transaction for all that share it; what concerns this operation alone is its result.
    /// </summary>
    public abstract void Apply(WriteSession session);

    /// <summary>The transaction is on the disk. On the writer thread, in the order of <see cref="Apply"/>: show what changed, answer.</summary>
    public abstract void Committed();

    /// <summary>The transaction was rolled back, or never begun.</summary>
    public abstract void Failed(string error, Exception? cause);

    /// <summary>Answers if the deadline is over. Any thread, but never after <see cref="Released"/>.</summary>
    public virtual void Expire(long now) { }

    /// <summary>The writer thread will not touch it again.</summary>
    public virtual void Released() { }
}
