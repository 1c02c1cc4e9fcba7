using Brokkr.Core.Contract;
using Brokkr.Core.Log;
using Brokkr.Kubernetes.Api;
using Microsoft.Extensions.Logging;

namespace Brokkr.Kubernetes.Secrets;

/// <summary>
/// Secrets from the API server. One that is asked for is read, and then watched for as long as it is asked for every now and then, so that a new password is there
/// at once. The process's service account needs the verbs <c>get</c>, <c>list</c> and <c>watch</c> on <c>secrets</c>; with <c>get</c> alone they are read whenever
/// they are asked for.
/// </summary>
/// <param name="connection">The API server.</param>
/// <param name="time">Says how long nobody has asked.</param>
/// <param name="logger">Is told what goes wrong with Secrets in use.</param>
public sealed class KubernetesSecrets(ApiConnection connection, TimeProvider time, ILogger logger) : ISecretSource, IAsyncDisposable
{
    /// <summary>After this time without a question a Secret is forgotten. Those in use are asked for every few seconds.</summary>
    private static readonly TimeSpan Memory = TimeSpan.FromMinutes(5);

    private static readonly TimeSpan BetweenSweeps = TimeSpan.FromMinutes(1);

    private readonly Lock _lock = new();
    private readonly Dictionary<(string Namespace, string Name), WatchedSecret> _secrets = [];
    private long _sweptAt = time.GetTimestamp();
    private bool _isClosed;

    /// <summary>How many are followed.</summary>
    internal int Count
    {
        get
        {
            lock (_lock)
            {
                return _secrets.Count;
            }
        }
    }

    /// <inheritdoc/>
    /// <exception cref="LogUnavailableException">The API server is away or refuses, and the Secret has never been read.</exception>
    public async ValueTask<IReadOnlyDictionary<string, byte[]>?> GetAsync(
        string namespaceName,
        string name,
        CancellationToken cancellation
    ) => Find(namespaceName, name) is { } secret ? await secret.GetAsync(cancellation) : null;

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        WatchedSecret[] all;
        lock (_lock)
        {
            _isClosed = true;
            all = [.. _secrets.Values];
            _secrets.Clear();
        }

        await Task.WhenAll(all.Select(static secret => secret.StopAsync()));
    }

    /// <summary>The one of this name, whether or not it exists; null for what is no name.</summary>
    internal WatchedSecret? Find(string namespaceName, string name)
    {
        // Names come from the contract: they must not lead elsewhere.
        if (!IsName(namespaceName) || !IsName(name))
        {
            return null;
        }

        lock (_lock)
        {
            ObjectDisposedException.ThrowIf(_isClosed, this);
            Sweep();
            if (!_secrets.TryGetValue((namespaceName, name), out var secret))
            {
                _secrets.Add((namespaceName, name), secret = new WatchedSecret(connection, namespaceName, name, time, logger));
            }

            return secret;
        }
    }

    private static bool IsName(string text) => text.Length > 0 && text[0] != '.' && text.AsSpan().IndexOfAny('/', '\\') < 0;

    /// <summary>Under the lock.</summary>
    private void Sweep()
    {
        if (time.GetElapsedTime(_sweptAt) < BetweenSweeps)
        {
            return;
        }

        _sweptAt = time.GetTimestamp();
        foreach (var (name, secret) in _secrets.Where(static entry => entry.Value.Unused > Memory).ToArray())
        {
            _secrets.Remove(name);
            _ = secret.StopAsync();
        }
    }
}
