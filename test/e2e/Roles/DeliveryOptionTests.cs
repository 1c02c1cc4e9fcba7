using System.Globalization;
using System.Net;
using System.Text;
using System.Text.Json;
using Brokkr.EndToEnd.Tests.Parts;
using Brokkr.Testing;
using Brokkr.Testing.Http;
using Brokkr.Testing.Kafka;

namespace Brokkr.EndToEnd.Tests.Roles;

/// <summary>
/// Every option of a delivery that a contract has, through separate processes for each kind of resource (receiver-and-core §3.3, dispatcher §2.6, §2.7; RTE-06,
/// RTE-10, RTE-11, RTE-13, RTE-16, RTE-18).
/// </summary>
public sealed class DeliveryOptionTests
{
    [Fact]
    public async Task Every_delivery_option_of_a_contract_counts()
    {
        var kafka = await KafkaCluster.SharedAsync();
        var topic = $"options-{Guid.NewGuid():n}";
        await kafka.CreateTopicAsync(topic);
        await using var subscriber = await Subscriber.StartAsync();
        await using var plane = new DataPlane("auto.offset.reset=earliest\nauto.commit.interval.ms=200\n");
        var dead = $"\"deadLetter\":\"{subscriber.Url}/dead\"";
        const string Soon = "\"backoffPolicy\":\"Linear\",\"backoffDelay\":\"50\"";
        string[] triggers =
        [
            Trigger("ordered", Config($"\"retry\":1,{Soon}") + ",\"deliveryOrder\":\"ORDERED\""),
            Trigger("unordered", Config($"\"retry\":1,{Soon}")),
            Trigger("linear", Config($"{dead},\"retry\":2,{Soon}")),
            // Exponential is the default, which is left out.
            Trigger("exponential", Config($"{dead},\"retry\":2,\"backoffDelay\":\"20\"")),
            Trigger("timeout", Config($"{dead},\"retry\":1,{Soon},\"timeout\":\"300\"")),
            Trigger("patient", Config($"{dead},\"retry\":1,{Soon},\"retryAfterMax\":\"100\"")),
            Trigger("impatient", Config($"{dead},\"retry\":1,{Soon}")),
            Trigger("spent", Config($"{dead},\"retry\":1,{Soon}")),
            Trigger("refused", Config($"{dead},\"retry\":3,{Soon}")),
            // The resource's options count, all of them, where a Trigger has none of its own.
            Trigger("inherits", ""),
            Trigger("keeps", Config("\"timeout\":\"10000\"")),
            Trigger("json", Config("\"format\":\"json\"")),
            Trigger("topic", ""),
            Trigger("url", "")
                .Replace("\"replyToOriginalTopic\":{}", $"\"replyUrl\":\"{subscriber.Url}/replies\"", StringComparison.Ordinal),
            Trigger("discard", "").Replace("\"replyToOriginalTopic\":{}", "\"discardReply\":{}", StringComparison.Ordinal),
            Trigger("answered", ""),
            Named(
                "dialects",
                ",\"dialectedFilter\":[{\"prefix\":{\"attributes\":{\"type\":\"dia\"}}},{\"any\":{\"filters\":[{\"suffix\":{\"attributes\":{\"id\":\"-2\"}}},"
                    + "{\"cesql\":{\"expression\":\"id = 'dialects-1' AND source LIKE '/e%'\"}}]}},{\"not\":{\"filter\":{\"exact\":{\"attributes\":{\"id\":\"dialects-2\"}}}}}]"
            ),
        ];
        var contract = ContractText.Of(
            1,
            ContractText.Broker(
                "orders",
                topic,
                kafka.BootstrapServers,
                triggers,
                $",\"egressConfig\":{{\"deadLetter\":\"{subscriber.Url}/dead-of-broker\",\"retry\":1,{Soon}}}"
            )
        );
        plane.Contract("receiver").Put(("data", contract));
        plane.Contract("dispatcher").Put(("data", contract));

        var released = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        subscriber.OnEvent("unordered-1", Answer.Ok with { Until = released.Task });
        subscriber.OnEvent("ordered-1", Answer.Status(503), Answer.Ok);
        subscriber.OnPath("/linear", Answer.Status(503), Answer.Status(429), Answer.Ok);
        subscriber.OnPath("/exponential", Answer.Status(500), Answer.Status(404), Answer.Ok);
        subscriber.OnPath("/timeout", Answer.Never, Answer.Ok);
        var later = Answer.Status(503) with { Headers = [("Retry-After", "3600")] };
        subscriber.OnPath("/patient", later, Answer.Ok);
        subscriber.OnPath("/impatient", later, Answer.Ok);
        subscriber.OnPath("/spent", Answer.Status(503) with { Body = "no room"u8.ToArray() });
        subscriber.OnPath("/refused", Answer.Status(400));
        subscriber.OnPath("/inherits", Answer.Status(503));
        subscriber.OnPath("/keeps", Answer.Status(400));
        foreach (var name in (string[])["topic", "url", "discard"])
        {
            subscriber.OnPath($"/{name}", Reply($"answer-{name}"));
        }

        plane.StartDispatcher("dispatcher");
        await plane.StartReceiverAsync("receiver", "/shop/orders");
        using var sender = new Sender(plane.Url("/shop/orders"));
        foreach (var name in (string[])["ordered", "unordered", "dialects"])
        {
            for (var i = 1; i <= 3; i++)
            {
                Assert.Equal(HttpStatusCode.Accepted, await sender.SendAsync($"{name}-{i}", name, partitionKey: "one"));
            }
        }

        string[] single =
        [
            "linear",
            "exponential",
            "timeout",
            "patient",
            "impatient",
            "spent",
            "refused",
            "inherits",
            "keeps",
            "json",
            "topic",
            "url",
            "discard",
        ];
        foreach (var name in single)
        {
            await sender.MustSendAsync($"{name}-1", name);
        }

        // What was discarded would be in the topic before this.
        await subscriber.CountAsync(1, at: "/discard");
        await sender.MustSendAsync("last", "answered");

        // The others of an unordered Trigger pass the one that is not answered.
        await subscriber.CountAsync(3, at: "/unordered");
        released.SetResult();
        Dictionary<string, string[]> expected = new(StringComparer.Ordinal)
        {
            ["/ordered"] = ["ordered-1", "ordered-1", "ordered-2", "ordered-3"],
            ["/unordered"] = ["unordered-1", "unordered-2", "unordered-3"],
            ["/linear"] = ["linear-1", "linear-1", "linear-1"],
            ["/exponential"] = ["exponential-1", "exponential-1", "exponential-1"],
            ["/timeout"] = ["timeout-1", "timeout-1"],
            ["/patient"] = ["patient-1", "patient-1"],
            ["/impatient"] = ["impatient-1", "impatient-1"],
            ["/spent"] = ["spent-1", "spent-1"],
            ["/refused"] = ["refused-1"],
            ["/inherits"] = ["inherits-1", "inherits-1"],
            ["/keeps"] = ["keeps-1"],
            ["/topic"] = ["topic-1"],
            ["/url"] = ["url-1"],
            ["/discard"] = ["discard-1"],
            ["/answered"] = ["answer-topic", "last"],
            ["/replies"] = ["answer-url"],
            ["/dialects"] = ["dialects-1"],
            ["/dead"] = ["refused-1", "spent-1"],
            ["/dead-of-broker"] = ["inherits-1"],
        };
        foreach (var (path, ids) in expected)
        {
            await subscriber.CountAsync(ids.Length, at: path);
        }

        foreach (var (path, ids) in expected)
        {
            var arrived = subscriber.At(path).Select(request => request.EventId);
            Assert.Equal(ids, path == "/ordered" ? arrived : arrived.Order(StringComparer.Ordinal));
        }

        var spent = subscriber.At("/dead").Single(request => request.EventId == "spent-1");
        Assert.Equal("503", spent["ce-knativeerrorcode"]);
        Assert.Equal(subscriber.Url + "/spent", spent["ce-knativeerrordest"]);
        Assert.Equal("no room", Encoding.UTF8.GetString(Convert.FromBase64String(spent["ce-knativeerrordata"]!)));
        Assert.Equal("shop", subscriber.At("/topic")[0]["kn-namespace"]);
        Assert.Equal("reply", subscriber.At("/topic")[0]["prefer"]);

        var structured = (await subscriber.CountAsync(1, at: "/json"))[0];
        Assert.StartsWith("application/cloudevents+json", structured["content-type"], StringComparison.Ordinal);
        using var json = JsonDocument.Parse(structured.Body);
        Assert.Equal("json-1", json.RootElement.GetProperty("id").GetString());
        Assert.Equal(1, json.RootElement.GetProperty("data").GetProperty("n").GetInt32());

        // Its position moves past what nobody took only when that is kept.
        var records = await Kcat.ReadAsync(kafka.BootstrapServers, topic);
        Assert.Equal(3 * 3 + single.Length + 2, records.Count);
        await Eventually.True(
            async () => (await kafka.CommittedAsync(ContractText.Group($"{topic}.keeps"), topic, 1))[0] == records.Count,
            "the last position of 'keeps'"
        );
        var kept = Assert.Single(await Kcat.ReadAsync(kafka.BootstrapServers, $"{topic}.dead-letters"));
        Assert.Equal("keeps-1", kept["ce_id"]);
        Assert.Equal("400", kept["ce_knativeerrorcode"]);

        string Trigger(string name, string more) => Named(name, $",\"filter\":{{\"attributes\":{{\"type\":\"{name}\"}}}}" + more);

        string Named(string name, string more) => ContractText.Trigger($"{topic}.{name}", $"{subscriber.Url}/{name}", more);
    }

