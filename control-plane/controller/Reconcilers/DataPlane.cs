using Brokkr.Apis;
using Brokkr.Controller.Stores;

namespace Brokkr.Controller.Reconcilers;

/// <summary>Whether the data plane does what a contract says.</summary>
/// <param name="State">Whether.</param>
/// <param name="Reason">Why not, in short.</param>
/// <param name="Message">Why not, as a sentence.</param>
/// <param name="Next">When to look again without having been told; null for never.</param>
internal sealed record DataPlaneState(ConditionState State, string Reason = "", string Message = "", TimeSpan? Next = null)
{
    public static DataPlaneState Applied { get; } = new(ConditionState.True);
}

/// <summary>
/// The Pods of the data plane. Those that report what they run (annotation <see cref="ReportsAnnotation"/>) say up to which version of the contracts everything is in
/// force; of the others a receiver is asked, and of a dispatcher it is enough that the contract is written.
/// </summary>
/// <param name="store">Where the Pods are.</param>
/// <param name="prober">Asks receivers.</param>
internal sealed class DataPlane(IClusterStore store, Prober prober)
{
    /// <summary>On a Pod: <c>"true"</c> if it reports.</summary>
    public const string ReportsAnnotation = "kafka.eventing.knative.dev/reports-contract";

    /// <summary>The condition of a Pod whose message is the version up to which everything is in force.</summary>
    public const string AppliedCondition = "kafka.eventing.knative.dev/ContractApplied";

    private const string AppLabel = "app";

    /// <summary>Pods that are ready, by namespace and label <c>app</c>.</summary>
    public List<Pod> ReadyPods(string namespaceName, string app) =>
        [
            .. store.Objects.Pods.Values.Where(pod =>
                pod.IsReady
                && string.Equals(pod.Namespace, namespaceName, StringComparison.Ordinal)
                && string.Equals(AppOf(pod), app, StringComparison.Ordinal)
            ),
        ];

    /// <summary>The label <c>app</c> of a Pod; empty where it has none.</summary>
    public static string AppOf(Pod pod) => pod.Metadata?.Labels?.GetValueOrDefault(AppLabel) ?? "";

    /// <summary>Whether every receiver serves a path.</summary>
    /// <param name="owner">Whose path it is; is told when an answer comes.</param>
    /// <param name="pods">The receivers that are ready.</param>
    /// <param name="version">Version of the contract.</param>
    /// <param name="targetsOf">What is asked of one that does not report.</param>
    public DataPlaneState Receivers(
        ObjectKey owner,
        IReadOnlyCollection<Pod> pods,
        ulong version,
        Func<Pod, IEnumerable<ProbeTarget>> targetsOf
    )
    {
        List<ProbeTarget> targets = [];
        var behind = 0;
        foreach (var pod in pods)
        {
            if (!Reports(pod))
            {
                targets.AddRange(targetsOf(pod));
            }
            else if (AppliedBy(pod) < version)
            {
                behind++;
            }
        }

        var answers = prober.Get(owner, targets, out var next);
        if (behind > 0)
        {
            return new DataPlaneState(
                ConditionState.Unknown,
                "ContractPending",
                $"{behind} of {pods.Count} receivers do not have the contract yet.",
                next
            );
        }

        var worst = answers.MaxBy(answer =>
            answer.Status switch
            {
                ProbeStatus.Ready => 0,
                ProbeStatus.Unknown => 1,
                ProbeStatus.NotReady => 2,
                _ => 3,
            }
        );
        return worst?.Status switch
        {
            null or ProbeStatus.Ready => DataPlaneState.Applied with { Next = next },
            ProbeStatus.Unknown => new DataPlaneState(ConditionState.Unknown, "ProbeStatus", "status: Unknown", next),
            _ => new DataPlaneState(
                ConditionState.False,
                "ProbeStatus",
                worst.Text.Length > 0 ? $"status: {worst.Status}: {worst.Text}" : $"status: {worst.Status}",
                next
            ),
        };
    }

    /// <summary>Whether every Pod that reports has a version of the contract.</summary>
    public static bool HaveApplied(IEnumerable<Pod> pods, ulong version) => pods.All(pod => !Reports(pod) || AppliedBy(pod) >= version);

    private static bool Reports(Pod pod) => string.Equals(pod.Annotation(ReportsAnnotation), "true", StringComparison.Ordinal);

    private static ulong AppliedBy(Pod pod) =>
        pod.Status?.Conditions?.FirstOrDefault(condition => condition is { Type: AppliedCondition, Status: "True" }) is { } applied
            ? ObjectWriter.NumberOf(applied.Message)
            : 0;
}
