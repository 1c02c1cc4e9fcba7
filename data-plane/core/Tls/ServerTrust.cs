using System.Net.Security;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace Brokkr.Core.Tls;

/// <summary>
/// Whom our clients believe that a server is who it says it is. Certificates are judged by what is here and what the server sent: neither a missing
/// intermediate nor a list of revoked ones is fetched, which would block the handshake and may lead anywhere. A certificate that is not meant for
/// servers counts for none. Immutable; may be used for many connections at once.
/// </summary>
public sealed class ServerTrust
{
    private readonly X509Certificate2Collection _authorities;

    private ServerTrust(X509Certificate2Collection authorities, int unreadable)
    {
        _authorities = authorities;
        Unreadable = unreadable;
    }

    /// <summary>No authorities but those of the system.</summary>
    public static ServerTrust System { get; } = new([], 0);

    /// <summary>How many certificates were left out because they cannot be read.</summary>
    public int Unreadable { get; }

    /// <summary>
    /// Reads authorities. What is no certificate, or one that cannot be read, is left out as long as its text holds another one: bundles are collected from
    /// many hands, and Knative takes them when one certificate in them is good.
    /// </summary>
    /// <param name="pems">PEM texts; each may hold several certificates.</param>
    /// <exception cref="CryptographicException">A text holds no certificate that can be read; the message shows nothing of it.</exception>
    public static ServerTrust Parse(params IEnumerable<string> pems)
    {
        var authorities = new X509Certificate2Collection();
        var unreadable = 0;
        foreach (var pem in pems)
        {
            var before = authorities.Count;
            unreadable += Add(pem, authorities);
            if (authorities.Count == before)
            {
                throw new CryptographicException("There is no certificate in PEM form in it that can be read.");
            }
        }

        return authorities.Count == 0 ? System : new ServerTrust(authorities, unreadable);
    }

    /// <summary>What a client needs that believes these authorities beside those of the system.</summary>
    /// <returns>New options, without a host; <see cref="SocketsHttpHandler"/> puts it in by itself.</returns>
    public SslClientAuthenticationOptions BesideSystem()
    {
        var options = new SslClientAuthenticationOptions { CertificateChainPolicy = Policy() };
        if (_authorities.Count > 0)
        {
            options.RemoteCertificateValidationCallback = (_, certificate, chain, errors) =>
                errors == SslPolicyErrors.None
                || (errors == SslPolicyErrors.RemoteCertificateChainErrors && IsSignedByAuthority(certificate, chain));
        }

        return options;
    }

    /// <summary>What a client needs that believes these authorities instead of those of the system.</summary>
    /// <returns>New options, without a host; <see cref="SocketsHttpHandler"/> puts it in by itself.</returns>
    /// <exception cref="InvalidOperationException">There are no authorities.</exception>
    public SslClientAuthenticationOptions InsteadOfSystem() =>
        _authorities.Count > 0
            ? new SslClientAuthenticationOptions { CertificateChainPolicy = OwnPolicy() }
            : throw new InvalidOperationException("Without authorities nobody can be believed.");

    // The name is given so that OpenSSL, five megabytes, is not loaded for it in processes that need none.
    private static X509ChainPolicy Policy() =>
        new()
        {
            RevocationMode = X509RevocationMode.NoCheck,
            DisableCertificateDownloads = true,
            ApplicationPolicy = { new Oid("1.3.6.1.5.5.7.3.1", "TLS Web Server Authentication") },
        };

    private X509ChainPolicy OwnPolicy()
    {
        var policy = Policy();
        policy.TrustMode = X509ChainTrustMode.CustomRootTrust;
        policy.CustomTrustStore.AddRange(_authorities);
        return policy;
    }

    /// <summary>Adds the certificates of a text.</summary>
    /// <returns>How many cannot be read.</returns>
    private static int Add(ReadOnlySpan<char> pem, X509Certificate2Collection authorities)
    {
        var unreadable = 0;
        while (PemEncoding.TryFind(pem, out var fields))
        {
            if (pem[fields.Label] is "CERTIFICATE")
            {
                try
                {
                    authorities.Add(X509CertificateLoader.LoadCertificate(Convert.FromBase64String(pem[fields.Base64Data].ToString())));
                }
                catch (CryptographicException)
                {
                    unreadable++;
                }
            }

            pem = pem[fields.Location.End..];
        }

        return unreadable;
    }

    private bool IsSignedByAuthority(X509Certificate? shown, X509Chain? attempted)
    {
        if (shown is not X509Certificate2 certificate)
        {
            return false;
        }

        using var chain = new X509Chain { ChainPolicy = OwnPolicy() };
        if (attempted is not null)
        {
            // All that the server sent, whether or not a way to one of the system's authorities leads over it.
            chain.ChainPolicy.ExtraStore.AddRange(attempted.ChainPolicy.ExtraStore);
        }

        return chain.Build(certificate);
    }
}
