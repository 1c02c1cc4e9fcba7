using Brokkr.Core.Contract.Wire;
using Brokkr.Dispatcher.Tests.Stage;
using Brokkr.Testing;
using Brokkr.Testing.Http;

namespace Brokkr.Dispatcher.Tests;

/// <summary>Stopping and handing over (dispatcher §17.1 W3, §17.3 W27, OEG-18).</summary>
public class StopTests
{
    [Fact]
    public async Task A_stop_lets_running_requests_finish_and_commits_them()
    {
        await using var stage = await DispatcherStage.SetAsync();
        stage.Options = stage.Options with { CommitInterval = TimeSpan.FromHours(1), CommitDelay = TimeSpan.FromHours(1) };
        var released = new TaskCompletionSource();
        stage.Subscriber.OnEvent("1", Answer.Ok with { Until = released.Task });
        await stage.AppendAsync(DispatcherStage.Ids(4));
        stage.Start(stage.Egress());
        await stage.Subscriber.CountAsync(4);
        var stopping = stage.Host.StopAsync();
        Assert.False(stopping.IsCompleted);
        released.SetResult();
        await Eventually.Completes(stopping, "the stop");
        Assert.Equal(4, await stage.CommittedAsync());
        Assert.Equal(4, stage.Subscriber.Count);
    }

    [Fact]
    public async Task A_stop_is_bounded_and_remembers_what_was_finished()
    {
        await using var stage = await DispatcherStage.SetAsync();
        stage.Options = stage.Options with
        {
            CommitInterval = TimeSpan.FromHours(1),
            CommitDelay = TimeSpan.FromHours(1),
            StopBudget = TimeSpan.FromMilliseconds(200),
        };
        stage.Subscriber.OnEvent("1", Answer.Never);
        await stage.AppendAsync(DispatcherStage.Ids(4));
        stage.Start(stage.Egress());
        await stage.Subscriber.CountAsync(4);
        await Eventually.Completes(stage.Host.StopAsync(), "the stop");
        Assert.Equal(1, await stage.CommittedAsync());
        stage.Subscriber.OnEvent("1", Answer.Ok);
        stage.Subscriber.Clear();
        stage.Options = stage.Options with { CommitInterval = TimeSpan.FromMilliseconds(50) };
        stage.Start(stage.Egress());
        await stage.CommittedAsync(4);
        Assert.Equal(["1"], stage.IdsAt("/sub"));
    }

    [Fact]
    public async Task A_stop_cancels_waits_for_a_retry_at_once()
    {
        await using var stage = await DispatcherStage.SetAsync();
        stage.Subscriber.OnPath("/sub", Answer.Status(500));
        await stage.AppendAsync("1");
        stage.Start(stage.Egress(config: stage.Config(retry: 1, delay: 3_600_000)));
        await Eventually.True(() => stage.Host.FindTrigger("t")?.Gate is { Records: 1, Requests: 0 }, "it waits");
        await Eventually.Completes(stage.Host.StopAsync(), "the stop", TimeSpan.FromSeconds(10));
        Assert.Equal(0, await stage.CommittedAsync());
    }

    [Fact]
    public async Task A_stop_begins_nothing_new()
    {
        await using var stage = await DispatcherStage.SetAsync();
        var released = new TaskCompletionSource();
        stage.Subscriber.OnEvent("0", Answer.Ok with { Until = released.Task });
        await stage.AppendAsync(DispatcherStage.Ids(5));
        var egress = stage.Egress();
        egress.DeliveryOrder = DeliveryOrder.Ordered;
        stage.Start(egress);
        await stage.Subscriber.CountAsync(1);
        var stopping = stage.Host.StopAsync();
        await Eventually.True(() => stage.Host.Egresses.Count == 0, "the stop has begun");
        released.SetResult();
        await Eventually.Completes(stopping, "the stop");
        Assert.Equal(1, await stage.CommittedAsync());
        Assert.Single(stage.Subscriber.Requests);
    }

    /// <summary>OEG-13.</summary>
    [Fact]
    public async Task What_finishes_after_a_loss_commits_nothing()
    {
        await using var stage = await DispatcherStage.SetAsync();
        var released = new TaskCompletionSource();
        stage.Subscriber.OnEvent("0", Answer.Ok with { Until = released.Task });
        await stage.AppendAsync("0");
        stage.Start(stage.Egress());
        await stage.Subscriber.CountAsync(1);
        var site = Assert.Single(stage.Host.Sites.Open);
        var cursor = Assert.Single(stage.Host.FindTrigger("t")!.Cursors);
        var stores = stage.Store.Stores;
        site.Lost([cursor.Partition]);
        released.SetResult();
        await Eventually.True(() => stage.Host.FindTrigger("t")!.Gate.Records == 0, "the request is over");
        await stage.Host.StopAsync();
        Assert.Equal(stores, stage.Store.Stores);
        Assert.Equal(0, await stage.CommittedAsync());
    }

    [Fact]
    public async Task A_partition_that_is_given_up_and_gained_again_goes_on_without_repeating()
    {
        await using var stage = await DispatcherStage.SetAsync();
        stage.Options = stage.Options with { CommitInterval = TimeSpan.FromHours(1), CommitDelay = TimeSpan.FromHours(1) };
        var released = new TaskCompletionSource();
        stage.Subscriber.OnEvent("1", Answer.Ok with { Until = released.Task });
        await stage.AppendAsync(DispatcherStage.Ids(3));
        stage.Start(stage.Egress());
        await stage.Subscriber.CountAsync(3);
        var site = Assert.Single(stage.Host.Sites.Open);
        var partition = Assert.Single(stage.Host.FindTrigger("t")!.Cursors).Partition;
        var losing = site.LosingAsync([partition], CancellationToken.None);
        await stage.AppendAsync("3");
        released.SetResult();
        await Eventually.Completes(losing, "the hand-over");
        Assert.Equal(3, await stage.CommittedAsync());
        site.Gained([partition]);
        await stage.Subscriber.CountAsync(4);
        Assert.Equal(DispatcherStage.Ids(4), stage.IdsAt("/sub").Order());
    }

    [Fact]
    public async Task A_hand_over_is_bounded_too()
    {
        await using var stage = await DispatcherStage.SetAsync();
        stage.Options = stage.Options with { HandOverBudget = TimeSpan.FromMilliseconds(200) };
        stage.Subscriber.OnEvent("1", Answer.Never);
        await stage.AppendAsync(DispatcherStage.Ids(3));
        stage.Start(stage.Egress());
        await stage.Subscriber.CountAsync(3);
        var site = Assert.Single(stage.Host.Sites.Open);
        var partition = Assert.Single(stage.Host.FindTrigger("t")!.Cursors).Partition;
        await Eventually.Completes(site.LosingAsync([partition], CancellationToken.None), "the hand-over");
        Assert.Equal(1, await stage.CommittedAsync());
    }
}
