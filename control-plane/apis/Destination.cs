using System.Text.Json.Serialization;

namespace Brokkr.Apis;

/// <summary>A reference to an object.</summary>
public sealed record KReference
{
    /// <summary>Group and version of the object.</summary>
    public string? ApiVersion { get; init; }

    /// <summary>Kind of the object.</summary>
    public string? Kind { get; init; }

    /// <summary>Name of the object.</summary>
    public string? Name { get; init; }

    /// <summary>Namespace of the object; absent means that of the referring object (CPD-06).</summary>
    public string? Namespace { get; init; }

    /// <summary>Group of the object without a version; admitted only with the feature <c>kreference-group</c>.</summary>
    public string? Group { get; init; }

    /// <summary>Which of the object's addresses, by its name; absent means the first.</summary>
    public string? Address { get; init; }

    /// <summary>The group, from <see cref="Group"/> or <see cref="ApiVersion"/>.</summary>
    [JsonIgnore]
    public string GroupName => string.IsNullOrEmpty(Group) ? GroupVersion.GroupOf(ApiVersion ?? "") : Group;
}

/// <summary>Where events go: an object, a URI, or a URI relative to an object (control-plane §3.6).</summary>
public sealed record Destination
{
    /// <summary>The object.</summary>
    public KReference? Ref { get; init; }

    /// <summary>The URI: absolute where it stands alone, relative beside <see cref="Ref"/>.</summary>
    public string? Uri { get; init; }

    /// <summary>Certificates, in PEM, that the destination's certificate is checked against.</summary>
    [JsonPropertyName("CACerts")]
    public string? CACerts { get; init; }

    /// <summary>Audience of the token that is sent along.</summary>
    public string? Audience { get; init; }
}

/// <summary>An address at which an object takes events.</summary>
public sealed record Addressable
{
    /// <summary>Name of the address: <c>http</c> or <c>https</c>.</summary>
    public string? Name { get; init; }

    /// <summary>The URL.</summary>
    public string? Url { get; init; }

    /// <summary>Certificates, in PEM, that its certificate is checked against.</summary>
    [JsonPropertyName("CACerts")]
    public string? CACerts { get; init; }

    /// <summary>Audience that it expects in tokens.</summary>
    public string? Audience { get; init; }
}

/// <summary>How events are delivered (control-plane §2.5).</summary>
public sealed record DeliverySpec
{
    /// <summary>Where events go whose attempts are spent.</summary>
    public Destination? DeadLetterSink { get; init; }

    /// <summary>Attempts after the first one; not negative.</summary>
    public int? Retry { get; init; }

    /// <summary><c>linear</c> or <c>exponential</c>.</summary>
    public string? BackoffPolicy { get; init; }

    /// <summary>Delay before a retry, as an ISO 8601 duration.</summary>
    public string? BackoffDelay { get; init; }

    /// <summary>Time for one attempt, as an ISO 8601 duration; not zero.</summary>
    public string? Timeout { get; init; }

    /// <summary>Longest wait that a subscriber may ask for with <c>Retry-After</c>, as an ISO 8601 duration; absent: it is not asked.</summary>
    public string? RetryAfterMax { get; init; }

    /// <summary><c>binary</c> or <c>json</c>: the content mode of deliveries.</summary>
    public string? Format { get; init; }
}
