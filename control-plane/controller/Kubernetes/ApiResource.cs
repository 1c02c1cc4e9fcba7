using Brokkr.Apis;

namespace Brokkr.Controller.Kubernetes;

/// <summary>A collection of objects in the API.</summary>
/// <param name="Group">API group; empty for the core group.</param>
/// <param name="Version">Version.</param>
/// <param name="Plural">Its name in paths and rules, such as <c>brokers</c>.</param>
/// <param name="Kind">Kind of the objects.</param>
/// <param name="IsNamespaced">Whether the objects are in namespaces.</param>
internal sealed record ApiResource(string Group, string Version, string Plural, string Kind, bool IsNamespaced = true)
{
    public static readonly ApiResource Brokers = new(GroupVersion.EventingGroup, "v1", "brokers", Broker.KindName);
    public static readonly ApiResource Triggers = new(GroupVersion.EventingGroup, "v1", "triggers", Trigger.KindName);
    public static readonly ApiResource KafkaSinks = new(GroupVersion.EventingGroup, "v1alpha1", "kafkasinks", KafkaSink.KindName);
    public static readonly ApiResource EventPolicies = new(GroupVersion.EventingGroup, "v1alpha1", "eventpolicies", EventPolicy.KindName);
    public static readonly ApiResource ConfigMaps = new("", "v1", "configmaps", ConfigMap.KindName);
    public static readonly ApiResource Secrets = new("", "v1", "secrets", Secret.KindName);
    public static readonly ApiResource Services = new("", "v1", "services", Service.KindName);
    public static readonly ApiResource Pods = new("", "v1", "pods", Pod.KindName);
    public static readonly ApiResource ServiceAccounts = new("", "v1", "serviceaccounts", ServiceAccount.KindName);
    public static readonly ApiResource Events = new("", "v1", "events", "Event");
    public static readonly ApiResource Leases = new("coordination.k8s.io", "v1", "leases", "Lease");

    /// <summary>Those that are known without asking, in the version in which they are read here.</summary>
    public static IReadOnlyList<ApiResource> WellKnown { get; } =
    [Brokers, Triggers, KafkaSinks, EventPolicies, ConfigMaps, Secrets, Services, Pods, ServiceAccounts, Events, Leases];

    /// <summary>Group and version, as objects name them.</summary>
    public string ApiVersion => Group.Length == 0 ? Version : $"{Group}/{Version}";

    /// <summary>Path of the collection, or of one object or a subresource of it; without a slash at its beginning.</summary>
    /// <param name="ns">The namespace; empty for all of them.</param>
    /// <param name="name">The object; empty for all of them.</param>
    /// <param name="subresource">The subresource; empty for none.</param>
    public string Path(string ns, string name = "", string subresource = "")
    {
        var root = Group.Length == 0 ? $"api/{Version}" : $"apis/{Group}/{Version}";
        var scope = IsNamespaced && ns.Length > 0 ? $"/namespaces/{Uri.EscapeDataString(ns)}" : "";
        var one = name.Length > 0 ? "/" + Uri.EscapeDataString(name) : "";
        return $"{root}{scope}/{Plural}{one}{(subresource.Length > 0 ? "/" + subresource : "")}";
    }
}
