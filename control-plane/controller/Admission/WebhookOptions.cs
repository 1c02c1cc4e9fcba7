using System.Net;
using System.Net.Security;
using System.Security.Authentication;
using Brokkr.Core.Configuration;

namespace Brokkr.Controller.Admission;

/// <summary>What the admission webhook is to do (control-plane §13).</summary>
public sealed record WebhookOptions
{
    /// <summary>Address to listen on.</summary>
    public IPAddress Address { get; init; } = IPAddress.Any;

    /// <summary>Port to listen on, HTTPS only; 0 for any free one.</summary>
    public int Port { get; init; } = 8443;

    /// <summary>Namespace of the Service, of the Secret and of the data plane.</summary>
    public required string SystemNamespace { get; init; }

    /// <summary>DNS domain of the cluster.</summary>
    public string ClusterDomain { get; init; } = "cluster.local";

    /// <summary>Name of the Service by which the API server reaches the webhook; the Secret is named after it: <c>{ServiceName}-certs</c>.</summary>
    public string ServiceName { get; init; } = "kafka-webhook-eventing";

    /// <summary>TLS versions that are spoken.</summary>
    public SslProtocols Protocols { get; init; } = SslProtocols.Tls13;

    /// <summary>Cipher suites that are offered; empty for those of the system.</summary>
    public IReadOnlyList<TlsCipherSuite> CipherSuites { get; init; } = [];

    /// <summary>Largest review, in bytes: an object of the API server and its old version fit.</summary>
    public int MaxBodyBytes { get; init; } = 3 * 1024 * 1024;

    /// <summary>How long requests may take to come to an end when the process ends.</summary>
    public TimeSpan DrainTime { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>How long a certificate is valid.</summary>
    public TimeSpan CertificateLifetime { get; init; } = TimeSpan.FromDays(7);

    /// <summary>How long before its end a certificate is replaced.</summary>
    public TimeSpan CertificateMargin { get; init; } = TimeSpan.FromDays(1);

    /// <summary>How often certificate and registration are looked at; another replica may have changed the one, somebody the other.</summary>
    public TimeSpan CheckInterval { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>Name of the Secret with the certificate.</summary>
    internal string SecretName => $"{ServiceName}-certs";

    /// <summary>Reads the environment variables of the webhook. Problems are noted in the reader.</summary>
    /// <param name="environment">The variables.</param>
    /// <param name="systemNamespace">Namespace of the data plane.</param>
    /// <param name="clusterDomain">DNS domain of the cluster.</param>
    public static WebhookOptions From(EnvironmentReader environment, string systemNamespace, string clusterDomain)
    {
        var defaults = new WebhookOptions { SystemNamespace = systemNamespace };
        return defaults with
        {
            ClusterDomain = clusterDomain,
            ServiceName = environment.Optional("WEBHOOK_NAME", defaults.ServiceName),
            Port = environment.OptionalInteger("WEBHOOK_PORT", "the port of the admission webhook", defaults.Port, 1, ushort.MaxValue),
            Protocols = ReadProtocols(environment),
            CipherSuites = ReadCipherSuites(environment),
        };
    }

    private static SslProtocols ReadProtocols(EnvironmentReader environment)
    {
        var least = Version("WEBHOOK_TLS_MIN_VERSION", environment.Optional("WEBHOOK_TLS_MIN_VERSION", "1.3"));
        var most = Version("WEBHOOK_TLS_MAX_VERSION", environment.Optional("WEBHOOK_TLS_MAX_VERSION", "1.3"));
        if (least > most)
        {
            environment.Report("WEBHOOK_TLS_MIN_VERSION is more than WEBHOOK_TLS_MAX_VERSION: no TLS version is between them.");
        }

        return (least, most) switch
        {
            (2, 2) => SslProtocols.Tls12,
            (2, 3) => SslProtocols.Tls12 | SslProtocols.Tls13,
            _ => SslProtocols.Tls13,
        };

        int Version(string name, string text)
        {
            switch (text)
            {
                case "1.2":
                    return 2;
                case "1.3":
                    return 3;
                default:
                    environment.Report($"{name} is \"{text}\": set it to 1.2 or 1.3.");
                    return 3;
            }
        }
    }

    private static List<TlsCipherSuite> ReadCipherSuites(EnvironmentReader environment)
    {
        var suites = new List<TlsCipherSuite>();
        var names = environment.Optional("WEBHOOK_TLS_CIPHER_SUITES", "");
        foreach (var name in names.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries))
        {
            if (Enum.TryParse<TlsCipherSuite>(name, out var suite) && !char.IsAsciiDigit(name[0]))
            {
                suites.Add(suite);
            }
            else
            {
                environment.Report(
                    $"WEBHOOK_TLS_CIPHER_SUITES names \"{name}\", which is no cipher suite: set it to names such as TLS_AES_128_GCM_SHA256."
                );
            }
        }

        return suites;
    }
}
