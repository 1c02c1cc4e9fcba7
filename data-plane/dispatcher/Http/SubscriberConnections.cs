using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Text;
using Brokkr.Core.Tls;
using Microsoft.Extensions.Logging;

namespace Brokkr.Dispatcher.Http;

/// <summary>
/// The HTTP clients of the process: one pool of connections per set of trusted certificates, shared by all Triggers (dispatcher §17.2 W19, W20). Other
/// certificates are another client, and so new connections; one that no Trigger uses any more goes when its connections have been idle for a while.
/// </summary>
internal sealed class SubscriberConnections : IDisposable
{
    private readonly DispatcherOptions _options;
    private readonly ILogger _logger;
    private readonly Lock _lock = new();
    private readonly Dictionary<string, WeakReference<HttpMessageInvoker>> _clients = new(StringComparer.Ordinal);

    public SubscriberConnections(DispatcherOptions options, ILogger logger)
    {
        _options = options;
        _logger = logger;
    }

    /// <summary>How many clients are known, some of which may have gone since one was last asked for.</summary>
    internal int Count
    {
        get
        {
            lock (_lock)
            {
                return _clients.Count;
            }
        }
    }

    /// <summary>The client that trusts the system's roots and these certificates.</summary>
    /// <param name="pems">PEM texts; each may hold several certificates.</param>
    /// <exception cref="ArgumentException">A text holds no valid certificate.</exception>
    public HttpMessageInvoker Trusting(IEnumerable<string> pems)
    {
        var texts = pems.Where(pem => !string.IsNullOrWhiteSpace(pem))
            .Distinct(StringComparer.Ordinal)
            .Order(StringComparer.Ordinal)
            .ToArray();
        var key = texts.Length == 0 ? "" : Identity(texts);
        lock (_lock)
        {
            if (_clients.TryGetValue(key, out var known) && known.TryGetTarget(out var client))
            {
                return client;
            }

            // Certificates that are renewed again and again must not leave clients behind.
            foreach (var (other, reference) in _clients)
            {
                if (!reference.TryGetTarget(out _))
                {
                    _clients.Remove(other);
                }
            }

            var trust = Trust(texts);
            if (trust.Unreadable > 0)
            {
                _logger.CertificatesLeftOut(trust.Unreadable);
            }

            client = new HttpMessageInvoker(CreateHandler(trust), disposeHandler: true);
            _clients[key] = new WeakReference<HttpMessageInvoker>(client);
            return client;
        }
    }

    /// <summary>On its own, so that a process without certificates of its own does not load OpenSSL for it: five megabytes.</summary>
    private static string Identity(string[] texts) =>
        Convert.ToHexString(SHA256.HashData(Encoding.UTF8.GetBytes(string.Join('\0', texts))));

    public void Dispose()
    {
        lock (_lock)
        {
            foreach (var known in _clients.Values)
            {
                if (known.TryGetTarget(out var client))
                {
                    client.Dispose();
                }
            }

            _clients.Clear();
        }
    }

    private static ServerTrust Trust(string[] pems)
    {
        try
        {
            return ServerTrust.Parse(pems);
        }
        catch (CryptographicException failure)
        {
            throw new ArgumentException($"A CA certificate is not valid: {failure.Message}", nameof(pems), failure);
        }
    }

    private static async ValueTask<Stream> ConnectAsync(SocketsHttpConnectionContext context, CancellationToken cancellation)
    {
        var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        try
        {
            await socket.ConnectAsync(context.DnsEndPoint, cancellation);
            return new WatchedStream(socket);
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    private SocketsHttpHandler CreateHandler(ServerTrust trust) =>
        new()
        {
            UseProxy = false,
            AllowAutoRedirect = false,
            UseCookies = false,
            AutomaticDecompression = DecompressionMethods.None,
            ActivityHeadersPropagator = null,
            ConnectTimeout = _options.ConnectTimeout,
            // Follows changes of DNS and of endpoints.
            PooledConnectionLifetime = TimeSpan.FromMinutes(5),
            PooledConnectionIdleTimeout = _options.ConnectionIdleTimeout,
            MaxResponseHeadersLength = 64,
            // What remains of a dropped body is read for so long, so that the connection can be kept.
            MaxResponseDrainSize = 64 * 1024,
            ResponseDrainTimeout = TimeSpan.FromSeconds(1),
            ConnectCallback = ConnectAsync,
            SslOptions = trust.BesideSystem(),
        };
}
