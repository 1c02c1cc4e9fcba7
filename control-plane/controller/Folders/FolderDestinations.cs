using System.Globalization;
using Brokkr.Apis;
using Brokkr.Controller.Contracts;
using Brokkr.Controller.Stores;

namespace Brokkr.Controller.Folders;

/// <summary>
/// Finds destinations among the objects of a folder. Brokers and KafkaSinks are at our own address. There is no cluster that would give a Service an
/// address, so the Service says it: with the annotation <see cref="UrlAnnotation"/>, or as an <c>ExternalName</c>.
/// </summary>
internal sealed class FolderDestinations(ObjectSet objects, Uri baseAddress) : IDestinationResolver
{
    /// <summary>On any object: the URL at which it is reached from this machine.</summary>
    public const string UrlAnnotation = "brokkr.dev/url";

    /// <summary>The URL of one of our objects.</summary>
    public static string AddressOf(Uri baseAddress, ObjectName name) =>
        $"{baseAddress.AbsoluteUri.TrimEnd('/')}/{name.Namespace}/{name.Name}";

    public Resolution Resolve(Destination destination, string namespaceName, string field)
    {
        if (destination.Ref is not { } reference)
        {
            return string.IsNullOrEmpty(destination.Uri)
                ? Resolution.Failed($"{field} has neither ref nor uri.")
                : new Resolution(destination.Uri, destination.CACerts ?? "", destination.Audience ?? "", null);
        }

        var key = new ObjectKey(
            reference.GroupName,
            reference.Kind ?? "",
            string.IsNullOrEmpty(reference.Namespace) ? namespaceName : reference.Namespace,
            reference.Name ?? ""
        );
        var found = key switch
        {
            (GroupVersion.EventingGroup, Broker.KindName, _, _) => OfBroker(key, reference, field),
            (GroupVersion.EventingGroup, KafkaSink.KindName, _, _) => objects.KafkaSinks.ContainsKey(key.ObjectName)
                ? Ours(key.ObjectName, reference)
                : Absent(key, field),
            ("", Service.KindName, _, _) => OfService(key, destination, field),
            _ => OfOther(key, reference, field),
        };
        if (found.Url is null)
        {
            return found;
        }

        if (!string.IsNullOrEmpty(destination.CACerts))
        {
            found = found with { CACerts = destination.CACerts };
        }

        if (!string.IsNullOrEmpty(destination.Audience))
        {
            found = found with { Audience = destination.Audience };
        }

        return string.IsNullOrEmpty(destination.Uri) ? found : Relative(found, destination.Uri, field);
    }

    private static Resolution Relative(Resolution found, string uri, string field) =>
        Uri.TryCreate(found.Url, UriKind.Absolute, out var url) && Uri.TryCreate(url, uri, out var combined)
            ? found with
            {
                Url = combined.AbsoluteUri,
            }
            : Resolution.Failed($"{field}.uri \"{uri}\" cannot be combined with {found.Url}.");

    private Resolution OfBroker(ObjectKey key, KReference reference, string field)
    {
        if (!objects.Brokers.TryGetValue(key.ObjectName, out var broker))
        {
            return Absent(key, field);
        }

        if (BrokerClasses.IsOurs(broker.Annotation(BrokerAnnotations.Class)))
        {
            return Ours(key.ObjectName, reference);
        }

        return OfAddresses(key, broker, broker.Status, reference, field);
    }

    private Resolution Ours(ObjectName name, KReference reference) =>
        reference.Address is null or "" or "http"
            ? new Resolution(AddressOf(baseAddress, name), "", "", null)
            : Resolution.Failed($"{reference.Kind} {name} has no address \"{reference.Address}\", only \"http\".");

    private Resolution OfService(ObjectKey key, Destination destination, string field)
    {
        if (!objects.Services.TryGetValue(key.ObjectName, out var service))
        {
            return Absent(key, field);
        }

        if (service.Annotation(UrlAnnotation) is { } url)
        {
            return Annotated(key, url);
        }

        if (service.Spec is { Type: "ExternalName", ExternalName: { Length: > 0 } host } spec)
        {
            var scheme = string.IsNullOrEmpty(destination.CACerts) ? "http" : "https";
            var port = spec.Ports is { Count: > 0 } ports ? ports[0].Port : null;
            var authority = port is null or 80 ? host : string.Create(CultureInfo.InvariantCulture, $"{host}:{port}");
            return new Resolution($"{scheme}://{authority}", "", "", null);
        }

        return Resolution.Failed(
            $"{key} has no address on this machine: annotate it with {UrlAnnotation}: http://localhost:PORT, "
                + "or make it type: ExternalName with externalName: localhost and the port."
        );
    }

    private Resolution OfOther(ObjectKey key, KReference reference, string field) =>
        objects.Others.TryGetValue(key, out var other) ? OfAddresses(key, other, other.Status, reference, field) : Absent(key, field);

    private static Resolution OfAddresses(ObjectKey key, ApiObject value, AddressableStatus? status, KReference reference, string field)
    {
        if (value.Annotation(UrlAnnotation) is { } annotated)
        {
            return Annotated(key, annotated);
        }

        var address = string.IsNullOrEmpty(reference.Address)
            ? status?.Addresses is { Count: > 0 } addresses
                ? addresses[0]
                : status?.Address
            : status?.Addresses?.FirstOrDefault(candidate => string.Equals(candidate.Name, reference.Address, StringComparison.Ordinal));
        return string.IsNullOrEmpty(address?.Url)
            ? Resolution.Failed(
                $"{key} has no address on this machine: annotate it with {UrlAnnotation}: http://localhost:PORT, or give {field}.uri instead of ref."
            )
            : new Resolution(address.Url, address.CACerts ?? "", address.Audience ?? "", null);
    }

    private static Resolution Annotated(ObjectKey key, string url) =>
        Uri.TryCreate(url, UriKind.Absolute, out var parsed) && parsed.Scheme is "http" or "https"
            ? new Resolution(url, "", "", null)
            : Resolution.Failed($"The annotation {UrlAnnotation} of {key} is no http or https URL: \"{url}\".");

    private static Resolution Absent(ObjectKey key, string field) =>
        Resolution.Failed(
            key is { Group: GroupVersion.EventingGroup }
                ? $"There is no {key} in the folder: add it, or correct {field}.ref."
                : $"There is no {key} in the folder: add it with the annotation {UrlAnnotation}: http://localhost:PORT, or give {field}.uri instead of ref."
        );
}
