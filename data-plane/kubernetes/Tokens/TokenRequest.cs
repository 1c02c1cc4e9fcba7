using System.Text.Json.Serialization;

namespace Brokkr.Kubernetes.Tokens;

/// <summary>The subresource of a service account by which Kubernetes makes tokens for it (<c>authentication.k8s.io/v1</c>).</summary>
internal sealed record TokenRequest
{
    public string ApiVersion { get; init; } = "authentication.k8s.io/v1";

    public string Kind { get; init; } = "TokenRequest";

    public TokenRequestSpec? Spec { get; init; }

    /// <summary>What the API server adds.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public TokenRequestStatus? Status { get; init; }
}

/// <summary>What is asked for; in an answer, what is given.</summary>
internal sealed record TokenRequestSpec
{
    public IReadOnlyList<string>? Audiences { get; init; }

    public long? ExpirationSeconds { get; init; }
}

/// <summary>What is given.</summary>
internal sealed record TokenRequestStatus
{
    public string? Token { get; init; }

    public DateTimeOffset? ExpirationTimestamp { get; init; }

    public override string ToString() => $"token until {ExpirationTimestamp:O}";
}

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase)]
[JsonSerializable(typeof(TokenRequest))]
internal sealed partial class TokenJson : JsonSerializerContext;
