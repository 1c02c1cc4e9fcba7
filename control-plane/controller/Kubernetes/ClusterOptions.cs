using System.Globalization;
using Brokkr.Core.Configuration;

namespace Brokkr.Controller.Kubernetes;

/// <summary>How the control plane reaches a Kubernetes API server, and how much it asks of it.</summary>
public sealed record ClusterOptions
{
    /// <summary>
    /// Paths of kubeconfig files, separated as in <c>PATH</c>. Null: the credentials of the pod, or where this is no pod, <c>~/.kube/config</c>.
    /// </summary>
    public string? KubeConfig { get; init; }

    /// <summary>Context of the kubeconfig; null for its current one.</summary>
    public string? Context { get; init; }

    /// <summary>Address of the server in place of the one that the kubeconfig names; null for that one.</summary>
    public string? Server { get; init; }

    /// <summary>The namespace of Brokkr itself: its configuration, shared contracts and leases.</summary>
    public required string SystemNamespace { get; init; }

    /// <summary>
    /// Requests per second on average, leases and watches not counted; 0 or less for no limit of our own. The server defends itself by queueing fairly, and its
    /// answer 429 is waited out: the limit is there to be a good neighbour. Default 200.
    /// </summary>
    public double RequestsPerSecond { get; init; } = 200;

    /// <summary>Requests at once after a pause. Default 400; at least 1.</summary>
    public int Burst { get; init; } = 400;

    /// <summary>The oldest version of the server that is served. Default <c>v1.34.0</c>.</summary>
    public string MinimumVersion { get; init; } = "v1.34.0";

    /// <summary>Objects per page of a list. Default 500.</summary>
    public int PageSize { get; init; } = 500;

    /// <summary>How long one request may take, its answer included; a watch may be open longer. Default 30 s.</summary>
    public TimeSpan RequestTimeout { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>How long a watch is open at least before the server ends it and it is opened anew; at most twice as long. Default 5 minutes.</summary>
    public TimeSpan WatchDuration { get; init; } = TimeSpan.FromMinutes(5);

    /// <summary>The pause after the first of several failures of a watch; it doubles with each, and up to half of it is left to chance. Default 250 ms.</summary>
    public TimeSpan MinRetryDelay { get; init; } = TimeSpan.FromMilliseconds(250);

    /// <summary>The longest pause after failures of a watch. Default 30 s.</summary>
    public TimeSpan MaxRetryDelay { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>
    /// Reads <c>KUBECONFIG</c>, <c>KUBE_API_QPS</c>, <c>KUBE_API_BURST</c>, <c>KUBERNETES_MIN_VERSION</c> and <c>SYSTEM_NAMESPACE</c> (control-plane §1.1, 1.2).
    /// Problems are noted in the reader.
    /// </summary>
    public static ClusterOptions From(EnvironmentReader environment)
    {
        var defaults = new ClusterOptions
        {
            SystemNamespace = environment.Required("SYSTEM_NAMESPACE", "the namespace that the controller runs in"),
        };
        var minimum = environment.Optional("KUBERNETES_MIN_VERSION", defaults.MinimumVersion);
        if (ServerVersion.Parse(minimum) is null)
        {
            environment.Report($"KUBERNETES_MIN_VERSION is \"{minimum}\": set it to a version such as {defaults.MinimumVersion}.");
        }

        return defaults with
        {
            KubeConfig = environment.Optional("KUBECONFIG"),
            MinimumVersion = minimum,
            RequestsPerSecond = Rate(environment, defaults.RequestsPerSecond),
            Burst = environment.OptionalInteger("KUBE_API_BURST", "the number of requests at once after a pause", 0) is > 0 and var burst
                ? burst
                : defaults.Burst,
        };
    }

    /// <summary>0 stands for the default and a negative number for no limit, as in Kubernetes' own clients.</summary>
    private static double Rate(EnvironmentReader environment, double otherwise)
    {
        if (environment.Optional("KUBE_API_QPS") is not { } text)
        {
            return otherwise;
        }

        if (!double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out var rate) || !double.IsFinite(rate))
        {
            environment.Report(
                $"KUBE_API_QPS is \"{text}\", which is no number: set it to the requests per second, or to -1 for no limit."
            );
            return otherwise;
        }

        return rate == 0 ? otherwise : rate;
    }
}
