using Brokkr.Testing;

namespace Brokkr.EndToEnd.Tests.Parts;

/// <summary>Writes Knative manifests into a folder that <c>brokkr dev</c> runs on.</summary>
internal static class Manifests
{
    public const string Namespace = "shop";

    /// <summary>Adds a Broker.</summary>
    public static TemporaryFolder Broker(this TemporaryFolder folder, string name)
    {
        folder.Write(
            $"broker-{name}.yaml",
            $"""
            apiVersion: eventing.knative.dev/v1
            kind: Broker
            metadata:
              name: {name}
              namespace: {Namespace}
              annotations:
                eventing.knative.dev/broker.class: Kafka

            """
        );
        return folder;
    }

    /// <summary>Adds or replaces a Trigger.</summary>
    /// <param name="folder">The folder.</param>
    /// <param name="name">Name of the Trigger.</param>
    /// <param name="broker">Name of its Broker.</param>
    /// <param name="subscriber">URL of its subscriber.</param>
    /// <param name="type">Exact type that it wants; every event if null.</param>
    /// <param name="delivery"><c>spec.delivery</c> as a YAML flow mapping.</param>
    /// <param name="order"><c>ordered</c> or <c>unordered</c>.</param>
    public static TemporaryFolder Trigger(
        this TemporaryFolder folder,
        string name,
        string broker,
        string subscriber,
        string? type = null,
        string delivery = "",
        string order = "unordered"
    )
    {
        var filter = type is null ? "{}" : $"{{attributes: {{type: '{type}'}}}}";
        folder.Write(
            $"trigger-{name}.yaml",
            $$"""
            apiVersion: eventing.knative.dev/v1
            kind: Trigger
            metadata:
              name: {{name}}
              namespace: {{Namespace}}
              annotations:
                kafka.eventing.knative.dev/delivery.order: {{order}}
            spec:
              broker: {{broker}}
              filter: {{filter}}
              subscriber:
                uri: {{subscriber}}
              {{(delivery.Length == 0 ? string.Empty : "delivery: " + delivery)}}

            """
        );
        return folder;
    }
}
