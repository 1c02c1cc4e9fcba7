namespace Brokkr.Receiver.Http;

/// <summary>The memory that bodies of running requests may take together.</summary>
/// <param name="limit">In bytes.</param>
internal sealed class InFlightBytes(long limit)
{
    private long _taken;

    /// <summary>How much is taken now, in bytes.</summary>
    public long Taken => Interlocked.Read(ref _taken);

    /// <summary>Takes some, if there is enough left.</summary>
    public bool TryTake(long bytes)
    {
        if (Interlocked.Add(ref _taken, bytes) <= limit)
        {
            return true;
        }

        Interlocked.Add(ref _taken, -bytes);
        return false;
    }

    /// <summary>Gives back what was taken.</summary>
    public void Give(long bytes) => Interlocked.Add(ref _taken, -bytes);
}
