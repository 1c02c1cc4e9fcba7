using System.Globalization;
using Brokkr.EndToEnd.Tests.Parts;
using Brokkr.Testing;
using Brokkr.Testing.Http;
using Brokkr.Testing.Kafka;

namespace Brokkr.EndToEnd.Tests.Roles;

/// <summary>What <c>kill -9</c> of a dispatcher costs. Each life of it sends to paths of its own, so that it is known who delivered.</summary>
public sealed class KillTests
{
    private const int Partitions = 3;
    private const int Lives = 3;

    /// <summary>
    /// The interval is an hour: that positions are stored at all while the process lives is because finished deliveries do not wait for it. Where the positions were
    /// when it died is asked of Kafka; before those nothing may come again, and after those only what was delivered since.
    /// </summary>
    [Fact]
    public async Task A_killed_dispatcher_repeats_what_was_in_flight_or_finished_since_its_last_commit_and_nothing_else()
    {
        var kafka = await KafkaCluster.SharedAsync();
        var topic = $"killed-{Guid.NewGuid():n}";
        await kafka.CreateTopicAsync(topic, Partitions);
        await using var unordered = await Subscriber.StartAsync();
        await using var ordered = await Subscriber.StartAsync();
        var triggers = new[]
        {
            new Watched(topic + ".u", unordered, ""),
            new Watched(topic + ".o", ordered, ""","deliveryOrder":"ORDERED" """),
        };
        await using var plane = new DataPlane("auto.offset.reset=earliest\nauto.commit.interval.ms=3600000\nsession.timeout.ms=6000\n");
        void Publish(string pod, int life) =>
            plane
                .Contract(pod)
                .Put(
                    (
                        "data",
                        ContractText.Of(
                            life + 1,
                            ContractText.Broker("orders", topic, kafka.BootstrapServers, triggers.Select(trigger => trigger.Egress(life)))
                        )
                    )
                );
        Publish("receiver", 0);
        Publish("dispatcher", 0);
        await plane.StartReceiverAsync("receiver", "/shop/orders");
        var dispatcher = plane.StartDispatcher("dispatcher");
        using var sender = new Sender(plane.Url("/shop/orders"));
        await sender.UnderLoadAsync(
            connections: 4,
            async () =>
            {
                for (var life = 1; life < Lives; life++)
                {
                    foreach (var trigger in triggers)
                    {
                        // Kafka makes the topic of the positions when it is first asked by the dispatcher.
                        await trigger.Subscriber.CountAsync(50, Watched.Path(life - 1), TimeSpan.FromSeconds(60));
                        var before = (await trigger.CommittedAsync(kafka, topic)).Sum(offset => Math.Max(0, offset));
                        await Eventually.True(
                            async () => (await trigger.CommittedAsync(kafka, topic)).Sum() >= before + 300,
                            $"positions of {trigger.Name} to be stored",
                            TimeSpan.FromSeconds(60)
                        );
                    }

                    await dispatcher.KillAsync();
                    foreach (var trigger in triggers)
                    {
                        trigger.StoredAtDeath.Add(await trigger.CommittedAsync(kafka, topic));
                    }

                    Publish("dispatcher", life);
                    dispatcher = plane.StartDispatcher("dispatcher");
                }

                foreach (var trigger in triggers)
                {
                    await trigger.Subscriber.CountAsync(50, Watched.Path(Lives - 1), TimeSpan.FromSeconds(60));
                }
            }
        );
        foreach (var trigger in triggers)
        {
            await Ledger.NothingIsLostAsync(sender, trigger.Subscriber);
            trigger.RepeatedOnlyWhatWasNotStored();
        }
    }

    private sealed record Watched(string Name, Subscriber Subscriber, string More)
    {
        /// <summary>Positions of its partitions at the end of each life.</summary>
        public List<IReadOnlyList<long>> StoredAtDeath { get; } = [];

        public static string Path(int life) => string.Create(CultureInfo.InvariantCulture, $"/life/{life}");

        public string Egress(int life) => ContractText.Trigger(Name, Subscriber.Url + Path(life), More);

        public Task<IReadOnlyList<long>> CommittedAsync(KafkaCluster kafka, string topic) =>
            kafka.CommittedAsync(ContractText.Group(Name), topic, Partitions);

        public void RepeatedOnlyWhatWasNotStored()
        {
            for (var life = 0; life < StoredAtDeath.Count; life++)
            {
                var delivered = Subscriber.At(Path(life));
                var mayRepeat = delivered.Where(request => OffsetOf(request) >= StoredAtDeath[life][PartitionOf(request)]);
                var repeated = Enumerable
                    .Range(life + 1, Lives - life - 1)
                    .SelectMany(later => Subscriber.At(Path(later)))
                    .Select(request => request.EventId)
                    .ToHashSet(StringComparer.Ordinal);
                repeated.IntersectWith(delivered.Select(request => request.EventId));
                TestContext.Current.TestOutputHelper?.WriteLine(
                    $"{Name}, life {life}: {delivered.Count} delivered, {mayRepeat.Count()} of them not stored, {repeated.Count} repeated"
                );
                repeated.ExceptWith(mayRepeat.Select(request => request.EventId));
                Assert.Empty(repeated);
                Assert.Equal(delivered.Count, delivered.DistinctBy(request => request.EventId).Count());
            }
        }

        private static long OffsetOf(ReceivedRequest request) =>
            long.Parse(request["ce-knativekafkaoffset"]!, CultureInfo.InvariantCulture);

        private static int PartitionOf(ReceivedRequest request) =>
            int.Parse(request["ce-knativekafkapartition"]!, CultureInfo.InvariantCulture);
    }
}
