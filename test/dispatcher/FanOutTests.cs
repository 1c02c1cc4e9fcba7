using Brokkr.Core.Contract.Wire;
using Brokkr.Dispatcher.Tests.Stage;
using Brokkr.Testing;
using Brokkr.Testing.Http;

namespace Brokkr.Dispatcher.Tests;

/// <summary>Many Triggers on one partition: one read, no waiting for the slow, bounded memory (design §4 "Out").</summary>
public class FanOutTests
{
    [Fact]
    public async Task Many_Triggers_cost_one_read()
    {
        await using var stage = await DispatcherStage.SetAsync();
        // However slowly they start here, the first waits for the last.
        stage.Options = stage.Options with
        {
            CatchUpIdle = TimeSpan.FromMinutes(2),
        };
        await stage.AppendAsync(DispatcherStage.Ids(5000), data: new string('x', 500));
        var egresses = Enumerable.Range(0, 50).Select(i => Matching(stage, $"t{i}", i == 7 ? "t" : "none")).ToArray();
        stage.Start(egresses);
        for (var i = 0; i < 50; i++)
        {
            await stage.CommittedAsync(5000, $"group-t{i}");
        }

        Assert.Equal(5000, stage.Subscriber.Count);
        Assert.Equal(5000, stage.Store.RecordsRead);
        Assert.Equal(1, stage.Store.FeedsOpened);
        Assert.Equal(0, stage.Store.CatchUpsOpened);
    }

    /// <summary>As the original's control plane places Consumers: each Trigger is the only egress of a resource that has its uid (dispatcher §2.7).</summary>
    [Fact]
    public async Task Triggers_that_own_their_partitions_by_themselves_have_one_read_and_one_log_in_common()
    {
        await using var stage = await DispatcherStage.SetAsync();
        await stage.AppendAsync(DispatcherStage.Ids(1000));
        var resources = Enumerable
            .Range(0, 10)
            .Select(i =>
            {
                var resource = DispatcherStage.ResourceOf(stage.Egress($"t{i}", $"/{i}"));
                resource.Uid = $"t{i}";
                return resource;
            })
            .ToArray();
        stage.StartWith(resources);
        for (var i = 0; i < 10; i++)
        {
            await stage.CommittedAsync(1000, $"group-t{i}");
            Assert.Equal(1000, stage.Subscriber.At($"/{i}").Count);
        }

        Assert.Equal(10, stage.Host.Sites.Open.Count);
        Assert.Single(stage.Host.Sites.Open.SelectMany(site => site.Feeds).Distinct());
        Assert.Equal(1, stage.Store.FeedsOpened);

        stage.Publish(resources[..1]);
        await Eventually.True(() => stage.Host.Sites.Open.Count == 1, "the others have gone");
        await stage.AppendAsync("last");
        await stage.CommittedAsync(1001, "group-t0");
        Assert.Equal(1, stage.Store.FeedsOpened);
    }

    [Fact]
    public async Task A_Trigger_that_falls_behind_is_brought_back_and_slows_nobody()
    {
        await using var stage = await DispatcherStage.SetAsync();
        stage.Options = stage.Options with
        {
            MaxPollRecords = 5,
            WindowBytes = 32 * 1024,
            CatchUpBytes = 16 * 1024,
            CatchUpIdle = TimeSpan.FromMilliseconds(200),
        };
        var released = new TaskCompletionSource();
        stage.Subscriber.Otherwise(r => r.Path == "/slow" ? Answer.Ok with { Until = released.Task } : Answer.Ok);
        stage.Start(stage.Egress("fast", "/fast"), stage.Egress("slow", "/slow"));
        await stage.CommittedAsync(0, "group-slow");
        await stage.CommittedAsync(0, "group-fast");
        await stage.AppendAsync(DispatcherStage.Ids(2000), data: new string('x', 500));
        await stage.CommittedAsync(2000, "group-fast");
        await Eventually.True(() => stage.Store.CatchUpsOpen == 0, "a stuck Trigger holds no reader");
        Assert.Equal(9, stage.Subscriber.At("/slow").Count);
        released.SetResult();
        await stage.CommittedAsync(2000, "group-slow");
        Assert.Equal(2000, stage.IdsAt("/slow").Distinct().Count());
        Assert.Equal(2000, stage.Subscriber.At("/slow").Count);
        Assert.True(stage.Store.CatchUpsOpened >= 1);
        await Eventually.True(() => stage.Store.CatchUpsOpen == 0, "its reader is closed again");

        // Back at the window: new records reach it through the one read.
        var read = stage.Store.RecordsRead;
        await stage.AppendAsync(DispatcherStage.Ids(50, 2000));
        await stage.CommittedAsync(2050, "group-slow");
        await stage.CommittedAsync(2050, "group-fast");
        Assert.Equal(read + 50, stage.Store.RecordsRead);
    }

