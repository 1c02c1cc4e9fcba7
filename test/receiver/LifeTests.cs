using Brokkr.Core.Log;
using Brokkr.Testing;
using Microsoft.Extensions.Logging.Abstractions;
using static Brokkr.Receiver.Tests.TestReceiver;

namespace Brokkr.Receiver.Tests;

/// <summary>Becoming ready and ending (receiver-and-core §15).</summary>
public sealed class LifeTests
{
    private const string Ready = "GET /readyz HTTP/1.1\r\nHost: x.test\r\n\r\n";
    private const string Alive = "GET /healthz HTTP/1.1\r\nHost: x.test\r\n\r\n";

    [Fact]
    public async Task It_is_ready_when_a_contract_has_been_applied()
    {
        await using var receiver = await TestReceiver.OpenAsync(new ReceiverOptions());
        (await RawClient.OnceAsync(receiver.Port, Alive)).Is(200);
        var answer = (await RawClient.OnceAsync(receiver.Port, Ready)).IsProblem(503, "not-ready");
        Assert.Equal("1", answer["retry-after"]);
        (await RawClient.OnceAsync(receiver.Port, RawClient.Event())).Is(404);
        receiver.Publish();
        await receiver.ReadyAsync();
        (await RawClient.OnceAsync(receiver.Port, Ready)).Is(200);
    }

    [Fact]
    public async Task It_is_ready_when_a_log_can_be_reached_and_stays_so_when_it_goes_away()
    {
        await using var receiver = await TestReceiver.OpenAsync(new ReceiverOptions());
        var log = receiver.Logs.Behind("away");
        log.Reachable = false;
        receiver.Publish(Broker("a", servers: "away"));
        await receiver.ServedAsync("/ns/a");
        await Eventually.True(() => receiver.Host.NotReadyReason?.Contains("reached", StringComparison.Ordinal) == true, "a reason");
        (await RawClient.OnceAsync(receiver.Port, Ready)).Is(503);
        log.Reachable = true;
        await receiver.ReadyAsync();
        log.Reachable = false;
        (await RawClient.OnceAsync(receiver.Port, Ready)).Is(200);
    }

    [Fact]
    public async Task Logs_that_cannot_be_opened_or_reached_concern_only_their_resources()
    {
        await using var receiver = await TestReceiver.OpenAsync(new ReceiverOptions());
        receiver.Logs.Behind("away").Reachable = false;
        receiver.Logs.Behind("broken", _ => throw new LogConfigurationException("no such Secret"));
        receiver.Publish(Broker("a", servers: "away"), Broker("b", servers: "broken"), Broker("c"));
        await receiver.ReadyAsync();
    }

    [Fact]
    public async Task Paths_of_the_probes_can_be_chosen()
    {
        await using var receiver = await StartAsync(
            new ReceiverOptions { LivenessPath = "/alive", ReadinessPath = "/ready" },
            Broker("br")
        );
        (await RawClient.OnceAsync(receiver.Port, Alive.Replace("healthz", "alive", StringComparison.Ordinal))).Is(200);
        (await RawClient.OnceAsync(receiver.Port, Ready.Replace("readyz", "ready", StringComparison.Ordinal))).Is(200);
        (await RawClient.OnceAsync(receiver.Port, Alive)).Is(405);
    }

    [Fact]
    public async Task A_stop_lets_senders_look_elsewhere_before_it_closes_the_door()
    {
        var receiver = await StartAsync(new ReceiverOptions { DrainDelay = TimeSpan.FromMinutes(5) }, Broker("br"));
        using var idle = await RawClient.ConnectAsync(receiver.Port);
        (await idle.SendAsync(RawClient.Event())).Is(202);
        using var hurry = new CancellationTokenSource();
        var stopped = receiver.Host.StopAsync(hurry.Token);
        await Eventually.True(() => !receiver.Host.IsReady, "not ready");
        (await RawClient.OnceAsync(receiver.Port, Ready)).IsProblem(503, "not-ready");
        (await RawClient.OnceAsync(receiver.Port, Alive)).Is(200);
        var answer = await idle.SendAsync(RawClient.Event());
        answer.Is(202);
        Assert.Equal("close", answer["connection"]);
        Assert.True(await idle.ClosesAsync());
        (await RawClient.OnceAsync(receiver.Port, RawClient.Event())).Is(202);
        Assert.False(stopped.IsCompleted);
        await hurry.CancelAsync();
        await Eventually.Completes(stopped, "the stop");
        await Assert.ThrowsAnyAsync<System.Net.Sockets.SocketException>(() => RawClient.ConnectAsync(receiver.Port));
        Assert.Equal(3, (await receiver.RecordsAsync("t-br")).Count);
        Assert.Equal(0, receiver.Logs.Open(Here));
        await receiver.DisposeAsync();
    }

