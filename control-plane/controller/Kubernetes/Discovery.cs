using System.Collections.Concurrent;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;

namespace Brokkr.Controller.Kubernetes;

/// <summary>Finds out under which path objects of a kind are. What was found is remembered; what was not is asked for again.</summary>
internal sealed class Discovery(ClusterConnection connection)
{
    private readonly ConcurrentDictionary<(string Group, string Version, string Kind), ApiResource> _known = new(
        ApiResource.WellKnown.SelectMany(resource =>
            new[] { resource.Version, "" }.Select(version => KeyValuePair.Create((resource.Group, version, resource.Kind), resource))
        )
    );

    /// <summary>The collection of a kind.</summary>
    /// <param name="group">API group; empty for the core group.</param>
    /// <param name="version">Version; empty for the one that the server prefers among those that have the kind.</param>
    /// <param name="kind">Kind.</param>
    /// <param name="cancellation">Ends the wait.</param>
    /// <exception cref="ApiFailure">There is no such kind, or the server did not say.</exception>
    public async Task<ApiResource> FindAsync(string group, string version, string kind, CancellationToken cancellation)
    {
        if (_known.TryGetValue((group, version, kind), out var known))
        {
            return known;
        }

        foreach (var candidate in version.Length > 0 ? [version] : await VersionsAsync(group, cancellation))
        {
            await LearnAsync(group, candidate, cancellation);
            if (_known.TryGetValue((group, candidate, kind), out var found))
            {
                return version.Length > 0 ? found : _known.GetOrAdd((group, "", kind), found);
            }
        }

        throw ApiFailure.UnknownKind(
            group.Length == 0 ? version
                : version.Length == 0 ? group
                : $"{group}/{version}",
            kind
        );
    }

    /// <summary>Forgets a kind that is no longer where it was.</summary>
    public void Forget(ApiResource resource)
    {
        if (!ApiResource.WellKnown.Contains(resource))
        {
            _known.TryRemove((resource.Group, resource.Version, resource.Kind), out _);
            _known.TryRemove((resource.Group, "", resource.Kind), out _);
        }
    }

    private async Task<IReadOnlyList<string>> VersionsAsync(string group, CancellationToken cancellation)
    {
        if (group.Length == 0)
        {
            return ["v1"];
        }

        var answer = await AskAsync($"apis/{group}", ClusterJson.Default.ApiGroup, cancellation);
        IEnumerable<string?> all = [answer?.PreferredVersion?.Version, .. answer?.Versions?.Select(one => one.Version) ?? []];
        return [.. all.OfType<string>().Distinct(StringComparer.Ordinal)];
    }

    private async Task LearnAsync(string group, string version, CancellationToken cancellation)
    {
        var path = group.Length == 0 ? $"api/{version}" : $"apis/{group}/{version}";
        var answer = await AskAsync(path, ClusterJson.Default.ApiResourceList, cancellation);
        foreach (var entry in answer?.Resources ?? [])
        {
            // Names with a slash are subresources.
            if (entry is { Name: { } plural, Kind: { } kind } && !plural.Contains('/', StringComparison.Ordinal))
            {
                _known[(group, version, kind)] = new ApiResource(group, version, plural, kind, entry.Namespaced is true);
            }
        }
    }

    private async Task<T?> AskAsync<T>(string path, JsonTypeInfo<T> type, CancellationToken cancellation)
        where T : class
    {
        try
        {
            return await connection.CallAsync(
                new ApiCall(HttpMethod.Get, path),
                (stream, token) => JsonSerializer.DeserializeAsync(stream, type, token),
                cancellation
            );
        }
        catch (ApiFailure failure) when (failure.IsNotFound)
        {
            return null;
        }
    }
}
