using Brokkr.Core.Contract.Wire;
using Brokkr.Core.Events;
using Brokkr.Core.Filters;

namespace Brokkr.Receiver.Authentication;

/// <summary>Who may send to a resource with an audience, and what: the policies of its contract (receiver-and-core §11.4). Equal ones let the same pass.</summary>
internal sealed class Access : IEquatable<Access>
{
    private readonly Ingress _part;
    private readonly Policy[] _policies;

    private Access(Ingress part, Policy[] policies)
    {
        _part = part;
        _policies = policies;
    }

    /// <summary>What tokens must be meant for.</summary>
    public string Audience => _part.Audience;

    /// <summary>Whether nobody may send at all.</summary>
    public bool IsClosed => _policies.Length == 0;

    /// <summary>Reads an ingress.</summary>
    /// <returns>Null if it has no audience, so that everybody may send everything: policies count only for those who are known.</returns>
    /// <exception cref="FilterException">A policy has a filter that is not valid.</exception>
    public static Access? From(Ingress ingress)
    {
        if (ingress.Audience.Length == 0)
        {
            return null;
        }

        var part = PartOf(ingress);
        var policies = new Policy[part.EventPolicies.Count];
        for (var i = 0; i < policies.Length; i++)
        {
            policies[i] = new Policy([.. part.EventPolicies[i].TokenMatchers], FilterCompiler.Compile(part.EventPolicies[i].Filters));
        }

        return new Access(part, policies);
    }

    /// <summary>Whether an ingress says the same about access as this one, or null for none, was read from.</summary>
    public static bool IsUnchanged(Access? access, Ingress ingress) =>
        access is null ? ingress.Audience.Length == 0 : access._part.Equals(PartOf(ingress));

    /// <summary>Whether the sender may send something: some policy is for it.</summary>
    public bool Admits(VerifiedToken sender)
    {
        foreach (var policy in _policies)
        {
            if (policy.IsFor(sender))
            {
                return true;
            }
        }

        return false;
    }

    /// <summary>Whether the sender may send an event: some policy that is for it lets the event pass.</summary>
    public bool Permits(VerifiedToken sender, EventBuffer read)
    {
        CloudEvent? view = null;
        foreach (var policy in _policies)
        {
            if (
                policy.IsFor(sender)
                && (
                    ReferenceEquals(policy.Filter, FilterCompiler.Everything)
                    || policy.Filter.Matches(new FilterInput(view ??= read.ToCloudEvent(), EventOverlay.Empty))
                )
            )
            {
                return true;
            }
        }

        return false;
    }

    /// <inheritdoc/>
    public bool Equals(Access? other) => other is not null && _part.Equals(other._part);

    /// <inheritdoc/>
    public override bool Equals(object? obj) => Equals(obj as Access);

    /// <inheritdoc/>
    public override int GetHashCode() => _part.GetHashCode();

    private static Ingress PartOf(Ingress ingress)
    {
        var part = new Ingress { Audience = ingress.Audience };
        part.EventPolicies.Add(ingress.EventPolicies);
        return part;
    }

    /// <summary>One policy: any of its matchers makes it count for a sender, and its filter then says which events.</summary>
    private sealed record Policy(TokenMatcher[] Matchers, EventFilter Filter)
    {
        public bool IsFor(VerifiedToken sender)
        {
            foreach (var matcher in Matchers)
            {
                var matches = matcher.MatcherCase switch
                {
                    TokenMatcher.MatcherOneofCase.Exact => All(matcher.Exact.Attributes, sender, prefix: false),
                    TokenMatcher.MatcherOneofCase.Prefix => All(matcher.Prefix.Attributes, sender, prefix: true),

                    // A kind of matcher that this version does not know must not let anybody in.
                    _ => false,
                };
                if (matches)
                {
                    return true;
                }
            }

            return false;
        }

        private static bool All(Google.Protobuf.Collections.MapField<string, string> wanted, VerifiedToken sender, bool prefix)
        {
            foreach (var (claim, text) in wanted)
            {
                if (!(prefix ? Begins(sender.Values(claim), text) : sender.Has(claim, text)))
                {
                    return false;
                }
            }

            return true;
        }

        private static bool Begins(IReadOnlyList<string> values, string text)
        {
            for (var i = 0; i < values.Count; i++)
            {
                if (values[i].StartsWith(text, StringComparison.Ordinal))
                {
                    return true;
                }
            }

            return false;
        }
    }
}
