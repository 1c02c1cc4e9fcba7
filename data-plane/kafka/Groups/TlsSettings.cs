using System.Net.Security;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Brokkr.Core.Log;
using Brokkr.Core.Tls;

namespace Brokkr.Kafka.Groups;

/// <summary>Whom to believe that it is the broker, and how to prove who we are.</summary>
internal sealed class TlsSettings
{
    private readonly ServerTrust? _trust;
    private readonly SslStreamCertificateContext? _own;
    private readonly bool _anyName;

    private TlsSettings(ServerTrust? trust, SslStreamCertificateContext? own, bool anyName)
    {
        _trust = trust;
        _own = own;
        _anyName = anyName;
    }

    /// <summary>Reads the <c>ssl.*</c> settings.</summary>
    /// <exception cref="LogConfigurationException">A certificate or key cannot be read; the message names the setting and shows nothing of it.</exception>
    public static TlsSettings Read(IReadOnlyDictionary<string, string> settings)
    {
        var anyName = string.Equals(
            settings.GetValueOrDefault("ssl.endpoint.identification.algorithm"),
            "none",
            StringComparison.OrdinalIgnoreCase
        );
        return new TlsSettings(Trust(settings.GetValueOrDefault("ssl.ca.pem")), Own(settings), anyName);
    }

    /// <summary>What the handshake with a broker needs.</summary>
    public SslClientAuthenticationOptions For(string host)
    {
        // Like the native clients, given authorities stand for those of the system.
        var options = _trust?.InsteadOfSystem() ?? ServerTrust.System.BesideSystem();
        options.TargetHost = host;
        options.ClientCertificateContext = _own;
        if (_anyName)
        {
            options.RemoteCertificateValidationCallback = static (_, _, _, errors) =>
                (errors & ~SslPolicyErrors.RemoteCertificateNameMismatch) == SslPolicyErrors.None;
        }

        return options;
    }

    private static ServerTrust? Trust(string? pem)
    {
        try
        {
            return pem is { Length: > 0 } ? ServerTrust.Parse(pem) : null;
        }
        catch (CryptographicException exception)
        {
            throw new LogConfigurationException($"Kafka client setting ssl.ca.pem: {exception.Message}", exception);
        }
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
