using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace Brokkr.Testing.Tls;

/// <summary>What a certificate says it is for.</summary>
public enum TestUsage
{
    /// <summary>It says nothing, which means everything.</summary>
    Any,

    /// <summary>Servers.</summary>
    Server,

    /// <summary>Clients only.</summary>
    Client,
}

/// <summary>
/// A certificate authority that lives as long as a test, unknown to the system.
/// <code>
/// using var authority = new TestAuthority();
/// using var certificate = authority.Issue();                       // for 127.0.0.1 and localhost
/// await using var subscriber = await Subscriber.StartAsync(certificate: () => certificate);
/// egress.DestinationCACerts = authority.Pem;
/// </code>
/// </summary>
public sealed class TestAuthority : IDisposable
{
    private readonly X509Certificate2 _certificate;

    /// <summary>Makes an authority with a certificate that it signs itself.</summary>
    public TestAuthority()
    {
        using var key = NewKey();
        using var selfSigned = AuthorityRequest(key).CreateSelfSigned(Now.AddDays(-1), Now.AddDays(2));
        _certificate = Portable(selfSigned);
    }

    private TestAuthority(X509Certificate2 certificate) => _certificate = certificate;

    private static DateTimeOffset Now => TimeProvider.System.GetUtcNow();

    /// <summary>What it is called in the certificates that it issues.</summary>
    public string Name => _certificate.Subject;

    /// <summary>The authority's own certificate.</summary>
    public string Pem => _certificate.ExportCertificatePem();

    /// <summary>An authority that this one vouches for.</summary>
    public TestAuthority Intermediate()
    {
        using var key = NewKey();
        using var issued = AuthorityRequest(key).Create(_certificate, Now.AddHours(-2), Now.AddDays(1), Guid.NewGuid().ToByteArray());
        using var withKey = issued.CopyWithPrivateKey(key);
        return new TestAuthority(Portable(withKey));
    }

    /// <summary>A certificate with its key, for a server at 127.0.0.1 and localhost.</summary>
    /// <param name="usage">What it says it is for.</param>
    /// <param name="isExpired">Whether its time is over.</param>
    /// <param name="host">A name that it is for instead of these.</param>
    public X509Certificate2 Issue(TestUsage usage = TestUsage.Any, bool isExpired = false, string? host = null)
    {
        using var key = NewKey();
        var request = new CertificateRequest("CN=" + (host ?? "test"), key, HashAlgorithmName.SHA256);
        var names = new SubjectAlternativeNameBuilder();
        names.AddDnsName(host ?? "localhost");
        if (host is null)
        {
            names.AddIpAddress(IPAddress.Loopback);
        }

        request.CertificateExtensions.Add(names.Build());
        if (usage != TestUsage.Any)
        {
            var purpose = new Oid(usage == TestUsage.Server ? "1.3.6.1.5.5.7.3.1" : "1.3.6.1.5.5.7.3.2");
            request.CertificateExtensions.Add(new X509EnhancedKeyUsageExtension([purpose], critical: false));
        }

        using var issued = request.Create(
            _certificate,
            Now.AddHours(-1),
            isExpired ? Now.AddMinutes(-1) : Now.AddHours(12),
            Guid.NewGuid().ToByteArray()
        );
        using var withKey = issued.CopyWithPrivateKey(key);
        return Portable(withKey);
    }

    /// <summary>A certificate and its key (PKCS#8), as <see cref="Issue"/> makes it.</summary>
    public (string Certificate, string Key) IssuePem(bool isExpired = false, string? host = null)
    {
        using var certificate = Issue(isExpired: isExpired, host: host);
        using var key = certificate.GetECDsaPrivateKey()!;
        return (certificate.ExportCertificatePem(), key.ExportPkcs8PrivateKeyPem());
    }

    /// <inheritdoc/>
    public void Dispose() => _certificate.Dispose();

    private static ECDsa NewKey() => ECDsa.Create(ECCurve.NamedCurves.nistP256);

    private static CertificateRequest AuthorityRequest(ECDsa key)
    {
        // Each has a name of its own: authorities of one name are told apart by their keys only, which not all do.
        var request = new CertificateRequest($"CN=authority {Guid.NewGuid()}", key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(true, false, 0, true));
        request.CertificateExtensions.Add(new X509KeyUsageExtension(X509KeyUsageFlags.KeyCertSign, true));
        return request;
    }

    /// <summary>With a key that outlives the object it was made of.</summary>
    private static X509Certificate2 Portable(X509Certificate2 certificate) =>
        X509CertificateLoader.LoadPkcs12(certificate.Export(X509ContentType.Pkcs12), null, X509KeyStorageFlags.Exportable);
}
