using Brokkr.Core.Contract.Wire;
using Brokkr.Core.Filters;
using Brokkr.Receiver.Authentication;

namespace Brokkr.Receiver.Routing;

/// <summary>
/// What the receiver takes from a resource of the contract. Two definitions that are equal are served alike: what only the dispatcher needs
/// (delivery settings, egresses, overrides) is not in here, so changing it does not touch an ingress (receiver-and-core §4.4, §18.2).
/// </summary>
internal sealed record IngressDefinition
{
    /// <summary>Identity of the resource; may be empty, which is an identity like any other.</summary>
    public required string Uid { get; init; }

    /// <summary>Topic that events go to.</summary>
    public required string Topic { get; init; }

    /// <summary>Path that requests must have, without further interpretation; empty for none.</summary>
    public required string Path { get; init; }

    /// <summary>Host that requests must name where no path matches; empty for none.</summary>
    public required string Host { get; init; }

    /// <summary>Whether events are stored as JSON documents instead of as headers and data.</summary>
    public required bool Structured { get; init; }

    /// <summary>Who may send what; null if everybody may send everything.</summary>
    public required Access? Access { get; init; }

    /// <summary>Lower-case kind of the resource, such as <c>broker</c>; empty if the contract does not say.</summary>
    public required string Kind { get; init; }

    /// <summary>Namespace of the resource.</summary>
    public required string Namespace { get; init; }

    /// <summary>Name of the resource.</summary>
    public required string Name { get; init; }

    /// <summary>Who asks that the types of its events be made known; null if nobody does (receiver-and-core §12).</summary>
    public required Reference? EventTypeOwner { get; init; }

    /// <summary>The part of the resource that decides which log it lives on.</summary>
    public required LogIdentity Log { get; init; }

    /// <summary>Reads a resource that has an ingress.</summary>
    /// <param name="resource">The resource.</param>
    /// <param name="reason">Why it cannot be served; null if it can.</param>
    /// <returns>Null when it cannot be served.</returns>
    public static IngressDefinition? From(Resource resource, out string? reason)
    {
        if (resource.Topics.Count == 0 || resource.Topics[0].Length == 0)
        {
            reason = "it has no topic";
            return null;
        }

        // A path of "/" means "no path" (receiver-and-core §3.3).
        var path = string.Equals(resource.Ingress.Path, "/", StringComparison.Ordinal) ? "" : resource.Ingress.Path;
        if (path.Length == 0 && resource.Ingress.Host.Length == 0)
        {
            reason = "its ingress has neither a path nor a host";
            return null;
        }

        Access? access;
        try
        {
            access = Access.From(resource.Ingress);
        }
        catch (FilterException e)
        {
            reason = $"a filter of its event policies is not valid, so nobody knows who may send: {e.Message}";
            return null;
        }

        reason = null;
        var reference = resource.Reference ?? new Reference();
        return new IngressDefinition
        {
            Uid = resource.Uid,
            Topic = resource.Topics[0],
            Path = path,
            Host = resource.Ingress.Host,
            Structured = resource.Ingress.ContentMode == ContentMode.Structured,
            Access = access,
            Kind = reference.Kind.ToLowerInvariant(),
            Namespace = reference.Namespace,
            Name = reference.Name,
            EventTypeOwner = resource.FeatureFlags is { EnableEventTypeAutocreate: true } ? resource.Reference?.Clone() : null,
            Log = LogIdentity.Of(resource),
        };
    }
}

/// <summary>Bootstrap servers and credentials of a resource. Equal ones need not be opened again.</summary>
internal sealed class LogIdentity : IEquatable<LogIdentity>
{
    private readonly Resource _part;

    private LogIdentity(Resource part) => _part = part;

    /// <summary>Takes the part of a resource that decides about its log.</summary>
    public static LogIdentity Of(Resource resource)
    {
        var part = new Resource { BootstrapServers = resource.BootstrapServers };
        switch (resource.AuthCase)
        {
            case Resource.AuthOneofCase.AuthSecret:
                part.AuthSecret = resource.AuthSecret;
                break;
            case Resource.AuthOneofCase.MultiAuthSecret:
                part.MultiAuthSecret = resource.MultiAuthSecret;
                break;
        }

        return new LogIdentity(part);
    }

    /// <inheritdoc/>
    public bool Equals(LogIdentity? other) => other is not null && _part.Equals(other._part);

    /// <inheritdoc/>
    public override bool Equals(object? obj) => Equals(obj as LogIdentity);

    /// <inheritdoc/>
    public override int GetHashCode() => _part.GetHashCode();
}
