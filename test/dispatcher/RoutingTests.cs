using System.Collections.Concurrent;
using Brokkr.Core.Contract.Wire;
using Brokkr.Dispatcher.Tests.Stage;
using Brokkr.Testing;
using Brokkr.Testing.Http;
using Microsoft.Extensions.Time.Testing;

namespace Brokkr.Dispatcher.Tests;

/// <summary>Which Triggers get an event, and when they get it again.</summary>
public class RoutingTests
{
    /// <summary>RTE-02, RTE-03.</summary>
    [Fact]
    public async Task Triggers_with_one_subscriber_get_a_delivery_each()
    {
        await using var stage = await DispatcherStage.SetAsync();
        var ordered = stage.Egress("c");
        ordered.DeliveryOrder = DeliveryOrder.Ordered;
        var picky = stage.Egress("d");
        picky.Filter = new Filter { Attributes = { ["type"] = "other" } };
        stage.Start(stage.Egress("a"), stage.Egress("b"), ordered, picky);
        await stage.AppendAsync(DispatcherStage.Ids(20));
        foreach (var group in (string[])["group-a", "group-b", "group-c", "group-d"])
        {
            await stage.CommittedAsync(20, group);
        }

        Assert.Equal(
            DispatcherStage.Ids(20).Select(id => (id, 3)).Order(),
            stage.IdsAt("/sub").CountBy(id => id).Select(count => (count.Key, count.Value)).Order()
        );
    }

    /// <summary>RTE-06.</summary>
    [Fact]
    public async Task A_reply_is_an_event_for_all_Triggers_also_for_the_one_that_caused_it()
    {
        await using var stage = await DispatcherStage.SetAsync();
        stage.Subscriber.OnEvent(
            "1",
            Answer.Ok with
            {
                Headers = [("ce-specversion", "1.0"), ("ce-id", "r1"), ("ce-source", "/r"), ("ce-type", "out")],
            }
        );
        var asking = stage.Egress("asking", "/asking");
        asking.ReplyToOriginalTopic = new Empty();
        var picky = stage.Egress("picky", "/picky");
        picky.Filter = new Filter { Attributes = { ["type"] = "out" } };
        stage.Start(asking, stage.Egress("other", "/other"), picky);
        await stage.AppendAsync("1");
        await stage.CommittedAsync(2, "group-asking");
        await stage.CommittedAsync(2, "group-other");
        await stage.CommittedAsync(2, "group-picky");
        Assert.Equal(["1", "r1"], stage.IdsAt("/asking"));
        Assert.Equal(["1", "r1"], stage.IdsAt("/other").Order(StringComparer.Ordinal));
        Assert.Equal(["r1"], stage.IdsAt("/picky"));
    }

    /// <summary>A RequestReply's filter finds its keys (dispatcher §6).</summary>
    [Fact]
    public async Task A_filter_on_correlation_ids_uses_the_keys_of_the_dispatcher()
    {
        await using var stage = await DispatcherStage.SetAsync();
        var keys = new AskedKeys();
        stage.Options = stage.Options with { CorrelationKeys = keys };
        var replies = stage.Egress("replies");
        replies.DialectedFilter.Add(
            new DialectedFilter
            {
                Cesql = new CESQL { Expression = "KN_VERIFY_CORRELATION_ID('1:aaaa:0', 'ask', 'ns', 'reply-keys', 0, 1) OR id = '2'" },
            }
        );
        stage.Start(replies);
        await stage.AppendAsync("1", "2");
        await stage.CommittedAsync(2, "group-replies");
        Assert.Equal(["2"], stage.IdsAt("/sub"));
        Assert.Equal(["reply-keys"], keys.Asked.Distinct());
    }

    /// <summary>RTE-17.</summary>
    [Fact]
    public async Task Without_a_filter_and_with_an_empty_one_every_event_is_delivered()
    {
        await using var stage = await DispatcherStage.SetAsync();
        var empty = stage.Egress("empty", "/empty");
        empty.Filter = new Filter();
        stage.Start(stage.Egress("none", "/none"), empty);
        await stage.AppendAsync(["1"], type: "a");
        await stage.AppendAsync(["2"], type: "b");
        await stage.CommittedAsync(2, "group-none");
        await stage.CommittedAsync(2, "group-empty");
        Assert.Equal(["1", "2"], stage.IdsAt("/none").Order(StringComparer.Ordinal));
        Assert.Equal(["1", "2"], stage.IdsAt("/empty").Order(StringComparer.Ordinal));
    }

