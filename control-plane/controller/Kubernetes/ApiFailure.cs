using System.Net;
using System.Text.Json;
using Brokkr.Controller.Stores;
using Brokkr.Core;

namespace Brokkr.Controller.Kubernetes;

/// <summary>A request to the API server that failed; the message is for people and holds nothing of a Secret.</summary>
internal sealed class ApiFailure : Exception
{
    private ApiFailure(StoreFailure failure, string message, Exception? inner = null)
        : base(message, inner) => Failure = failure;

    /// <summary>Why, as the port says it.</summary>
    public StoreFailure Failure { get; }

    /// <summary>The status; 0 where there was no answer.</summary>
    public HttpStatusCode Status { get; private init; }

    /// <summary>The server's word for it, such as <c>AlreadyExists</c>; empty where it has none.</summary>
    public string Reason { get; private init; } = "";

    /// <summary>When the server wants to be asked again; null where it does not say.</summary>
    public TimeSpan? RetryAfter { get; private init; }

    /// <summary>Whether what was asked for is too old to be told from (watches and pages of lists).</summary>
    public bool IsExpired => Status == HttpStatusCode.Gone;

    /// <summary>Whether there is no such kind, or object.</summary>
    public bool IsNotFound => Status == HttpStatusCode.NotFound;

    /// <summary>Whether it may not be done.</summary>
    public bool IsDenied => Status is HttpStatusCode.Forbidden or HttpStatusCode.Unauthorized;

    /// <summary>No answer.</summary>
    public static ApiFailure Unreachable(ApiCall call, Exception cause) =>
        new(StoreFailure.Unavailable, $"Could not {call}: {cause.WithCause()}", cause);

    /// <summary>No answer in time.</summary>
    public static ApiFailure TimedOut(ApiCall call, TimeSpan limit) =>
        new(StoreFailure.Unavailable, $"Could not {call}: the API server did not answer within {limit.TotalSeconds:0.#} s.");

    /// <summary>An answer that cannot be understood.</summary>
    public static ApiFailure Garbled(ApiCall call, string what) =>
        new(StoreFailure.Unavailable, $"Could not {call}: the answer of the API server {what}.");

    /// <summary>A kind that the server does not have.</summary>
    public static ApiFailure UnknownKind(string group, string kind) =>
        new(
            StoreFailure.NotFound,
            $"The API server has no kind {kind} in API group \"{group}\"; install its CustomResourceDefinition if it is needed."
        )
        {
            Status = HttpStatusCode.NotFound,
        };

    /// <summary>An answer that is no success.</summary>
    /// <param name="call">The request.</param>
    /// <param name="status">Its status.</param>
    /// <param name="retryAfter">When the header says to ask again.</param>
    /// <param name="body">A Status object, if the answer is from the API server itself.</param>
    public static ApiFailure Of(ApiCall call, HttpStatusCode status, TimeSpan? retryAfter, ReadOnlySpan<byte> body) =>
        Of(call, status, Told(body), retryAfter);

    /// <summary>What the server told in the course of an answer.</summary>
    public static ApiFailure Of(ApiCall call, HttpStatusCode status, ApiStatus? told, TimeSpan? retryAfter = null)
    {
        var message = told?.Message ?? "";
        var isWebhook = message.Contains("admission webhook", StringComparison.Ordinal);
        var failure = status switch
        {
            HttpStatusCode.NotFound => StoreFailure.NotFound,
            HttpStatusCode.Conflict => StoreFailure.Conflict,
            HttpStatusCode.Unauthorized => StoreFailure.Forbidden,
            // What a webhook forbids is a matter of the contents.
            HttpStatusCode.Forbidden => isWebhook ? StoreFailure.Invalid : StoreFailure.Forbidden,
            HttpStatusCode.TooManyRequests or HttpStatusCode.RequestTimeout or HttpStatusCode.Gone => StoreFailure.Unavailable,
            >= HttpStatusCode.BadRequest and < HttpStatusCode.InternalServerError => StoreFailure.Invalid,
            _ => StoreFailure.Unavailable,
        };
        return new ApiFailure(failure, Say(call, status, told, failure, isWebhook))
        {
            Status = status,
            Reason = told?.Reason ?? "",
            RetryAfter = retryAfter ?? (told?.Details?.RetryAfterSeconds is { } seconds and > 0 ? TimeSpan.FromSeconds(seconds) : null),
        };
    }

    /// <summary>The same for those who know no HTTP.</summary>
    public StoreException ToStoreException() => new(Failure, Message, this);

    private static string Say(ApiCall call, HttpStatusCode status, ApiStatus? told, StoreFailure failure, bool isWebhook)
    {
        // Texts about a Secret may quote from it.
        var said = call.Resource == ApiResource.Secrets && failure == StoreFailure.Invalid ? told?.Reason : told?.Message;
        if (status == HttpStatusCode.NotFound && told is null && call.Resource is { } missing)
        {
            // The server knows the path itself not.
            return $"Could not {call}: the API server does not serve {missing.Plural} of {missing.ApiVersion}; install their CustomResourceDefinition if they are needed.";
        }

        var text = string.IsNullOrEmpty(said)
            ? $"Could not {call}: the API server answered {(int)status}."
            : $"Could not {call}: {said.TrimEnd('.')}.";
        if (status == HttpStatusCode.Unauthorized)
        {
            return text + " The credentials were not accepted: check the service account's token or the kubeconfig.";
        }

        var isTerminating = told?.Details?.Causes?.Any(cause => cause.Reason is "NamespaceTerminating") is true;
        if (status != HttpStatusCode.Forbidden || isWebhook || isTerminating || call.Resource is not { } resource)
        {
            return text;
        }

        var plural = call.Subresource.Length > 0 ? $"{resource.Plural}/{call.Subresource}" : resource.Plural;
        var verbs = call.Verb is "list" or "watch" ? "list, watch" : call.Verb;
        return $"{text} Grant it by a rule with apiGroups [\"{resource.Group}\"], resources [{plural}], verbs [{verbs}].";
    }

    private static ApiStatus? Told(ReadOnlySpan<byte> body)
    {
        if (body.IsEmpty)
        {
            return null;
        }

        try
        {
            return JsonSerializer.Deserialize(body, ClusterJson.Default.ApiStatus);
        }
        catch (JsonException)
        {
            // From a proxy on the way: the status says enough.
            return null;
        }
    }
}
