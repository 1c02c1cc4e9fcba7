using System.Net.Security;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using Brokkr.Apis;
using Brokkr.Controller.Folders;

namespace Brokkr.Controller.Admission;

/// <summary>The certificate of the webhook with its key and its authority, as the Secret has them.</summary>
internal sealed class WebhookCertificate : IDisposable
{
    /// <summary>Key of the Secret: the private key, PKCS#8 in PEM.</summary>
    public const string KeyEntry = "server-key.pem";

    /// <summary>Key of the Secret: the certificate in PEM.</summary>
    public const string CertificateEntry = "server-cert.pem";

    /// <summary>Key of the Secret: the certificate of the authority in PEM.</summary>
    public const string AuthorityEntry = "ca-cert.pem";

    private readonly X509Certificate2 _certificate;

    private WebhookCertificate(X509Certificate2 certificate, string key, string pem, string authority)
    {
        _certificate = certificate;
        KeyPem = key;
        CertificatePem = pem;
        AuthorityPem = authority;
        Context = SslStreamCertificateContext.Create(certificate, additionalCertificates: null, offline: true);
    }

    /// <summary>The private key.</summary>
    public string KeyPem { get; }

    /// <summary>The certificate.</summary>
    public string CertificatePem { get; }

    /// <summary>The authority that the API server is told to trust.</summary>
    public string AuthorityPem { get; }

    /// <summary>What connections are secured with.</summary>
    public SslStreamCertificateContext Context { get; }

    /// <summary>When it ends.</summary>
    public DateTimeOffset Expires => new(_certificate.NotAfter.ToUniversalTime());

    /// <summary>Makes an authority and a certificate by it, for the names of a Service. The authority's key is forgotten: it signs nothing else.</summary>
    public static WebhookCertificate Create(WebhookOptions options, DateTimeOffset now)
    {
        var service = $"{options.ServiceName}.{options.SystemNamespace}";
        var end = now + options.CertificateLifetime;
        var subject = new X500DistinguishedName($"O=knative.dev, CN={service}.svc");
        // Another name than the certificate's: else that looks as if it had signed itself.
        var issuer = new X500DistinguishedName($"O=knative.dev, OU=authority, CN={service}.svc");
        using var authorityKey = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var authorityRequest = new CertificateRequest(issuer, authorityKey, HashAlgorithmName.SHA256);
        authorityRequest.CertificateExtensions.Add(new X509BasicConstraintsExtension(true, false, 0, critical: true));
        authorityRequest.CertificateExtensions.Add(
            new X509KeyUsageExtension(X509KeyUsageFlags.KeyCertSign | X509KeyUsageFlags.DigitalSignature, critical: true)
        );
        var identifier = new X509SubjectKeyIdentifierExtension(authorityRequest.PublicKey, critical: false);
        authorityRequest.CertificateExtensions.Add(identifier);
        // An hour before, for clocks that are behind.
        using var authority = authorityRequest.CreateSelfSigned(now.AddHours(-1), end);

        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest(subject, key, HashAlgorithmName.SHA256);
        var names = new SubjectAlternativeNameBuilder();
        names.AddDnsName(options.ServiceName);
        names.AddDnsName(service);
        names.AddDnsName($"{service}.svc");
        names.AddDnsName($"{service}.svc.{options.ClusterDomain}");
        request.CertificateExtensions.Add(names.Build());
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(false, false, 0, critical: true));
        request.CertificateExtensions.Add(new X509KeyUsageExtension(X509KeyUsageFlags.DigitalSignature, critical: true));
        request.CertificateExtensions.Add(new X509EnhancedKeyUsageExtension([new Oid("1.3.6.1.5.5.7.3.1")], critical: false));
        request.CertificateExtensions.Add(X509AuthorityKeyIdentifierExtension.CreateFromSubjectKeyIdentifier(identifier));
        using var issued = request.Create(authority, now.AddHours(-1), end, RandomNumberGenerator.GetBytes(16));
        return FromPem(key.ExportPkcs8PrivateKeyPem(), issued.ExportCertificatePem(), authority.ExportCertificatePem());
    }

    /// <summary>Reads the Secret.</summary>
    /// <returns>Null where something is missing, is no certificate or its key, is for other names, or ends before <paramref name="until"/>.</returns>
    public static WebhookCertificate? Read(Secret secret, WebhookOptions options, DateTimeOffset until)
    {
        var entries = SecretData.Decode(secret);
        if (
            !entries.TryGetValue(KeyEntry, out var key)
            || !entries.TryGetValue(CertificateEntry, out var certificate)
            || !entries.TryGetValue(AuthorityEntry, out var authority)
        )
        {
            return null;
        }

        try
        {
            var read = FromPem(Encoding.UTF8.GetString(key), Encoding.UTF8.GetString(certificate), Encoding.UTF8.GetString(authority));
            using var trusted = X509Certificate2.CreateFromPem(read.AuthorityPem);
            if (
                read.Expires > until
                && trusted.NotAfter.ToUniversalTime() > until.UtcDateTime
                && read._certificate.MatchesHostname($"{options.ServiceName}.{options.SystemNamespace}.svc")
            )
            {
                return read;
            }

            read.Dispose();
            return null;
        }
        catch (Exception exception) when (exception is CryptographicException or ArgumentException)
        {
            return null;
        }
    }

    /// <summary>Whether the other one is the same.</summary>
    public bool Is(WebhookCertificate? other) => string.Equals(CertificatePem, other?.CertificatePem, StringComparison.Ordinal);

    public void Dispose() => _certificate.Dispose();

    private static WebhookCertificate FromPem(string key, string certificate, string authority) =>
        new(X509Certificate2.CreateFromPem(certificate, key), key, certificate, authority);
}
