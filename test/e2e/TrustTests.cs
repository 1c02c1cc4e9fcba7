using System.Text.Json.Nodes;
using Brokkr.EndToEnd.Tests.Parts;
using Brokkr.Testing;
using Brokkr.Testing.Http;
using Brokkr.Testing.Kafka;
using Brokkr.Testing.Tls;

namespace Brokkr.EndToEnd.Tests;

/// <summary>Https subscribers of a dispatcher whose machine knows some authority, and whose contract brings another one.</summary>
public sealed class TrustTests
{
    [Fact]
    public async Task Authorities_of_the_system_count_beside_those_of_the_contract_and_no_others_do()
    {
        var kafka = await KafkaCluster.SharedAsync();
        var topic = $"trust-{Guid.NewGuid():N}";
        await kafka.CreateTopicAsync(topic);
        using var folder = new TemporaryFolder();
        using var system = new TestAuthority();
        using var given = new TestAuthority();
        using var unknown = new TestAuthority();
        using var ofSystem = system.Issue(TestUsage.Server);
        using var ofGiven = given.Issue(TestUsage.Server);
        using var ofUnknown = unknown.Issue(TestUsage.Server);
        await using var first = await Subscriber.StartAsync(certificate: () => ofSystem);
        await using var second = await Subscriber.StartAsync(certificate: () => ofGiven);
        await using var third = await Subscriber.StartAsync(certificate: () => ofUnknown);
        await using var letters = await Subscriber.StartAsync();
        await using var roles = new Installation(kafka, topic)
        {
            // Where OpenSSL, and so .NET, looks for the system's authorities.
            Variables = new Dictionary<string, string>(StringComparer.Ordinal)
            {
                ["SSL_CERT_FILE"] = folder.Write("system.pem", system.Pem),
            },
        };
        var triggers = new[] { first, second, third }.Select(
            (subscriber, i) =>
                (JsonNode)
                    new JsonObject
                    {
                        ["uid"] = $"{topic}-{i}",
                        ["consumerGroup"] = $"{topic}-{i}",
                        ["destination"] = subscriber.Url + "/",
                        ["destinationCACerts"] = given.Pem,
                        ["discardReply"] = new JsonObject(),
                        ["egressConfig"] = new JsonObject { ["deadLetter"] = $"{letters.Url}/{i}" },
                        ["reference"] = new JsonObject { ["namespace"] = "shop", ["name"] = $"t{i}" },
                    }
        );
        var resource = new JsonObject
        {
            ["uid"] = topic,
            ["topics"] = new JsonArray(topic),
            ["bootstrapServers"] = kafka.BootstrapServers,
            ["ingress"] = new JsonObject { ["path"] = Installation.Path },
            ["reference"] = new JsonObject { ["namespace"] = "shop", ["name"] = "orders" },
            ["egresses"] = new JsonArray([.. triggers]),
        };
        roles.Publish(new JsonObject { ["generation"] = "1", ["resources"] = new JsonArray(resource) }.ToJsonString());
        await roles.StartReceiverAsync();
        roles.StartDispatcher();
        using var sender = new Sender(roles.Url);
        await sender.MustSendAsync("one");
        await first.CountAsync(1, deadline: TimeSpan.FromSeconds(60));
        await second.CountAsync(1);
        await letters.CountAsync(1, at: "/2");
        Assert.Empty(third.Requests);
        Assert.Single(letters.Requests);
    }
}
