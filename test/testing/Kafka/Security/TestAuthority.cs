using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace Brokkr.Testing.Kafka.Security;

/// <summary>A certificate authority that lives as long as a test.</summary>
public sealed class TestAuthority : IDisposable
{
    private readonly ECDsa _key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
    private readonly X509Certificate2 _certificate;

    /// <summary>Makes one.</summary>
    /// <param name="name">Its common name.</param>
    public TestAuthority(string name)
    {
        var request = new CertificateRequest($"CN={name}", _key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(true, false, 0, true));
        request.CertificateExtensions.Add(
            new X509KeyUsageExtension(X509KeyUsageFlags.KeyCertSign | X509KeyUsageFlags.DigitalSignature, true)
        );
        request.CertificateExtensions.Add(new X509SubjectKeyIdentifierExtension(request.PublicKey, false));
        var now = TimeProvider.System.GetUtcNow();
        _certificate = request.CreateSelfSigned(now.AddDays(-1), now.AddDays(2));
    }

    /// <summary>The authority's own certificate.</summary>
    public string Pem => _certificate.ExportCertificatePem();

    /// <summary>A certificate and its key.</summary>
    /// <param name="name">The common name.</param>
    /// <param name="address">The address that it is for, if any.</param>
    /// <param name="isExpired">Whether its time is over.</param>
    public (string Certificate, string Key) Issue(string name, IPAddress? address = null, bool isExpired = false)
    {
        using var key = RSA.Create(2048);
        var request = new CertificateRequest($"CN={name}", key, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1);
        var names = new SubjectAlternativeNameBuilder();
        names.AddDnsName(name);
        if (address is not null)
        {
            names.AddIpAddress(address);
        }

        request.CertificateExtensions.Add(names.Build());
        request.CertificateExtensions.Add(
            X509AuthorityKeyIdentifierExtension.CreateFromCertificate(
                _certificate,
                includeKeyIdentifier: true,
                includeIssuerAndSerial: false
            )
        );
        var now = TimeProvider.System.GetUtcNow();
        var generator = X509SignatureGenerator.CreateForECDsa(_key);
        using var certificate = request.Create(
            _certificate.SubjectName,
            generator,
            now.AddHours(-1),
            isExpired ? now.AddMinutes(-1) : now.AddDays(1),
            RandomNumberGenerator.GetBytes(8)
        );
        return (certificate.ExportCertificatePem(), key.ExportPkcs8PrivateKeyPem());
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _certificate.Dispose();
        _key.Dispose();
    }
}
