using Brokkr.Apis;
using Brokkr.Controller.Folders;
using Brokkr.Core.Contract;

namespace Brokkr.Controller.Stores;

/// <summary>The credentials in the Secrets of an object store.</summary>
/// <param name="store">Where the Secrets are.</param>
public sealed class StoreSecretSource(IObjectStore store) : ISecretSource
{
    /// <inheritdoc/>
    public async ValueTask<IReadOnlyDictionary<string, byte[]>?> GetAsync(
        string namespaceName,
        string name,
        CancellationToken cancellation
    ) => await store.GetSecretAsync(new ObjectName(namespaceName, name), cancellation) is { } secret ? SecretData.Decode(secret) : null;
}
