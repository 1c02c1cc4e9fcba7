using System.Text.Json.Serialization;

namespace Brokkr.Kubernetes.Reports;

/// <summary>A change of a Pod's status: strategic merge finds conditions by their type.</summary>
internal sealed record PodPatch(PodPatchStatus Status);

/// <summary>The changed part of the status.</summary>
internal sealed record PodPatchStatus(IReadOnlyList<PodPatchCondition> Conditions);

/// <summary>A condition.</summary>
internal sealed record PodPatchCondition(string Type, string Status, string Reason, string Message, DateTimeOffset LastTransitionTime);

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase)]
[JsonSerializable(typeof(PodPatch))]
internal sealed partial class ReportJson : JsonSerializerContext;
