using Brokkr.Apis;
using Brokkr.Controller.Stores;
using Brokkr.Core.Contract;
using Microsoft.Extensions.Logging;

namespace Brokkr.Controller.Folders;

/// <summary>The object store on a folder of YAML files.</summary>
public sealed class FolderStore : IObjectStore, ISecretSource, IAsyncDisposable
{
    /// <summary>Creates the store; nothing is read before the control plane starts it.</summary>
    public FolderStore(FolderOptions options, TimeProvider time, ILoggerFactory loggers) { }

    /// <inheritdoc/>
    public ObjectSet Objects { get; private set; } = ObjectSet.Empty;

    /// <inheritdoc/>
    public IDisposable Watch(Action onChange) => throw new InvalidOperationException();

    /// <inheritdoc/>
    public ValueTask<Secret?> GetSecretAsync(ObjectName name, CancellationToken cancellation) => new((Secret?)null);

    /// <inheritdoc/>
    public ValueTask<IReadOnlyDictionary<string, byte[]>?> GetAsync(string namespaceName, string name, CancellationToken cancellation) =>
        new((IReadOnlyDictionary<string, byte[]>?)null);

    /// <inheritdoc/>
    public ValueTask DisposeAsync() => ValueTask.CompletedTask;
}
