using System.Globalization;
using Brokkr.EndToEnd.Tests.Parts;
using Brokkr.Testing;
using Brokkr.Testing.Http;
using Brokkr.Testing.Kafka;

namespace Brokkr.EndToEnd.Tests.Roles;

/// <summary>
/// Subscribers that are not there, cannot be understood or do not end: each event ends as one dead letter, or is delivered once they are well (RTE-10, RTE-11,
/// RTE-13, RTE-17, RTE-18, CEW-02).
/// </summary>
public sealed class BrokenSubscriberTests
{
    [Fact]
    public async Task Each_kind_of_broken_subscriber_gets_its_attempts_and_then_its_dead_letter_and_others_get_everything()
    {
        var kafka = await KafkaCluster.SharedAsync();
        var topic = $"broken-{Guid.NewGuid():n}";
        await kafka.CreateTopicAsync(topic);
        await using var subscriber = await Subscriber.StartAsync();
        await using var plane = new DataPlane("auto.offset.reset=earliest\n");
        var port = FreePort.Next();
        var absent = $"http://127.0.0.1:{port.ToString(CultureInfo.InvariantCulture)}/absent";
        (string Name, string Destination)[] broken =
        [
            ("unknown", "http://no-such-host.invalid/unknown"),
            ("no-tls", subscriber.Url.Replace("http:", "https:", StringComparison.Ordinal) + "/no-tls"),
            ("redirects", subscriber.Url + "/redirects"),
            ("silent", subscriber.Url + "/silent"),
            ("stalls", subscriber.Url + "/stalls"),
            ("cut-off", subscriber.Url + "/cut-off"),
            ("closes", subscriber.Url + "/closes"),
            ("garbage", subscriber.Url + "/garbage"),
            ("huge-head", subscriber.Url + "/huge-head"),
            ("endless", subscriber.Url + "/endless"),
        ];
        var contract = ContractText.Of(
            1,
            ContractText.Broker(
                "orders",
                topic,
                kafka.BootstrapServers,
                [
                    .. broken.Select(way =>
                        ContractText.Trigger(
                            $"{topic}.{way.Name}",
                            way.Destination,
                            Config(
                                $"\"deadLetter\":\"{subscriber.Url}/dead/{way.Name}\",\"retry\":1,\"backoffDelay\":\"20\",\"timeout\":\"1000\""
                            )
                        )
                    ),
                    ContractText.Trigger(
                        $"{topic}.absent",
                        absent,
                        Config("\"retry\":1000,\"backoffPolicy\":\"Linear\",\"backoffDelay\":\"10\"")
                    ),
                    ContractText.Trigger($"{topic}.healthy", subscriber.Url + "/healthy"),
                ]
            )
        );
        plane.Contract("receiver").Put(("data", contract));
        plane.Contract("dispatcher").Put(("data", contract));
        subscriber.OnPath("/redirects", Answer.Status(307) with { Headers = [("Location", subscriber.Url + "/elsewhere")] });
        subscriber.OnPath("/silent", Answer.Never);
        subscriber.OnPath("/stalls", Answer.StallAfterHead);
        subscriber.OnPath("/cut-off", Answer.CutOff);
        subscriber.OnPath("/closes", Answer.Close);
        subscriber.OnPath("/garbage", Answer.Garbage);
        subscriber.OnPath("/huge-head", Answer.Ok with { Headers = [("x-huge", new string('x', 200_000))] });
        subscriber.OnPath("/endless", Answer.Endless);
        plane.StartDispatcher("dispatcher");
        await plane.StartReceiverAsync("receiver", "/shop/orders");
        using var sender = new Sender(plane.Url("/shop/orders"));
        string[] ids = ["first", "second"];
        foreach (var id in ids)
        {
            await sender.MustSendAsync(id);
        }

        await Ledger.NothingIsLostAsync(sender, subscriber, "/healthy");
        foreach (var (name, destination) in broken)
        {
            var letters = await subscriber.CountAsync(ids.Length, at: $"/dead/{name}");
            Assert.Equal(ids, letters.Select(letter => letter.EventId).Order(StringComparer.Ordinal));
            Assert.All(letters, letter => Assert.Equal(destination, letter["ce-knativeerrordest"]));
        }

        // retry: 1 is two requests for each; a redirect will not become something else (CPD-10, RTE-11).
        Assert.Equal(
            ["redirects: 2", "silent: 4", "stalls: 4", "cut-off: 4", "closes: 4", "garbage: 4", "huge-head: 4"],
            broken[2..^1].Select(way => $"{way.Name}: {subscriber.At("/" + way.Name).Count}")
        );
        Assert.Empty(subscriber.At("/elsewhere"));

        await using var present = await Subscriber.StartAsync(port: port);
        await Ledger.NothingIsLostAsync(sender, present, "/absent");
        Assert.Equal(ids.Length, present.Count);
    }

    private static string Config(string options) => ",\"egressConfig\":{" + options + "}";
}
