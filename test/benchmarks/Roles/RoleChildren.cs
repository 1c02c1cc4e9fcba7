using System.Globalization;
using Brokkr.Benchmarks.Measuring;
using Brokkr.Core.Contract;
using Brokkr.Core.Contract.Wire;
using Brokkr.Dispatcher;
using Brokkr.Kafka;
using Brokkr.Receiver;
using Microsoft.Extensions.Logging.Abstractions;

namespace Brokkr.Benchmarks.Roles;

/// <summary>The two roles of the data plane as the program composes them, each alone in a process.</summary>
internal static class RoleChildren
{
    public const string Path = "/ns/br";

    public static async Task ReceiverAsync(string servers, string topic)
    {
        using var logs = new KafkaLogProvider(new KafkaOptions(), new NoSecrets(), NullLoggerFactory.Instance);
        var contracts = new ContractPublisher();
        contracts.Publish(new Contract { Generation = 1, Resources = { Resource(servers, topic) } });
        await using var receiver = await ReceiverHost.StartAsync(
            new ReceiverOptions { Port = 0, DrainDelay = TimeSpan.Zero },
            contracts,
            logs,
            NullLoggerFactory.Instance
        );
        Console.WriteLine($"port={receiver.Port}");
        Snapshot.Serve(() => 0);
    }

    /// <summary>Delivers a topic to a URL by a number of Triggers.</summary>
    /// <param name="servers">Kafka.</param>
    /// <param name="topic">The topic.</param>
    /// <param name="url">The subscriber.</param>
    /// <param name="triggers">How many Triggers.</param>
    /// <param name="order">ORDERED or UNORDERED.</param>
    /// <param name="filter">
    /// <c>all</c>: every Trigger takes everything; <c>bucket</c>: Trigger i takes the events whose <c>bucket</c> is i modulo 100; <c>first</c>: the
    /// first takes everything, the others nothing.
    /// </param>
    /// <param name="reset">earliest or latest.</param>
    /// <param name="tag">Makes the groups new.</param>
    public static async Task DispatcherAsync(
        string servers,
        string topic,
        string url,
        int triggers,
        string order,
        string filter,
        string reset,
        string tag
    )
    {
        using var logs = new KafkaLogProvider(
            new KafkaOptions { OwnershipGroup = "benchmark-" + tag },
            new NoSecrets(),
            NullLoggerFactory.Instance
        );
        var resource = Resource(servers, topic);
        for (var i = 0; i < triggers; i++)
        {
            var name = string.Create(CultureInfo.InvariantCulture, $"{tag}-{i}");
            var egress = new Egress
            {
                Uid = name,
                ConsumerGroup = name,
                Destination = url,
                DiscardReply = new Empty(),
                DeliveryOrder = order == "ORDERED" ? DeliveryOrder.Ordered : DeliveryOrder.Unordered,
                Reference = new Reference
                {
                    Uuid = name,
                    Namespace = "ns",
                    Name = name,
                    Kind = "Trigger",
                    GroupVersion = "eventing.knative.dev/v1",
                },
            };
            var expected = filter switch
            {
                "bucket" => (Name: "bucket", Value: (i % 100).ToString(CultureInfo.InvariantCulture)),
                "first" when i > 0 => (Name: "type", Value: name),
                _ => default,
            };
            if (expected.Name is not null)
            {
                egress.DialectedFilter.Add(new DialectedFilter { Exact = new Exact { Attributes = { [expected.Name] = expected.Value } } });
            }

            resource.Egresses.Add(egress);
        }

        var contracts = new ContractPublisher();
        contracts.Publish(new Contract { Generation = 1, Resources = { resource } });
        await using var dispatcher = new DispatcherHost(
            new DispatcherOptions { InitialOffset = reset == "earliest" ? InitialOffset.Earliest : InitialOffset.Latest },
            contracts,
            logs,
            TimeProvider.System,
            NullLoggerFactory.Instance
        );
        dispatcher.Start();
        Snapshot.Serve(() => 0);
        await dispatcher.StopAsync();
    }

    private static Resource Resource(string servers, string topic) =>
        new()
        {
            Uid = "benchmark",
            Topics = { topic },
            BootstrapServers = servers,
            Ingress = new Ingress { Path = Path },
            Reference = new Reference
            {
                Uuid = "benchmark",
                Namespace = "ns",
                Name = "br",
                Kind = "Broker",
                GroupVersion = "eventing.knative.dev/v1",
            },
        };

    private sealed class NoSecrets : ISecretSource
    {
        public ValueTask<IReadOnlyDictionary<string, byte[]>?> GetAsync(
            string namespaceName,
            string name,
            CancellationToken cancellation
        ) => new((IReadOnlyDictionary<string, byte[]>?)null);
    }
}
