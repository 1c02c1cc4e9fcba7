namespace Brokkr.Receiver.Tls;

/// <summary>
/// Says when to look into a folder again: something in it changed, or it is time. The folder may come later; that is noticed when it is time.
/// </summary>
internal sealed class FolderWatch : IDisposable
{
    private readonly string _folder;
    private readonly SemaphoreSlim _wake = new(0, 1);
    private readonly ITimer _timer;
    private FileSystemWatcher? _watcher;

    public FolderWatch(string folder, TimeSpan interval, TimeProvider time)
    {
        _folder = folder;
        Watch();
        _timer = time.CreateTimer(_ => Wake(), null, interval, interval);
    }

    /// <summary>Waits until it is worth to look again.</summary>
    /// <returns>False if the token was cancelled instead.</returns>
    public async Task<bool> WaitAsync(CancellationToken cancellation)
    {
        try
        {
            await _wake.WaitAsync(cancellation);
        }
        catch (OperationCanceledException)
        {
            return false;
        }

        if (Volatile.Read(ref _watcher) is null)
        {
            Watch();
        }

        return true;
    }

    public void Dispose()
    {
        _timer.Dispose();
        Interlocked.Exchange(ref _watcher, null)?.Dispose();
        _wake.Dispose();
    }

    private void Watch()
    {
        if (!Directory.Exists(_folder))
        {
            return;
        }

        try
        {
            var watcher = new FileSystemWatcher(_folder);
            FileSystemEventHandler changed = (_, _) => Wake();
            watcher.Changed += changed;
            watcher.Created += changed;
            watcher.Deleted += changed;
            watcher.Renamed += (_, _) => Wake();
            watcher.Error += (_, _) => Lost(watcher);
            watcher.EnableRaisingEvents = true;
            Volatile.Write(ref _watcher, watcher);

            // What changed before the watch began would not be reported.
            Wake();
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or ArgumentException)
        {
            // Without a watch changes are found when it is time to look.
            _ = e;
        }
    }

    private void Lost(FileSystemWatcher watcher)
    {
        if (ReferenceEquals(Interlocked.CompareExchange(ref _watcher, null, watcher), watcher))
        {
            watcher.Dispose();
        }

        Wake();
    }

    private void Wake()
    {
        try
        {
            _wake.Release();
        }
        catch (SemaphoreFullException)
        {
            // Somebody is about to look anyway.
        }
        catch (ObjectDisposedException)
        {
            // A late event of the watch.
        }
    }
}
