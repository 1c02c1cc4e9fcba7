using System.Text.Json.Serialization;

namespace Brokkr.Apis;

/// <summary>One statement about the state of an object (CPD-11).</summary>
public sealed record Condition
{
    /// <summary>The condition that sums up the others (CPD-12).</summary>
    public const string Ready = "Ready";

    /// <summary>What the statement is about; unique in the object.</summary>
    public string? Type { get; init; }

    /// <summary><c>True</c>, <c>False</c> or <c>Unknown</c>; absent counts as <c>Unknown</c>.</summary>
    public string? Status { get; init; }

    /// <summary>Empty for an error, else <c>Warning</c> or <c>Info</c>.</summary>
    public string? Severity { get; init; }

    /// <summary>When <see cref="Status"/> last changed, RFC 3339.</summary>
    public string? LastTransitionTime { get; init; }

    /// <summary>Why, in short.</summary>
    public string? Reason { get; init; }

    /// <summary>Why, in a sentence.</summary>
    public string? Message { get; init; }
}

/// <summary>What the status of every object has. Whoever writes a status writes it as a patch, so that fields which these types do not know stay.</summary>
public record ResourceStatus
{
    /// <summary>The generation that the rest of the status is about.</summary>
    public long? ObservedGeneration { get; init; }

    /// <summary>Conditions.</summary>
    public IReadOnlyList<Condition>? Conditions { get; init; }

    /// <summary>Facts that others read, such as <c>default.topic</c>; see <see cref="StatusAnnotations"/>.</summary>
    public IReadOnlyDictionary<string, string>? Annotations { get; init; }

    /// <summary>The condition of a type; null where the status does not have it.</summary>
    public Condition? ConditionOf(string type) =>
        Conditions?.FirstOrDefault(condition => string.Equals(condition.Type, type, StringComparison.Ordinal));
}

/// <summary>The status of an object that events can be sent to.</summary>
public record AddressableStatus : ResourceStatus
{
    /// <summary>The preferred address.</summary>
    public Addressable? Address { get; init; }

    /// <summary>All addresses, in order of preference.</summary>
    public IReadOnlyList<Addressable>? Addresses { get; init; }
}

/// <summary>What a KafkaSink is.</summary>
public sealed record KafkaSinkStatus : AddressableStatus
{
    /// <summary>The policies that decide who may send to it.</summary>
    public IReadOnlyList<AppliedEventPolicy>? Policies { get; init; }
}

/// <summary>What a Broker is.</summary>
public sealed record BrokerStatus : AddressableStatus
{
    /// <summary>The policies that decide who may send to it.</summary>
    public IReadOnlyList<AppliedEventPolicy>? Policies { get; init; }

    /// <summary>Where <c>spec.delivery.deadLetterSink</c> leads.</summary>
    public string? DeadLetterSinkUri { get; init; }

    /// <summary>Certificates, in PEM, that the dead letter sink's certificate is checked against.</summary>
    [JsonPropertyName("deadLetterSinkCACerts")]
    public string? DeadLetterSinkCACerts { get; init; }

    /// <summary>Audience that the dead letter sink expects in tokens.</summary>
    public string? DeadLetterSinkAudience { get; init; }
}

/// <summary>What a Trigger is.</summary>
public sealed record TriggerStatus : ResourceStatus
{
    /// <summary>Where <c>spec.subscriber</c> leads.</summary>
    public string? SubscriberUri { get; init; }

    /// <summary>Certificates, in PEM, that the subscriber's certificate is checked against.</summary>
    [JsonPropertyName("subscriberCACerts")]
    public string? SubscriberCACerts { get; init; }

    /// <summary>Audience that the subscriber expects in tokens.</summary>
    public string? SubscriberAudience { get; init; }

    /// <summary>Where events go whose attempts are spent: the dead letter sink of the Trigger or of its Broker.</summary>
    public string? DeadLetterSinkUri { get; init; }

    /// <summary>Certificates, in PEM, that the dead letter sink's certificate is checked against.</summary>
    [JsonPropertyName("deadLetterSinkCACerts")]
    public string? DeadLetterSinkCACerts { get; init; }

    /// <summary>Audience that the dead letter sink expects in tokens.</summary>
    public string? DeadLetterSinkAudience { get; init; }

    /// <summary>Whom deliveries are made as.</summary>
    public AuthStatus? Auth { get; init; }
}

/// <summary>Who an object acts as.</summary>
public sealed record AuthStatus
{
    /// <summary>The service account.</summary>
    public string? ServiceAccountName { get; init; }

    /// <summary>The service accounts, where an object acts as several.</summary>
    public IReadOnlyList<string>? ServiceAccountNames { get; init; }
}

/// <summary>An EventPolicy that applies to an object and is ready.</summary>
public sealed record AppliedEventPolicy
{
    /// <summary>Always <c>eventing.knative.dev/v1alpha1</c>.</summary>
    public string? ApiVersion { get; init; }

    /// <summary>Name of the policy, in the object's namespace.</summary>
    public string? Name { get; init; }
}

/// <summary>Names of annotations in the status of objects.</summary>
public static class StatusAnnotations
{
    /// <summary>Of a Broker: the topic in use. Once written it is used forever, whatever the template says later (ONM-01).</summary>
    public const string Topic = "default.topic";

    /// <summary>Of a Trigger: its consumer group. Once written it is used forever.</summary>
    public const string ConsumerGroup = "group.id";
}

/// <summary>An object of any kind that may have an address in its status.</summary>
public sealed record AddressableObject : ApiObject
{
    /// <summary>Status with the addresses.</summary>
    public AddressableStatus? Status { get; init; }
}
