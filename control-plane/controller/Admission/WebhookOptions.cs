using System.Net;
using System.Net.Security;
using System.Security.Authentication;

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
}
