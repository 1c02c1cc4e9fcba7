using System.Text.Json.Serialization;

namespace Brokkr.Apis;

/// <summary>One statement about the state of an object (CPD-11).</summary>
public sealed record Condition
{
    /// <summary>What the statement is about; unique in the object.</summary>
    public string? Type { get; init; }

    /// <summary><c>True</c>, <c>False</c> or <c>Unknown</c>.</summary>
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

/// <summary>The part of an object's status that Brokkr reads. Other fields are tolerated.</summary>
public sealed record ResourceStatus
{
    /// <summary>The generation that the rest of the status is about.</summary>
    public long? ObservedGeneration { get; init; }

    /// <summary>Conditions.</summary>
    public IReadOnlyList<Condition>? Conditions { get; init; }

    /// <summary>Facts that others read, such as <see cref="StatusAnnotations.Topic"/>.</summary>
    public IReadOnlyDictionary<string, string>? Annotations { get; init; }

    /// <summary>The preferred address.</summary>
    public Addressable? Address { get; init; }

    /// <summary>All addresses, in order of preference.</summary>
    public IReadOnlyList<Addressable>? Addresses { get; init; }
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
    public ResourceStatus? Status { get; init; }
}
