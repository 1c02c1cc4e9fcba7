using Brokkr.Apis;

namespace Brokkr.Controller.Stores;

/// <summary>Where the desired objects are: a folder of YAML files, or (later) a Kubernetes API server.</summary>
public interface IObjectStore
{
    /// <summary>All objects at one moment, valid and with their defaults; replaced whole, never modified.</summary>
    ObjectSet Objects { get; }

    /// <summary>Calls back after <see cref="Objects"/> has changed or there is something new to tell about it. Must return soon.</summary>
    /// <returns>Ends the watch.</returns>
    IDisposable Watch(Action onChange);

    /// <summary>A Secret; null if it does not exist. Secrets are not part of <see cref="Objects"/>: they are read one by one.</summary>
    ValueTask<Secret?> GetSecretAsync(ObjectName name, CancellationToken cancellation);
}

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

    /// <summary>ConfigMaps.</summary>
    public IReadOnlyDictionary<ObjectName, ConfigMap> ConfigMaps { get; init; } = new Dictionary<ObjectName, ConfigMap>();

    /// <summary>Services.</summary>
    public IReadOnlyDictionary<ObjectName, Service> Services { get; init; } = new Dictionary<ObjectName, Service>();

    /// <summary>Objects of other kinds, that events may be sent to.</summary>
    public IReadOnlyDictionary<ObjectKey, AddressableObject> Others { get; init; } = new Dictionary<ObjectKey, AddressableObject>();
}
