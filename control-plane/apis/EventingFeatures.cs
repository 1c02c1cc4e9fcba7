using Brokkr.Apis.Validation;

namespace Brokkr.Apis;

/// <summary>The features of ConfigMap <c>config-features</c> that bear on Broker, Trigger and KafkaSink (control-plane §14).</summary>
public sealed record EventingFeatures
{
    /// <summary>Name of the ConfigMap.</summary>
    public const string ConfigMapName = "config-features";

    private const string Enabled = "Enabled";
    private const string Disabled = "Disabled";
    private const string TransportEncryptionKey = "transport-encryption";
    private const string AuthenticationOidcKey = "authentication-oidc";
    private const string AuthorizationModeKey = "default-authorization-mode";

    private static readonly string[] AuthorizationModes =
    [
        DefaultAuthorizationModes.AllowAll,
        DefaultAuthorizationModes.DenyAll,
        DefaultAuthorizationModes.AllowSameNamespace,
    ];

    /// <summary>What holds where the ConfigMap says nothing.</summary>
    public static EventingFeatures Default { get; } = new();

    /// <summary><c>delivery-timeout</c>: whether <c>delivery.timeout</c> is admitted.</summary>
    public bool DeliveryTimeout { get; init; } = true;

    /// <summary><c>delivery-retryafter</c>: whether <c>delivery.retryAfterMax</c> is admitted.</summary>
    public bool DeliveryRetryAfter { get; init; }

    /// <summary><c>kreference-group</c>: whether a reference may give a group without a version.</summary>
    public bool KReferenceGroup { get; init; }

    /// <summary><c>cross-namespace-event-links</c>: whether a Trigger may name a Broker of another namespace.</summary>
    public bool CrossNamespaceEventLinks { get; init; }

    /// <summary><c>eventtype-auto-create</c>: whether the data plane makes EventTypes.</summary>
    public bool EventTypeAutoCreate { get; init; }

    /// <summary>
    /// <c>transport-encryption</c>: <c>Disabled</c>, <c>Permissive</c> or <c>Strict</c>; a value that is none of these as it is written, with the
    /// meaning of <c>Disabled</c>.
    /// </summary>
    public string TransportEncryption { get; init; } = Disabled;

    /// <summary><c>authentication-oidc</c>: <c>Enabled</c> or <c>Disabled</c>; a value that is neither as it is written, with the meaning of <c>Disabled</c>.</summary>
    public string AuthenticationOidc { get; init; } = Disabled;

    /// <summary>
    /// <c>default-authorization-mode</c>: who may send where no policy says it, see <see cref="DefaultAuthorizationModes"/>. A value that is none as it is
    /// written: then nobody may.
    /// </summary>
    public string DefaultAuthorizationMode { get; init; } = DefaultAuthorizationModes.AllowSameNamespace;

    /// <summary>Whether addresses are offered by http and by https.</summary>
    public bool IsTransportEncryptionPermissive => TransportEncryption is "Permissive";

    /// <summary>Whether addresses are offered by https alone.</summary>
    public bool IsTransportEncryptionStrict => TransportEncryption is "Strict";

    /// <summary>Whether senders and subscribers are told apart by tokens.</summary>
    public bool IsAuthenticationOidcEnabled => AuthenticationOidc is Enabled;

    /// <summary>
    /// Reads the data of the ConfigMap. Of the features that are on or off only <c>enabled</c>, in any case, switches one on; any other value
    /// switches it off. Other keys are left to those who know them.
    /// </summary>
    /// <param name="data">The data; null where there is no ConfigMap.</param>
    /// <param name="otherwise">What holds for keys that are absent.</param>
    public static EventingFeatures Read(IReadOnlyDictionary<string, string>? data, EventingFeatures otherwise)
    {
        return otherwise with
        {
            DeliveryTimeout = IsEnabled("delivery-timeout", otherwise.DeliveryTimeout),
            DeliveryRetryAfter = IsEnabled("delivery-retryafter", otherwise.DeliveryRetryAfter),
            KReferenceGroup = IsEnabled("kreference-group", otherwise.KReferenceGroup),
            CrossNamespaceEventLinks = IsEnabled("cross-namespace-event-links", otherwise.CrossNamespaceEventLinks),
            EventTypeAutoCreate = IsEnabled("eventtype-auto-create", otherwise.EventTypeAutoCreate),
            TransportEncryption = OneOf(TransportEncryptionKey, otherwise.TransportEncryption),
            AuthenticationOidc = OneOf(AuthenticationOidcKey, otherwise.AuthenticationOidc),
            DefaultAuthorizationMode = OneOf(AuthorizationModeKey, otherwise.DefaultAuthorizationMode),
        };

        bool IsEnabled(string key, bool absent) =>
            data is not null && data.TryGetValue(key, out var value)
                ? value.Trim().Equals("enabled", StringComparison.OrdinalIgnoreCase)
                : absent;

        string OneOf(string key, string absent) =>
            data is not null && data.TryGetValue(key, out var value)
                ? Canonical(ValuesOf(key), value) ?? (IsFlag(key) && IsAllowed(value) ? "Allowed" : value)
                : absent;
    }

    /// <summary>What people should know about the data of the ConfigMap: values that mean nothing. All are warnings.</summary>
    public static IReadOnlyList<FieldProblem> Check(IReadOnlyDictionary<string, string>? data)
    {
        var problems = new ProblemList();
        foreach (var (key, value) in data ?? System.Collections.ObjectModel.ReadOnlyDictionary<string, string>.Empty)
        {
            if (!IsKnown(key) || Canonical(ValuesOf(key), value) is not null || (IsFlag(key) && IsAllowed(value)))
            {
                continue;
            }

            var meaning = key is AuthorizationModeKey ? "nobody may send where no policy allows it" : "it counts as disabled";
            problems.Warn(
                FieldPath.Member("data", key),
                $"should be one of {string.Join(", ", ValuesOf(key).Select(known => known.ToLowerInvariant()))}, is {ProblemList.Quote(value)}: {meaning}"
            );
        }

        return problems.Problems;
    }

    private static bool IsKnown(string key) =>
        key
            is TransportEncryptionKey
                or AuthenticationOidcKey
                or AuthorizationModeKey
                or "delivery-timeout"
                or "delivery-retryafter"
                or "kreference-group"
                or "cross-namespace-event-links"
                or "eventtype-auto-create";

    private static bool IsFlag(string key) => key is not AuthorizationModeKey;

    // Knative's third value of a flag: off, unless an object asks for it. None of those that are read here lets an object ask.
    private static bool IsAllowed(string value) => value.Trim().Equals("allowed", StringComparison.OrdinalIgnoreCase);

    private static string[] ValuesOf(string key) =>
        key switch
        {
            TransportEncryptionKey => [Disabled, "Permissive", "Strict"],
            AuthorizationModeKey => AuthorizationModes,
            _ => [Enabled, Disabled],
        };

    private static string? Canonical(string[] known, string value) =>
        Array.Find(known, candidate => candidate.Equals(value.Trim(), StringComparison.OrdinalIgnoreCase));
}

/// <summary>Values of <see cref="EventingFeatures.DefaultAuthorizationMode"/>, as conditions spell them.</summary>
public static class DefaultAuthorizationModes
{
    /// <summary>Everybody with a valid token.</summary>
    public const string AllowAll = "Allow-All";

    /// <summary>Nobody.</summary>
    public const string DenyAll = "Deny-All";

    /// <summary>The service accounts of the receiving object's namespace.</summary>
    public const string AllowSameNamespace = "Allow-Same-Namespace";
}
