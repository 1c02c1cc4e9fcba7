using System.Collections.Concurrent;
using Brokkr.Core.Contract.Wire;
using Brokkr.Core.Log;
using Brokkr.Testing;
using static Brokkr.Receiver.Tests.TestReceiver;

namespace Brokkr.Receiver.Tests;

/// <summary>What a change of the contract does, and what it must not do (receiver-and-core §4.2, §5.3, §18.1-5, 12).</summary>
public sealed class ContractTests
{
    private static readonly ReceiverOptions Quick = new() { OpenRetryDelay = TimeSpan.FromMilliseconds(50) };

    [Fact]
    public async Task Resources_come_and_go_with_the_contract()
    {
        await using var receiver = await StartAsync(Broker("a"));
        await receiver.ServedAsync("/ns/b", served: false);
        receiver.Publish(Broker("a"), Broker("b"));
        await receiver.ServedAsync("/ns/b");
        receiver.Publish(Broker("b"));
        await receiver.ServedAsync("/ns/a", served: false);
        (await RawClient.OnceAsync(receiver.Port, RawClient.Event("/ns/b"))).Is(202);
        receiver.Publish();
        await receiver.ServedAsync("/ns/b", served: false);
        await Eventually.True(() => receiver.Logs.Open(Here) == 0, "all leases given back");
    }

    [Fact]
    public async Task Changes_under_load_refuse_nothing()
    {
        await using var receiver = await StartAsync(Broker("a"));
        await receiver.CreateTopicAsync("t-a2");
        receiver.Logs.Behind("elsewhere");
        var statuses = new ConcurrentDictionary<int, int>();
        using var stop = new CancellationTokenSource();
        var senders = Enumerable.Range(0, 4).Select(_ => SendAsync()).ToArray();
        for (var i = 0; i < 60; i++)
        {
            // The delivery settings, the log, the topic, the mode, the identity, and everything back again.
            var servers = i % 3 == 0 ? "elsewhere" : Here;
            var topic = i % 2 == 0 ? "t-a" : "t-a2";
            var uid = i % 20 < 10 ? "a" : "a-new";
            var mode = i % 5 == 0 ? ContentMode.Structured : ContentMode.Binary;
            var change = With(
                Broker(uid, "/ns/a", topic, servers: servers),
                resource =>
                {
                    resource.EgressConfig = new EgressConfig { Retry = (uint)i };
                    resource.Ingress.ContentMode = mode;
                }
            );
            var before = statuses.Values.Sum();
            receiver.Publish(change, Broker($"other-{i}"));
            await Eventually.True(() => statuses.Values.Sum() > before + 5, "requests go on");
        }

        await stop.CancelAsync();
        await Task.WhenAll(senders);
        Assert.Equal([202], statuses.Keys);
        var stored = (await receiver.RecordsAsync("t-a")).Count + (await receiver.RecordsAsync("t-a2")).Count;
        Assert.Equal(statuses[202], stored);
        await Eventually.True(
            () => receiver.Logs.Open(Here) + receiver.Logs.Open("elsewhere") == 2,
            "the leases of what was replaced given back"
        );

        async Task SendAsync()
        {
            using var client = await RawClient.ConnectAsync(receiver.Port);
            while (!stop.IsCancellationRequested)
            {
                var answer = await client.SendAsync(RawClient.Event("/ns/a"));
                statuses.AddOrUpdate(answer.Status, 1, static (_, count) => count + 1);
            }
        }
    }

    [Fact]
    public async Task What_only_the_dispatcher_needs_does_not_touch_an_ingress()
    {
        await using var receiver = await StartAsync(Broker("a"));
        Assert.Equal(1, receiver.Logs.Acquired);
        await receiver.CreateTopicAsync("t-b");
        receiver.Publish(
            With(
                Broker("a"),
                resource =>
                {
                    resource.EgressConfig = new EgressConfig { Retry = 5, DeadLetter = "http://x.test" };
                    resource.Egresses.Add(new Egress { Uid = "e", Destination = "http://x.test" });
                    resource.CloudEventOverrides = new CloudEventOverrides { Extensions = { ["a"] = "b" } };
                }
            )
        );
        receiver.Publish(Broker("a", topic: "t-b"));
        (await RawClient.OnceAsync(receiver.Port, RawClient.Event("/ns/a"))).Is(202);
        await receiver.RecordAsync("t-b");
        Assert.Equal(1, receiver.Logs.Acquired);
    }

