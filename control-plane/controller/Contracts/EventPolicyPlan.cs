using Brokkr.Apis;
using Google.Protobuf.Collections;
using Wire = Brokkr.Core.Contract.Wire;

namespace Brokkr.Controller.Contracts;

/// <summary>Who may send to a Broker or KafkaSink (control-plane §4.7, §12). Pure.</summary>
/// <param name="Contract">The policies as the receiver gets them. Where it checks tokens, an empty list lets nobody in.</param>
/// <param name="Status">The policies that apply and are ready, for the object's status.</param>
/// <param name="Condition">The condition <c>EventPoliciesReady</c>, with the original's reasons and messages.</param>
internal sealed record EventPolicyPlan(
    IReadOnlyList<Wire.EventPolicy> Contract,
    IReadOnlyList<AppliedEventPolicy> Status,
    ObjectCondition Condition
)
{
    // The claim of a token that says whose it is.
    private const string Subject = "sub";

    /// <summary>Plans for an object.</summary>
    /// <param name="value">The object.</param>
    /// <param name="policies">Policies of any namespace.</param>
    /// <param name="features">Says whether tokens are checked at all, and who may send where no policy applies.</param>
    public static EventPolicyPlan Of(ApiObject value, IEnumerable<EventPolicy> policies, EventingFeatures features)
    {
        var (applied, errors) = EventPolicies.Of(value, policies);
        var ready = applied.Where(policy => policy.IsReady).ToList();
        IReadOnlyList<Wire.EventPolicy> contract = [];
        if (features.IsAuthenticationOidcEnabled)
        {
            // The default is only for objects that no policy is for: one that is not ready, or cannot be read, must not open the door (§18 item 15).
            contract =
                applied.Count == 0 && errors.Count == 0
                    ? OfMode(features.DefaultAuthorizationMode, value.Namespace)
                    : [.. ready.Select(Translate)];
        }

        return new EventPolicyPlan(
            contract,
            [.. ready.Select(policy => new AppliedEventPolicy { ApiVersion = GroupVersion.EventingV1Alpha1, Name = policy.Name })],
            ConditionOf(applied, errors, features)
        );
    }

    private static ObjectCondition ConditionOf(IReadOnlyList<EventPolicy> applied, IReadOnlyList<string> errors, EventingFeatures features)
    {
        if (errors.Count > 0)
        {
            return Conditions.False(Conditions.EventPoliciesReady, "EventPolicyInvalid", $"{string.Join("; ", errors)}.");
        }

        if (applied.Count == 0)
        {
            return features.IsAuthenticationOidcEnabled
                ? Conditions.True(
                    Conditions.EventPoliciesReady,
                    "DefaultAuthorizationMode",
                    $"Default authz mode is \"{features.DefaultAuthorizationMode}\""
                )
                : Conditions.True(
                    Conditions.EventPoliciesReady,
                    "OIDCDisabled",
                    "Feature \"authentication-oidc\" must be enabled to support Authorization"
                );
        }

        var unready = applied.Where(policy => !policy.IsReady).Select(policy => policy.Name).ToList();
        return unready.Count == 0
            ? Conditions.True(Conditions.EventPoliciesReady)
            : Conditions.False(
                Conditions.EventPoliciesReady,
                "EventPoliciesNotReady",
                $"event policies {string.Join(", ", unready)} are not ready"
            );
    }

    private static Wire.EventPolicy Translate(EventPolicy policy)
    {
        var translated = new Wire.EventPolicy();
        foreach (var subject in policy.Status?.From ?? [])
        {
            translated.TokenMatchers.Add(
                subject.EndsWith('*')
                    ? Beginning(subject[..^1])
                    : new Wire.TokenMatcher { Exact = Fill(new Wire.Exact(), exact => exact.Attributes, subject) }
            );
        }

        EgressTranslation.AddFilters(policy.Spec?.Filters, translated.Filters);
        return translated;
    }

    private static IReadOnlyList<Wire.EventPolicy> OfMode(string mode, string namespaceName) =>
        mode switch
        {
            DefaultAuthorizationModes.AllowAll => [new Wire.EventPolicy { TokenMatchers = { Beginning("") } }],
            DefaultAuthorizationModes.AllowSameNamespace =>
            [
                new Wire.EventPolicy { TokenMatchers = { Beginning($"system:serviceaccount:{namespaceName}:") } },
            ],
            _ => [],
        };

    private static Wire.TokenMatcher Beginning(string text) =>
        new() { Prefix = Fill(new Wire.Prefix(), prefix => prefix.Attributes, text) };

    private static T Fill<T>(T message, Func<T, MapField<string, string>> attributes, string subject)
    {
        attributes(message)[Subject] = subject;
        return message;
    }
}
