using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace Brokkr.Cli.Logging;

/// <summary>
/// The levels of the logging configuration as they are now: the file is looked at every few seconds, so that an operator can turn a part's level up without
/// losing what it is doing by a restart. A file that goes, or cannot be used, leaves the levels as they are. A watch would not do: the kubelet swaps a
/// link somewhere above the file.
/// </summary>
internal sealed class LiveLogLevels : IOptionsMonitor<LoggerFilterOptions>, IDisposable
{
    /// <summary>How often the file is looked at.</summary>
    public static readonly TimeSpan Interval = TimeSpan.FromSeconds(5);

    private readonly string _path;
    private readonly TimeProvider _time;
    private readonly Lock _lock = new();
    private Action<LoggerFilterOptions, string?>[] _listeners = [];
    private byte[]? _content;
    private LogLevels _levels = LogLevels.Default;
    private ITimer? _timer;

    /// <summary>Reads the file, if there is one.</summary>
    /// <param name="path">Logback XML; need not exist.</param>
    /// <param name="time">The clock.</param>
    /// <param name="problem">Why the file cannot be used; null if it can or does not exist.</param>
    public LiveLogLevels(string path, TimeProvider time, out string? problem)
    {
        _path = path;
        _time = time;
        Read(out problem);
        CurrentValue = _levels.ToFilter();
    }

    /// <inheritdoc/>
    public LoggerFilterOptions CurrentValue { get; private set; }

    /// <inheritdoc/>
    public LoggerFilterOptions Get(string? name) => CurrentValue;

    /// <inheritdoc/>
    public IDisposable OnChange(Action<LoggerFilterOptions, string?> listener)
    {
        lock (_lock)
        {
            _listeners = [.. _listeners, listener];
        }

        return new Subscription(this, listener);
    }

    /// <summary>Follows the file from now on.</summary>
    /// <param name="logger">Is told of changes.</param>
    public void Follow(ILogger logger) => _timer ??= _time.CreateTimer(_ => Look(logger), null, Interval, Interval);

    /// <inheritdoc/>
    public void Dispose() => _timer?.Dispose();

    private void Look(ILogger logger)
    {
        lock (_lock)
        {
            if (!Read(out var problem))
            {
                if (problem is not null)
                {
                    logger.LoggingConfigurationRefused(problem);
                }

                return;
            }

            CurrentValue = _levels.ToFilter();
            foreach (var listener in _listeners)
            {
                listener(CurrentValue, null);
            }
        }

        logger.LogLevelsChanged(_path, _levels.Root.ToString());
    }

    /// <summary>Reads the file if it is another one than before.</summary>
    /// <returns>Whether there are new levels.</returns>
    private bool Read(out string? problem)
    {
        problem = null;
        if (!File.Exists(_path))
        {
            return false;
        }

        byte[] content;
        try
        {
            content = File.ReadAllBytes(_path);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // Once is enough to say so.
            problem = _content is { Length: 0 } ? null : $"{_path}: {e.Message}";
            _content = [];
            return false;
        }

        if (_content is not null && content.AsSpan().SequenceEqual(_content))
        {
            return false;
        }

        _content = content;
        if (LogLevels.TryRead(content, out var levels, out var invalid))
        {
            _levels = levels;
            return true;
        }

        problem = $"{_path}: {invalid}";
        return false;
    }

    private sealed class Subscription(LiveLogLevels levels, Action<LoggerFilterOptions, string?> listener) : IDisposable
    {
        public void Dispose()
        {
            lock (levels._lock)
            {
                levels._listeners = Array.FindAll(levels._listeners, known => known != listener);
            }
        }
    }
}
