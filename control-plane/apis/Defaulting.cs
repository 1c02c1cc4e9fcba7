namespace Brokkr.Apis;

/// <summary>Fills in what objects do not say. Pure: the argument is left as it is.</summary>
public static class Defaulting
{
    /// <summary>
    /// Class, config and delivery of a Broker (ADM-15), and the namespaces of its references.
    /// </summary>
    /// <param name="broker">The Broker.</param>
    /// <param name="defaults">What <c>config-br-defaults</c> says; null where there is none.</param>
    /// <param name="otherwiseClass">The class where nobody says one; null leaves it open.</param>
    public static Broker Apply(Broker broker, BrokerDefaults? defaults, string? otherwiseClass)
    {
        var brokerClass = broker.Annotation(BrokerAnnotations.Class) ?? defaults?.ClassOf(broker.Namespace) ?? otherwiseClass;
        var metadata = broker.Metadata ?? new ObjectMeta();
        if (brokerClass is not null && broker.Annotation(BrokerAnnotations.Class) is null)
        {
            metadata = metadata with { Annotations = With(metadata.Annotations, BrokerAnnotations.Class, brokerClass) };
        }

        var forClass = brokerClass is null ? null : defaults?.Of(broker.Namespace, brokerClass);
        var config = broker.Spec?.Config ?? forClass?.Config;
        var delivery = broker.Spec?.Delivery ?? forClass?.Delivery;
        return broker with
        {
            Metadata = metadata,
            Spec = (broker.Spec ?? new BrokerSpec()) with
            {
                Config = WithNamespace(config, broker.Namespace),
                Delivery = Apply(delivery, broker.Namespace),
            },
        };
    }

    /// <summary>The empty filter, the label that names the Broker, and the namespaces of a Trigger's references (ADM-12).</summary>
    public static Trigger Apply(Trigger trigger)
    {
        var spec = trigger.Spec ?? new TriggerSpec();
        var metadata = trigger.Metadata ?? new ObjectMeta();
        if (!string.IsNullOrEmpty(spec.Broker))
        {
            metadata = metadata with { Labels = With(metadata.Labels, TriggerAnnotations.BrokerLabel, spec.Broker) };
        }

        return trigger with
        {
            Metadata = metadata,
            Spec = spec with
            {
                Filter = spec.Filter ?? new TriggerFilter(),
                Subscriber = Apply(spec.Subscriber, trigger.Namespace),
                Delivery = Apply(spec.Delivery, trigger.Namespace),
            },
        };
    }

    /// <summary>The content mode of a KafkaSink (ADM-26).</summary>
    public static KafkaSink Apply(KafkaSink sink) =>
        string.IsNullOrEmpty(sink.Spec?.ContentMode)
            ? sink with
            {
                Spec = (sink.Spec ?? new KafkaSinkSpec()) with { ContentMode = "binary" },
            }
            : sink;

    private static DeliverySpec? Apply(DeliverySpec? delivery, string namespaceName) =>
        delivery is null ? null : delivery with { DeadLetterSink = Apply(delivery.DeadLetterSink, namespaceName) };

    private static Destination? Apply(Destination? destination, string namespaceName) =>
        destination is null ? null : destination with { Ref = WithNamespace(destination.Ref, namespaceName) };

    private static KReference? WithNamespace(KReference? reference, string namespaceName) =>
        reference is not null && string.IsNullOrEmpty(reference.Namespace) ? reference with { Namespace = namespaceName } : reference;

    private static Dictionary<string, string> With(IReadOnlyDictionary<string, string>? map, string key, string value)
    {
        var result = map is null
            ? new Dictionary<string, string>(StringComparer.Ordinal)
            : new Dictionary<string, string>(map, StringComparer.Ordinal);
        result[key] = value;
        return result;
    }
}
