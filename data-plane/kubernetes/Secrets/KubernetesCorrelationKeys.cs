using System.Collections.Concurrent;
using Brokkr.Core.Filters;
using Microsoft.Extensions.Logging;

namespace Brokkr.Kubernetes.Secrets;

/// <summary>
/// The keys of RequestReplies from Secrets of the API server. The first event that needs one waits for it, two seconds at most; after that it is watched and in memory,
/// and while it cannot be read, what it held before counts.
/// </summary>
/// <param name="secrets">The Secrets.</param>
/// <param name="namespaceName">The namespace of the dispatcher.</param>
/// <param name="logger">Is told, when it begins, that a Secret cannot be used.</param>
public sealed class KubernetesCorrelationKeys(KubernetesSecrets secrets, string namespaceName, ILogger logger) : ICorrelationKeys
{
    /// <summary>Names of Secrets come from filters, which may take them from events: no more than these are asked for.</summary>
    private const int MaxNames = 64;

    private readonly ConcurrentDictionary<string, string> _problems = new(StringComparer.Ordinal);

    /// <inheritdoc/>
    public IReadOnlyDictionary<string, byte[]>? Of(string secretName)
    {
        if (
            (!_problems.ContainsKey(secretName) && _problems.Count >= MaxNames) || secrets.Find(namespaceName, secretName) is not { } secret
        )
        {
            return null;
        }

        var entries = secret.GetNow(out var problem);
        var before = _problems.GetValueOrDefault(secretName);
        if (before is null || !string.Equals(before, problem ?? "", StringComparison.Ordinal))
        {
            _problems[secretName] = problem ?? "";
            if (problem is not null)
            {
                logger.CorrelationKeysMissing($"{namespaceName}/{secretName}", problem);
            }
        }

        return entries;
    }
}