    [Fact]
    public async Task A_stop_finishes_what_is_under_way()
    {
        var receiver = await StartAsync();
        var slow = receiver.Logs.Behind("slow");
        var gate = new TaskCompletionSource<AppendResult>(TaskCreationOptions.RunContinuationsAsynchronously);
        var waiting = false;
        slow.Append = (_, _) =>
        {
            Volatile.Write(ref waiting, true);
            return new ValueTask<AppendResult>(gate.Task);
        };
        receiver.Publish(Broker("br", servers: "slow"), Broker("other"));
        await receiver.ServedAsync("/ns/br");
        await receiver.ServedAsync("/ns/other");
        using var appending = await RawClient.ConnectAsync(receiver.Port);
        using var sending = await RawClient.ConnectAsync(receiver.Port);
        using var idle = await RawClient.ConnectAsync(receiver.Port);
        using var silent = await RawClient.ConnectAsync(receiver.Port);
        (await idle.SendAsync(RawClient.Event("/ns/other"))).Is(202);
        await appending.WriteAsync(RawClient.Event());
        await sending.WriteAsync(RawClient.Head("/ns/other") + "Content-Length: 4\r\n\r\nhi");
        await Eventually.True(() => Volatile.Read(ref waiting), "an append");
        var stopped = receiver.Host.StopAsync();
        Assert.True(await idle.ClosesAsync());
        Assert.True(await silent.ClosesAsync());
        Assert.False(stopped.IsCompleted);
        await sending.WriteAsync("ho");
        (await sending.AnswerAsync()).Is(202);
        gate.SetResult(new AppendResult(AppendOutcome.Stored, 0, 0, null));
        (await appending.AnswerAsync()).Is(202);
        await Eventually.Completes(stopped, "the stop");
        Assert.Equal(0, receiver.Logs.Open("slow"));
        await receiver.DisposeAsync();
    }

    [Fact]
    public async Task A_stop_has_a_budget()
    {
        var receiver = await StartAsync(new ReceiverOptions { DrainBudget = TimeSpan.FromMilliseconds(200) });
        var silent = receiver.Logs.Behind("silent");
        var waiting = false;
        silent.Append = (_, _) =>
        {
            Volatile.Write(ref waiting, true);
            return new ValueTask<AppendResult>(new TaskCompletionSource<AppendResult>().Task);
        };
        receiver.Publish(Broker("br", servers: "silent"));
        await receiver.ServedAsync("/ns/br");
        using var client = await RawClient.ConnectAsync(receiver.Port);
        await client.WriteAsync(RawClient.Event());
        await Eventually.True(() => Volatile.Read(ref waiting), "an append");
        await Eventually.Completes(receiver.Host.StopAsync(), "the stop");
        Assert.NotEqual(202, (await client.AnswerAsync()).Status);
        await receiver.DisposeAsync();
    }

    [Fact]
    public async Task A_port_in_use_is_an_error_at_the_start()
    {
        await using var receiver = await StartAsync(Broker("br"));
        await Assert.ThrowsAnyAsync<IOException>(() =>
            ReceiverHost.StartAsync(
                new ReceiverOptions { Address = System.Net.IPAddress.Loopback, Port = receiver.Port },
                new Core.Contract.ContractPublisher(),
                receiver.Logs,
                NullLoggerFactory.Instance
            )
        );
    }

    [Fact]
    public async Task Options_out_of_range_are_an_error_at_the_start()
    {
        await using var receiver = await StartAsync();
        foreach (
            var options in (ReceiverOptions[])
                [
                    new() { Port = -1 },
                    new() { MaxBodyBytes = 0 },
                    new() { MaxBytesInFlight = 1 },
                    new() { AppendDeadline = TimeSpan.Zero },
                    new() { DrainDelay = TimeSpan.FromSeconds(-1) },
                    new() { LivenessPath = "healthz" },
                ]
        )
        {
            await Assert.ThrowsAsync<ArgumentException>(() =>
                ReceiverHost.StartAsync(options, new Core.Contract.ContractPublisher(), receiver.Logs, NullLoggerFactory.Instance)
            );
        }
    }
}