    [Fact]
    public async Task A_log_that_cannot_be_opened_concerns_only_its_resource_and_is_tried_again()
    {
        var open = false;
        await using var receiver = await TestReceiver.OpenAsync(Quick);
        receiver.Logs.Behind(
            "broken",
            _ => Volatile.Read(ref open) ? new ValueTask<ILog>(receiver.Log) : throw new LogConfigurationException("no such Secret")
        );
        receiver.Publish(Broker("broken", servers: "broken"), Broker("a"));
        await receiver.ServedAsync("/ns/a");
        await receiver.ReadyAsync();
        (await RawClient.OnceAsync(receiver.Port, RawClient.Event("/ns/broken"))).IsProblem(404, "unknown-resource");
        (await RawClient.OnceAsync(receiver.Port, RawClient.Event("/ns/a"))).Is(202);
        Volatile.Write(ref open, true);
        await receiver.ServedAsync("/ns/broken");
    }

    [Fact]
    public async Task A_log_that_hangs_while_it_is_opened_does_not_hold_up_the_others()
    {
        await using var receiver = await TestReceiver.OpenAsync(Quick with { OpenTimeout = TimeSpan.FromMilliseconds(200) });
        var attempts = 0;
        receiver.Logs.Behind(
            "hanging",
            async cancellation =>
            {
                Interlocked.Increment(ref attempts);
                await Task.Delay(Timeout.InfiniteTimeSpan, TimeProvider.System, cancellation);
                return receiver.Log;
            }
        );
        receiver.Publish(Broker("hanging", servers: "hanging"), Broker("a"));
        await receiver.ServedAsync("/ns/a");
        await Eventually.True(() => Volatile.Read(ref attempts) > 2, "several attempts");
    }

    [Fact]
    public async Task While_a_new_log_cannot_be_opened_the_old_one_goes_on()
    {
        await using var receiver = await StartAsync(Quick, Broker("a"));
        var tried = 0;
        receiver.Logs.Behind(
            "broken",
            _ =>
            {
                Interlocked.Increment(ref tried);
                throw new LogConfigurationException("no such Secret");
            }
        );
        receiver.Publish(Broker("a", servers: "broken"));
        await Eventually.True(() => Volatile.Read(ref tried) > 2, "attempts");
        (await RawClient.OnceAsync(receiver.Port, RawClient.Event("/ns/a"))).Is(202);
        receiver.Publish(Broker("a"));
        (await RawClient.OnceAsync(receiver.Port, RawClient.Event("/ns/a"))).Is(202);
        Assert.Equal(1, receiver.Logs.Acquired);
    }

