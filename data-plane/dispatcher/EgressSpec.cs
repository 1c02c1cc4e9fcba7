using Brokkr.Core.Contract.Wire;
using Brokkr.Dispatcher.Feed;

namespace Brokkr.Dispatcher;

/// <summary>One egress of a contract with what it takes from its resource and from the contract.</summary>
/// <param name="Egress">The egress.</param>
/// <param name="Resource">Its resource without ingress and egresses.</param>
/// <param name="TrustBundles">PEM bundles that deliveries trust.</param>
/// <param name="Overrides">The resource's overrides, shared by all its egresses.</param>
/// <param name="IsPlaced">
/// Whether the control plane has chosen the pods for this egress: other pods may have the same topic and not this egress. The original's writes such a one as the
/// only egress of a resource with the same uid, that of the Consumer (dispatcher §2.7).
/// </param>
internal sealed record EgressSpec(Egress Egress, Resource Resource, IReadOnlyList<string> TrustBundles, Overrides Overrides, bool IsPlaced)
{
    /// <summary>Whether two specifications say the same.</summary>
    public bool IsSameAs(EgressSpec other) =>
        Egress.Equals(other.Egress)
        && Resource.Equals(other.Resource)
        && IsPlaced == other.IsPlaced
        && TrustBundles
            .Order(StringComparer.Ordinal)
            .SequenceEqual(other.TrustBundles.Order(StringComparer.Ordinal), StringComparer.Ordinal);

    /// <summary>
    /// Whether a running Trigger can take this specification over while it runs: it reads the same topics of the same log for the same group. Everything
    /// else is settings (dispatcher §17.3 W26).
    /// </summary>
    public bool CanReplace(EgressSpec running) =>
        string.Equals(Egress.ConsumerGroup, running.Egress.ConsumerGroup, StringComparison.Ordinal)
        && IsPlaced == running.IsPlaced
        && string.Equals(Resource.BootstrapServers, running.Resource.BootstrapServers, StringComparison.Ordinal)
        && Resource.Topics.Equals(running.Resource.Topics)
        && Resource.AuthCase == running.Resource.AuthCase
        && Equals(Resource.AuthSecret, running.Resource.AuthSecret)
        && Equals(Resource.MultiAuthSecret, running.Resource.MultiAuthSecret);

    /// <summary>The egresses of a contract by uid. Of several with one uid the first is taken.</summary>
    /// <param name="contract">The contract.</param>
    /// <param name="duplicate">Called with the uid of an egress that is left out.</param>
    /// <param name="refusedOverride">Called with a resource's uid and the name of an override that no extension can have.</param>
    public static Dictionary<string, EgressSpec> Of(Contract contract, Action<string> duplicate, Action<string, string> refusedOverride)
    {
        var specs = new Dictionary<string, EgressSpec>(StringComparer.Ordinal);
        foreach (var resource in contract.Resources)
        {
            if (resource.Egresses.Count == 0)
            {
                continue;
            }

            var refused = new List<string>();
            var overrides = Overrides.From(resource.CloudEventOverrides, refused);
            refused.ForEach(name => refusedOverride(resource.Uid, name));
            var head = HeadOf(resource);
            var isPlaced =
                resource.Ingress is null
                && resource.Egresses.Count == 1
                && string.Equals(resource.Uid, resource.Egresses[0].Uid, StringComparison.Ordinal);
            foreach (var egress in resource.Egresses)
            {
                if (!specs.TryAdd(egress.Uid, new EgressSpec(egress, head, contract.TrustBundles, overrides, isPlaced)))
                {
                    duplicate(egress.Uid);
                }
            }
        }

        return specs;
    }

    private static Resource HeadOf(Resource resource)
    {
        var head = new Resource
        {
            Uid = resource.Uid,
            BootstrapServers = resource.BootstrapServers,
            EgressConfig = resource.EgressConfig,
            CloudEventOverrides = resource.CloudEventOverrides,
            Reference = resource.Reference,
            FeatureFlags = resource.FeatureFlags,
        };
        head.Topics.AddRange(resource.Topics);
        switch (resource.AuthCase)
        {
            case Resource.AuthOneofCase.AbsentAuth:
                head.AbsentAuth = resource.AbsentAuth;
                break;
            case Resource.AuthOneofCase.AuthSecret:
                head.AuthSecret = resource.AuthSecret;
                break;
            case Resource.AuthOneofCase.MultiAuthSecret:
                head.MultiAuthSecret = resource.MultiAuthSecret;
                break;
        }

        return head;
    }
}
