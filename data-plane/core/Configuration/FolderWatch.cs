namespace Brokkr.Core.Configuration;

/// <summary>
/// Says when to look at the files of a folder again: something in it changed, or it is time. The folder may come later; that is noticed when it is time.
/// For one follower, which looks once after it has made the watch and then after each wait.
/// </summary>
public sealed class FolderWatch : IDisposable
{
    private readonly string _folder;
    private readonly Action<string>? _notWatching;
    private readonly SemaphoreSlim _wake = new(0, 1);
    private readonly ITimer _timer;
    private FileSystemWatcher? _watcher;
    private int _changed = 1;

    /// <summary>Begins to watch.</summary>
    /// <param name="folder">The folder.</param>
    /// <param name="interval">How often to look although no change was reported: watches can be lost without notice.</param>
    /// <param name="time">Drives that.</param>
    /// <param name="notWatching">Is told why changes are found only when it is time: the folder cannot be watched, or no longer. Null for nobody.</param>
    public FolderWatch(string folder, TimeSpan interval, TimeProvider time, Action<string>? notWatching = null)
    {
        _folder = folder;
        _notWatching = notWatching;
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

    /// <summary>Whether something may have changed since this was asked last, as far as changes are reported; true at first.</summary>
    public bool TakeChanged() => Interlocked.Exchange(ref _changed, 0) != 0;

    /// <inheritdoc/>
    public void Dispose()
    {
        _timer.Dispose();
        Interlocked.Exchange(ref _watcher, null)?.Dispose();
        _wake.Dispose();
    }

    private void Watch()
    {
        try
        {
            var watcher = new FileSystemWatcher(_folder)
            {
                NotifyFilter = NotifyFilters.FileName | NotifyFilters.DirectoryName | NotifyFilters.LastWrite | NotifyFilters.Size,
            };
            FileSystemEventHandler changed = (_, _) => Changed();
            watcher.Changed += changed;
            watcher.Created += changed;
            watcher.Deleted += changed;
            watcher.Renamed += (_, _) => Changed();
            watcher.Error += (_, e) => Lost(watcher, e.GetException().Message);
            watcher.EnableRaisingEvents = true;
            Volatile.Write(ref _watcher, watcher);

            // What changed before was not reported.
            Volatile.Write(ref _changed, 1);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or ArgumentException)
        {
            _notWatching?.Invoke(e.Message);
        }
    }

    /// <summary>The next look sets the watch up again; what was missed is seen then.</summary>
    private void Lost(FileSystemWatcher watcher, string error)
    {
        _notWatching?.Invoke(error);
        if (ReferenceEquals(Interlocked.CompareExchange(ref _watcher, null, watcher), watcher))
        {
            watcher.Dispose();
        }

        Changed();
    }

    private void Changed()
    {
        Volatile.Write(ref _changed, 1);
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
