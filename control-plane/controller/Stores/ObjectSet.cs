using System.Collections.Immutable;
using Brokkr.Apis;

namespace Brokkr.Controller.Stores;

/// <summary>Objects at one moment. Immutable.</summary>
public sealed record ObjectSet
{
    /// <summary>No objects.</summary>
    public static ObjectSet Empty { get; } = new();

    /// <summary>Brokers of every class.</summary>
    public IReadOnlyDictionary<ObjectName, Broker> Brokers { get; init; } = new Dictionary<ObjectName, Broker>();

    /// <summary>Triggers of every Broker.</summary>
    public IReadOnlyDictionary<ObjectName, Trigger> Triggers { get; init; } = new Dictionary<ObjectName, Trigger>();

    /// <summary>KafkaSinks.</summary>
    public IReadOnlyDictionary<ObjectName, KafkaSink> KafkaSinks { get; init; } = new Dictionary<ObjectName, KafkaSink>();

    /// <summary>Policies that say who may send to Brokers and KafkaSinks. A folder's are not used.</summary>
    public IReadOnlyDictionary<ObjectName, EventPolicy> EventPolicies { get; init; } = new Dictionary<ObjectName, EventPolicy>();

    /// <summary>ConfigMaps.</summary>
    public IReadOnlyDictionary<ObjectName, ConfigMap> ConfigMaps { get; init; } = new Dictionary<ObjectName, ConfigMap>();

    /// <summary>Services.</summary>
    public IReadOnlyDictionary<ObjectName, Service> Services { get; init; } = new Dictionary<ObjectName, Service>();

    /// <summary>Objects of other kinds, that events may be sent to.</summary>
    public IReadOnlyDictionary<ObjectKey, AddressableObject> Others { get; init; } = new Dictionary<ObjectKey, AddressableObject>();

    /// <summary>Pods of the data plane. A folder has none.</summary>
    public IReadOnlyDictionary<ObjectName, Pod> Pods { get; init; } = new Dictionary<ObjectName, Pod>();

    /// <summary>Identities of Triggers (label <c>eventing.knative.dev/oidc</c>). A folder has none.</summary>
    public IReadOnlyDictionary<ObjectName, ServiceAccount> ServiceAccounts { get; init; } = new Dictionary<ObjectName, ServiceAccount>();

    /// <summary>
    /// Objects whose contents are not of the types that they should have: only their metadata is known. Where there was a good version before, it is still in
    /// its place above. A folder has none: it tells them as problems in its files.
    /// </summary>
    public ImmutableDictionary<ObjectKey, UnreadableObject> Unreadable { get; init; } =
        ImmutableDictionary<ObjectKey, UnreadableObject>.Empty;
}

/// <summary>An object whose contents cannot be read.</summary>
/// <param name="Metadata">Its metadata.</param>
/// <param name="Problem">Which field is not of the type it should have, such as <c>spec.delivery.retry: is not of the type it should have</c>.</param>
public sealed record UnreadableObject(ObjectMeta Metadata, string Problem);
