using Brokkr.Apis;
using Brokkr.Controller.Stores;

namespace Brokkr.Controller.Contracts;

/// <summary>Looks up the Secrets that a contract is computed with.</summary>
internal static class SecretVersions
{
    /// <summary>The versions of those of <see cref="ContractBuilder.SecretsOf"/> that exist.</summary>
    public static async Task<IReadOnlyDictionary<ObjectName, SecretVersion>> OfAsync(
        ObjectSet objects,
        IObjectStore store,
        CancellationToken cancellation
    )
    {
        var versions = new Dictionary<ObjectName, SecretVersion>();
        foreach (var name in ContractBuilder.SecretsOf(objects))
        {
            if (await store.GetSecretAsync(name, cancellation) is { } secret)
            {
                versions[name] = new SecretVersion(secret.Uid, secret.Metadata?.ResourceVersion ?? "");
            }
        }

        return versions;
    }
}
