namespace Brokkr.Apis;

/// <summary>The features of ConfigMap <c>config-features</c> that bear on Broker, Trigger and KafkaSink (control-plane §14).</summary>
public sealed record EventingFeatures
{
    /// <summary>What holds where the ConfigMap says nothing.</summary>
    public static EventingFeatures Default { get; } = new();

    /// <summary><c>delivery-timeout</c>: whether <c>delivery.timeout</c> is admitted.</summary>
    public bool DeliveryTimeout { get; init; } = true;

    /// <summary><c>delivery-retryafter</c>: whether <c>delivery.retryAfterMax</c> is admitted.</summary>
    public bool DeliveryRetryAfter { get; init; }

    /// <summary><c>kreference-group</c>: whether a reference may give a group without a version.</summary>
    public bool KReferenceGroup { get; init; }

    /// <summary><c>cross-namespace-event-links</c>: whether a Trigger may name a Broker of another namespace.</summary>
    public bool CrossNamespaceEventLinks { get; init; }

    /// <summary><c>eventtype-auto-create</c>: whether the data plane makes EventTypes.</summary>
    public bool EventTypeAutoCreate { get; init; }

    /// <summary>
    /// Reads the data of the ConfigMap. Only <c>enabled</c>, in any case, switches a feature on; any other value switches it off. Other keys are
    /// left to those who know them.
    /// </summary>
    /// <param name="data">The data; null where there is no ConfigMap.</param>
    /// <param name="otherwise">What holds for keys that are absent.</param>
    public static EventingFeatures Read(IReadOnlyDictionary<string, string>? data, EventingFeatures otherwise)
    {
        return otherwise with
        {
            DeliveryTimeout = IsEnabled("delivery-timeout", otherwise.DeliveryTimeout),
            DeliveryRetryAfter = IsEnabled("delivery-retryafter", otherwise.DeliveryRetryAfter),
            KReferenceGroup = IsEnabled("kreference-group", otherwise.KReferenceGroup),
            CrossNamespaceEventLinks = IsEnabled("cross-namespace-event-links", otherwise.CrossNamespaceEventLinks),
            EventTypeAutoCreate = IsEnabled("eventtype-auto-create", otherwise.EventTypeAutoCreate),
        };

        bool IsEnabled(string key, bool absent) =>
            data is not null && data.TryGetValue(key, out var value)
                ? value.Trim().Equals("enabled", StringComparison.OrdinalIgnoreCase)
                : absent;
    }
}
