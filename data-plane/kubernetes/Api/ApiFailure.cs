namespace Brokkr.Kubernetes.Api;

/// <summary>What the API server says instead of an answer (<c>Status</c>).</summary>
internal sealed record ApiFailure
{
    public string? Message { get; init; }

    public int Code { get; init; }
}