    [Fact]
    public async Task When_another_log_takes_the_place_of_one_requests_go_over_to_it_and_none_fails()
    {
        await using var receiver = await TestReceiver.OpenAsync(Quick);
        var first = receiver.Logs.Behind("rotated");
        receiver.Publish(Broker("a", servers: "rotated"), Broker("b", servers: "rotated"));
        await receiver.ServedAsync("/ns/a");
        await receiver.ServedAsync("/ns/b");

        // A request that is under way with the old one ends there.
        var begun = new TaskCompletionSource();
        var release = new TaskCompletionSource();
        first.Append = async (_, _) =>
        {
            begun.TrySetResult();
            await release.Task;
            return new AppendResult(AppendOutcome.Stored, 0, 0, null);
        };
        var slow = RawClient.OnceAsync(receiver.Port, RawClient.Event("/ns/a"));
        await begun.Task;
        first.Append = null;

        var tried = 0;
        receiver.Logs.Behind(
            "rotated",
            _ =>
            {
                Interlocked.Increment(ref tried);
                throw new LogConfigurationException("the new password is wrong");
            }
        );
        await receiver.Logs.OutdateAsync("rotated");
        await Eventually.True(() => Volatile.Read(ref tried) > 4, "attempts");
        (await RawClient.OnceAsync(receiver.Port, RawClient.Event("/ns/a"))).Is(202);

        // A contract that says the same does not end the attempts.
        receiver.Publish(Broker("a", servers: "rotated"), Broker("b", servers: "rotated"));
        var second = receiver.Logs.Behind("rotated");
        var stored = 0;
        second.Append = (_, _) =>
            new ValueTask<AppendResult>(new AppendResult(AppendOutcome.Stored, 0, Interlocked.Increment(ref stored), null));
        await Eventually.True(
            async () =>
            {
                (await RawClient.OnceAsync(receiver.Port, RawClient.Event("/ns/a"))).Is(202);
                (await RawClient.OnceAsync(receiver.Port, RawClient.Event("/ns/b"))).Is(202);
                return Volatile.Read(ref stored) >= 2 && receiver.Logs.Open("rotated") == 3;
            },
            "the other log for both, and one lease of the old one for the slow request"
        );
        release.SetResult();
        (await slow).Is(202);
        await Eventually.True(() => receiver.Logs.Open("rotated") == 2, "the old log to be given back");
    }

    [Fact]
    public async Task Of_two_resources_with_one_uid_the_first_counts_and_the_others_are_served()
    {
        await using var receiver = await StartAsync(Broker("a"), Broker("a", "/ns/second"), Broker("b"));
        (await RawClient.OnceAsync(receiver.Port, RawClient.Event("/ns/a"))).Is(202);
        (await RawClient.OnceAsync(receiver.Port, RawClient.Event("/ns/b"))).Is(202);
        (await RawClient.OnceAsync(receiver.Port, RawClient.Event("/ns/second"))).Is(404);
    }

    [Fact]
    public async Task Of_two_resources_with_one_path_the_first_has_it_and_the_second_gets_it_afterwards()
    {
        await using var receiver = await StartAsync(Broker("p", "/ns/x"), Broker("q", "/ns/x"));
        (await RawClient.OnceAsync(receiver.Port, RawClient.Event("/ns/x"))).Is(202);
        await receiver.RecordAsync("t-p");
        receiver.Publish(Broker("q", "/ns/x"));
        (await RawClient.OnceAsync(receiver.Port, RawClient.Event("/ns/x"))).Is(202);
        await receiver.RecordAsync("t-q");
        receiver.Publish(Broker("q", "/ns/x"), Broker("p", "/ns/x"));
        receiver.Publish(Broker("q", "/ns/x"));
        (await RawClient.OnceAsync(receiver.Port, RawClient.Event("/ns/x"))).Is(202);
        Assert.Equal(2, (await receiver.RecordsAsync("t-q")).Count);
    }

    [Fact]
    public async Task Two_resources_may_exchange_their_paths()
    {
        await using var receiver = await StartAsync(Broker("a"), Broker("b"));
        receiver.Publish(Broker("a", "/ns/b"), Broker("b", "/ns/a"));
        (await RawClient.OnceAsync(receiver.Port, RawClient.Event("/ns/a"))).Is(202);
        await receiver.RecordAsync("t-b");
        (await RawClient.OnceAsync(receiver.Port, RawClient.Event("/ns/b"))).Is(202);
        await receiver.RecordAsync("t-a");
    }

