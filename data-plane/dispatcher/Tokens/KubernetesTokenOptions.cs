namespace Brokkr.Dispatcher.Tokens;

/// <summary>How to reach the API server of the cluster, and what to ask it for.</summary>
public sealed record KubernetesTokenOptions
{
    /// <summary>Where a pod has the certificate of the cluster's authority and the token of its own service account.</summary>
    public const string PodFolder = "/var/run/secrets/kubernetes.io/serviceaccount";

    /// <summary>The API server.</summary>
    public required Uri Address { get; init; }

    /// <summary>PEM file with the authorities that the API server's certificate may come from. Read again when it changes.</summary>
    public string CaFile { get; init; } = Path.Combine(PodFolder, "ca.crt");

    /// <summary>File with the token that this process shows. Read for every request, since it rotates.</summary>
    public string TokenFile { get; init; } = Path.Combine(PodFolder, "token");

    /// <summary>How long tokens shall last. Default one hour, as in the original; Kubernetes gives none for less than ten minutes.</summary>
    public TimeSpan Life { get; init; } = TimeSpan.FromHours(1);

    /// <summary>How long one request may take. Default ten seconds.</summary>
    public TimeSpan Timeout { get; init; } = TimeSpan.FromSeconds(10);
}
