namespace Brokkr.Apis;

/// <summary>Takes events in and offers them to Triggers: <c>eventing.knative.dev/v1</c> (control-plane §2.2).</summary>
public sealed record Broker : ApiObject
{
    /// <summary>The kind.</summary>
    public const string KindName = "Broker";

    /// <summary>What the Broker should be.</summary>
    public BrokerSpec? Spec { get; init; }

    /// <summary>What the Broker is.</summary>
    public BrokerStatus? Status { get; init; }
}

/// <summary>What a Broker should be.</summary>
public sealed record BrokerSpec
{
    /// <summary>The ConfigMap with bootstrap servers and topic settings; immutable.</summary>
    public KReference? Config { get; init; }

    /// <summary>How events are delivered to Triggers that say nothing of their own.</summary>
    public DeliverySpec? Delivery { get; init; }
}

/// <summary>Annotations of a Broker.</summary>
public static class BrokerAnnotations
{
    /// <summary>Which implementation serves the Broker.</summary>
    public const string Class = "eventing.knative.dev/broker.class";

    /// <summary>Name of a topic that others own: used, never made and never deleted. Its presence alone matters.</summary>
    public const string ExternalTopic = "kafka.eventing.knative.dev/external.topic";
}

/// <summary>Values of <see cref="BrokerAnnotations.Class"/> that Brokkr serves; case-sensitive.</summary>
public static class BrokerClasses
{
    /// <summary>Served by the shared data plane.</summary>
    public const string Kafka = "Kafka";

    /// <summary>Config must be in the Broker's own namespace.</summary>
    public const string KafkaNamespaced = "KafkaNamespaced";

    /// <summary>Whether Brokkr serves the class.</summary>
    public static bool IsOurs(string? brokerClass) => brokerClass is Kafka or KafkaNamespaced;
}
