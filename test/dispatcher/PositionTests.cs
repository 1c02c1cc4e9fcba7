using Brokkr.Core.Contract.Wire;
using Brokkr.Core.Log;
using Brokkr.Dispatcher.Cursors;
using Brokkr.Dispatcher.Tests.Stage;
using Brokkr.Testing;
using Brokkr.Testing.Http;

namespace Brokkr.Dispatcher.Tests;

/// <summary>Where a group begins, what it commits, and what survives a restart (dispatcher §10, OEG-13, OEG-17).</summary>
public class PositionTests
{
    [Fact]
    public async Task A_new_group_begins_at_the_end_and_that_is_committed_at_once()
    {
        await using var stage = await DispatcherStage.SetAsync(partitions: 3);
        stage.Options = stage.Options with { InitialOffset = InitialOffset.Latest };
        var place = await stage.Append("old", key: "k");
        stage.Start(stage.Egress());
        await stage.CommittedAsync(1, partition: place.Partition);
        Assert.Equal(3, (await stage.PositionsAsync()).Count);
        await stage.AppendAsync(["new"], key: "k");
        await stage.CommittedAsync(2, partition: place.Partition);
        Assert.Equal(["new"], stage.IdsAt("/sub"));
    }

    [Fact]
    public async Task A_new_group_that_begins_with_the_oldest_is_seen_at_once_too()
    {
        await using var stage = await DispatcherStage.SetAsync();
        stage.Subscriber.Otherwise(_ => Answer.Never);
        await stage.AppendAsync("1");
        stage.Start(stage.Egress());
        await stage.CommittedAsync(0);
    }

    /// <summary>Dispatcher §17.1 W8.</summary>
    [Fact]
    public async Task A_partition_that_is_new_to_a_group_begins_with_its_oldest_record()
    {
        await using var stage = await DispatcherStage.SetAsync(partitions: 2);
        stage.Options = stage.Options with { InitialOffset = InitialOffset.Latest };
        var place = await stage.Append("1", key: "k");
        await StoreAsync(stage, 1 - place.Partition, 0);
        stage.Start(stage.Egress());
        await stage.CommittedAsync(1, partition: place.Partition);
        Assert.Equal(["1"], stage.IdsAt("/sub"));
    }

    [Theory]
    [InlineData(InitialOffset.Earliest, 5)]
    [InlineData(InitialOffset.Latest, 0)]
    public async Task A_position_beyond_the_end_falls_back(InitialOffset initial, int delivered)
    {
        await using var stage = await DispatcherStage.SetAsync();
        stage.Options = stage.Options with { InitialOffset = initial };
        await stage.AppendAsync(DispatcherStage.Ids(5));
        await StoreAsync(stage, 0, 99);
        stage.Start(stage.Egress());
        await stage.CommittedAsync(5);
        Assert.Equal(delivered, stage.Subscriber.Count);
    }

    [Theory]
    [InlineData("")]
    [InlineData("someone's note {]")]
    public async Task A_group_goes_on_at_its_position(string metadata)
    {
        await using var stage = await DispatcherStage.SetAsync();
        await stage.AppendAsync(DispatcherStage.Ids(5));
        await StoreAsync(stage, 0, 3, metadata);
        stage.Start(stage.Egress());
        await stage.CommittedAsync(5);
        Assert.Equal(["3", "4"], stage.IdsAt("/sub").Order());
    }

    [Fact]
    public async Task After_a_kill_only_what_was_unfinished_comes_again()
    {
        await using var stage = await DispatcherStage.SetAsync();
        stage.Subscriber.OnEvent("4", Answer.Never);
        await stage.AppendAsync(DispatcherStage.Ids(12));
        stage.Start(stage.Egress());
        await stage.Subscriber.CountAsync(12);
        await Eventually.True(
            async () => await RememberedAsync(stage) is { Frontier: 12, Unfinished: [{ Offset: 4 }] },
            "the finished offsets are stored"
        );
        await stage.KillAsync();
        stage.Subscriber.Clear();
        stage.Subscriber.OnEvent("4", Answer.Ok);
        stage.Start(stage.Egress());
        await stage.CommittedAsync(12);
        Assert.Equal(["4"], stage.IdsAt("/sub"));
    }

    [Fact]
    public async Task After_two_kills_still_only_what_was_unfinished_comes_again()
    {
        await using var stage = await DispatcherStage.SetAsync();
        stage.Options = stage.Options with { MaxPollRecords = 1, BacklogFactor = 2 };
        await stage.AppendAsync(DispatcherStage.Ids(100));
        await StoreAsync(
            stage,
            0,
            10,
            Text(
                10,
                90,
                [new RememberedRecord(10, 0), new RememberedRecord(20, 0), new RememberedRecord(30, 0), new RememberedRecord(89, 0)]
            )
        );
        stage.Subscriber.Otherwise(r => r.EventId is "10" or "20" ? Answer.Status(500) : Answer.Ok);
        stage.Start(stage.Egress(config: stage.Config(retry: 1, delay: 3_600_000)));
        await Eventually.True(
            async () => (await RememberedAsync(stage))?.Unfinished is [{ Offset: 10, FailedAttempts: 1 }, { FailedAttempts: 1 }, ..],
            "both attempts are stored"
        );
        await stage.KillAsync();
        Assert.Equal([10, 20, 30, 89], (await RememberedAsync(stage))!.Unfinished.Select(r => r.Offset));
        stage.Subscriber.Otherwise(_ => Answer.Ok);
        stage.Subscriber.Clear();
        stage.Start(stage.Egress());
        await stage.CommittedAsync(100);
        Assert.Equal([10, 20, 30, .. Enumerable.Range(89, 11)], stage.IdsAt("/sub").Select(int.Parse).Order());
    }

