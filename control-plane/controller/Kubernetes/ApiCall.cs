using System.Net.Http.Headers;

namespace Brokkr.Controller.Kubernetes;

/// <summary>A request to the API server.</summary>
/// <param name="Method">HTTP method.</param>
/// <param name="Path">Path and query, relative to the server.</param>
internal sealed record ApiCall(HttpMethod Method, string Path)
{
    public const string Json = "application/json";
    public const string MergePatch = "application/merge-patch+json";
    public const string ApplyPatch = "application/apply-patch+yaml";

    /// <summary>What it is about; null where that is no resource.</summary>
    public ApiResource? Resource { get; init; }

    /// <summary>Namespace of what it is about; empty for all.</summary>
    public string Namespace { get; init; } = "";

    /// <summary>Name of what it is about; empty for all.</summary>
    public string Name { get; init; } = "";

    /// <summary>The subresource; empty for none.</summary>
    public string Subresource { get; init; } = "";

    /// <summary>What rules call it: <c>get</c>, <c>list</c>, <c>patch</c>, ...</summary>
    public string Verb { get; init; } = "get";

    /// <summary>What is sent; null for nothing.</summary>
    public byte[]? Body { get; init; }

    /// <summary>Media type of <see cref="Body"/>.</summary>
    public string ContentType { get; init; } = Json;

    /// <summary>What is wanted back.</summary>
    public string Accept { get; init; } = Json;

    /// <summary>Whether it must not wait behind others: leases.</summary>
    public bool IsUrgent { get; init; }

    /// <summary>How long it may take; null for the usual time.</summary>
    public TimeSpan? Timeout { get; init; }

    /// <summary>A request about one object.</summary>
    public static ApiCall About(HttpMethod method, string verb, ApiResource resource, string ns, string name, string subresource = "") =>
        new(method, resource.Path(ns, name, subresource))
        {
            Resource = resource,
            Namespace = ns,
            Name = name,
            Subresource = subresource,
            Verb = verb,
        };

    /// <summary>A request can be sent only once: one for each attempt.</summary>
    public HttpRequestMessage ToMessage()
    {
        var message = new HttpRequestMessage(Method, new Uri(Path, UriKind.Relative))
        {
            Version = System.Net.HttpVersion.Version20,
            VersionPolicy = HttpVersionPolicy.RequestVersionOrLower,
        };
        message.Headers.TryAddWithoutValidation("Accept", Accept);
        if (Body is not null)
        {
            message.Content = new ByteArrayContent(Body);
            message.Content.Headers.ContentType = new MediaTypeHeaderValue(ContentType);
        }

        return message;
    }

    /// <summary>What it is about, for people.</summary>
    public override string ToString() =>
        Resource is null ? $"{Method} {Path}"
        : Name.Length > 0 ? $"{Verb} {Resource.Kind} {(Namespace.Length > 0 ? Namespace + "/" : "")}{Name}{Slash(Subresource)}"
        : $"{Verb} {Resource.Plural}{(Namespace.Length > 0 ? $" of namespace {Namespace}" : "")}";

    private static string Slash(string subresource) => subresource.Length > 0 ? "/" + subresource : "";
}
