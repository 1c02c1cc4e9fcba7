namespace Brokkr.Controller.Tests.Folders;

/// <summary>Manifests as people write them.</summary>
internal static class Manifests
{
    public static string Broker(string name, string ns = "shop", string spec = "{}") =>
        $$"""
            apiVersion: eventing.knative.dev/v1
            kind: Broker
            metadata:
              name: {{name}}
              namespace: {{ns}}
              annotations: {eventing.knative.dev/broker.class: Kafka}
            spec: {{spec}}
            """;

    public static string Trigger(string name, string broker, string spec = "", string ns = "shop") =>
        $$"""
            apiVersion: eventing.knative.dev/v1
            kind: Trigger
            metadata:
              name: {{name}}
              namespace: {{ns}}
            spec:
              broker: {{broker}}
              subscriber: {uri: "http://localhost:9001/"}
              {{spec}}
            """;

    public static string Several(params string[] documents) => string.Join("\n---\n", documents);
}
