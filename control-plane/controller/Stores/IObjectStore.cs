using Brokkr.Apis;

namespace Brokkr.Controller.Stores;

/// <summary>Where the desired objects are: a folder of YAML files, or a Kubernetes API server (<see cref="IClusterStore"/>).</summary>
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
