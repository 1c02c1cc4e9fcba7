using System.Net;
using Brokkr.EndToEnd.Tests.Parts;
using Brokkr.Testing;
using Brokkr.Testing.Http;
using Brokkr.Testing.Kafka;
using Brokkr.Testing.Processes;
using Google.Protobuf;
using WireContract = Brokkr.Core.Contract.Wire.Contract;

namespace Brokkr.EndToEnd.Tests.Roles;

/// <summary>The contract of running roles changes in every way in which a mounted ConfigMap can change (receiver-and-core §3.1, §3.6; dispatcher §2.1).</summary>
public sealed class ContractSwapTests
{
    private const string Unusable = "cannot be used, the last one stays in force";

    [Fact]
    public async Task What_is_no_contract_changes_nothing_and_the_next_contract_counts()
    {
        var kafka = await KafkaCluster.SharedAsync();
        var topic = $"swapped-{Guid.NewGuid():n}";
        await kafka.CreateTopicAsync(topic);
        await using var subscriber = await Subscriber.StartAsync();
        await using var plane = new DataPlane("auto.offset.reset=earliest\n");
        string Contract(int generation, string path) =>
            ContractText.Of(
                generation,
                ContractText.Broker("orders", topic, kafka.BootstrapServers, [ContractText.Trigger(topic, subscriber.Url + path)])
            );
        void Put(byte[] contract)
        {
            foreach (var pod in (string[])["receiver", "dispatcher"])
            {
                plane.Contract(pod).Put(new Dictionary<string, byte[]>(StringComparer.Ordinal) { ["data"] = contract });
            }
        }

        // As the control plane makes it before there is anything to serve.
        Put([]);
        var roles = new[] { plane.StartReceiver("receiver"), plane.StartDispatcher("dispatcher") };
        await EachSaysAsync(roles, "is empty: nothing to serve yet");

        Put(Text(Contract(5, "/one")));
        await Ingress.ServedAsync(plane.Url("/shop/orders"), roles[0]);
        using var sender = new Sender(plane.Url("/shop/orders"));
        await sender.MustSendAsync("first");
        await ArrivesAsync(subscriber, "first", "/one");

        (string Text, string Problem)[] useless =
        [
            ("", "the contract is empty"),
            ("""{"generation":"6","resources":[{""", "not valid JSON"),
            ("""{"generation":"6","resources":"none"}""", "expected a list"),
            ("[]", "expected an object"),
        ];
        for (var i = 0; i < useless.Length; i++)
        {
            Put(Text(useless[i].Text));
            await EachSaysAsync(roles, $"{Unusable}: .*{useless[i].Problem}");
            await sender.MustSendAsync($"despite-{i}");
            await ArrivesAsync(subscriber, $"despite-{i}", "/one");
        }

        // The ConfigMap without its key, then a smaller generation: what differs counts.
        foreach (var pod in (string[])["receiver", "dispatcher"])
        {
            plane.Contract(pod).Put();
        }

        Put(Text(Contract(4, "/two")));
        await roles[1].LineAsync("has new settings");
        await sender.MustSendAsync("second");
        await ArrivesAsync(subscriber, "second", "/two");

        // The same in binary form, as the original's control plane writes it when it is told to.
        var applied = roles[1].Lines.Count;
        Put(JsonParser.Default.Parse<WireContract>(Contract(7, "/three")).ToByteArray());
        await roles[1].LineAsync("has new settings", skip: applied);
        await sender.MustSendAsync("third");
        await ArrivesAsync(subscriber, "third", "/three");

        // A contract that says so ends it.
        Put("{}"u8.ToArray());
        await Eventually.True(async () => await sender.SendAsync("fourth") == HttpStatusCode.NotFound, "the Broker to go");
        await roles[1].LineAsync("is not served any more");
        Assert.Equal(3 + useless.Length, subscriber.Requests.Count(request => request.EventId != "fourth"));
    }

    [Fact]
    public async Task Of_a_folder_of_contracts_each_file_counts_for_itself()
    {
        var kafka = await KafkaCluster.SharedAsync();
        var run = Guid.NewGuid().ToString("n");
        await kafka.CreateTopicAsync($"orders-{run}");
        await kafka.CreateTopicAsync($"invoices-{run}");
        await using var subscriber = await Subscriber.StartAsync();
        await using var plane = new DataPlane("auto.offset.reset=earliest\n");
        var folder = plane.Contract("both");
        (string Key, string Value) Part(string broker, int generation, string path) =>
            (
                $"shop.{broker}",
                ContractText.Of(
                    generation,
                    ContractText.Broker(
                        broker,
                        $"{broker}-{run}",
                        kafka.BootstrapServers,
                        [ContractText.Trigger($"{broker}-{run}", subscriber.Url + path)]
                    )
                )
            );
        folder.Put(Part("orders", 1, "/orders"), Part("invoices", 1, "/invoices"));
        var receiver = plane.StartReceiver("receiver", folder.Path);
        var dispatcher = plane.StartDispatcher("dispatcher", contract: folder.Path);
        using var orders = new Sender(plane.Url("/shop/orders"));
        using var invoices = new Sender(plane.Url("/shop/invoices"));
        await Ingress.ServedAsync(plane.Url("/shop/orders"), receiver);
        await Ingress.ServedAsync(plane.Url("/shop/invoices"), receiver);
        await orders.MustSendAsync("order");
        await invoices.MustSendAsync("invoice");
        await ArrivesAsync(subscriber, "order", "/orders");
        await ArrivesAsync(subscriber, "invoice", "/invoices");

        // One is broken; the other changes in the same step.
        folder.Put(("shop.orders", "{"), Part("invoices", 2, "/changed"));
        await EachSaysAsync([receiver, dispatcher], Unusable);
        await dispatcher.LineAsync("has new settings");
        await orders.MustSendAsync("order-again");
        await invoices.MustSendAsync("invoice-again");
        await ArrivesAsync(subscriber, "order-again", "/orders");
        await ArrivesAsync(subscriber, "invoice-again", "/changed");

        // One goes, with its file.
        folder.Put(Part("orders", 2, "/orders"));
        await Eventually.True(async () => await invoices.SendAsync("late") == HttpStatusCode.NotFound, "the Broker to go");
        await dispatcher.LineAsync("is not served any more");
        await orders.MustSendAsync("last-order");
        await ArrivesAsync(subscriber, "last-order", "/orders");
    }

    private static byte[] Text(string text) => System.Text.Encoding.UTF8.GetBytes(text);

    private static Task EachSaysAsync(ChildProcess[] roles, string line) => Task.WhenAll(roles.Select(role => role.LineAsync(line)));

    private static Task ArrivesAsync(Subscriber subscriber, string id, string path) =>
        Eventually.True(
            () => subscriber.At(path).Any(request => request.EventId == id),
            () => $"'{id}' at {path}, not only {string.Join(", ", subscriber.Requests.Select(r => $"'{r.EventId}' at {r.Path}"))}"
        );
}
