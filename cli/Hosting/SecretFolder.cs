using Brokkr.Core.Configuration;
using Brokkr.Core.Contract;

namespace Brokkr.Cli.Hosting;

/// <summary>
/// Secrets as files: <c>FOLDER/NAMESPACE/NAME/KEY</c>, the form in which they are mounted. Read anew every time, so that a replaced file counts.
/// </summary>
/// <param name="folder">The folder; null if there is none, then no Secret exists.</param>
internal sealed class SecretFolder(string? folder) : ISecretSource
{
    /// <summary>Whether there is a folder.</summary>
    public bool Exists => folder is not null;

    /// <summary>Where a Secret is, whether or not it exists; null if there is no folder, or for what is no name.</summary>
    public string? PathOf(string namespaceName, string name) =>
        // Names come from the contract: they must not lead elsewhere.
        folder is null
        || !IsName(namespaceName)
        || !IsName(name)
            ? null
            : Path.Combine(folder, namespaceName, name);

    /// <summary>Takes the folder from <c>SECRETS_PATH</c>.</summary>
    public static SecretFolder From(EnvironmentReader environment) => new(environment.Optional("SECRETS_PATH"));

    /// <inheritdoc/>
    public async ValueTask<IReadOnlyDictionary<string, byte[]>?> GetAsync(string namespaceName, string name, CancellationToken cancellation)
    {
        if (PathOf(namespaceName, name) is not { } secret || !Directory.Exists(secret))
        {
            return null;
        }

        var entries = new Dictionary<string, byte[]>(StringComparer.Ordinal);
        foreach (var file in EntriesOf(secret))
        {
            entries[Path.GetFileName(file)] = await File.ReadAllBytesAsync(file, cancellation);
        }

        return entries;
    }

    /// <summary>The files of a Secret that are its entries. Mounted volumes keep their versions in names that begin with dots.</summary>
    public static IEnumerable<string> EntriesOf(string secret) =>
        Directory.EnumerateFiles(secret).Where(static file => !Path.GetFileName(file).StartsWith("..", StringComparison.Ordinal));

    private static bool IsName(string text) => text.Length > 0 && text[0] != '.' && text.AsSpan().IndexOfAny('/', '\\') < 0;
}
