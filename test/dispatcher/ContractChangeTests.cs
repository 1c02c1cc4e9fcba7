using Brokkr.Core.Contract.Wire;
using Brokkr.Dispatcher.Tests.Stage;
using Brokkr.Testing;
using Brokkr.Testing.Http;

namespace Brokkr.Dispatcher.Tests;

/// <summary>A contract change touches only what it changes (dispatcher §2, §17.3).</summary>
public class ContractChangeTests
{
    [Fact]
    public async Task A_new_destination_holds_for_the_next_attempt_and_restarts_nothing()
    {
        await using var stage = await DispatcherStage.SetAsync();
        var released = new TaskCompletionSource();
        stage.Subscriber.OnPath("/old", Answer.Ok with { Until = released.Task });
        await stage.AppendAsync("0");
        stage.Start(stage.Egress(path: "/old"));
        await stage.Subscriber.CountAsync(1);
        var trigger = stage.Host.FindTrigger("t");
        stage.Publish(stage.Egress(path: "/new"));
        await Eventually.True(() => trigger!.Settings.Subscriber.Text.EndsWith("/new", StringComparison.Ordinal), "the new settings");
        await stage.AppendAsync("1", "2");
        await stage.Subscriber.CountAsync(2, "/new");
        released.SetResult();
        await stage.CommittedAsync(3);
        Assert.Same(trigger, stage.Host.FindTrigger("t"));
        Assert.Equal(["0"], stage.IdsAt("/old"));
    }

    [Fact]
    public async Task A_record_that_waits_for_a_retry_goes_to_the_new_destination()
    {
        await using var stage = await DispatcherStage.SetAsync();
        stage.Subscriber.OnPath("/old", Answer.Status(500));
        await stage.AppendAsync("0");
        stage.Start(stage.Egress(path: "/old", config: stage.Config(retry: 3, delay: 500)));
        await stage.Subscriber.CountAsync(1);
        stage.Publish(stage.Egress(path: "/new", config: stage.Config(retry: 3, delay: 500)));
        await stage.CommittedAsync(1);
        Assert.Single(stage.Subscriber.At("/new"));
        Assert.Empty(stage.Subscriber.At("/dls"));
    }

