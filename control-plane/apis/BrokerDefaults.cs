namespace Brokkr.Apis;

/// <summary>The key <c>default-br-config</c> of ConfigMap <c>config-br-defaults</c> (ADM-15): what Brokers get that do not say it.</summary>
public sealed record BrokerDefaults
{
    /// <summary>For every namespace.</summary>
    public NamespaceBrokerDefaults? ClusterDefault { get; init; }

    /// <summary>By namespace; wins over <see cref="ClusterDefault"/>.</summary>
    public IReadOnlyDictionary<string, NamespaceBrokerDefaults>? NamespaceDefaults { get; init; }

    /// <summary>The class of Brokers of a namespace that give none; null where nothing says it.</summary>
    public string? ClassOf(string namespaceName) => OfNamespace(namespaceName)?.BrokerClass ?? ClusterDefault?.BrokerClass;

    /// <summary>Config and delivery for Brokers of a class in a namespace; null where nothing says it.</summary>
    public ClassBrokerDefaults? Of(string namespaceName, string brokerClass)
    {
        if (OfNamespace(namespaceName) is { } own)
        {
            if (own.BrokerClasses?.GetValueOrDefault(brokerClass) is { } ofClass)
            {
                return ofClass;
            }

            if (string.Equals(own.BrokerClass, brokerClass, StringComparison.Ordinal) && !own.Inline.IsEmpty)
            {
                return own.Inline;
            }
        }

        return ClusterDefault?.BrokerClasses?.GetValueOrDefault(brokerClass) ?? ClusterDefault?.Inline;
    }

    /// <summary>Whether a Broker's config must be in its own namespace (ADM-16).</summary>
    public bool DisallowsOtherNamespace(string namespaceName) =>
        OfNamespace(namespaceName)?.DisallowDifferentNamespaceConfig == true || ClusterDefault?.DisallowDifferentNamespaceConfig == true;

    private NamespaceBrokerDefaults? OfNamespace(string namespaceName) => NamespaceDefaults?.GetValueOrDefault(namespaceName);
}

/// <summary>Config and delivery that a Broker gets.</summary>
public record ClassBrokerDefaults
{
    /// <summary>Group and version of the config.</summary>
    public string? ApiVersion { get; init; }

    /// <summary>Kind of the config.</summary>
    public string? Kind { get; init; }

    /// <summary>Name of the config.</summary>
    public string? Name { get; init; }

    /// <summary>Namespace of the config.</summary>
    public string? Namespace { get; init; }

    /// <summary>Delivery options.</summary>
    public DeliverySpec? Delivery { get; init; }

    /// <summary>Whether nothing is set.</summary>
    [System.Text.Json.Serialization.JsonIgnore]
    public bool IsEmpty => Kind is null && Name is null && Delivery is null;

    /// <summary>The config as a reference; null where none is named.</summary>
    [System.Text.Json.Serialization.JsonIgnore]
    public KReference? Config =>
        string.IsNullOrEmpty(Name)
            ? null
            : new KReference
            {
                ApiVersion = ApiVersion,
                Kind = Kind,
                Name = Name,
                Namespace = Namespace,
            };
}

/// <summary>What Brokers of a namespace get.</summary>
public sealed record NamespaceBrokerDefaults : ClassBrokerDefaults
{
    /// <summary>The class of Brokers that give none.</summary>
    public string? BrokerClass { get; init; }

    /// <summary>Config and delivery by class.</summary>
    public IReadOnlyDictionary<string, ClassBrokerDefaults>? BrokerClasses { get; init; }

    /// <summary>Whether a Broker's config must be in its own namespace.</summary>
    public bool? DisallowDifferentNamespaceConfig { get; init; }

    /// <summary>The config and delivery of the default class.</summary>
    [System.Text.Json.Serialization.JsonIgnore]
    internal ClassBrokerDefaults Inline => this;
}