    /// <summary>A sink, a channel with a subscription, and a source, each dispatcher with the configuration of its kind.</summary>
    [Fact]
    public async Task Sinks_channels_and_sources_are_served_beside_each_other()
    {
        var kafka = await KafkaCluster.SharedAsync();
        var run = Guid.NewGuid().ToString("n");
        var (sink, channel, source) = ($"sink-{run}", $"channel-{run}", $"source-{run}");
        foreach (var topic in (string[])[sink, channel, source])
        {
            await kafka.CreateTopicAsync(topic);
        }

        await using var subscriber = await Subscriber.StartAsync();
        await using var plane = new DataPlane();
        plane
            .Contract("receiver")
            .Put(
                (
                    "data",
                    ContractText.Of(
                        12,
                        $$"""
                        {"uid":"{{sink}}","topics":["{{sink}}"],"bootstrapServers":"{{kafka.BootstrapServers}}","ingress":{"path":"/shop/archive","contentMode":"STRUCTURED"},
                         "absentAuth":{},"reference":{"uuid":"{{sink}}","namespace":"shop","name":"archive","kind":"KafkaSink","groupVersion":"eventing.knative.dev/v1alpha1"},"featureFlags":{} }
                        """,
                        $$"""
                        {"uid":"{{channel}}","topics":["{{channel}}"],"bootstrapServers":"{{kafka.BootstrapServers}}",
                         "ingress":{"path":"/shop/crates","host":"crates-kn-channel.shop.svc.cluster.local"},
                         "reference":{"uuid":"{{channel}}","namespace":"shop","name":"crates","kind":"KafkaChannel","groupVersion":"messaging.knative.dev/v1beta1"} }
                        """
                    )
                )
            );
        plane
            .Contract("channel-0")
            .Put(
                (
                    "data",
                    ContractText.Of(
                        3,
                        $$"""
                        {"uid":"c-{{channel}}","topics":["{{channel}}"],"bootstrapServers":"{{kafka.BootstrapServers}}",
                         "reference":{"uuid":"{{channel}}","namespace":"shop","name":"crates","kind":"KafkaChannel","groupVersion":"messaging.knative.dev/v1beta1"},
                         "egresses":[{"uid":"c-{{channel}}","consumerGroup":"kafka.shop.crates.{{run}}","destination":"{{subscriber.Url}}/crates","deliveryOrder":"ORDERED",
                           "replyUrl":"{{subscriber.Url}}/replies","vReplicas":1,"featureFlags":{},
                           "reference":{"uuid":"{{channel}}","namespace":"shop","name":"crates","kind":"KafkaChannel","groupVersion":"messaging.knative.dev/v1beta1"} }]}
                        """
                    )
                )
            );
        plane
            .Contract("source-0")
            .Put(
                (
                    "data",
                    ContractText.Of(
                        7,
                        $$"""
                        {"uid":"s-{{source}}","topics":["{{source}}"],"bootstrapServers":"{{kafka.BootstrapServers}}","cloudEventOverrides":{"extensions":{"team":"green"} },
                         "reference":{"uuid":"{{source}}","namespace":"shop","name":"scales","kind":"KafkaSource","groupVersion":"sources.knative.dev/v1"},
                         "egresses":[{"uid":"s-{{source}}","consumerGroup":"knative-kafka-source-{{run}}","destination":"{{subscriber.Url}}/scales","discardReply":{},
                           "deliveryOrder":"ORDERED","keyType":"Integer","vReplicas":1,"featureFlags":{},
                           "egressConfig":{"retry":10,"backoffDelay":"300","timeout":"600000"},
                           "reference":{"uuid":"{{source}}","namespace":"shop","name":"scales","kind":"KafkaSource","groupVersion":"sources.knative.dev/v1"} }]}
                        """
                    )
                )
            );
        subscriber.OnPath("/crates", Reply("answer"));
        await plane.StartReceiverAsync("receiver", "/shop/archive", "/shop/crates");
        var dispatcher = plane.StartDispatcher("channel-0", "channel");
        plane.StartDispatcher("source-0", "source");

        using var archive = new Sender(plane.Url("/shop/archive"));
        await archive.MustSendAsync("archived");
        var record = Assert.Single(await Kcat.ReadAsync(kafka.BootstrapServers, sink));
        Assert.StartsWith("application/cloudevents+json", record["content-type"], StringComparison.Ordinal);
        Assert.Null(record["ce_id"]);
        using var json = JsonDocument.Parse(record.Value!);
        Assert.Equal("archived", json.RootElement.GetProperty("id").GetString());

        // A channel begins with what comes after its subscription, and is addressed by its host.
        await dispatcher.LineAsync("begins at 0");
        using var crates = new Sender(plane.Url("/"), "crates-kn-channel.shop.svc.cluster.local");
        await crates.MustSendAsync("crate");
        Assert.Equal("crate", (await subscriber.CountAsync(1, at: "/crates"))[0].EventId);
        Assert.Equal("answer", (await subscriber.CountAsync(1, at: "/replies"))[0].EventId);

        await Kcat.ProduceAsync(kafka.BootstrapServers, source, "12 kg", [("color", "blue")], key: "abcd");
        var weighed = (await subscriber.CountAsync(1, at: "/scales"))[0];
        Assert.Equal("dev.knative.kafka.event", weighed["ce-type"]);
        Assert.Equal($"/apis/v1/namespaces/shop/kafkasources/scales#{source}", weighed["ce-source"]);
        Assert.Equal("partition:0/offset:0", weighed.EventId);
        Assert.Equal(0x61626364.ToString(CultureInfo.InvariantCulture), weighed["ce-key"]);
        Assert.Equal("blue", weighed["ce-kafkaheadercolor"]);
        Assert.Equal("green", weighed["ce-team"]);
        Assert.Equal("12 kg", weighed.Text);
    }

