using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;

namespace Brokkr.Dispatcher.Http;

/// <summary>
/// The HTTP clients of the process: one pool of connections per set of trusted certificates, shared by all Triggers (dispatcher §17.2 W19, W20).
/// </summary>
internal sealed class SubscriberConnections : IDisposable
{
    private readonly DispatcherOptions _options;
    private readonly Lock _lock = new();
    private readonly Dictionary<string, HttpMessageInvoker> _clients = new(StringComparer.Ordinal);

    public SubscriberConnections(DispatcherOptions options) => _options = options;

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
            if (!_clients.TryGetValue(key, out var client))
            {
                _clients[key] = client = new HttpMessageInvoker(CreateHandler(texts), disposeHandler: true);
            }

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
            foreach (var client in _clients.Values)
            {
                client.Dispose();
            }

            _clients.Clear();
        }
    }

    private static X509Certificate2Collection Certificates(string[] pems)
    {
        var certificates = new X509Certificate2Collection();
        foreach (var pem in pems)
        {
            var before = certificates.Count;
            try
            {
                certificates.ImportFromPem(pem);
            }
            catch (CryptographicException failure)
            {
                throw new ArgumentException($"A CA certificate is not valid PEM: {failure.Message}", nameof(pems), failure);
            }

            if (certificates.Count == before)
            {
                throw new ArgumentException("A CA certificate text holds no certificate in PEM form.", nameof(pems));
            }
        }

        return certificates;
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

    private SocketsHttpHandler CreateHandler(string[] extraRoots)
    {
        var handler = new SocketsHttpHandler
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
            SslOptions = new SslClientAuthenticationOptions { CertificateChainPolicy = Policy() },
        };
        if (extraRoots.Length > 0)
        {
            Trust(handler, Certificates(extraRoots));
        }

        return handler;
    }

    /// <summary>Validates by what is here and what the peer sent: a download in the middle of a handshake would block its thread.</summary>
    private static X509ChainPolicy Policy() => new() { RevocationMode = X509RevocationMode.NoCheck, DisableCertificateDownloads = true };

    private static void Trust(SocketsHttpHandler handler, X509Certificate2Collection extraRoots) =>
        handler.SslOptions.RemoteCertificateValidationCallback = (_, certificate, chain, errors) =>
            errors == SslPolicyErrors.None
            || (errors == SslPolicyErrors.RemoteCertificateChainErrors && IsTrusted(certificate, chain, extraRoots));

    private static bool IsTrusted(X509Certificate? certificate, X509Chain? presented, X509Certificate2Collection extraRoots)
    {
        if (certificate is not X509Certificate2 leaf)
        {
            return false;
        }

        using var chain = new X509Chain { ChainPolicy = Policy() };
        chain.ChainPolicy.TrustMode = X509ChainTrustMode.CustomRootTrust;
        chain.ChainPolicy.CustomTrustStore.AddRange(extraRoots);
        foreach (var element in presented?.ChainElements.AsEnumerable() ?? [])
        {
            chain.ChainPolicy.ExtraStore.Add(element.Certificate);
        }

        return chain.Build(leaf);
    }
}
