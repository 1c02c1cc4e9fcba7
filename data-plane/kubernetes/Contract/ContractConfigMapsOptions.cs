namespace Brokkr.Kubernetes.Contract;

/// <summary>Which ConfigMaps make up the contract.</summary>
public sealed record ContractConfigMapsOptions
{
    /// <summary>Where they are.</summary>
    public required string Namespace { get; init; }

    /// <summary>A label selector as in <c>kubectl get -l</c>, such as <c>kafka.eventing.knative.dev/contract in (broker,trust-bundles)</c>.</summary>
    public required string LabelSelector { get; init; }

    /// <summary>What changes within this time after a contract is put into the next one together. Default 50 ms: 20 contracts a second.</summary>
    public TimeSpan BetweenContracts { get; init; } = TimeSpan.FromMilliseconds(50);
}