    [Fact]
    public async Task A_resource_that_is_created_again_takes_over_without_a_gap()
    {
        await using var receiver = await StartAsync(Broker("old", "/ns/a"));
        var gate = new TaskCompletionSource<ILog>(TaskCreationOptions.RunContinuationsAsynchronously);
        receiver.Logs.Behind("new", _ => new ValueTask<ILog>(gate.Task));
        receiver.Publish(Broker("new", "/ns/a", servers: "new"));
        (await RawClient.OnceAsync(receiver.Port, RawClient.Event("/ns/a"))).Is(202);
        await receiver.RecordAsync("t-old");
        gate.SetResult(receiver.Log);
        await Eventually.True(() => receiver.Logs.Open(Here) == 0, "the old lease given back");
        (await RawClient.OnceAsync(receiver.Port, RawClient.Event("/ns/a"))).Is(202);
        await receiver.RecordAsync("t-new");
    }

    [Fact]
    public async Task A_stand_in_goes_when_its_heir_does_not_come()
    {
        await using var receiver = await StartAsync(Quick, Broker("old", "/ns/a"));
        var gate = new TaskCompletionSource<ILog>(TaskCreationOptions.RunContinuationsAsynchronously);
        receiver.Logs.Behind("new", _ => new ValueTask<ILog>(gate.Task));
        receiver.Publish(Broker("new", "/ns/a", servers: "new"));
        (await RawClient.OnceAsync(receiver.Port, RawClient.Event("/ns/a"))).Is(202);
        receiver.Publish(Broker("other"));
        await receiver.ServedAsync("/ns/a", served: false);
        await receiver.ServedAsync("/ns/other");
        await Eventually.True(() => receiver.Logs.Open(Here) == 1, "the old lease given back");
        gate.SetResult(receiver.Log);
        await Eventually.True(() => receiver.Logs.Open("new") == 0 && receiver.Logs.Acquired == 3, "the late lease given back");
    }

    [Fact]
    public async Task What_cannot_be_served_does_not_keep_others_from_it()
    {
        await using var receiver = await StartAsync(
            With(Broker("no-topic"), resource => resource.Topics.Clear()),
            Broker("no-address", "/"),
            With(Broker("no-ingress"), resource => resource.Ingress = null),
            With(Broker("no-reference"), resource => resource.Reference = null),
            Broker("", "/ns/no-uid"),
            Broker("a")
        );
        foreach (var path in (string[])["/ns/no-reference", "/ns/no-uid", "/ns/a"])
        {
            (await RawClient.OnceAsync(receiver.Port, RawClient.Event(path))).Is(202);
        }

        foreach (var path in (string[])["/ns/no-topic", "/", "/ns/no-ingress"])
        {
            (await RawClient.OnceAsync(receiver.Port, RawClient.Event(path))).Is(404);
        }
    }

    [Fact]
    public async Task A_broken_change_leaves_what_was_served()
    {
        await using var receiver = await StartAsync(Broker("a"));
        receiver.Publish(With(Broker("a"), resource => resource.Topics.Clear()));
        (await RawClient.OnceAsync(receiver.Port, RawClient.Event("/ns/a"))).Is(202);
        await receiver.RecordAsync("t-a");
    }

    [Fact]
    public async Task Many_resources_are_served()
    {
        var many = Enumerable.Range(0, 1000).Select(i => Broker($"m{i}", topic: "t-many")).ToArray();
        await using var receiver = await StartAsync(many);
        (await RawClient.OnceAsync(receiver.Port, RawClient.Event("/ns/m0"))).Is(202);
        (await RawClient.OnceAsync(receiver.Port, RawClient.Event("/ns/m999"))).Is(202);
    }

    [Fact]
    public async Task A_request_whose_log_is_replaced_while_its_body_arrives_is_stored_where_it_now_belongs()
    {
        await using var receiver = await StartAsync(Broker("a"));
        receiver.Logs.Behind("elsewhere");
        using var client = await RawClient.ConnectAsync(receiver.Port);
        await client.WriteAsync(RawClient.Head("/ns/a") + "Content-Length: 4\r\n\r\nhi");
        receiver.Publish(Broker("a", topic: "t-new", servers: "elsewhere"));
        await Eventually.True(() => receiver.Logs.Open(Here) == 0, "the first lease given back");
        await client.WriteAsync("ho");
        (await client.AnswerAsync()).Is(202);
        await receiver.RecordAsync("t-new");
    }
}
