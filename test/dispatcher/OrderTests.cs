using Brokkr.Core.Contract.Wire;
using Brokkr.Dispatcher.Tests.Stage;
using Brokkr.Testing;
using Brokkr.Testing.Http;

namespace Brokkr.Dispatcher.Tests;

/// <summary>Order and concurrency (dispatcher §5, OEG-12, OEG-15).</summary>
public class OrderTests
{
    [Fact]
    public async Task Ordered_is_one_at_a_time_per_partition_and_partitions_are_independent()
    {
        await using var stage = await DispatcherStage.SetAsync(partitions: 4);
        var running = new int[4];
        var tooMany = false;
        stage.Subscriber.Otherwise(request =>
        {
            var partition = int.Parse(request.Headers["ce-knativekafkapartition"]);
            tooMany |= Interlocked.Increment(ref running[partition]) > 1;
            return Answer.Ok with { Until = Leave(partition) };
        });
        async Task Leave(int partition)
        {
            await Task.Yield();
            Interlocked.Decrement(ref running[partition]);
        }

        for (var i = 0; i < 40; i++)
        {
            await stage.AppendAsync(DispatcherStage.Ids(25, i * 25), key: $"k{i}");
        }

        stage.Start(Ordered(stage));
        await stage.Subscriber.CountAsync(1000);
        Assert.False(tooMany);
        foreach (var partition in stage.Subscriber.Requests.GroupBy(r => r.Headers["ce-knativekafkapartition"]))
        {
            var offsets = partition.Select(r => long.Parse(r.Headers["ce-knativekafkaoffset"])).ToArray();
            Assert.Equal(Enumerable.Range(0, offsets.Length).Select(i => (long)i), offsets);
        }
    }

    [Fact]
    public async Task Ordered_partitions_run_at_once_also_while_none_is_answered()
    {
        await using var stage = await DispatcherStage.SetAsync(partitions: 8);
        stage.Subscriber.Otherwise(_ => Answer.Never);
        for (var i = 0; i < 200; i++)
        {
            await stage.AppendAsync([$"{i}"], key: $"k{i}");
        }

        stage.Start(Ordered(stage));
        await stage.Subscriber.CountAsync(8);
        Assert.Equal(8, stage.Subscriber.Requests.Select(r => r.Headers["ce-knativekafkapartition"]).Distinct().Count());
        Assert.Equal(8, stage.Host.FindTrigger("t")!.Gate.Requests);
    }

    [Fact]
    public async Task Ordered_retries_and_dead_letters_in_place()
    {
        await using var stage = await DispatcherStage.SetAsync();
        stage.Subscriber.OnEvent("1", Answer.Status(500), Answer.Status(500), Answer.Ok);
        await stage.AppendAsync("0", "1", "2");
        stage.Start(Ordered(stage, stage.Config(retry: 1)));
        await stage.CommittedAsync(3);
        Assert.Equal(["/sub 0", "/sub 1", "/sub 1", "/dls 1", "/sub 2"], stage.Subscriber.Requests.Select(r => $"{r.Path} {r.EventId}"));
    }

    [Fact]
    public async Task Unordered_goes_on_behind_a_hanging_record_and_commits_only_up_to_it()
    {
        await using var stage = await DispatcherStage.SetAsync();
        var released = new TaskCompletionSource();
        stage.Subscriber.OnEvent("3", Answer.Ok with { Until = released.Task });
        await stage.AppendAsync(DispatcherStage.Ids(10));
        stage.Start(stage.Egress());
        await stage.Subscriber.CountAsync(10);
        await stage.CommittedAsync(3);
        released.SetResult();
        await stage.CommittedAsync(10);
        Assert.Equal("", (await stage.PositionsAsync())[0].Metadata);
    }

    /// <summary>OEG-15: twice max.poll.records less one.</summary>
    [Fact]
    public async Task Unordered_runs_as_many_requests_as_configured_and_not_more()
    {
        await using var stage = await DispatcherStage.SetAsync();
        stage.Options = stage.Options with { MaxPollRecords = 5 };
        var released = new TaskCompletionSource();
        stage.Subscriber.Otherwise(_ => Answer.Ok with { Until = released.Task });
        await stage.AppendAsync(DispatcherStage.Ids(50));
        stage.Start(stage.Egress());
        await stage.Subscriber.CountAsync(9);
        Assert.Equal(9, stage.Host.FindTrigger("t")!.Gate.Requests);
        Assert.Equal(9, stage.Subscriber.Count);
        released.SetResult();
        await stage.CommittedAsync(50);
    }

    /// <summary>Dispatcher §17.2 W14.</summary>
    [Fact]
    public async Task Records_that_wait_for_a_retry_do_not_freeze_healthy_ones()
    {
        await using var stage = await DispatcherStage.SetAsync();
        stage.Options = stage.Options with { MaxPollRecords = 5, BacklogFactor = 10 };
        stage.Subscriber.Otherwise(r => r.EventId.StartsWith("bad", StringComparison.Ordinal) ? Answer.Status(500) : Answer.Ok);
        await stage.AppendAsync(DispatcherStage.Ids(60).Select(i => "bad" + i));
        await stage.AppendAsync(DispatcherStage.Ids(20).Select(i => "good" + i));
        stage.Start(stage.Egress(config: stage.Config(retry: 1, delay: 3_600_000)));
        await Eventually.True(
            () => stage.Subscriber.Requests.Count(r => r.EventId.StartsWith("good", StringComparison.Ordinal)) == 20,
            "the healthy ones"
        );
        await Eventually.True(
            () => stage.Host.FindTrigger("t")!.Gate is { Requests: 0, Records: 60 },
            "only the failed ones are left, and wait"
        );
    }

    [Fact]
    public async Task The_backlog_of_failing_records_is_bounded()
    {
        await using var stage = await DispatcherStage.SetAsync();
        stage.Options = stage.Options with { MaxPollRecords = 1, BacklogFactor = 7 };
        stage.Subscriber.Otherwise(_ => Answer.Status(500));
        await stage.AppendAsync(DispatcherStage.Ids(100));
        stage.Start(stage.Egress(config: stage.Config(retry: 1, delay: 3_600_000)));
        await Eventually.True(() => stage.Host.FindTrigger("t")?.Gate is { Records: 7, Requests: 0 }, "seven records wait");
        Assert.Equal(7, stage.Subscriber.Count);
    }

    [Fact]
    public async Task With_the_rate_limiter_everything_is_delivered_in_order()
    {
        await using var stage = await DispatcherStage.SetAsync();
        stage.Options = stage.Options with { MaxPollRecords = 50 };
        var egress = Ordered(stage);
        egress.FeatureFlags = new EgressFeatureFlags { EnableRateLimiter = true };
        await stage.AppendAsync(DispatcherStage.Ids(80));
        stage.Start(egress);
        await stage.CommittedAsync(80);
        Assert.Equal(DispatcherStage.Ids(80), stage.IdsAt("/sub"));
    }

    private static Egress Ordered(DispatcherStage stage, EgressConfig? config = null)
    {
        var egress = stage.Egress(config: config);
        egress.DeliveryOrder = DeliveryOrder.Ordered;
        return egress;
    }
}
