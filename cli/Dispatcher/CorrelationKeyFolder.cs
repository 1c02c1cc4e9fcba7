using System.Collections.Concurrent;
using Brokkr.Cli.Hosting;
using Brokkr.Core.Filters;
using Microsoft.Extensions.Logging;

namespace Brokkr.Cli.Dispatcher;

/// <summary>
/// The keys of RequestReplies from the files of a Secret in the dispatcher's namespace. What was read is good for ten seconds, as it is for other Secrets: a key that
/// is added or taken back counts after that. While files cannot be read, those from before do.
/// </summary>
/// <param name="secrets">Where Secrets are.</param>
/// <param name="namespaceName">The namespace of the dispatcher.</param>
/// <param name="time">Says how old what was read is.</param>
/// <param name="logger">Is told, when it begins, that a Secret cannot be used.</param>
internal sealed class CorrelationKeyFolder(SecretFolder secrets, string namespaceName, TimeProvider time, ILogger logger) : ICorrelationKeys
{
    private static readonly TimeSpan Age = TimeSpan.FromSeconds(10);

    /// <summary>Names of Secrets come from filters, which may take them from events: more than these are not remembered.</summary>
    private const int MaxRemembered = 64;

    private readonly ConcurrentDictionary<string, Seen> _seen = new(StringComparer.Ordinal);

    /// <inheritdoc/>
    public IReadOnlyDictionary<string, byte[]>? Of(string secretName)
    {
        if (_seen.TryGetValue(secretName, out var known) && time.GetElapsedTime(known.At) < Age)
        {
            return known.Entries;
        }

        var now = Read(secretName, known?.Entries);
        if (known is not null || _seen.Count < MaxRemembered)
        {
            _seen[secretName] = now;
            if (now.Problem is { } problem && !string.Equals(problem, known?.Problem, StringComparison.Ordinal))
            {
                logger.CorrelationKeysMissing($"{namespaceName}/{secretName}", problem);
            }
        }

        return now.Entries;
    }

    private Seen Read(string secretName, IReadOnlyDictionary<string, byte[]>? before)
    {
        var at = time.GetTimestamp();
        try
        {
            return secrets.PathOf(namespaceName, secretName) is { } path && Directory.Exists(path)
                ? new Seen(
                    at,
                    SecretFolder
                        .EntriesOf(path)
                        .ToDictionary(static file => Path.GetFileName(file), File.ReadAllBytes, StringComparer.Ordinal),
                    null
                )
                : new Seen(at, null, "there is no folder for it in SECRETS_PATH");
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            return new Seen(at, before, failure.Message);
        }
    }

    private sealed record Seen(long At, IReadOnlyDictionary<string, byte[]>? Entries, string? Problem);
}
