namespace Brokkr.Apis;

/// <summary>Settings: core <c>v1</c>.</summary>
public sealed record ConfigMap : ApiObject
{
    /// <summary>The kind.</summary>
    public const string KindName = "ConfigMap";

    /// <summary>Texts by key.</summary>
    public IReadOnlyDictionary<string, string>? Data { get; init; }

    /// <summary>Bytes in Base64 by key.</summary>
    public IReadOnlyDictionary<string, string>? BinaryData { get; init; }

    /// <summary>Whether the data may no longer change.</summary>
    public bool? Immutable { get; init; }
}

/// <summary>Credentials: core <c>v1</c>. Never logged.</summary>
public sealed record Secret : ApiObject
{
    /// <summary>The kind.</summary>
    public const string KindName = "Secret";

    /// <summary>What the Secret is for.</summary>
    public string? Type { get; init; }

    /// <summary>Bytes in Base64 by key.</summary>
    public IReadOnlyDictionary<string, string>? Data { get; init; }

    /// <summary>Texts by key; they win over <see cref="Data"/>.</summary>
    public IReadOnlyDictionary<string, string>? StringData { get; init; }

    /// <summary>Whether the data may no longer change.</summary>
    public bool? Immutable { get; init; }

    /// <summary>Names the Secret, not its data.</summary>
    public override string ToString() => Key.ToString();
}

/// <summary>A name for something that takes requests: core <c>v1</c>.</summary>
public sealed record Service : ApiObject
{
    /// <summary>The kind.</summary>
    public const string KindName = "Service";

    /// <summary>What the Service should be.</summary>
    public ServiceSpec? Spec { get; init; }
}

/// <summary>The part of a Service that Brokkr reads. Other fields are tolerated.</summary>
public sealed record ServiceSpec
{
    /// <summary><c>ClusterIP</c>, <c>ExternalName</c>, ...</summary>
    public string? Type { get; init; }

    /// <summary>The host that an <c>ExternalName</c> stands for.</summary>
    public string? ExternalName { get; init; }

    /// <summary>Its ports.</summary>
    public IReadOnlyList<ServicePort>? Ports { get; init; }
}

/// <summary>A port of a Service.</summary>
public sealed record ServicePort
{
    /// <summary>Name of the port.</summary>
    public string? Name { get; init; }

    /// <summary>The port.</summary>
    public int? Port { get; init; }
}

/// <summary>A process of the data plane, as far as the control plane looks at it: core <c>v1</c>.</summary>
public sealed record Pod : ApiObject
{
    /// <summary>The kind.</summary>
    public const string KindName = "Pod";

    /// <summary>How it is.</summary>
    public PodStatus? Status { get; init; }

    /// <summary>Whether it takes requests: it is not going, and its condition <c>Ready</c> is true.</summary>
    [System.Text.Json.Serialization.JsonIgnore]
    public bool IsReady => !IsBeingDeleted && Status?.Conditions?.Any(condition => condition is { Type: "Ready", Status: "True" }) is true;
}

/// <summary>How a Pod is.</summary>
public sealed record PodStatus
{
    /// <summary><c>Pending</c>, <c>Running</c>, <c>Succeeded</c>, <c>Failed</c> or <c>Unknown</c>.</summary>
    public string? Phase { get; init; }

    /// <summary>Its address in the cluster.</summary>
    public string? PodIP { get; init; }

    /// <summary>Statements about it, of Kubernetes and of the Pod itself.</summary>
    public IReadOnlyList<Condition>? Conditions { get; init; }
}

/// <summary>An identity for Pods and Triggers: core <c>v1</c>.</summary>
public sealed record ServiceAccount : ApiObject
{
    /// <summary>The kind.</summary>
    public const string KindName = "ServiceAccount";
}
