namespace Brokkr.Apis;

/// <summary>Who may send which events to what: <c>eventing.knative.dev/v1alpha1</c> (control-plane §2.6). Knative's own controller resolves it; Brokkr reads it.</summary>
public sealed record EventPolicy : ApiObject
{
    /// <summary>The kind.</summary>
    public const string KindName = "EventPolicy";

    /// <summary>What the policy allows.</summary>
    public EventPolicySpec? Spec { get; init; }

    /// <summary>What the policy is resolved to.</summary>
    public EventPolicyStatus? Status { get; init; }

    /// <summary>Whether its senders are resolved.</summary>
    [System.Text.Json.Serialization.JsonIgnore]
    public bool IsReady => Status?.ConditionOf(Condition.Ready)?.Status is "True";
}

/// <summary>What a policy allows.</summary>
public sealed record EventPolicySpec
{
    /// <summary>The objects it is for; absent or empty: every one of the policy's namespace.</summary>
    public IReadOnlyList<EventPolicyTarget>? To { get; init; }

    /// <summary>The senders.</summary>
    public IReadOnlyList<EventPolicySource>? From { get; init; }

    /// <summary>Filters that an event must all pass; absent: it may be any event.</summary>
    public IReadOnlyList<SubscriptionsFilter>? Filters { get; init; }
}

/// <summary>What a policy is for: one of <see cref="Ref"/> and <see cref="Selector"/>.</summary>
public sealed record EventPolicyTarget
{
    /// <summary>One object of the policy's namespace.</summary>
    public EventPolicyTargetReference? Ref { get; init; }

    /// <summary>All objects of a kind in the policy's namespace that have certain labels.</summary>
    public EventPolicySelector? Selector { get; init; }
}

/// <summary>Refers to an object of the policy's namespace.</summary>
public sealed record EventPolicyTargetReference
{
    /// <summary>Group and version of the object; the version does not count.</summary>
    public string? ApiVersion { get; init; }

    /// <summary>Kind of the object.</summary>
    public string? Kind { get; init; }

    /// <summary>Name of the object.</summary>
    public string? Name { get; init; }
}

/// <summary>Selects objects of a kind by their labels.</summary>
public sealed record EventPolicySelector
{
    /// <summary>Group and version of the objects; the version does not count.</summary>
    public string? ApiVersion { get; init; }

    /// <summary>Kind of the objects.</summary>
    public string? Kind { get; init; }

    /// <summary>Labels that must equal.</summary>
    public IReadOnlyDictionary<string, string>? MatchLabels { get; init; }

    /// <summary>What else must hold of the labels.</summary>
    public IReadOnlyList<LabelRequirement>? MatchExpressions { get; init; }
}

/// <summary>Something that must hold of a label.</summary>
public sealed record LabelRequirement
{
    /// <summary>Name of the label.</summary>
    public string? Key { get; init; }

    /// <summary><c>In</c>, <c>NotIn</c>, <c>Exists</c> or <c>DoesNotExist</c>.</summary>
    public string? Operator { get; init; }

    /// <summary>The values of <c>In</c> and <c>NotIn</c>; none for the others.</summary>
    public IReadOnlyList<string>? Values { get; init; }
}

/// <summary>A sender: one of <see cref="Ref"/> and <see cref="Sub"/>.</summary>
public sealed record EventPolicySource
{
    /// <summary>An object, for whose service account its status tells.</summary>
    public EventPolicySourceReference? Ref { get; init; }

    /// <summary>The subject of a token, or the beginning of one and <c>*</c>.</summary>
    public string? Sub { get; init; }
}

/// <summary>Refers to a sender.</summary>
public sealed record EventPolicySourceReference
{
    /// <summary>Group and version of the object.</summary>
    public string? ApiVersion { get; init; }

    /// <summary>Kind of the object.</summary>
    public string? Kind { get; init; }

    /// <summary>Name of the object.</summary>
    public string? Name { get; init; }

    /// <summary>Namespace of the object; absent means that of the policy.</summary>
    public string? Namespace { get; init; }
}

/// <summary>What a policy is resolved to.</summary>
public sealed record EventPolicyStatus : ResourceStatus
{
    /// <summary>Subjects of tokens; one that ends in <c>*</c> stands for all that begin with the rest.</summary>
    public IReadOnlyList<string>? From { get; init; }
}
