using System.Text.Json.Serialization;
using Brokkr.Apis;

namespace Brokkr.Controller.Kubernetes;

/// <summary>What an API server says when it does not do what was asked.</summary>
internal sealed record ApiStatus
{
    public string? Message { get; init; }

    public string? Reason { get; init; }

    public int? Code { get; init; }

    public ApiStatusDetails? Details { get; init; }
}

/// <summary>More about a failure.</summary>
internal sealed record ApiStatusDetails
{
    public int? RetryAfterSeconds { get; init; }

    public IReadOnlyList<ApiStatusCause>? Causes { get; init; }
}

/// <summary>One cause of a failure.</summary>
internal sealed record ApiStatusCause
{
    public string? Reason { get; init; }
}

/// <summary>Metadata of a list.</summary>
internal sealed record ListMeta
{
    /// <summary>Where the next page is; empty on the last.</summary>
    public string? Continue { get; init; }

    /// <summary>From where a watch goes on.</summary>
    public string? ResourceVersion { get; init; }
}

/// <summary>The metadata of any object.</summary>
internal sealed record BareObject
{
    public ObjectMeta? Metadata { get; init; }
}

/// <summary>Which versions a group has.</summary>
internal sealed record ApiGroup
{
    public IReadOnlyList<ApiGroupVersion>? Versions { get; init; }

    public ApiGroupVersion? PreferredVersion { get; init; }
}

/// <summary>A version of a group.</summary>
internal sealed record ApiGroupVersion
{
    public string? Version { get; init; }
}

/// <summary>What a version of a group has.</summary>
internal sealed record ApiResourceList
{
    public IReadOnlyList<ApiResourceEntry>? Resources { get; init; }
}

/// <summary>A resource as discovery tells it.</summary>
internal sealed record ApiResourceEntry
{
    public string? Name { get; init; }

    public string? Kind { get; init; }

    public bool? Namespaced { get; init; }
}

/// <summary>The version of a server.</summary>
internal sealed record ApiServerVersion
{
    public string? GitVersion { get; init; }
}

/// <summary>Reads what surrounds objects, without reflection.</summary>
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase)]
[JsonSerializable(typeof(ApiStatus))]
[JsonSerializable(typeof(ListMeta))]
[JsonSerializable(typeof(BareObject))]
[JsonSerializable(typeof(ApiGroup))]
[JsonSerializable(typeof(ApiResourceList))]
[JsonSerializable(typeof(ApiServerVersion))]
internal sealed partial class ClusterJson : JsonSerializerContext;
