using System.Globalization;
using Brokkr.EndToEnd.Tests.Parts;
using Brokkr.Testing;
using Brokkr.Testing.Http;
using Brokkr.Testing.Kafka;
using Brokkr.Testing.Processes;

namespace Brokkr.EndToEnd.Tests.Roles;

/// <summary>Dispatcher processes that share the partitions of a topic. Each pod has its own contract and sends to its own path, so that it is known who delivered.</summary>
public sealed class HandOverTests
{
    private const int Partitions = 6;

    [Fact]
    public async Task A_dispatcher_joins_one_leaves_one_dies_and_partitions_are_added_under_load_and_no_event_is_lost()
    {
        var kafka = await KafkaCluster.SharedAsync();
        var topic = $"shared-{Guid.NewGuid():n}";
        await kafka.CreateTopicAsync(topic, Partitions);
        await using var subscriber = await Subscriber.StartAsync();
        await using var plane = new DataPlane("auto.offset.reset=earliest\n");
        void Publish(string pod, int generation, string path) =>
            plane
                .Contract(pod)
                .Put(
                    (
                        "data",
                        ContractText.Of(
                            generation,
                            ContractText.Broker(
                                "orders",
                                topic,
                                kafka.BootstrapServers,
                                [ContractText.Trigger(topic, subscriber.Url + path)]
                            )
                        )
                    )
                );
        Publish("receiver", 1, "/nobody");
        Publish("dispatcher-0", 1, "/zero");
        Publish("dispatcher-1", 1, "/one");
        Publish("dispatcher-2", 1, "/two");
        await plane.StartReceiverAsync("receiver", "/shop/orders");
        var zero = plane.StartDispatcher("dispatcher-0");
        var one = plane.StartDispatcher("dispatcher-1");
        using var sender = new Sender(plane.Url("/shop/orders"));
        IReadOnlyList<long> safe = [];
        await sender.UnderLoadAsync(
            connections: 2,
            async () =>
            {
                await DeliversAsync("/zero");
                await DeliversAsync("/one");

                plane.StartDispatcher("dispatcher-2");
                await DeliversAsync("/two");

                Assert.Equal(0, await zero.TerminateAsync());
                await DeliversAsync("/one");
                await DeliversAsync("/two");

                safe = await kafka.CommittedAsync(ContractText.Group(topic), topic, Partitions);
                await one.KillAsync();
                Publish("dispatcher-1", 2, "/one-again");
                plane.StartDispatcher("dispatcher-1");
                await DeliversAsync("/one-again");

                await kafka.AddPartitionsAsync(topic, Partitions + 3);
                for (var partition = Partitions; partition < Partitions + 3; partition++)
                {
                    await ProduceAsync(kafka, topic, partition);
                }

                await Eventually.True(
                    () => subscriber.Requests.Count(request => request.EventId.StartsWith("added-", StringComparison.Ordinal)) >= 3,
                    "events from the added partitions"
                );
            }
        );
        await Ledger.NothingIsLostAsync(sender, subscriber);

        // Only what the killed one had delivered after it had stored its position last came twice, and only once more.
        var twice = subscriber
            .Requests.GroupBy(request => request.EventId, StringComparer.Ordinal)
            .Where(group => group.Count() > 1)
            .ToList();
        Assert.All(
            twice,
            group =>
            {
                Assert.Equal(2, group.Count());
                Assert.Single(group, request => request.Path == "/one");
                var place = group.First();
                Assert.True(
                    Number(place, "ce-knativekafkaoffset") >= safe[(int)Number(place, "ce-knativekafkapartition")],
                    $"{group.Key} came twice although its position was stored: {string.Join(", ", group.Select(request => request.Path))}"
                );
            }
        );

        async Task DeliversAsync(string path)
        {
            var before = subscriber.At(path).Count;
            await Eventually.True(
                () => subscriber.At(path).Count >= before + 50,
                () => $"deliveries at {path}, which has {subscriber.At(path).Count}",
                TimeSpan.FromSeconds(60)
            );
        }
    }

