using System.Net.Security;
using System.Security.Authentication;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;

namespace Brokkr.Receiver.Tls;

/// <summary>A certificate with its key as it was read from the mounted Secret.</summary>
internal sealed class ServerCertificate
{
    private readonly byte[] _digest;

    private ServerCertificate(byte[] digest, SslServerAuthenticationOptions handshake, DateTimeOffset expires)
    {
        _digest = digest;
        Handshake = handshake;
        Expires = expires;
    }

    /// <summary>What connections are secured with.</summary>
    public SslServerAuthenticationOptions Handshake { get; }

    /// <summary>When clients stop to accept it.</summary>
    public DateTimeOffset Expires { get; }

    /// <summary>Reads the files.</summary>
    /// <param name="options">Where they are.</param>
    /// <param name="known">What was read before; given back if the files are the same.</param>
    /// <returns>Null if a file is not there.</returns>
    /// <exception cref="CryptographicException">The files are no certificate and its key.</exception>
    /// <exception cref="IOException">A file cannot be read.</exception>
    /// <exception cref="UnauthorizedAccessException">A file may not be read.</exception>
    public static ServerCertificate? Read(TlsOptions options, ServerCertificate? known)
    {
        string chain;
        string key;
        try
        {
            chain = File.ReadAllText(Path.Combine(options.Folder, "tls.crt"));
            key = File.ReadAllText(Path.Combine(options.Folder, "tls.key"));
        }
        catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException)
        {
            return null;
        }

        var digest = SHA256.HashData(Encoding.UTF8.GetBytes($"{chain}\n{key}"));
        if (known is not null && digest.AsSpan().SequenceEqual(known._digest))
        {
            return known;
        }

        var certificate = X509Certificate2.CreateFromPem(chain, key);
        var others = new X509Certificate2Collection();
        others.ImportFromPem(chain);
        others.RemoveAt(0);
        var handshake = new SslServerAuthenticationOptions
        {
            // What is sent is what the file says: nothing is fetched to complete it.
            ServerCertificateContext = SslStreamCertificateContext.Create(certificate, others, offline: true),
            EnabledSslProtocols = SslProtocols.Tls12 | SslProtocols.Tls13,
            ApplicationProtocols = options.Http2
                ? [SslApplicationProtocol.Http2, SslApplicationProtocol.Http11]
                : [SslApplicationProtocol.Http11],
        };
        return new ServerCertificate(digest, handshake, new DateTimeOffset(certificate.NotAfter.ToUniversalTime()));
    }
}
