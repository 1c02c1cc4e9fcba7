using Brokkr.Core.Contract.Wire;
using Wire = Brokkr.Core.Contract.Wire;

namespace Brokkr.Kubernetes.Contract;

/// <summary>Makes one contract of many. What is not split over several of them is not copied, so that it costs little however many there are.</summary>
internal static class ContractMerge
{
    /// <summary>Resources of the same uid become one with the egresses of all, trust bundles are united.</summary>
    /// <param name="generation">Generation of the result.</param>
    /// <param name="parts">The contracts, which stay as they are.</param>
    public static Wire.Contract Of(ulong generation, IEnumerable<Wire.Contract> parts)
    {
        var together = new Wire.Contract { Generation = generation };
        var places = new Dictionary<string, (int Place, bool IsCopy)>(StringComparer.Ordinal);
        var bundles = new HashSet<string>(StringComparer.Ordinal);
        foreach (var part in parts)
        {
            foreach (var resource in part.Resources)
            {
                Add(together, places, resource);
            }

            foreach (var bundle in part.TrustBundles)
            {
                if (bundles.Add(bundle))
                {
                    together.TrustBundles.Add(bundle);
                }
            }
        }

        return together;
    }

    private static void Add(Wire.Contract together, Dictionary<string, (int Place, bool IsCopy)> places, Resource resource)
    {
        if (!places.TryGetValue(resource.Uid, out var known))
        {
            places.Add(resource.Uid, (together.Resources.Count, false));
            together.Resources.Add(resource);
            return;
        }

        if (!known.IsCopy)
        {
            together.Resources[known.Place] = together.Resources[known.Place].Clone();
            places[resource.Uid] = known with { IsCopy = true };
        }

        var whole = together.Resources[known.Place];
        whole.Egresses.Add(resource.Egresses);
        whole.Ingress ??= resource.Ingress;
    }
}