    [Fact]
    public async Task A_new_filter_holds_for_the_next_record()
    {
        await using var stage = await DispatcherStage.SetAsync();
        stage.Start(Filtered("a"));
        await stage.AppendAsync(["1"], type: "a");
        await stage.AppendAsync(["2"], type: "b");
        await stage.CommittedAsync(2);
        stage.Publish(Filtered("b"));
        await Eventually.True(() => stage.Log.Of(5007).Any(), "the new settings");
        await stage.AppendAsync(["3"], type: "a");
        await stage.AppendAsync(["4"], type: "b");
        await stage.CommittedAsync(4);
        Assert.Equal(["1", "4"], stage.IdsAt("/sub"));
        Egress Filtered(string type)
        {
            var egress = stage.Egress();
            egress.Filter = new Filter();
            egress.Filter.Attributes.Add("type", type);
            return egress;
        }
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task When_another_log_takes_the_place_of_its_own_a_Trigger_goes_over_and_loses_nothing(bool isAwayFirst)
    {
        await using var stage = await DispatcherStage.SetAsync();
        var logs = new ReplacedLogs(stage.Store);
        var next = new WatchedLog(stage.Store);
        stage.Logs = logs;
        stage.Start(stage.Egress(), stage.Egress("other", "/other"));
        await stage.AppendAsync(DispatcherStage.Ids(50));
        await stage.Subscriber.CountAsync(10, "/sub");
        logs.AreAway = isAwayFirst;
        await logs.ReplaceAsync(next);
        await stage.AppendAsync(DispatcherStage.Ids(50, 50));
        if (isAwayFirst)
        {
            // With the one that it has until there is another.
            await Eventually.True(() => stage.Host.Egresses.All(egress => egress.State == EgressState.Failed), "attempts");
            Assert.All(stage.Host.Egresses, egress => Assert.Contains("no such Secret", egress.Problem));
            await stage.CommittedAsync(100);
            logs.AreAway = false;
        }

        await Eventually.True(() => logs.Leases(next) == 2 && logs.Leases(stage.Store) == 0, "the other log");
        await Eventually.True(() => stage.Host.Egresses.All(egress => egress.State == EgressState.Running), "the Triggers to run");
        await stage.AppendAsync(DispatcherStage.Ids(50, 100));
        await stage.CommittedAsync(150);
        await stage.CommittedAsync(150, "group-other");
        Assert.Equal(DispatcherStage.Ids(150).Order(StringComparer.Ordinal), stage.IdsAt("/sub").Order(StringComparer.Ordinal));
        Assert.Equal(DispatcherStage.Ids(150).Order(StringComparer.Ordinal), stage.IdsAt("/other").Order(StringComparer.Ordinal));
        Assert.True(next.FeedsOpened > 0);
    }

    [Fact]
    public async Task The_same_contract_again_changes_nothing()
    {
        await using var stage = await DispatcherStage.SetAsync();
        stage.Start(stage.Egress());
        await stage.CommittedAsync(0);
        stage.Publish(stage.Egress());
        await stage.AppendAsync("1");
        await stage.CommittedAsync(1);
        Assert.Empty(stage.Log.Of(5007));
    }

    /// <summary>OEG-18, for one Trigger.</summary>
    [Fact]
    public async Task A_removed_egress_lets_its_request_finish_commits_it_and_delivers_nothing_more()
    {
        await using var stage = await DispatcherStage.SetAsync();
        var released = new TaskCompletionSource();
        stage.Subscriber.OnPath("/a", Answer.Ok with { Until = released.Task });
        var other = stage.Egress("b", "/b");
        await stage.AppendAsync("0");
        stage.Start(stage.Egress("a", "/a"), other);
        await stage.Subscriber.CountAsync(2);
        stage.Publish(other);
        await stage.AppendAsync("1", "2");
        await stage.CommittedAsync(3, "group-b");
        released.SetResult();
        await stage.CommittedAsync(1, "group-a");
        await Eventually.True(() => stage.Log.Of(5008).Any(), "the egress has stopped");
        Assert.Equal(["0"], stage.IdsAt("/a"));
        Assert.Equal(["0", "1", "2"], stage.IdsAt("/b").Order());
    }

    [Fact]
    public async Task An_egress_removed_and_added_again_goes_on_where_it_was()
    {
        await using var stage = await DispatcherStage.SetAsync();
        stage.Options = stage.Options with { CommitInterval = TimeSpan.FromHours(1), CommitDelay = TimeSpan.FromHours(1) };
        await stage.AppendAsync(DispatcherStage.Ids(3));
        stage.Start(stage.Egress());
        await stage.Subscriber.CountAsync(3);
        stage.Publish(Array.Empty<Egress>());
        await stage.CommittedAsync(3);
        await stage.AppendAsync(DispatcherStage.Ids(3, 3));
        stage.Publish(stage.Egress());
        await stage.Subscriber.CountAsync(6);
        await Eventually.True(() => stage.Host.FindTrigger("t")?.Cursors.Count == 1, "running again");
        Assert.Equal(DispatcherStage.Ids(6), stage.IdsAt("/sub").Order());
    }

    /// <summary>A Trigger that is made anew has another uid and the same group.</summary>
    [Fact]
    public async Task A_successor_of_the_same_group_begins_when_its_predecessor_has_stored_its_positions()
    {
        await using var stage = await DispatcherStage.SetAsync();
        stage.Options = stage.Options with { CommitInterval = TimeSpan.FromHours(1), CommitDelay = TimeSpan.FromHours(1) };
        var released = new TaskCompletionSource();
        stage.Subscriber.OnEvent("2", Answer.Ok with { Until = released.Task }, Answer.Ok);
        await stage.AppendAsync(DispatcherStage.Ids(3));
        stage.Start(Named("old"));
        await stage.Subscriber.CountAsync(3);
        stage.Publish(Named("new"));
        released.SetResult();

        // What comes while the one is going may still go there.
        var next = 3;
        await Eventually.True(
            async () =>
            {
                await stage.AppendAsync($"{next++}");
                return stage.IdsAt("/new").Any();
            },
            "the successor gets an event"
        );
        await stage.Host.DisposeAsync();
        Assert.Empty(stage.IdsAt("/new").Intersect(stage.IdsAt("/old"), StringComparer.Ordinal));
        Egress Named(string uid)
        {
            var egress = stage.Egress(uid, "/" + uid);
            egress.ConsumerGroup = "shared";
            return egress;
        }
    }

    [Fact]
    public async Task Another_group_begins_anew()
    {
        await using var stage = await DispatcherStage.SetAsync();
        await stage.AppendAsync(DispatcherStage.Ids(3));
        stage.Start(stage.Egress());
        await stage.CommittedAsync(3);
        var other = stage.Egress();
        other.ConsumerGroup = "group-other";
        stage.Publish(other);
        await stage.CommittedAsync(3, "group-other");
        Assert.Equal(6, stage.Subscriber.Count);
    }

    [Theory]
    [InlineData("destination", "/no/host")]
    [InlineData("destination", "")]
    [InlineData("group", "")]
    [InlineData("dls", "ftp://x/y")]
    [InlineData("dls", "relative")]
    [InlineData("reply", "nowhere")]
    [InlineData("ca", "no certificate")]
    [InlineData("cesql", "type = ")]
    public async Task A_bad_egress_concerns_only_itself_and_says_why(string part, string value)
    {
        await using var stage = await DispatcherStage.SetAsync();
        var bad = stage.Egress("bad", "/bad", new EgressConfig());
        switch (part)
        {
            case "destination":
                bad.Destination = value;
                break;
            case "group":
                bad.ConsumerGroup = value;
                break;
            case "dls":
                bad.EgressConfig.DeadLetter = value;
                break;
            case "reply":
                bad.ReplyUrl = value;
                break;
            case "ca":
                bad.DestinationCACerts = value;
                bad.Destination = bad.Destination.Replace("http:", "https:", StringComparison.Ordinal);
                break;
            default:
                bad.DialectedFilter.Add(new DialectedFilter { Cesql = new CESQL { Expression = value } });
                break;
        }

        await stage.AppendAsync("1");
        stage.Start(bad, stage.Egress("good", "/good"));
        await stage.CommittedAsync(1, "group-good");
        await Eventually.True(
            () => stage.Host.Egresses.Any(e => e is { Uid: "bad", State: EgressState.Failed }),
            "the bad one is reported"
        );
        Assert.Empty(stage.Subscriber.At("/bad"));
        stage.Publish(stage.Egress("bad", "/bad"), stage.Egress("good", "/good"));
        await stage.CommittedAsync(1, "group-bad");
    }

    [Fact]
    public async Task A_change_that_cannot_be_applied_leaves_the_last_good_settings()
    {
        await using var stage = await DispatcherStage.SetAsync();
        stage.Start(stage.Egress());
        await stage.CommittedAsync(0);
        var broken = stage.Egress();
        broken.DialectedFilter.Add(new DialectedFilter { Cesql = new CESQL { Expression = "type = " } });
        stage.Publish(broken);
        await Eventually.True(() => stage.Host.Egresses[0].State == EgressState.Failed, "the change is refused");
        await stage.AppendAsync("1");
        await stage.CommittedAsync(1);
        Assert.Equal(["1"], stage.IdsAt("/sub"));
    }

    [Fact]
    public async Task Of_two_egresses_with_one_uid_the_first_is_served()
    {
        await using var stage = await DispatcherStage.SetAsync();
        await stage.AppendAsync("1");
        stage.Start(stage.Egress("t", "/first"), stage.Egress("t", "/second"), stage.Egress("other", "/other"));
        await stage.CommittedAsync(1);
        await stage.CommittedAsync(1, "group-other");
        Assert.Empty(stage.Subscriber.At("/second"));
        Assert.Single(stage.Log.Of(5001));
    }

    [Fact]
    public async Task An_order_that_changes_holds_for_the_next_records()
    {
        await using var stage = await DispatcherStage.SetAsync();
        var ordered = stage.Egress();
        ordered.DeliveryOrder = DeliveryOrder.Ordered;
        var released = new TaskCompletionSource();
        stage.Subscriber.OnEvent("0", Answer.Ok with { Until = released.Task });
        await stage.AppendAsync(DispatcherStage.Ids(5));
        stage.Start(ordered);
        await stage.Subscriber.CountAsync(1);
        stage.Publish(stage.Egress());
        await stage.Subscriber.CountAsync(5);
        released.SetResult();
        await stage.CommittedAsync(5);
    }

    [Fact]
    public async Task A_topic_that_appears_later_is_served_then()
    {
        await using var stage = await DispatcherStage.SetAsync();
        stage.Start();
        var resource = DispatcherStage.ResourceOf(stage.Egress());
        resource.Topics.Add("later");
        stage.Publish(resource);
        await stage.CommittedAsync(0);
        await stage.CreateTopicAsync("later", 1);
        await stage.AppendAsync(["1"], topic: "later");
        await Eventually.True(async () => (await stage.PositionsAsync(topic: "later")).GetValueOrDefault(0).Offset == 1, "the later topic");
        Assert.Equal(["1"], stage.IdsAt("/sub"));
    }
}
