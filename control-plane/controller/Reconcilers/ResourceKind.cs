using Brokkr.Apis;
using Brokkr.Controller.Contracts;

namespace Brokkr.Controller.Reconcilers;

/// <summary>In what Brokers and KafkaSinks differ.</summary>
/// <param name="Contract">The kind in names and labels of contracts.</param>
/// <param name="Finalizer">The finalizer on the object.</param>
/// <param name="Component">Who tells events.</param>
/// <param name="Owner">Value of <see cref="ResourceKind.TopicOwner"/> for a topic that was made for the object, and goes with it.</param>
/// <param name="Ingress">The ingress.</param>
/// <param name="HttpsFirst">Whether the https address stands before the http one where there are both.</param>
internal sealed record ResourceKind(
    string Contract,
    string Finalizer,
    string Component,
    string Owner,
    IngressOptions Ingress,
    bool HttpsFirst
)
{
    /// <summary>Annotation in the status: whose the topic is. The original has it on KafkaSinks.</summary>
    public const string TopicOwner = "eventing.knative.dev/topic.owner";

    /// <summary>Value of <see cref="TopicOwner"/> for a topic that is not the object's own, and stays when it goes.</summary>
    public const string External = "external";

    /// <summary>Types of the conditions.</summary>
    public static IReadOnlyList<string> ConditionTypes { get; } =
    [
        Conditions.Addressable,
        Conditions.DataPlaneAvailable,
        Conditions.TopicReady,
        Conditions.ConfigMapUpdated,
        Conditions.ConfigParsed,
        Conditions.ProbeSucceeded,
        Conditions.EventPoliciesReady,
    ];

    /// <summary>That of Brokers.</summary>
    public static ResourceKind Broker(ControlPlaneOptions options) =>
        new("broker", "brokers.eventing.knative.dev", "broker-controller", "broker-controller", options.Broker, HttpsFirst: false);

    /// <summary>That of KafkaSinks.</summary>
    public static ResourceKind KafkaSink(ControlPlaneOptions options) =>
        new("sink", "kafkasinks.eventing.knative.dev", "kafkasink-controller", "kafkasink-controller", options.KafkaSink, HttpsFirst: true);

    /// <summary>The audience of tokens for an object of this kind.</summary>
    public static string AudienceOf(ApiObject value) => $"{value.Key.Group}/{value.Kind}/{value.Namespace}/{value.Name}".ToLowerInvariant();
}
