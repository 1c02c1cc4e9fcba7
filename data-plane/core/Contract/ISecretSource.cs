namespace Brokkr.Core.Contract;

/// <summary>Reads the Secrets that a contract refers to. Contents are never logged.</summary>
public interface ISecretSource
{
    /// <summary>The decoded entries of a Secret; null if it does not exist.</summary>
    /// <param name="namespaceName">Namespace of the Secret.</param>
    /// <param name="name">Name of the Secret.</param>
    /// <param name="cancellation">Ends the wait.</param>
    /// <exception cref="Log.LogUnavailableException">It cannot be told now; the message says why. Asking again later may help.</exception>
    ValueTask<IReadOnlyDictionary<string, byte[]>?> GetAsync(string namespaceName, string name, CancellationToken cancellation);
}
