using System.Net.Security;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Brokkr.Core.Log;

namespace Brokkr.Kafka.Groups;

/// <summary>Whom to believe that it is the broker, and how to prove who we are.</summary>
internal sealed class TlsSettings
{
    private readonly X509Certificate2Collection? _authorities;
    private readonly SslStreamCertificateContext? _own;
    private readonly bool _anyName;

    private TlsSettings(X509Certificate2Collection? authorities, SslStreamCertificateContext? own, bool anyName)
    {
        _authorities = authorities;
        _own = own;
        _anyName = anyName;
    }

    /// <summary>Reads the <c>ssl.*</c> settings.</summary>
    /// <exception cref="LogConfigurationException">A certificate or key cannot be read; the message names the setting and shows nothing of it.</exception>
    public static TlsSettings Read(IReadOnlyDictionary<string, string> settings)
    {
        X509Certificate2Collection? authorities = null;
        if (settings.GetValueOrDefault("ssl.ca.pem") is { Length: > 0 } pem)
        {
            authorities = Certificates(pem, "ssl.ca.pem");
        }

        var anyName = string.Equals(
            settings.GetValueOrDefault("ssl.endpoint.identification.algorithm"),
            "none",
            StringComparison.OrdinalIgnoreCase
        );
        return new TlsSettings(authorities, Own(settings), anyName);
    }

    /// <summary>What the handshake with a broker needs.</summary>
    public SslClientAuthenticationOptions For(string host)
    {
        var options = new SslClientAuthenticationOptions
        {
            TargetHost = host,
            ClientCertificateContext = _own,
            // Callers have a deadline, and a revocation list may be anywhere. The native clients do not look it up either.
            CertificateRevocationCheckMode = X509RevocationMode.NoCheck,
        };
        if (_authorities is not null)
        {
            var policy = new X509ChainPolicy
            {
                TrustMode = X509ChainTrustMode.CustomRootTrust,
                RevocationMode = X509RevocationMode.NoCheck,
                DisableCertificateDownloads = true,
            };
            policy.CustomTrustStore.AddRange(_authorities);
            options.CertificateChainPolicy = policy;
        }

        if (_anyName)
        {
            options.RemoteCertificateValidationCallback = static (_, _, _, errors) =>
                (errors & ~SslPolicyErrors.RemoteCertificateNameMismatch) == SslPolicyErrors.None;
        }

        return options;
    }

    private static SslStreamCertificateContext? Own(IReadOnlyDictionary<string, string> settings)
    {
        if (
            settings.GetValueOrDefault("ssl.certificate.pem") is not { Length: > 0 } pem
            || settings.GetValueOrDefault("ssl.key.pem") is not { Length: > 0 } key
        )
        {
            return null;
        }

        var chain = Certificates(pem, "ssl.certificate.pem");
        try
        {
            var own = settings.GetValueOrDefault("ssl.key.password") is { Length: > 0 } password
                ? X509Certificate2.CreateFromEncryptedPem(pem, key, password)
                : X509Certificate2.CreateFromPem(pem, key);
            chain.RemoveAt(0);
            return SslStreamCertificateContext.Create(own, chain, offline: true);
        }
        catch (Exception exception) when (exception is CryptographicException or ArgumentException)
        {
            throw new LogConfigurationException($"Kafka client setting ssl.key.pem: not the private key of ssl.certificate.pem", exception);
        }
    }

    private static X509Certificate2Collection Certificates(string pem, string setting)
    {
        var certificates = new X509Certificate2Collection();
        try
        {
            certificates.ImportFromPem(pem);
        }
        catch (CryptographicException exception)
        {
            throw new LogConfigurationException($"Kafka client setting {setting}: {exception.Message}", exception);
        }

        return certificates.Count > 0
            ? certificates
            : throw new LogConfigurationException($"Kafka client setting {setting}: there is no certificate in it");
    }
}