    [Fact]
    public async Task Triggers_that_begin_far_apart_do_not_hold_each_other_up()
    {
        await using var stage = await DispatcherStage.SetAsync();
        stage.Options = stage.Options with { WindowRecords = 100, MaxPollRecords = 2 };
        var released = new TaskCompletionSource();
        stage.Subscriber.Otherwise(r => r.Path == "/old" ? Answer.Ok with { Until = released.Task } : Answer.Ok);
        await stage.AppendAsync(DispatcherStage.Ids(1000));
        await stage.Store.StoreAsync(
            "group-new",
            [new(new Core.Log.TopicPartition(DispatcherStage.Topic, 0), new Core.Log.CursorPosition(1000, ""))],
            CancellationToken.None
        );
        stage.Start(stage.Egress("old", "/old"), stage.Egress("new", "/new"));
        await stage.Subscriber.CountAsync(3, "/old");
        await stage.AppendAsync("live");
        await stage.CommittedAsync(1001, "group-new");
        released.SetResult();
        await stage.CommittedAsync(1001, "group-old");
        Assert.Equal(["live"], stage.IdsAt("/new"));
        Assert.Equal(1001, stage.IdsAt("/old").Distinct().Count());
    }

    /// <summary>RTE-19.</summary>
    [Fact]
    public async Task With_dead_subscribers_and_a_large_backlog_memory_stays_bounded()
    {
        await using var stage = await DispatcherStage.SetAsync();
        const int budget = 2 * 1024 * 1024;
        stage.Options = stage.Options with { MemoryBudget = budget, MaxPollRecords = 50, CatchUpBytes = 64 * 1024 };
        stage.Subscriber.Otherwise(r => r.Path.StartsWith("/dead", StringComparison.Ordinal) ? Answer.Status(503) : Answer.Ok);
        var dead = Enumerable.Range(0, 4).Select(i => stage.Egress($"dead{i}", $"/dead{i}", stage.Config(retry: 50, delay: 3_600_000)));
        stage.Start([stage.Egress("alive", "/alive"), .. dead]);
        for (var i = 0; i < 20; i++)
        {
            await stage.AppendAsync(DispatcherStage.Ids(100, i * 100), data: new string('x', 10_000));
        }

        // 20 MB have gone by the dead ones.
        await stage.CommittedAsync(2000, "group-alive");
        var feed = Assert.Single(Assert.Single(stage.Host.Sites.Open).Feeds);
        var held = Enumerable.Range(0, 4).Sum(i => stage.Host.FindTrigger($"dead{i}")!.Gate.Bytes);
        Assert.InRange(held, 1, budget / 2);
        Assert.InRange(feed.BytesHeld, 0, budget);
        await Eventually.True(() => stage.Store.CatchUpsOpen == 0, "stuck Triggers hold no readers");
        Assert.All(Enumerable.Range(0, 4), i => Assert.True(stage.Host.FindTrigger($"dead{i}")!.Gate.Records > 0));
    }

    [Fact]
    public async Task A_Trigger_added_later_begins_at_its_own_position()
    {
        await using var stage = await DispatcherStage.SetAsync();
        await stage.AppendAsync(DispatcherStage.Ids(1000));
        var first = stage.Egress("a", "/a");
        stage.Start(first);
        await stage.CommittedAsync(1000, "group-a");
        stage.Publish(first, stage.Egress("b", "/b"));
        await stage.CommittedAsync(1000, "group-b");
        Assert.Equal(1000, stage.IdsAt("/b").Distinct().Count());
        Assert.Equal(1000, stage.Subscriber.At("/a").Count);
    }

    [Fact]
    public async Task More_Triggers_behind_than_readers_take_turns()
    {
        await using var stage = await DispatcherStage.SetAsync();
        stage.Options = stage.Options with
        {
            CatchUpReaders = 1,
            CatchUpIdle = TimeSpan.FromMilliseconds(200),
            CatchUpBytes = 4096,
            WindowBytes = 8192,
            WindowRecords = 40,
            MaxPollRecords = 1,
        };
        await stage.AppendAsync(DispatcherStage.Ids(400));
        for (var i = 0; i < 4; i++)
        {
            await stage.Store.StoreAsync(
                $"group-t{i}",
                [new(new Core.Log.TopicPartition(DispatcherStage.Topic, 0), new Core.Log.CursorPosition(i * 60, ""))],
                CancellationToken.None
            );
        }

        stage.Start([.. Enumerable.Range(0, 4).Select(i => stage.Egress($"t{i}", $"/t{i}"))]);
        for (var i = 0; i < 4; i++)
        {
            await stage.CommittedAsync(400, $"group-t{i}");
            Assert.Equal(Enumerable.Range(i * 60, 400 - (i * 60)), stage.IdsAt($"/t{i}").Select(int.Parse).Order());
        }
    }

    private static Egress Matching(DispatcherStage stage, string uid, string type)
    {
        var egress = stage.Egress(uid, "/" + uid);
        egress.Filter = new Filter();
        egress.Filter.Attributes.Add("type", type);
        return egress;
    }
}
