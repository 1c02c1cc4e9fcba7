namespace Brokkr.Apis;

/// <summary>Delivers the events of a Broker that pass its filter to a subscriber: <c>eventing.knative.dev/v1</c> (control-plane §2.3).</summary>
public sealed record Trigger : ApiObject
{
    /// <summary>The kind.</summary>
    public const string KindName = "Trigger";

    /// <summary>What the Trigger should be.</summary>
    public TriggerSpec? Spec { get; init; }

    /// <summary>What the Trigger is.</summary>
    public TriggerStatus? Status { get; init; }

    /// <summary>Namespace and name of its Broker.</summary>
    [System.Text.Json.Serialization.JsonIgnore]
    public ObjectName BrokerName =>
        Spec?.BrokerRef is { } reference
            ? new ObjectName(string.IsNullOrEmpty(reference.Namespace) ? Namespace : reference.Namespace, reference.Name ?? "")
            : new ObjectName(Namespace, Spec?.Broker ?? "");
}

/// <summary>What a Trigger should be.</summary>
public sealed record TriggerSpec
{
    /// <summary>Name of the Broker, in the Trigger's namespace; immutable.</summary>
    public string? Broker { get; init; }

    /// <summary>The Broker, perhaps in another namespace; instead of <see cref="Broker"/>.</summary>
    public KReference? BrokerRef { get; init; }

    /// <summary>Attributes that must equal; ignored where <see cref="Filters"/> has an entry.</summary>
    public TriggerFilter? Filter { get; init; }

    /// <summary>Filters that must all pass.</summary>
    public IReadOnlyList<SubscriptionsFilter>? Filters { get; init; }

    /// <summary>Who gets the events.</summary>
    public Destination? Subscriber { get; init; }

    /// <summary>How they are delivered; where it is given, nothing of the Broker's applies (CPD-08).</summary>
    public DeliverySpec? Delivery { get; init; }
}

/// <summary>Attributes that must equal.</summary>
public sealed record TriggerFilter
{
    /// <summary>Values by attribute.</summary>
    public IReadOnlyDictionary<string, string>? Attributes { get; init; }
}

/// <summary>A filter of the CloudEvents Subscriptions API: at most one of its dialects is set.</summary>
public sealed record SubscriptionsFilter
{
    /// <summary>Every one must pass.</summary>
    public IReadOnlyList<SubscriptionsFilter>? All { get; init; }

    /// <summary>At least one must pass.</summary>
    public IReadOnlyList<SubscriptionsFilter>? Any { get; init; }

    /// <summary>Must not pass.</summary>
    public SubscriptionsFilter? Not { get; init; }

    /// <summary>Attributes that must equal.</summary>
    public IReadOnlyDictionary<string, string>? Exact { get; init; }

    /// <summary>Attributes that must start with a text.</summary>
    public IReadOnlyDictionary<string, string>? Prefix { get; init; }

    /// <summary>Attributes that must end with a text.</summary>
    public IReadOnlyDictionary<string, string>? Suffix { get; init; }

    /// <summary>A CloudEvents SQL expression that must be true.</summary>
    public string? Cesql { get; init; }
}

/// <summary>Annotations and labels of a Trigger.</summary>
public static class TriggerAnnotations
{
    /// <summary>In which order events are delivered; see <see cref="TriggerDeliveryOrder"/>.</summary>
    public const string DeliveryOrder = "kafka.eventing.knative.dev/delivery.order";

    /// <summary>An object that must be ready first, as a JSON object reference; checked, not used.</summary>
    public const string Dependency = "knative.dev/dependency";

    /// <summary><c>enabled</c> or <c>disabled</c>: whether Knative makes the Broker <c>default</c>; checked, not used.</summary>
    public const string Injection = "eventing.knative.dev/injection";

    /// <summary>A label: the name of the Trigger's Broker.</summary>
    public const string BrokerLabel = "eventing.knative.dev/broker";
}

/// <summary>In which order events are delivered.</summary>
public enum TriggerDeliveryOrder
{
    /// <summary>As fast as the subscriber allows.</summary>
    Unordered,

    /// <summary>One at a time in each partition.</summary>
    Ordered,
}

/// <summary>Reads <see cref="TriggerAnnotations.DeliveryOrder"/>.</summary>
public static class TriggerDeliveryOrders
{
    /// <summary>The order that the annotation asks for, in any case; unordered where it is absent.</summary>
    /// <returns>False for any other value, also a blank one.</returns>
    public static bool TryRead(Trigger trigger, out TriggerDeliveryOrder order)
    {
        var value = trigger.Annotation(TriggerAnnotations.DeliveryOrder);
        order = string.Equals(value, "ordered", StringComparison.OrdinalIgnoreCase)
            ? TriggerDeliveryOrder.Ordered
            : TriggerDeliveryOrder.Unordered;
        return value is null
            || order == TriggerDeliveryOrder.Ordered
            || string.Equals(value, "unordered", StringComparison.OrdinalIgnoreCase);
    }
}
