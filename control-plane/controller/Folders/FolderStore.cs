using System.Threading.Channels;
using Brokkr.Apis;
using Brokkr.Controller.Stores;
using Brokkr.Core.Contract;
using Microsoft.Extensions.Logging;

namespace Brokkr.Controller.Folders;

/// <summary>
/// The object store on a folder of YAML files. Every <c>*.yaml</c> and <c>*.yml</c> is read, with any number of documents. A change applies
/// at once. An object with an error keeps its last good version, a file that is no YAML keeps all its objects, and <see cref="Problems"/> says why; a
/// deleted file deletes its objects.
/// </summary>
/// <remarks>
/// Objects without a namespace are in <see cref="FolderOptions.DefaultNamespace"/>. A Broker without a class annotation is of class <c>Kafka</c>, unless
/// <c>config-br-defaults</c> in the folder says otherwise: there is nobody else here who could serve it.
/// </remarks>
public sealed class FolderStore : IObjectStore, ISecretSource, IAsyncDisposable
{
    private readonly FolderOptions _options;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;
    private readonly FolderFiles _files;
    private readonly FolderComposer _composer;
    private readonly Channel<bool> _signals = Channel.CreateBounded<bool>(
        new BoundedChannelOptions(16) { FullMode = BoundedChannelFullMode.DropWrite }
    );
    private readonly CancellationTokenSource _stop = new();
    private readonly Lock _lock = new();
    private readonly List<Action> _watchers = [];

    // Looking at a very large folder takes long: the pauses between are then longer too, so that it never costs more than a fiftieth of a core.
    private const int RescanPause = 50;

    private volatile FolderSnapshot _snapshot = FolderSnapshot.Empty;
    private FileSystemWatcher? _watcher;
    private ITimer? _rescan;
    private Task _loop = Task.CompletedTask;
    private DateTimeOffset _nextRescan;

    /// <summary>Creates the store; nothing is read before <see cref="StartAsync"/>.</summary>
    public FolderStore(FolderOptions options, TimeProvider time, ILoggerFactory loggers)
    {
        _options = options;
        _time = time;
        _logger = loggers.CreateLogger("Brokkr.Controller.Folder");
        _files = new FolderFiles(options);
        _composer = new FolderComposer(options);
    }

    /// <inheritdoc/>
    public ObjectSet Objects => _snapshot.Objects;

    /// <summary>What is wrong in the files now, by file and line.</summary>
    public IReadOnlyList<FileProblem> Problems => _snapshot.Problems;

    /// <summary>Objects, places and problems at one moment.</summary>
    internal FolderSnapshot Snapshot => _snapshot;

    /// <summary>
    /// Reads the folder and begins to watch it. The control plane calls this; calling it before makes Secrets available earlier. A second call does
    /// nothing.
    /// </summary>
    /// <exception cref="DirectoryNotFoundException">There is no such folder.</exception>
    public Task StartAsync(CancellationToken cancellation)
    {
        if (_rescan is not null)
        {
            return Task.CompletedTask;
        }

        if (!Directory.Exists(_options.Path))
        {
            throw new DirectoryNotFoundException($"There is no folder {Path.GetFullPath(_options.Path)}.");
        }

        // Watching begins before reading, so that nothing falls between.
        Arm();
        Apply();
        _rescan = _time.CreateTimer(_ => _signals.Writer.TryWrite(false), null, _options.RescanInterval, _options.RescanInterval);
        _loop = Task.Run(RunAsync, CancellationToken.None);
        return Task.CompletedTask;
    }

    /// <inheritdoc/>
    public IDisposable Watch(Action onChange)
    {
        lock (_lock)
        {
            _watchers.Add(onChange);
        }

        return new Subscription(this, onChange);
    }

    /// <inheritdoc/>
    public ValueTask<Secret?> GetSecretAsync(ObjectName name, CancellationToken cancellation) =>
        new(_snapshot.Secrets.TryGetValue(name, out var secret) ? secret : null);