    /// <summary>DEV-12.</summary>
    [Fact]
    public async Task Attempts_are_counted_across_a_kill()
    {
        await using var stage = await DispatcherStage.SetAsync();
        stage.Options = stage.Options with { CommitInterval = TimeSpan.FromHours(1) };
        stage.Subscriber.OnPath("/sub", Answer.Status(500));
        await stage.AppendAsync("1");
        var config = stage.Config(retry: 3, delay: 3_600_000);
        stage.Start(stage.Egress(config: config));
        await Eventually.True(async () => (await RememberedAsync(stage))?.Unfinished[0].FailedAttempts == 1, "the attempt is stored");
        await stage.KillAsync();
        config.BackoffDelay = 0;
        stage.Start(stage.Egress(config: config));
        await stage.Subscriber.CountAsync(1, "/dls");
        Assert.Equal(4, stage.Subscriber.At("/sub").Count);
    }

    [Fact]
    public async Task Attempts_that_were_spent_before_a_kill_are_followed_by_one_that_knows_the_error()
    {
        await using var stage = await DispatcherStage.SetAsync();
        stage.Subscriber.OnPath("/sub", Answer.Status(418));
        await stage.AppendAsync("1");
        await StoreAsync(stage, 0, 0, Text(0, 1, [new RememberedRecord(0, 9)]));
        stage.Start(stage.Egress(config: stage.Config(retry: 3)));
        await stage.CommittedAsync(1);
        Assert.Single(stage.Subscriber.At("/sub"));
        Assert.Equal("418", stage.Subscriber.At("/dls")[0].Headers["ce-knativeerrorcode"]);
    }

    [Fact]
    public async Task Positions_that_cannot_be_stored_are_stored_later()
    {
        await using var stage = await DispatcherStage.SetAsync();
        stage.Start(stage.Egress());
        await stage.CommittedAsync(0);
        stage.Store.CursorsAreAway = true;
        await stage.AppendAsync(DispatcherStage.Ids(3));
        await Eventually.True(() => stage.Log.Of(5014).Any(), "storing fails");
        stage.Store.CursorsAreAway = false;
        await stage.CommittedAsync(3);
        Assert.Equal(3, stage.Subscriber.Count);
    }

    [Fact]
    public async Task Positions_that_cannot_be_loaded_are_loaded_later()
    {
        await using var stage = await DispatcherStage.SetAsync();
        stage.Store.CursorsAreAway = true;
        await stage.AppendAsync("1");
        stage.Start(stage.Egress());
        await Eventually.True(() => stage.Log.Of(5015).Any(), "loading fails");
        stage.Store.CursorsAreAway = false;
        await stage.CommittedAsync(1);
    }

    [Fact]
    public async Task Nothing_is_stored_while_nothing_moves()
    {
        await using var stage = await DispatcherStage.SetAsync();
        await stage.AppendAsync("1");
        stage.Start(stage.Egress());
        await stage.CommittedAsync(1);
        var stores = stage.Store.Stores;
        await stage.AppendAsync("2");
        await stage.CommittedAsync(2);
        Assert.Equal(stores + 1, stage.Store.Stores);
    }

    /// <summary>Positions never go back and never pass what is unfinished, whatever the order of the answers.</summary>
    [Fact]
    public async Task Every_stored_position_is_true()
    {
        await using var stage = await DispatcherStage.SetAsync();
        stage.Options = stage.Options with { CommitInterval = TimeSpan.FromMilliseconds(1) };
        var random = new Random(7);
        var answered = new System.Collections.Concurrent.ConcurrentDictionary<int, bool>();
        stage.Subscriber.Otherwise(request => Answer.Ok with { Until = LaterAsync(int.Parse(request.EventId)) });
        async Task LaterAsync(int id)
        {
            int wait;
            lock (random)
            {
                wait = random.Next(20);
            }

            await Task.Delay(TimeSpan.FromMilliseconds(wait), TimeProvider.System, CancellationToken.None);
            answered[id] = true;
        }

        await stage.AppendAsync(DispatcherStage.Ids(2000));
        stage.Start(stage.Egress());
        await stage.CommittedAsync(2000);
        long last = 0;
        foreach (var (_, _, position) in stage.Store.Commits)
        {
            Assert.True(position.Offset >= last);
            last = position.Offset;
        }

        Assert.Equal(2000, answered.Count);
        Assert.Equal(2000, stage.Subscriber.Count);
    }

    private static Task StoreAsync(DispatcherStage stage, int partition, long offset, string metadata = "") =>
        stage.Store.StoreAsync(
            "group-t",
            [new(new TopicPartition(DispatcherStage.Topic, partition), new CursorPosition(offset, metadata))],
            CancellationToken.None
        );

    private static string Text(long position, long frontier, RememberedRecord[] unfinished) =>
        CursorMetadata.Write(new OffsetWindow(position), new CursorMetadata(frontier, unfinished));

    private static async Task<CursorMetadata?> RememberedAsync(DispatcherStage stage) =>
        (await stage.PositionsAsync()).TryGetValue(0, out var position) ? CursorMetadata.Read(position.Offset, position.Metadata) : null;
}
