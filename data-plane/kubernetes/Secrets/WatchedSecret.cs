using System.Diagnostics.CodeAnalysis;
using Brokkr.Core.Log;
using Brokkr.Kubernetes.Api;
using Brokkr.Kubernetes.Watching;
using Microsoft.Extensions.Logging;

namespace Brokkr.Kubernetes.Secrets;

/// <summary>
/// One Secret. While it can be watched, what is known is what holds; else it is read whenever somebody asks. Once it was read, what it held stays in use while it
/// cannot be.
/// </summary>
[SuppressMessage("Design", "CA1001", Justification = "It is stopped, which takes a while.")]
internal sealed class WatchedSecret : IWatchListener<SecretObject>
{
    /// <summary>How long what was read is good for those who cannot wait, while there is no watch.</summary>
    private static readonly TimeSpan Age = TimeSpan.FromSeconds(10);

    /// <summary>How long those wait at most who cannot go on without it.</summary>
    private static readonly TimeSpan LongestWait = TimeSpan.FromSeconds(2);

    private readonly ApiConnection _connection;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;
    private readonly string _name;
    private readonly string _path;
    private readonly Lock _lock = new();
    private readonly CancellationTokenSource _stop = new();
    private readonly Task _following;
    private IReadOnlyDictionary<string, byte[]>? _entries;
    private ApiProblem? _problem;
    private Task? _asking;
    private bool _isFollowed;
    private bool _isRead;
    private bool _toldNotWatched;
    private string? _toldKept;
    private long _readAt;
    private long _askedAt;

    public WatchedSecret(ApiConnection connection, string namespaceName, string name, TimeProvider time, ILogger logger)
    {
        _connection = connection;
        _time = time;
        _logger = logger;
        _name = $"{namespaceName}/{name}";
        _path = $"api/v1/namespaces/{Uri.EscapeDataString(namespaceName)}/secrets/{Uri.EscapeDataString(name)}";
        _askedAt = time.GetTimestamp();
        var watch = new ObjectWatch<SecretObject>(
            connection,
            WatchedKinds.Secrets,
            namespaceName,
            "fieldSelector=" + Uri.EscapeDataString($"metadata.name={name}"),
            this,
            time
        );
        _following = Task.Run(() => watch.RunAsync(_stop.Token));
    }

    /// <summary>How long nobody has asked for it.</summary>
    public TimeSpan Unused => _time.GetElapsedTime(Volatile.Read(ref _askedAt));

    /// <summary>What it holds; null if it does not exist.</summary>
    /// <exception cref="LogUnavailableException">It cannot be read, and never could.</exception>
    public async ValueTask<IReadOnlyDictionary<string, byte[]>?> GetAsync(CancellationToken cancellation)
    {
        Volatile.Write(ref _askedAt, _time.GetTimestamp());
        Task asking;
        lock (_lock)
        {
            if (_isFollowed)
            {
                return _entries;
            }

            asking = _asking ??= AskAsync();
        }

        await asking.WaitAsync(cancellation);
        lock (_lock)
        {
            return _problem is { } problem && _entries is null
                ? throw new LogUnavailableException($"Secret {_name} cannot be read: {Explained(problem)}")
                : _entries;
        }
    }

    /// <summary>What it holds; null if it does not exist or cannot be read. Waits only where nothing is known of it.</summary>
    /// <param name="problem">Why there is nothing.</param>
    public IReadOnlyDictionary<string, byte[]>? GetNow(out string? problem)
    {
        Volatile.Write(ref _askedAt, _time.GetTimestamp());
        lock (_lock)
        {
            // The others who need it at this moment wait for the same answer.
            if (!_isFollowed && !_isRead && (_problem is null || _time.GetElapsedTime(_readAt) >= Age))
            {
                var (secret, refusal) = _connection.Get(_path, ApiJson.Default.SecretObject, LongestWait);
                Answered(secret, refusal);
            }
            else if (!_isFollowed && _time.GetElapsedTime(_readAt) >= Age)
            {
                _asking ??= AskAsync();
            }

            problem =
                _entries is not null ? null
                : _problem is not null ? Explained(_problem)
                : "it does not exist";
            return _entries;
        }
    }

    /// <summary>Follows it no more.</summary>
    public async Task StopAsync()
    {
        await _stop.CancelAsync();
        await _following;
        _stop.Dispose();
    }

    public void Listed(IReadOnlyList<SecretObject> all, string resourceVersion) => Take(all.Count == 0 ? null : all[0]);

    public void Changed(SecretObject item) => Take(item);

    public void Deleted(SecretObject item) => Take(null);

    public void Reached(string resourceVersion)
    {
        // Nothing about this one.
    }

    public void Following()
    {
        lock (_lock)
        {
            _isFollowed = true;
        }
    }

    public void Failed(ApiProblem problem)
    {
        var isNews = false;
        lock (_lock)
        {
            _isFollowed = false;
            if (problem.Status == ApiProblem.Forbidden && _isRead && !_toldNotWatched)
            {
                _toldNotWatched = isNews = true;
            }
        }

        if (isNews)
        {
            _logger.SecretNotWatched(_name, problem.Text);
        }
    }

    private static string Explained(ApiProblem problem) =>
        problem.Status == ApiProblem.Forbidden ? problem.Text + "; grant get, list and watch on secrets" : problem.Text;

    /// <summary>Under the lock.</summary>
    private async Task AskAsync()
    {
        await Task.CompletedTask.ConfigureAwait(ConfigureAwaitOptions.ForceYielding);
        var (secret, problem) = await _connection.SendAsync(
            HttpMethod.Get,
            _path,
            null,
            ApiJson.Default.SecretObject,
            CancellationToken.None
        );
        lock (_lock)
        {
            _asking = null;

            // A watch knows better than an answer that may have been under way for long.
            if (!_isFollowed)
            {
                Answered(secret, problem);
            }
        }
    }

    /// <summary>Under the lock.</summary>
    private void Answered(SecretObject? secret, ApiProblem? problem)
    {
        _readAt = _time.GetTimestamp();
        if (problem is null || problem.Status == ApiProblem.NotFound)
        {
            Set(secret);
            return;
        }

        _problem = problem;
        if (_entries is not null && !string.Equals(_toldKept, problem.Text, StringComparison.Ordinal))
        {
            _toldKept = problem.Text;
            _logger.SecretKept(_name, Explained(problem));
        }
    }

    private void Take(SecretObject? secret)
    {
        lock (_lock)
        {
            Set(secret);
        }
    }

    /// <summary>Under the lock.</summary>
    private void Set(SecretObject? secret)
    {
        _entries = secret is null ? null : secret.Data ?? [];
        _isRead = true;
        _problem = null;
        if (_toldKept is not null)
        {
            _toldKept = null;
            _logger.SecretReadAgain(_name);
        }
    }
}
