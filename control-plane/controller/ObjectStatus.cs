using Brokkr.Apis;

namespace Brokkr.Controller;

/// <summary>Whether something holds.</summary>
public enum ConditionState
{
    /// <summary>Not decided yet.</summary>
    Unknown,

    /// <summary>It holds.</summary>
    True,

    /// <summary>It does not hold.</summary>
    False,
}

/// <summary>One statement about an object, such as <c>TopicReady</c>.</summary>
/// <param name="Type">What it is about.</param>
/// <param name="State">Whether it holds.</param>
/// <param name="Reason">Why, in short; empty where it simply holds.</param>
/// <param name="Message">Why, in a sentence, and what to do about it.</param>
public sealed record ObjectCondition(string Type, ConditionState State, string Reason = "", string Message = "");

/// <summary>What became of an object.</summary>
public sealed record ObjectStatus
{
    /// <summary>The object.</summary>
    public required ObjectKey Key { get; init; }

    /// <summary>Where it is written, for people: <c>broker.yaml:14</c>; empty where the store has no places.</summary>
    public string Source { get; init; } = "";

    /// <summary>Whether it does its work: the sum of <see cref="Conditions"/>.</summary>
    public ConditionState Ready { get; init; }

    /// <summary>Why it is not ready, in short; empty when it is.</summary>
    public string Reason { get; init; } = "";

    /// <summary>Why it is not ready, in a sentence, and what to do about it; empty when it is.</summary>
    public string Message { get; init; } = "";

    /// <summary>The single statements.</summary>
    public IReadOnlyList<ObjectCondition> Conditions { get; init; } = [];

    /// <summary>What people should know although it is no failure: drift, defaults, settings that are not used here.</summary>
    public IReadOnlyList<string> Notes { get; init; } = [];

    /// <summary>Of a Broker or KafkaSink: where events are posted; null until it is served.</summary>
    public string? Address { get; init; }

    /// <summary>Of a Broker or KafkaSink: its topic.</summary>
    public string? Topic { get; init; }

    /// <summary>Of a Trigger: its Broker.</summary>
    public ObjectName? Broker { get; init; }

    /// <summary>Of a Trigger: where its events go; null where that is not known.</summary>
    public string? Subscriber { get; init; }

    /// <summary>Where events go whose attempts are spent; null where the manifests name nothing.</summary>
    public string? DeadLetterSink { get; init; }

    /// <summary>Of a Trigger: its consumer group.</summary>
    public string? ConsumerGroup { get; init; }
}

/// <summary>Something in a file that people should know.</summary>
/// <param name="IsError">Whether the object or file is not used as it stands; else it is a warning.</param>
/// <param name="File">The file, relative to the folder.</param>
/// <param name="Line">Line, from 1; 0 for the file as a whole.</param>
/// <param name="Field">Path of the field, such as <c>spec.delivery.retry</c>; empty for an object or file as a whole.</param>
/// <param name="Message">What is wrong, and what holds meanwhile.</param>
public sealed record FileProblem(bool IsError, string File, int Line, string Field, string Message)
{
    /// <summary><c>broker.yaml:14: spec.delivery.retry: must not be negative</c>.</summary>
    public override string ToString()
    {
        var place = Line > 0 ? $"{File}:{Line}" : File;
        return Field.Length > 0 ? $"{place}: {Field}: {Message}" : $"{place}: {Message}";
    }
}

/// <summary>The state of the control plane at one moment.</summary>
/// <param name="Generation">Generation of the contract in force; 0 before the first.</param>
/// <param name="Statuses">Every Broker, Trigger and KafkaSink, by kind, namespace and name.</param>
/// <param name="Problems">What is wrong in the files, by file and line.</param>
public sealed record ControlPlaneReport(ulong Generation, IReadOnlyList<ObjectStatus> Statuses, IReadOnlyList<FileProblem> Problems);