    /// <summary>
    /// As the original's scheduler places Consumers (dispatcher §2.7, §2.8): each is the only egress of a resource that has its uid, a Trigger may be on one pod
    /// only, and one on two pods has another uid on each.
    /// </summary>
    [Fact]
    public async Task Triggers_of_a_Broker_that_are_placed_on_different_pods_get_every_event()
    {
        var kafka = await KafkaCluster.SharedAsync();
        var topic = $"placed-{Guid.NewGuid():n}";
        await kafka.CreateTopicAsync(topic, Partitions);
        await using var subscriber = await Subscriber.StartAsync();
        await using var plane = new DataPlane("auto.offset.reset=earliest\n");
        string Consumer(string uid, string trigger, string path) =>
            $$"""
                {"uid":"{{uid}}","topics":["{{topic}}"],"bootstrapServers":"{{kafka.BootstrapServers}}","featureFlags":{},
                 "reference":{"uuid":"uid-broker","namespace":"shop","name":"orders","kind":"Broker","groupVersion":"eventing.knative.dev/v1"},
                 "egresses":[{"uid":"{{uid}}","consumerGroup":"{{ContractText.Group(
                    $"{topic}.{trigger}"
                )}}","destination":"{{subscriber.Url}}{{path}}",
                   "replyToOriginalTopic":{},"vReplicas":1,"featureFlags":{},
                   "reference":{"uuid":"uid-{{trigger}}","namespace":"shop","name":"{{trigger}}","kind":"Trigger","groupVersion":"eventing.knative.dev/v1"} }]}
                """;
        plane.Contract("receiver").Put(("data", ContractText.Of(1, ContractText.Broker("orders", topic, kafka.BootstrapServers, []))));
        plane
            .Contract("dispatcher-0")
            .Put(("data", ContractText.Of(1, Consumer("c-1", "first", "/first"), Consumer("c-2", "spread", "/spread/0"))));
        plane
            .Contract("dispatcher-1")
            .Put(("data", ContractText.Of(1, Consumer("c-3", "second", "/second"), Consumer("c-4", "spread", "/spread/1"))));
        plane.StartDispatcher("dispatcher-0");
        plane.StartDispatcher("dispatcher-1");
        await plane.StartReceiverAsync("receiver", "/shop/orders");
        using var sender = new Sender(plane.Url("/shop/orders"));
        await sender.UnderLoadAsync(
            connections: 2,
            async () =>
            {
                foreach (var path in (string[])["/first", "/second", "/spread/0", "/spread/1"])
                {
                    await subscriber.CountAsync(50, at: path);
                }
            }
        );

        await Ledger.NothingIsLostAsync(sender, subscriber, "/first");
        await Ledger.NothingIsLostAsync(sender, subscriber, "/second");
        var spread = sender.Acknowledged.ToHashSet(StringComparer.Ordinal);
        await Eventually.True(
            () =>
            {
                spread.ExceptWith(subscriber.At("/spread/0").Concat(subscriber.At("/spread/1")).Select(request => request.EventId));
                return spread.Count == 0;
            },
            () => $"{spread.Count} more events at the Trigger on two pods"
        );
    }

    private static long Number(ReceivedRequest request, string header) => long.Parse(request[header]!, CultureInfo.InvariantCulture);

    private static Task ProduceAsync(KafkaCluster kafka, string topic, int partition) =>
        Kcat.ProduceAsync(
            kafka.BootstrapServers,
            topic,
            "{}",
            [
                ("ce_specversion", "1.0"),
                ("ce_id", $"added-{partition}"),
                ("ce_source", "/e2e"),
                ("ce_type", Sender.EventType),
                ("content-type", "application/json"),
            ],
            partition: partition
        );
}
