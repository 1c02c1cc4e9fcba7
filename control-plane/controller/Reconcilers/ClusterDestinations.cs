using Brokkr.Apis;
using Brokkr.Controller.Contracts;
using Brokkr.Controller.Stores;

namespace Brokkr.Controller.Reconcilers;

/// <summary>Finds destinations in a cluster (control-plane §3.6).</summary>
/// <param name="store">Knows the objects.</param>
/// <param name="domain">DNS domain of the cluster.</param>
internal sealed class ClusterDestinations(IClusterStore store, string domain) : IDestinationResolver
{
    /// <summary>What a destination refers to; null for nothing.</summary>
    public static ObjectReference? ReferenceOf(Destination? destination, string namespaceName)
    {
        if (destination?.Ref is not { Kind.Length: > 0, Name.Length: > 0 } reference)
        {
            return null;
        }

        var version = reference.ApiVersion is { Length: > 0 } apiVersion
            ? apiVersion[(apiVersion.IndexOf('/', StringComparison.Ordinal) + 1)..]
            : "";
        return new ObjectReference(
            reference.GroupName,
            version,
            reference.Kind,
            string.IsNullOrEmpty(reference.Namespace) ? namespaceName : reference.Namespace,
            reference.Name
        );
    }

    /// <summary>Whether it is not known yet where a destination is.</summary>
    public bool IsPending(Destination? destination, string namespaceName) =>
        ReferenceOf(destination, namespaceName) is { } reference
        && !IsAlwaysKnown(reference)
        && store.StateOf(reference).Knowledge == ReferenceKnowledge.Pending;

    public Resolution Resolve(Destination destination, string namespaceName, string field)
    {
        if (ReferenceOf(destination, namespaceName) is not { } reference)
        {
            if (string.IsNullOrEmpty(destination.Uri))
            {
                return Resolution.Failed($"{field} names neither an object (ref with kind and name) nor a uri.");
            }

            return Uri.TryCreate(destination.Uri, UriKind.Absolute, out var uri) && uri.Host.Length > 0
                ? new Resolution(destination.Uri, destination.CACerts ?? "", destination.Audience ?? "", null)
                : Resolution.Failed($"{field}.uri must be absolute, with scheme and host, is \"{destination.Uri}\".");
        }

        var found = AddressOf(reference, destination, field);
        if (found.Url is null)
        {
            return found;
        }

        found = found with
        {
            CACerts = string.IsNullOrEmpty(destination.CACerts) ? found.CACerts : destination.CACerts,
            Audience = string.IsNullOrEmpty(destination.Audience) ? found.Audience : destination.Audience,
        };
        if (string.IsNullOrEmpty(destination.Uri))
        {
            return found;
        }

        // On Unix a path is an absolute URI to the framework: of a file.
        if (!destination.Uri.StartsWith('/') && Uri.TryCreate(destination.Uri, UriKind.Absolute, out _))
        {
            return Resolution.Failed($"{field}.uri must be relative beside ref, is \"{destination.Uri}\".");
        }

        return Uri.TryCreate(new Uri(found.Url), destination.Uri, out var combined)
            ? found with
            {
                Url = combined.AbsoluteUri,
            }
            : Resolution.Failed($"{field}.uri \"{destination.Uri}\" cannot be combined with {found.Url}.");
    }

    private Resolution AddressOf(ObjectReference reference, Destination destination, string field)
    {
        var objects = store.Objects;
        var name = reference.Key.ObjectName;
        switch (reference.Key)
        {
            case ("", Service.KindName, _, _):
                var scheme = string.IsNullOrEmpty(destination.CACerts) ? "http" : "https";
                return objects.Services.ContainsKey(name)
                    ? new Resolution($"{scheme}://{name.Name}.{name.Namespace}.svc.{domain}", "", "", null)
                    : Absent(reference, field);
            case (GroupVersion.EventingGroup, Broker.KindName, _, _):
                return objects.Brokers.TryGetValue(name, out var broker)
                    ? Choose(reference, broker.Status?.Address, broker.Status?.Addresses, destination, field)
                    : Absent(reference, field);
            case (GroupVersion.EventingGroup, KafkaSink.KindName, _, _):
                return objects.KafkaSinks.TryGetValue(name, out var sink)
                    ? Choose(reference, sink.Status?.Address, sink.Status?.Addresses, destination, field)
                    : Absent(reference, field);
        }

        var state = store.StateOf(reference);
        return state.Knowledge switch
        {
            ReferenceKnowledge.UnknownKind => Resolution.Failed(
                $"{field}.ref: the cluster has no kind {reference.Kind} in {GroupOf(reference)}; is what brings it installed?"
            ),
            ReferenceKnowledge.Unreadable => Resolution.Failed($"{field}.ref: {reference.Key} cannot be read: {state.Text}"),
            ReferenceKnowledge.Pending => Resolution.Failed($"{field}.ref: {reference.Key} is being looked up."),
            ReferenceKnowledge.Present => objects.Others.TryGetValue(reference.Key, out var other)
                ? Choose(reference, other.Status?.Address, other.Status?.Addresses, destination, field)
                : NoAddress(reference, field),
            _ => Absent(reference, field),
        };
    }

    private static Resolution Choose(
        ObjectReference reference,
        Addressable? single,
        IReadOnlyList<Addressable>? all,
        Destination destination,
        string field
    )
    {
        var wanted = destination.Ref?.Address;
        var address = string.IsNullOrEmpty(wanted)
            ? all is { Count: > 0 }
                ? all[0]
                : single
            : all?.FirstOrDefault(candidate => string.Equals(candidate.Name, wanted, StringComparison.Ordinal));
        if (address is null)
        {
            return string.IsNullOrEmpty(wanted)
                ? NoAddress(reference, field)
                : Resolution.Failed($"{field}.ref: {reference.Key} has no address named \"{wanted}\".");
        }

        return Uri.TryCreate(address.Url, UriKind.Absolute, out var url) && url.Host.Length > 0
            ? new Resolution(address.Url, address.CACerts ?? "", address.Audience ?? "", null)
            : Resolution.Failed($"{field}.ref: the address of {reference.Key} has no URL with a host.");
    }

    private static Resolution NoAddress(ObjectReference reference, string field) =>
        Resolution.Failed($"{field}.ref: {reference.Key} has no address in its status: it is not ready yet, or its kind takes no events.");

    private static Resolution Absent(ObjectReference reference, string field) =>
        Resolution.Failed($"{field}.ref: there is no {reference.Key}.");

    private static string GroupOf(ObjectReference reference) => reference.Group.Length == 0 ? "the core group" : reference.Group;

    private static bool IsAlwaysKnown(ObjectReference reference) =>
        reference.Key is ("", Service.KindName, _, _) or (GroupVersion.EventingGroup, Broker.KindName or KafkaSink.KindName, _, _);
}