    /// <inheritdoc/>
    public ValueTask<IReadOnlyDictionary<string, byte[]>?> GetAsync(string namespaceName, string name, CancellationToken cancellation) =>
        new(_snapshot.Secrets.TryGetValue(new ObjectName(namespaceName, name), out var secret) ? SecretData.Decode(secret) : null);

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        _watcher?.Dispose();
        if (_rescan is not null)
        {
            await _rescan.DisposeAsync();
        }

        await _loop;
        _stop.Dispose();
    }

    private async Task RunAsync()
    {
        var signals = _signals.Reader;
        try
        {
            while (await signals.WaitToReadAsync(_stop.Token))
            {
                var isChange = Drain();
                if (!isChange && _time.GetUtcNow() < _nextRescan)
                {
                    continue;
                }

                if (isChange)
                {
                    // Bounded, so that a file that is written all the time is still read.
                    for (var i = 0; i < 20; i++)
                    {
                        await Task.Delay(_options.QuietTime, _time, _stop.Token);
                        if (!Drain())
                        {
                            break;
                        }
                    }
                }

                var start = _time.GetTimestamp();
                Apply();
                _nextRescan = _time.GetUtcNow() + (_time.GetElapsedTime(start) * RescanPause);
            }
        }
        catch (OperationCanceledException) when (_stop.IsCancellationRequested)
        {
            // Stopped.
        }

        bool Drain()
        {
            var changed = false;
            while (signals.TryRead(out var isChange))
            {
                changed |= isChange;
            }

            return changed;
        }
    }

    private void Apply()
    {
        try
        {
            var wasGone = _files.Problem is not null;
            if (!_files.Scan())
            {
                return;
            }

            if (wasGone && _files.Problem is null)
            {
                // The folder was away: the old watch looks at what is no longer there.
                Arm();
            }

            _snapshot = _composer.Compose(_files.Files, _files.Problem, _snapshot);
        }
        catch (Exception exception)
        {
            _logger.FolderNotApplied(exception, _options.Path);
            return;
        }

        Action[] watchers;
        lock (_lock)
        {
            watchers = [.. _watchers];
        }

        foreach (var watcher in watchers)
        {
            watcher();
        }
    }

    private void Arm()
    {
        _watcher?.Dispose();
        _watcher = null;
        try
        {
            _watcher = new FileSystemWatcher(Path.GetFullPath(_options.Path))
            {
                IncludeSubdirectories = true,
                NotifyFilter =
                    NotifyFilters.FileName
                    | NotifyFilters.DirectoryName
                    | NotifyFilters.LastWrite
                    | NotifyFilters.Size
                    | NotifyFilters.CreationTime,
            };
            _watcher.Changed += OnChange;
            _watcher.Created += OnChange;
            _watcher.Deleted += OnChange;
            _watcher.Renamed += (sender, change) => OnChange(sender, change);
            // Lost notifications are made up for by looking at everything.
            _watcher.Error += (_, _) => _signals.Writer.TryWrite(true);
            _watcher.EnableRaisingEvents = true;
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException or ArgumentException)
        {
            _logger.FolderNotWatched(exception, _options.Path, _options.RescanInterval);
            _watcher?.Dispose();
            _watcher = null;
        }
    }

    private void OnChange(object? sender, FileSystemEventArgs change)
    {
        // Contents matter of manifests only; coming and going also of folders and links.
        if (_files.Touch(change.FullPath) || (change.ChangeType != WatcherChangeTypes.Changed && _files.MayMatter(change.FullPath)))
        {
            _signals.Writer.TryWrite(true);
        }
    }

    private sealed class Subscription(FolderStore store, Action onChange) : IDisposable
    {
        public void Dispose()
        {
            lock (store._lock)
            {
                store._watchers.Remove(onChange);
            }
        }
    }
}