    /// <summary>As the consumer's file says, once: afterwards a group goes on where it was, also with what came while nobody was there.</summary>
    [Fact]
    public async Task A_new_group_begins_where_the_consumer_file_says_and_then_misses_nothing()
    {
        var kafka = await KafkaCluster.SharedAsync();
        var topic = $"begin-{Guid.NewGuid():n}";
        await kafka.CreateTopicAsync(topic);
        await using var subscriber = await Subscriber.StartAsync();
        await using var shipped = new DataPlane();
        await using var other = new DataPlane("auto.offset.reset=earliest\n");
        foreach (var (plane, name) in ((DataPlane, string)[])[(shipped, "latest"), (other, "earliest")])
        {
            plane
                .Contract("dispatcher")
                .Put(
                    (
                        "data",
                        ContractText.Of(
                            1,
                            ContractText.Broker(
                                "orders",
                                topic,
                                kafka.BootstrapServers,
                                [ContractText.Trigger($"{topic}.{name}", $"{subscriber.Url}/{name}")]
                            )
                        )
                    )
                );
        }

        await ProduceAsync("before");
        var latest = shipped.StartDispatcher("dispatcher");
        other.StartDispatcher("dispatcher");
        await latest.LineAsync("begins at 1 of");
        await ProduceAsync("after");
        await subscriber.CountAsync(1, at: "/latest");
        await subscriber.CountAsync(2, at: "/earliest");
        await latest.TerminateAsync();
        await ProduceAsync("meanwhile");
        shipped.StartDispatcher("dispatcher");

        await subscriber.CountAsync(2, at: "/latest");
        await subscriber.CountAsync(3, at: "/earliest");
        Assert.Equal(["after", "meanwhile"], subscriber.At("/latest").Select(request => request.EventId));
        Assert.Equal(["before", "after", "meanwhile"], subscriber.At("/earliest").Select(request => request.EventId));

        Task ProduceAsync(string id) =>
            Kcat.ProduceAsync(
                kafka.BootstrapServers,
                topic,
                "{}",
                [("ce_specversion", "1.0"), ("ce_id", id), ("ce_source", "/e2e"), ("ce_type", "x"), ("content-type", "application/json")]
            );
    }

    private static Answer Reply(string id) =>
        Answer.Ok with
        {
            Headers = [("ce-specversion", "1.0"), ("ce-id", id), ("ce-source", "/subscriber"), ("ce-type", "answered")],
        };

    private static string Config(string options) => ",\"egressConfig\":{" + options + "}";
}
