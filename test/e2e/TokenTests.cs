using System.Text.Json.Nodes;
using Brokkr.EndToEnd.Tests.Parts;
using Brokkr.Testing;
using Brokkr.Testing.Http;
using Brokkr.Testing.Kafka;
using Brokkr.Testing.Kubernetes;

namespace Brokkr.EndToEnd.Tests;

/// <summary>
/// Two Brokers of one installation with a real API server between them: the Trigger of the first delivers to the second, which takes events only with a token
/// for its audience that says it is the service account of that Trigger.
/// </summary>
public sealed class TokenTests
{
    private const string Audience = "eventing.knative.dev/broker/shop/guarded";

    [Fact]
    public async Task RSEC_05_RSEC_06_A_Trigger_delivers_with_a_token_that_the_receiver_accepts_and_others_are_refused()
    {
        var api = await ApiServer.SharedAsync();
        var kafka = await KafkaCluster.SharedAsync();
        var @namespace = await api.CreateNamespaceAsync();
        using var pod = new TemporaryFolder();
        await AccountsAsync(api, @namespace, pod);
        var topic = $"tokens-{Guid.NewGuid():N}";
        await kafka.CreateTopicAsync(topic);
        await kafka.CreateTopicAsync(topic + "-guarded");
        await using var subscriber = await Subscriber.StartAsync();
        await using var roles = new Installation(kafka, topic)
        {
            Variables = new Dictionary<string, string>(StringComparer.Ordinal)
            {
                ["KUBERNETES_SERVICE_HOST"] = api.Host,
                ["KUBERNETES_SERVICE_PORT"] = api.Port,
                ["SERVICE_ACCOUNT_PATH"] = pod.Path,
                ["OIDC_ISSUER_URL"] = api.Url,
                ["OIDC_CA_FILE"] = api.CaFile,
                ["OIDC_TOKEN_FILE"] = pod["token"],
            },
        };
        roles.Publish(
            Contract(
                Broker(
                    kafka,
                    @namespace,
                    topic,
                    "orders",
                    Trigger(@namespace, "good", roles.UrlOf("/shop/guarded"), Audience, subscriber.Url + "/good-dls"),
                    Trigger(@namespace, "bad", roles.UrlOf("/shop/guarded"), Audience, subscriber.Url + "/bad-dls")
                ),
                Guarded(
                    Broker(kafka, @namespace, topic + "-guarded", "guarded", Trigger(@namespace, "last", subscriber.Url + "/last")),
                    @namespace
                )
            )
        );
        await roles.StartReceiverAsync();
        roles.StartDispatcher();
        using (var sender = new Sender(roles.Url))
        {
            for (var i = 0; i < 10; i++)
            {
                await sender.MustSendAsync($"event-{i}");
            }
        }

        var ids = Enumerable.Range(0, 10).Select(i => $"event-{i}").ToArray();
        var arrived = await subscriber.CountAsync(10, at: "/last", deadline: TimeSpan.FromSeconds(60));
        Assert.Equal(ids, arrived.Select(request => request.EventId).Distinct().Order(StringComparer.Ordinal));
        Assert.All(arrived, request => Assert.Null(request["authorization"]));

        // Its token is good, but no policy of the second Broker is for it.
        var refused = await subscriber.CountAsync(10, at: "/bad-dls", deadline: TimeSpan.FromSeconds(60));
        Assert.All(refused, request => Assert.Equal("403", request["ce-knativeerrorcode"]));
        Assert.Empty(subscriber.At("/good-dls"));
        using var stranger = new Sender(roles.UrlOf("/shop/guarded"));
        Assert.Equal(System.Net.HttpStatusCode.Unauthorized, await stranger.SendAsync("without a token"));
    }

    private static async Task AccountsAsync(ApiServer api, string @namespace, TemporaryFolder pod)
    {
        foreach (var name in (string[])["data-plane", "good", "bad"])
        {
            await api.CreateServiceAccountAsync(@namespace, name);
        }

        await api.AllowTokensAsync(@namespace, "data-plane");
        pod.Write("token", await api.TokenAsync(@namespace, "data-plane"));
        File.Copy(api.CaFile, pod["ca.crt"]);
    }

    private static string Contract(params JsonObject[] resources) =>
        new JsonObject { ["generation"] = "1", ["resources"] = new JsonArray([.. resources]) }.ToJsonString();

    private static JsonObject Broker(KafkaCluster kafka, string @namespace, string topic, string name, params JsonObject[] triggers) =>
        new()
        {
            ["uid"] = topic,
            ["topics"] = new JsonArray(topic),
            ["bootstrapServers"] = kafka.BootstrapServers,
            ["ingress"] = new JsonObject { ["path"] = "/shop/" + name },
            ["reference"] = Reference(@namespace, "Broker", name),
            ["egresses"] = new JsonArray([.. triggers]),
        };

    /// <summary>Only the service account "good" may send to it.</summary>
    private static JsonObject Guarded(JsonObject broker, string @namespace)
    {
        var ingress = broker["ingress"]!;
        ingress["audience"] = Audience;
        var sender = new JsonObject { ["sub"] = $"system:serviceaccount:{@namespace}:good" };
        var matcher = new JsonObject { ["exact"] = new JsonObject { ["attributes"] = sender } };
        ingress["eventPolicies"] = new JsonArray(new JsonObject { ["tokenMatchers"] = new JsonArray(matcher) });
        return broker;
    }

    private static JsonObject Trigger(string @namespace, string name, string destination, string audience = "", string deadLetters = "")
    {
        var config = new JsonObject
        {
            ["retry"] = 10,
            ["backoffPolicy"] = "Linear",
            ["backoffDelay"] = "100",
        };
        if (deadLetters.Length > 0)
        {
            config["deadLetter"] = deadLetters;
        }

        return new JsonObject
        {
            ["uid"] = $"{@namespace}-{name}",
            ["consumerGroup"] = $"{@namespace}-{name}",
            ["destination"] = destination,
            ["destinationAudience"] = audience,
            ["oidcServiceAccountName"] = name,
            ["discardReply"] = new JsonObject(),
            ["egressConfig"] = config,
            ["reference"] = Reference(@namespace, "Trigger", name),
        };
    }

    private static JsonObject Reference(string @namespace, string kind, string name) =>
        new()
        {
            ["uuid"] = $"{kind}-{name}",
            ["namespace"] = @namespace,
            ["name"] = name,
            ["kind"] = kind,
            ["groupVersion"] = "eventing.knative.dev/v1",
        };
}
