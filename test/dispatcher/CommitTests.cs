using Brokkr.Core.Contract.Wire;
using Brokkr.Dispatcher.Cursors;
using Brokkr.Dispatcher.Tests.Stage;
using Brokkr.Testing;
using Brokkr.Testing.Http;

namespace Brokkr.Dispatcher.Tests;

/// <summary>When positions are stored, so that a kill repeats little.</summary>
public class CommitTests
{
    [Fact]
    public async Task What_was_delivered_does_not_wait_for_the_interval()
    {
        await using var stage = await DispatcherStage.SetAsync();
        stage.Options = stage.Options with { CommitInterval = TimeSpan.FromHours(1) };
        await stage.AppendAsync(DispatcherStage.Ids(3));
        stage.Start(stage.Egress());
        await stage.CommittedAsync(3);
    }

    [Fact]
    public async Task Many_deliveries_do_not_wait_at_all_and_a_kill_repeats_the_others()
    {
        await using var stage = await DispatcherStage.SetAsync();
        stage.Options = stage.Options with
        {
            CommitInterval = TimeSpan.FromHours(1),
            CommitDelay = TimeSpan.FromHours(1),
            CommitBatch = 10,
        };
        var egress = stage.Egress();
        stage.Start(egress);
        for (var batch = 0; batch < 3; batch++)
        {
            await stage.AppendAsync(DispatcherStage.Ids(10, 10 * batch));
            await stage.CommittedAsync(10 * (batch + 1));
        }

        await stage.AppendAsync(DispatcherStage.Ids(9, 30));
        await Eventually.True(() => stage.Host.FindTrigger("t")!.Cursors.Single().Position == 39, "all to be delivered");
        await stage.KillAsync();
        stage.Subscriber.Clear();
        stage.Start(egress);
        await stage.Subscriber.CountAsync(9);
        await stage.AppendAsync("last");
        await Eventually.True(() => stage.IdsAt("/sub").Contains("last"), "what came after that");
        Assert.Equal([.. DispatcherStage.Ids(9, 30), "last"], stage.IdsAt("/sub").Order());
    }

    /// <summary>That a filter refused an event costs nothing to find out again, so that Triggers that want little are stored seldom.</summary>
    [Fact]
    public async Task What_was_only_passed_over_waits_for_the_interval()
    {
        await using var stage = await DispatcherStage.SetAsync();
        stage.Options = stage.Options with { CommitInterval = TimeSpan.FromHours(1) };
        await stage.AppendAsync("0");
        var none = stage.Egress("none");
        none.Filter = new Filter { Attributes = { ["type"] = "another" } };
        stage.Start(stage.Egress(), none);
        await stage.CommittedAsync(1);
        var cursor = stage.Host.FindTrigger("none")!.Cursors.Single();
        await Eventually.True(() => cursor.Position == 1, "it to be passed over");
        Assert.Equal(Unstored.Moved, cursor.Unstored);
        Assert.NotEqual(1, await stage.CommittedAsync(none.ConsumerGroup));
    }

    [Fact]
    public async Task While_the_log_refuses_positions_it_is_asked_once_per_interval()
    {
        await using var stage = await DispatcherStage.SetAsync();
        stage.Start(stage.Egress());
        await stage.CommittedAsync(0);
        await stage.KillAsync();
        stage.Options = stage.Options with { CommitInterval = TimeSpan.FromHours(1), CommitDelay = TimeSpan.Zero, CommitBatch = 1 };
        stage.Start(stage.Egress());
        await Eventually.True(() => stage.Host.FindTrigger("t")?.Cursors.Count == 1, "it runs");
        stage.Store.CursorsAreAway = true;
        await stage.AppendAsync("0");
        await Eventually.True(() => stage.Log.Of(5014).Any(), "storing fails");
        for (var i = 1; i < 30; i++)
        {
            await stage.AppendAsync($"{i}");
            await stage.Subscriber.CountAsync(i + 1);
        }

        Assert.Single(stage.Log.Of(5014));
    }
}
