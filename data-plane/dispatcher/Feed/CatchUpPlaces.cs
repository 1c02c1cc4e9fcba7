namespace Brokkr.Dispatcher.Feed;

/// <summary>Limits how many readers catch up at once in this process. Whoever waits longest is next.</summary>
/// <param name="places">How many.</param>
internal sealed class CatchUpPlaces(int places) : IDisposable
{
    private readonly SemaphoreSlim _free = new(places);
    private int _waiting;

    /// <summary>Whether somebody waits for a place.</summary>
    public bool IsContested => Volatile.Read(ref _waiting) > 0;

    /// <summary>Waits for a place; disposing the result gives it back.</summary>
    public async Task<IDisposable> EnterAsync(CancellationToken cancellation)
    {
        Interlocked.Increment(ref _waiting);
        try
        {
            await _free.WaitAsync(cancellation);
        }
        finally
        {
            Interlocked.Decrement(ref _waiting);
        }

        return new Place(_free);
    }

    public void Dispose() => _free.Dispose();

    private sealed class Place(SemaphoreSlim free) : IDisposable
    {
        private SemaphoreSlim? _free = free;

        public void Dispose() => Interlocked.Exchange(ref _free, null)?.Release();
    }
}
