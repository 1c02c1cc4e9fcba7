namespace Brokkr.Receiver.Routing;

/// <summary>
/// Which ingress a request is for: by path, else by host (receiver-and-core §5.4). Immutable; a change of the contract makes a new table, and
/// requests see the old or the new one, never something between. Hot path: a lookup allocates nothing.
/// </summary>
internal sealed class IngressTable
{
    private readonly Dictionary<string, Ingress>.AlternateLookup<ReadOnlySpan<char>> _paths;
    private readonly Dictionary<string, Ingress>.AlternateLookup<ReadOnlySpan<char>> _hosts;

    private IngressTable(Dictionary<string, Ingress> paths, Dictionary<string, Ingress> hosts)
    {
        _paths = paths.GetAlternateLookup<ReadOnlySpan<char>>();
        _hosts = hosts.GetAlternateLookup<ReadOnlySpan<char>>();
    }

    /// <summary>Knows nothing.</summary>
    public static IngressTable Empty { get; } = new Builder().Build();

    /// <summary>Finds the ingress of a request; null if there is none.</summary>
    /// <param name="path">Path of the request as it stands in the request line, without the query.</param>
    /// <param name="host">The <c>Host</c> header as it came; empty if the request has none.</param>
    public Ingress? Resolve(ReadOnlySpan<char> path, ReadOnlySpan<char> host)
    {
        // One trailing slash is forgiven, no more; nothing is decoded or normalised.
        if (path.EndsWith('/'))
        {
            path = path[..^1];
        }

        if (_paths.TryGetValue(path, out var ingress))
        {
            return ingress;
        }

        if (host.IsEmpty)
        {
            return null;
        }

        if (_hosts.TryGetValue(host, out ingress))
        {
            return ingress;
        }

        // A port that the contract does not name is ignored.
        var colon = host.LastIndexOf(':');
        return colon > 0 && host[(colon + 1)..].IndexOfAnyExceptInRange('0', '9') < 0 && _hosts.TryGetValue(host[..colon], out ingress)
            ? ingress
            : null;
    }

    /// <summary>Collects the entries of a table. The first entry of a path or host stays.</summary>
    internal sealed class Builder
    {
        private readonly Dictionary<string, Ingress> _paths = new(StringComparer.Ordinal);

        // Host names do not differ by case (RFC 9110 §4.2.3).
        private readonly Dictionary<string, Ingress> _hosts = new(StringComparer.OrdinalIgnoreCase);

        /// <summary>Adds an ingress under its path and its host, as far as these are free.</summary>
        /// <param name="ingress">The ingress.</param>
        /// <param name="taken">Who has the path or host already, if somebody has.</param>
        /// <returns>Whether both were free.</returns>
        public bool Add(Ingress ingress, out Ingress? taken)
        {
            taken = null;
            var definition = ingress.Definition;
            if (definition.Path.Length > 0 && !_paths.TryAdd(definition.Path, ingress))
            {
                taken = _paths[definition.Path];
            }

            if (definition.Host.Length > 0 && !_hosts.TryAdd(definition.Host, ingress))
            {
                taken = _hosts[definition.Host];
            }

            return taken is null || ReferenceEquals(taken, ingress);
        }

        /// <summary>Makes the table.</summary>
        public IngressTable Build() => new(_paths, _hosts);
    }
}
