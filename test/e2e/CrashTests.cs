using Brokkr.EndToEnd.Tests.Parts;
using Brokkr.Testing;
using Brokkr.Testing.Http;
using Brokkr.Testing.Kafka;

namespace Brokkr.EndToEnd.Tests;

/// <summary>
/// <c>kill -9</c> at random moments under load: what was acknowledged arrives (RTE-01, DP-06). Events may arrive twice; the tests print how many did.
/// </summary>
public sealed class CrashTests
{
    private const int Connections = 8;

    [Fact]
    public async Task Everything_in_one_process_is_killed_and_loses_nothing()
    {
        await using var subscriber = await Subscriber.StartAsync();
        using var folder = new TemporaryFolder();
        folder
            .Broker("orders")
            .Trigger("fast", "orders", subscriber.Url + "/fast")
            .Trigger("ordered", "orders", subscriber.Url + "/ordered", order: "ordered");
        await using var dev = new Dev(folder);
        await dev.StartAsync("orders");
        using var sender = new Sender(dev.Url("orders"));

        await sender.UnderLoadAsync(
            Connections,
            async () =>
            {
                for (var i = 0; i < 4; i++)
                {
                    await sender.AcknowledgedAsync(Random.Shared.Next(1, 600));
                    await dev.Process.KillAsync();
                    await dev.StartAsync("orders");
                }
            }
        );

        await Ledger.NothingIsLostAsync(sender, subscriber, "/fast");
        await Ledger.NothingIsLostAsync(sender, subscriber, "/ordered");
    }

    [Fact]
    public async Task Receiver_and_dispatcher_on_Kafka_are_killed_and_lose_nothing()
    {
        var kafka = await KafkaCluster.SharedAsync();
        var topic = $"crash-{Guid.NewGuid():n}";
        await kafka.CreateTopicAsync(topic, partitions: 3);
        await using var subscriber = await Subscriber.StartAsync();
        await using var installation = new Installation(kafka, topic);
        installation.Publish((topic + ".a", subscriber.Url + "/a"), (topic + ".b", subscriber.Url + "/b"));
        await installation.StartReceiverAsync();
        installation.StartDispatcher();
        using var sender = new Sender(installation.Url);

        await sender.UnderLoadAsync(
            Connections,
            async () =>
            {
                for (var i = 0; i < 2; i++)
                {
                    await sender.AcknowledgedAsync(Random.Shared.Next(1, 600));
                    await installation.Receiver!.KillAsync();
                    await installation.StartReceiverAsync();

                    // In the middle of its work: it must have delivered something since the last kill.
                    var delivered = subscriber.Count;
                    await Eventually.True(() => subscriber.Count > delivered + Random.Shared.Next(1, 600), "the dispatcher to deliver");
                    await installation.Dispatcher!.KillAsync();
                    installation.StartDispatcher();
                }
            }
        );

        await Ledger.NothingIsLostAsync(sender, subscriber, "/a");
        await Ledger.NothingIsLostAsync(sender, subscriber, "/b");
    }

    [Fact]
    public async Task A_Kafka_of_three_nodes_loses_each_of_them_in_turn_and_no_event()
    {
        await using var kafka = await KafkaCluster.StartAsync(nodes: 3);
        await kafka.CreateTopicAsync("orders", partitions: 3);
        await using var subscriber = await Subscriber.StartAsync();
        await using var installation = new Installation(kafka, "orders");
        installation.Publish(("group", subscriber.Url + "/a"));
        await installation.StartReceiverAsync();
        installation.StartDispatcher();
        using var sender = new Sender(installation.Url);

        await sender.UnderLoadAsync(
            Connections,
            async () =>
            {
                await sender.AcknowledgedAsync(200);
                foreach (var node in kafka.Nodes)
                {
                    await node.KillAsync();
                    // Two nodes are enough to go on with.
                    await sender.AcknowledgedAsync(200);
                    await node.StartAsync();
                    await sender.AcknowledgedAsync(200);
                }
            }
        );

        await Ledger.NothingIsLostAsync(sender, subscriber, "/a");
    }
}
