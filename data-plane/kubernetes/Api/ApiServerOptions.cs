namespace Brokkr.Kubernetes.Api;

/// <summary>How to reach the API server of a cluster, and as whom.</summary>
public sealed record ApiServerOptions
{
    /// <summary>Where a pod has the certificate of the cluster's authority and the token of its own service account.</summary>
    public const string PodFolder = "/var/run/secrets/kubernetes.io/serviceaccount";

    /// <summary>The API server, with the path under which it is, if any.</summary>
    public required Uri Address { get; init; }

    /// <summary>PEM with the authorities that the API server's certificate may come from. Default null: those of the system.</summary>
    public ApiMaterial? Authorities { get; init; }

    /// <summary>Any certificate will do. Default false. For tests; whoever is in between can read and change everything.</summary>
    public bool SkipVerification { get; init; }

    /// <summary>The token that this process shows. Looked at for every request, since it rotates. Default null: none.</summary>
    public ApiMaterial? Token { get; init; }

    /// <summary>PEM with the certificate that this process shows, and what vouches for it. Default null: none.</summary>
    public ApiMaterial? ClientCertificate { get; init; }

    /// <summary>PEM with the key of <see cref="ClientCertificate"/>.</summary>
    public ApiMaterial? ClientKey { get; init; }

    /// <summary>The namespace that this process lives in; null where nothing says it.</summary>
    public string? Namespace { get; init; }

    /// <summary>How long one request may take. Default ten seconds. That of a watch counts until its answer begins.</summary>
    public TimeSpan Timeout { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>How a pod reaches the API server of its cluster.</summary>
    /// <param name="host">Its host, as <c>KUBERNETES_SERVICE_HOST</c> has it.</param>
    /// <param name="port">Its port.</param>
    /// <param name="folder">The folder with <c>ca.crt</c>, <c>token</c> and <c>namespace</c>.</param>
    public static ApiServerOptions InPod(string host, int port, string folder = PodFolder) =>
        new()
        {
            Address = new UriBuilder(Uri.UriSchemeHttps, host, port).Uri,
            Authorities = ApiMaterial.InFile(Path.Combine(folder, "ca.crt")),
            Token = ApiMaterial.InFile(Path.Combine(folder, "token")),
            Namespace = NamespaceIn(Path.Combine(folder, "namespace")),
        };

    private static string? NamespaceIn(string file)
    {
        try
        {
            return File.ReadAllText(file).Trim() is { Length: > 0 } name ? name : null;
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            // Who needs it says that it is missing.
            return null;
        }
    }
}
