namespace Brokkr.Apis;

/// <summary>Writes events to a topic: <c>eventing.knative.dev/v1alpha1</c> (control-plane §2.4).</summary>
public sealed record KafkaSink : ApiObject
{
    /// <summary>The kind.</summary>
    public const string KindName = "KafkaSink";

    /// <summary>What the KafkaSink should be.</summary>
    public KafkaSinkSpec? Spec { get; init; }

    /// <summary>What the KafkaSink is.</summary>
    public KafkaSinkStatus? Status { get; init; }
}

/// <summary>What a KafkaSink should be.</summary>
public sealed record KafkaSinkSpec
{
    /// <summary>Name of the topic; immutable.</summary>
    public string? Topic { get; init; }

    /// <summary>Kafka servers, <c>host:port</c>; at least one.</summary>
    public IReadOnlyList<string>? BootstrapServers { get; init; }

    /// <summary>Partitions of the topic, at least 1; with <see cref="ReplicationFactor"/> it says that the topic is to be made. Immutable.</summary>
    public int? NumPartitions { get; init; }

    /// <summary>Copies of each partition, 1 to 32767; immutable.</summary>
    public int? ReplicationFactor { get; init; }

    /// <summary>How events are stored: <c>binary</c> (default) or <c>structured</c>.</summary>
    public string? ContentMode { get; init; }

    /// <summary>Credentials for Kafka.</summary>
    public KafkaSinkAuth? Auth { get; init; }
}

/// <summary>Credentials of a KafkaSink.</summary>
public sealed record KafkaSinkAuth
{
    /// <summary>The Secret that holds them.</summary>
    public KafkaSinkSecret? Secret { get; init; }
}

/// <summary>The Secret of a KafkaSink.</summary>
public sealed record KafkaSinkSecret
{
    /// <summary>Refers to it.</summary>
    public SecretNameReference? Ref { get; init; }
}

/// <summary>Refers to a Secret in the namespace of the referring object.</summary>
public sealed record SecretNameReference
{
    /// <summary>Name of the Secret.</summary>
    public string? Name { get; init; }
}
