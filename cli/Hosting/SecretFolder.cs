using Brokkr.Core.Configuration;
using Brokkr.Core.Contract;

namespace Brokkr.Cli.Hosting;

/// <summary>
/// Secrets as files: <c>FOLDER/NAMESPACE/NAME/KEY</c>, the form in which they are mounted. Read anew every time, so that a replaced file counts.
/// </summary>
/// <param name="folder">The folder; null if there is none, then no Secret exists.</param>
internal sealed class SecretFolder(string? folder) : ISecretSource
{
    /// <summary>Takes the folder from <c>SECRETS_PATH</c>.</summary>
    public static SecretFolder From(EnvironmentReader environment) => new(environment.Optional("SECRETS_PATH"));

    /// <inheritdoc/>
    public async ValueTask<IReadOnlyDictionary<string, byte[]>?> GetAsync(string namespaceName, string name, CancellationToken cancellation)
    {
        // Names come from the contract: they must not lead elsewhere.
        if (folder is null || !IsName(namespaceName) || !IsName(name))
        {
            return null;
        }

        var secret = Path.Combine(folder, namespaceName, name);
        if (!Directory.Exists(secret))
        {
            return null;
        }

        var entries = new Dictionary<string, byte[]>(StringComparer.Ordinal);
        foreach (var file in Directory.EnumerateFiles(secret))
        {
            // Mounted volumes keep their versions in names that begin with dots.
            if (Path.GetFileName(file) is var key && !key.StartsWith("..", StringComparison.Ordinal))
            {
                entries[key] = await File.ReadAllBytesAsync(file, cancellation);
            }
        }

        return entries;
    }

    private static bool IsName(string text) => text.Length > 0 && text[0] != '.' && text.AsSpan().IndexOfAny('/', '\\') < 0;
}