    /// <summary>RTE-10, OEG-03, DP-21.</summary>
    [Theory]
    [InlineData(BackoffPolicy.Linear, 1234, 2468, 3702)]
    [InlineData(BackoffPolicy.Exponential, 2468, 4936, 9872)]
    public async Task Attempts_are_as_far_apart_as_the_policy_says(BackoffPolicy policy, int first, int second, int third)
    {
        var time = new WatchedTime();
        await using var stage = await DispatcherStage.SetAsync();
        stage.Time = time;
        stage.Subscriber.OnPath("/sub", Answer.Status(503));
        await stage.AppendAsync("1");
        stage.Start(stage.Egress(config: stage.Config(retry: 3, delay: 1234, policy: policy)));
        var attempts = 0;
        foreach (var wait in (int[])[first, second, third])
        {
            await stage.Subscriber.CountAsync(++attempts, "/sub");
            await time.IsAwaitedAsync(TimeSpan.FromMilliseconds(wait));
            Assert.Equal(attempts, stage.Subscriber.At("/sub").Count);
            time.Advance(TimeSpan.FromMilliseconds(wait));
        }

        await stage.Subscriber.CountAsync(1, "/dls");
        Assert.Equal(4, stage.Subscriber.At("/sub").Count);
    }

    /// <summary>CEW-05, DEV-11: as long as the subscriber asks for, if the contract lets it ask.</summary>
    [Theory]
    [InlineData(429, 100_000, 77_000)]
    [InlineData(503, 50_000, 50_000)]
    [InlineData(429, null, 1234)]
    [InlineData(500, 100_000, 1234)]
    public async Task A_subscriber_may_say_when_it_wants_the_event_again(int status, int? max, int wait)
    {
        var time = new WatchedTime();
        await using var stage = await DispatcherStage.SetAsync();
        stage.Time = time;
        stage.Subscriber.OnPath("/sub", Answer.Status(status) with { Headers = [("Retry-After", "77")] }, Answer.Ok);
        await stage.AppendAsync("1");
        var config = stage.Config(retry: 1, delay: 1234);
        if (max is { } longest)
        {
            config.RetryAfterMax = (ulong)longest;
        }

        stage.Start(stage.Egress(config: config));
        await time.IsAwaitedAsync(TimeSpan.FromMilliseconds(wait));
        time.Advance(TimeSpan.FromMilliseconds(wait));
        await stage.Subscriber.CountAsync(2, "/sub");
        Assert.Empty(stage.Subscriber.At("/dls"));
    }

    /// <summary>OEG-04.</summary>
    [Theory]
    [InlineData(0, 600_000)]
    [InlineData(1500, 1500)]
    public async Task A_request_may_take_ten_minutes_unless_the_contract_says_otherwise(int configured, int milliseconds)
    {
        await using var stage = await DispatcherStage.SetAsync();
        var config = stage.Config();
        config.Timeout = (ulong)configured;
        stage.Start(stage.Egress(config: config), stage.Egress("none"));
        await stage.CommittedAsync(0);
        await stage.CommittedAsync(0, "group-none");
        Assert.Equal(TimeSpan.FromMilliseconds(milliseconds), stage.Host.FindTrigger("t")!.Settings.Timeout);
        Assert.Equal(TimeSpan.FromMinutes(10), stage.Host.FindTrigger("none")!.Settings.Timeout);
    }

    /// <summary>OEG-14: what transactions and compaction leave in a log are offsets without records, in its middle and at its end.</summary>
    [Fact]
    public async Task Offsets_without_records_hold_nothing_up()
    {
        await using var stage = await DispatcherStage.SetAsync();
        stage.Store.IsHidden = offset => offset is 0 or 3 or 4 or 8 or 9;
        var ordered = stage.Egress("ordered", "/ordered");
        ordered.DeliveryOrder = DeliveryOrder.Ordered;
        await stage.AppendAsync(DispatcherStage.Ids(10));
        stage.Start(stage.Egress(), ordered);
        await stage.CommittedAsync(10);
        await stage.CommittedAsync(10, "group-ordered");
        Assert.Equal(["1", "2", "5", "6", "7"], stage.IdsAt("/sub").Order(StringComparer.Ordinal));
        Assert.Equal(["1", "2", "5", "6", "7"], stage.IdsAt("/ordered"));
    }

    /// <summary>A clock that stands still until it is moved, and tells what is waited for.</summary>
    private sealed class WatchedTime : FakeTimeProvider
    {
        private readonly ConcurrentQueue<TimeSpan> _waits = new();

        public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
        {
            var timer = base.CreateTimer(callback, state, dueTime, period);
            _waits.Enqueue(dueTime);
            return timer;
        }

        public Task IsAwaitedAsync(TimeSpan wait) =>
            Eventually.True(() => _waits.Contains(wait), () => $"a wait of {wait}; there were {string.Join(", ", _waits.Distinct())}");
    }

    private sealed class AskedKeys : Core.Filters.ICorrelationKeys
    {
        public ConcurrentQueue<string> Asked { get; } = [];

        public IReadOnlyDictionary<string, byte[]>? Of(string secretName)
        {
            Asked.Enqueue(secretName);
            return new Dictionary<string, byte[]>(StringComparer.Ordinal);
        }
    }
}
