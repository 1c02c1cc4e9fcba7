using System.Globalization;

namespace Brokkr.EndToEnd.Tests.Parts;

/// <summary>Contracts as the original's control plane writes them: JSON, 64-bit numbers as texts, what has its default value left out (dispatcher §2.1, §2.7).</summary>
internal static class ContractText
{
    /// <summary>A contract of these resources.</summary>
    public static string Of(int generation, params IEnumerable<string> resources) =>
        string.Create(CultureInfo.InvariantCulture, $$"""{"generation":"{{generation}}","resources":[{{string.Join(',', resources)}}]}""");

    /// <summary>A Broker of the namespace <c>shop</c>, at <c>/shop/NAME</c>.</summary>
    /// <param name="name">Its name.</param>
    /// <param name="topic">Its topic.</param>
    /// <param name="servers">Where its Kafka is.</param>
    /// <param name="egresses">Its Triggers.</param>
    /// <param name="more">More fields, each with a comma in front.</param>
    public static string Broker(string name, string topic, string servers, IEnumerable<string> egresses, string more = "") =>
        $$"""
            {"uid":"uid-{{topic}}","topics":["{{topic}}"],"bootstrapServers":"{{servers}}","ingress":{"path":"/shop/{{name}}"},
             "reference":{"uuid":"uid-{{topic}}","namespace":"shop","name":"{{name}}","kind":"Broker","groupVersion":"eventing.knative.dev/v1"},
             "featureFlags":{},"egresses":[{{string.Join(',', egresses)}}]{{more}}}
            """;

    /// <summary>A Trigger of the namespace <c>shop</c>.</summary>
    /// <param name="name">Its name; unique on its Kafka, for it names the consumer group.</param>
    /// <param name="destination">Where its events go.</param>
    /// <param name="more">More fields, each with a comma in front.</param>
    public static string Trigger(string name, string destination, string more = "") =>
        $$"""
            {"uid":"uid-{{name}}","consumerGroup":"{{Group(
                name
            )}}","destination":"{{destination}}","replyToOriginalTopic":{},"vReplicas":1,"featureFlags":{},
             "reference":{"uuid":"uid-{{name}}","namespace":"shop","name":"{{name}}","kind":"Trigger","groupVersion":"eventing.knative.dev/v1"}{{more}}}
            """;

    /// <summary>The consumer group of a Trigger.</summary>
    public static string Group(string name) => $"knative-trigger-shop-{name}";
}
