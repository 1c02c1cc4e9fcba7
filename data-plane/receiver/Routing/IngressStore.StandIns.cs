using Brokkr.Core.Contract.Wire;

namespace Brokkr.Receiver.Routing;

/// <content>Resources that are removed, and may answer a little longer.</content>
internal sealed partial class IngressStore
{
    private void RemoveOthers(Dictionary<string, (IngressDefinition Definition, Resource Resource)> wanted)
    {
        foreach (var (uid, entry) in _entries)
        {
            if (wanted.ContainsKey(uid))
            {
                continue;
            }

            entry.Opening?.Cancel();
            _entries.Remove(uid);
            if (entry.Wanted is { } definition)
            {
                metrics.Forget(definition);
            }

            // Created again under the same path: the old one answers until the new one has its log, unless other rules hold from now on.
            if (
                entry.Served is { } served
                && HeirsOf(served.Definition, wanted) is { Count: > 0 } heirs
                && HaveAccessOf(served.Definition, heirs, wanted)
            )
            {
                _standIns.Add(new StandIn(served, heirs));
            }
            else
            {
                Replace(entry.Log);
            }
        }

        foreach (var standIn in _standIns)
        {
            var definition = standIn.Ingress.Definition;
            standIn.Heirs.IntersectWith(HeirsOf(definition, wanted));
            if (!HaveAccessOf(definition, standIn.Heirs, wanted))
            {
                standIn.Heirs.Clear();
            }
        }
    }

    private static bool HaveAccessOf(
        IngressDefinition removed,
        HashSet<string> heirs,
        Dictionary<string, (IngressDefinition Definition, Resource Resource)> wanted
    )
    {
        foreach (var uid in heirs)
        {
            if (!Equals(wanted[uid].Definition.Access, removed.Access))
            {
                return false;
            }
        }

        return true;
    }

    /// <summary>The resources that want an address of a removed one but have no log yet.</summary>
    private HashSet<string> HeirsOf(IngressDefinition removed, Dictionary<string, (IngressDefinition Definition, Resource Resource)> wanted)
    {
        var heirs = new HashSet<string>(StringComparer.Ordinal);
        foreach (var (definition, _) in wanted.Values)
        {
            var open =
                _entries.TryGetValue(definition.Uid, out var entry) && entry.Log is not null && definition.Log.Equals(entry.LogIdentity);
            if (!open && Overlap(definition, removed))
            {
                heirs.Add(definition.Uid);
            }
        }

        return heirs;
    }

    /// <summary>A stand-in goes when all that were to take its place have been tried.</summary>
    private void Inherit(string uid)
    {
        foreach (var standIn in _standIns)
        {
            standIn.Heirs.Remove(uid);
        }
    }

    /// <summary>A removed resource that answers until those have been tried that were created under its path or host.</summary>
    private sealed record StandIn(Ingress Ingress, HashSet<string> Heirs);
}
