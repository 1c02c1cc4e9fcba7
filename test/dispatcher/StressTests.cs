using Brokkr.Core.Contract.Wire;
using Brokkr.Core.Log;
using Brokkr.Dispatcher.Tests.Stage;
using Brokkr.Testing;
using Brokkr.Testing.Http;

namespace Brokkr.Dispatcher.Tests;

/// <summary>Everything at once, from a seed: whatever happens, every event reaches every Trigger that wants it (RTE-02, RTE-03).</summary>
public class StressTests
{
    private const int Events = 1500;
    private const int Partitions = 3;

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public async Task Triggers_of_all_kinds_on_small_windows_get_everything(int seed)
    {
        var random = new Random(seed);
        await using var stage = await DispatcherStage.SetAsync(Partitions);
        stage.Options = stage.Options with
        {
            WindowBytes = 16 * 1024,
            WindowRecords = 64,
            CatchUpBytes = 8 * 1024,
            CatchUpReaders = 2,
            CatchUpIdle = TimeSpan.FromMilliseconds(100),
            MaxPollRecords = 4,
            MemoryBudget = 2 * 1024 * 1024,
        };
        stage.Subscriber.Otherwise(request =>
            Chance(random, 0.03) ? Answer.Status(503)
            : Chance(random, 0.01) ? Answer.Close
            : Answer.Ok with
            {
                Until =
                    request.Path == "/slow" ? Later(random, 8)
                    : Chance(random, 0.05) ? Later(random, 30)
                    : Task.CompletedTask,
            }
        );
        stage.Start([.. Kinds(stage)]);
        await AppendAsync(stage, random, 0, Events);
        await AllCommittedAsync(stage);
        foreach (var egress in Kinds(stage))
        {
            Assert.Equal(Expected(egress), stage.IdsAt("/" + egress.Uid).Select(int.Parse).Distinct().Order());
        }
    }

    [Theory]
    [InlineData(4)]
    [InlineData(5)]
    public async Task Killed_again_and_again_nothing_is_lost_and_little_repeated(int seed)
    {
        var random = new Random(seed);
        await using var stage = await DispatcherStage.SetAsync(Partitions);
        var options = stage.Options with { MaxPollRecords = 4, CommitInterval = TimeSpan.FromMilliseconds(10) };
        stage.Subscriber.Otherwise(_ => Chance(random, 0.02) ? Answer.Status(503) : Answer.Ok with { Until = Later(random, 3) });
        await AppendAsync(stage, random, 0, Events);
        for (var run = 0; run < 6; run++)
        {
            stage.Options = options;
            stage.Start([.. Kinds(stage)]);
            var until = stage.Subscriber.Count + random.Next(100, 400);
            await Eventually.True(() => stage.Subscriber.Count >= until, "some deliveries");
            await stage.KillAsync();
        }

        stage.Options = options;
        stage.Start([.. Kinds(stage)]);
        await AllCommittedAsync(stage);
        foreach (var egress in Kinds(stage))
        {
            Assert.Equal(Expected(egress), stage.IdsAt("/" + egress.Uid).Select(int.Parse).Distinct().Order());
        }
    }

    [Theory]
    [InlineData(6)]
    [InlineData(7)]
    public async Task Partitions_that_come_and_go_lose_and_reorder_nothing(int seed)
    {
        var random = new Random(seed);
        await using var stage = await DispatcherStage.SetAsync(Partitions);
        stage.Options = stage.Options with { MaxPollRecords = 4, WindowRecords = 64, HandOverBudget = TimeSpan.FromMilliseconds(300) };
        stage.Subscriber.Otherwise(_ => Chance(random, 0.02) ? Answer.Status(503) : Answer.Ok with { Until = Later(random, 4) });
        stage.Start([.. Kinds(stage)]);
        await AppendAsync(stage, random, 0, Events / 2);
        var site = await Eventually.Value(() => stage.Host.Sites.Open is [var open] ? open : null, "the site");
        await Eventually.True(() => site.Feeds.Count == Partitions, "the partitions");
        for (var round = 0; round < 12; round++)
        {
            var partition = new TopicPartition(DispatcherStage.Topic, random.Next(Partitions));
            var until = stage.Subscriber.Count + random.Next(20);
            await Eventually.True(() => stage.Subscriber.Count >= until, "some deliveries");
            if (Chance(random, 0.3))
            {
                site.Lost([partition]);
            }
            else
            {
                await site.LosingAsync([partition], CancellationToken.None);
            }

            site.Gained([partition]);
            if (round == 6)
            {
                await AppendAsync(stage, random, Events / 2, Events);
            }
        }

        await AllCommittedAsync(stage);
        foreach (var egress in Kinds(stage))
        {
            Assert.Equal(Expected(egress), stage.IdsAt("/" + egress.Uid).Select(int.Parse).Distinct().Order());
        }

        // In order, first deliveries of a partition only ever go up.
        foreach (var partition in stage.Subscriber.At("/ordered").GroupBy(r => r.Headers["ce-knativekafkapartition"]))
        {
            var offsets = partition.Select(r => long.Parse(r.Headers["ce-knativekafkaoffset"])).Distinct().ToArray();
            Assert.Equal(offsets.Order(), offsets);
        }
    }

    private static IEnumerable<Egress> Kinds(DispatcherStage stage)
    {
        var config = stage.Config(retry: 20, delay: 1, deadLetterSink: false);
        yield return stage.Egress("all", "/all", config);
        yield return stage.Egress("slow", "/slow", config);
        var ordered = stage.Egress("ordered", "/ordered", config);
        ordered.DeliveryOrder = DeliveryOrder.Ordered;
        yield return ordered;
        var few = stage.Egress("few", "/few", config);
        few.Filter = new Filter();
        few.Filter.Attributes.Add("type", "rare");
        yield return few;
    }

    private static IEnumerable<int> Expected(Egress egress) => Enumerable.Range(0, Events).Where(i => egress.Uid != "few" || i % 10 == 0);

    private static async Task AppendAsync(DispatcherStage stage, Random random, int from, int to)
    {
        for (var i = from; i < to; i += 10)
        {
            await stage.AppendAsync([$"{i}"], type: "rare", key: $"{random.Next(100)}");
            await stage.AppendAsync(DispatcherStage.Ids(9, i + 1), key: $"{random.Next(100)}", data: new string('x', random.Next(400)));
        }
    }

    private static async Task AllCommittedAsync(DispatcherStage stage)
    {
        var bounds = await stage.Store.BoundsAsync(DispatcherStage.Topic, [0, 1, 2], CancellationToken.None);
        foreach (var egress in Kinds(stage))
        {
            for (var partition = 0; partition < Partitions; partition++)
            {
                await stage.CommittedAsync(bounds[partition].End, egress.ConsumerGroup, partition);
            }
        }
    }

    private static bool Chance(Random random, double probability)
    {
        lock (random)
        {
            return random.NextDouble() < probability;
        }
    }

    private static Task Later(Random random, int milliseconds)
    {
        int wait;
        lock (random)
        {
            wait = random.Next(milliseconds);
        }

        return Task.Delay(TimeSpan.FromMilliseconds(wait), TimeProvider.System, CancellationToken.None);
    }
}
