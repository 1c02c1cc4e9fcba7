using Brokkr.Core.Log;
using Brokkr.Testing;
using static Brokkr.Receiver.Tests.TestReceiver;

namespace Brokkr.Receiver.Tests;

/// <summary>What senders are told when the log does not store their event (receiver-and-core §6.2 row 8, §9.4, §18.7).</summary>
public sealed class FaultTests
{
    private const string Batch = "application/cloudevents-batch+json";

    [Theory]
    [InlineData(AppendOutcome.RetryLater, 503, "log-unavailable")]
    [InlineData(AppendOutcome.UnknownTopic, 503, "topic-missing")]
    [InlineData(AppendOutcome.Unauthorized, 503, "log-refused")]
    [InlineData(AppendOutcome.Fatal, 503, "log-unavailable")]
    [InlineData(AppendOutcome.TooLarge, 413, "event-too-large")]
    public async Task OIN_08_DP_05_Every_way_to_fail_has_its_answer(AppendOutcome outcome, int status, string type)
    {
        await using var receiver = await StartAsync();
        var faulty = receiver.Logs.Behind("faulty");
        faulty.Append = (_, _) => new ValueTask<AppendResult>(AppendResult.Failed(outcome, "as the test says"));
        receiver.Publish(Broker("br", servers: "faulty"));
        await receiver.ServedAsync("/ns/br");
        using var client = await RawClient.ConnectAsync(receiver.Port);
        var answer = (await client.SendAsync(RawClient.Event())).IsProblem(status, type);
        Assert.Equal(status == 503 ? "1" : null, answer["retry-after"]);
        faulty.Append = null;
        (await client.SendAsync(RawClient.Event())).Is(202);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_log_that_throws_is_answered_for(bool atOnce)
    {
        await using var receiver = await StartAsync();
        var faulty = receiver.Logs.Behind("faulty");
        faulty.Append = (_, _) =>
            atOnce
                ? throw new InvalidOperationException("a bug")
                : new ValueTask<AppendResult>(Task.FromException<AppendResult>(new InvalidOperationException("a bug")));
        receiver.Publish(Broker("br", servers: "faulty"));
        await receiver.ServedAsync("/ns/br");
        (await RawClient.OnceAsync(receiver.Port, RawClient.Event())).IsProblem(500, "internal-error");
    }

    [Fact]
    public async Task DP_06_A_log_that_never_answers_is_503_at_the_deadline_and_nothing_is_mixed_up_when_it_answers_later()
    {
        await using var receiver = await StartAsync(new ReceiverOptions { AppendDeadline = TimeSpan.FromMilliseconds(300) });
        var silent = receiver.Logs.Behind("silent");
        var late = new List<TaskCompletionSource<AppendResult>>();
        silent.Append = (_, _) =>
        {
            var source = new TaskCompletionSource<AppendResult>(TaskCreationOptions.RunContinuationsAsynchronously);
            lock (late)
            {
                late.Add(source);
            }

            return new ValueTask<AppendResult>(source.Task);
        };
        receiver.Publish(Broker("br", servers: "silent"));
        await receiver.ServedAsync("/ns/br");
        using var client = await RawClient.ConnectAsync(receiver.Port);
        var answer = (await client.SendAsync(RawClient.Event())).IsProblem(503, "log-unavailable");
        Assert.Equal("1", answer["retry-after"]);

        // The late answer belongs to nobody; the next request must not get it.
        Assert.Single(late).SetResult(new AppendResult(AppendOutcome.Stored, 0, 0, null));
        for (var i = 0; i < 3; i++)
        {
            (await client.SendAsync(RawClient.Event())).IsProblem(503, "log-unavailable");
        }

        silent.Append = null;
        (await client.SendAsync(RawClient.Event())).Is(202);
    }

    [Fact]
    public async Task OIN_07_DP_06_Nothing_is_acknowledged_before_it_is_durable()
    {
        await using var receiver = await StartAsync();
        var slow = receiver.Logs.Behind("slow");
        var durable = new TaskCompletionSource<AppendResult>(TaskCreationOptions.RunContinuationsAsynchronously);
        slow.Append = (_, _) => new ValueTask<AppendResult>(durable.Task);
        receiver.Publish(Broker("br", servers: "slow"), Broker("other"));
        await receiver.ServedAsync("/ns/br");
        await receiver.ServedAsync("/ns/other");
        using var client = await RawClient.ConnectAsync(receiver.Port);
        await client.WriteAsync(RawClient.Event());
        var answer = client.AnswerAsync();

        // Others are served meanwhile.
        for (var i = 0; i < 10; i++)
        {
            (await RawClient.OnceAsync(receiver.Port, RawClient.Event("/ns/other"))).Is(202);
        }

        Assert.False(answer.IsCompleted);
        durable.SetResult(new AppendResult(AppendOutcome.Stored, 0, 0, null));
        (await answer).Is(202);
    }

    [Fact]
    public async Task A_batch_of_which_something_is_not_stored_is_not_acknowledged()
    {
        await using var receiver = await StartAsync();
        var faulty = receiver.Logs.Behind("faulty");
        var appends = 0;
        faulty.Append = (_, _) =>
            new ValueTask<AppendResult>(
                ++appends == 2
                    ? AppendResult.Failed(AppendOutcome.RetryLater, "as the test says")
                    : new AppendResult(AppendOutcome.Stored, 0, appends, null)
            );
        receiver.Publish(Broker("br", servers: "faulty"));
        await receiver.ServedAsync("/ns/br");
        var one = """{"specversion":"1.0","id":"i","source":"/s","type":"t"}""";
        var answer = await RawClient.OnceAsync(receiver.Port, RawClient.Body(Batch, $"[{one},{one},{one}]"));
        answer.IsProblem(503, "log-unavailable");
        Assert.Contains("Event 2 of 3", answer.Body, StringComparison.Ordinal);
        Assert.Equal(3, appends);
    }

    [Fact]
    public async Task A_sender_that_goes_away_disturbs_nobody()
    {
        await using var receiver = await StartAsync();
        var slow = receiver.Logs.Behind("slow");
        var gate = new TaskCompletionSource<AppendResult>(TaskCreationOptions.RunContinuationsAsynchronously);
        var waiting = 0;
        slow.Append = (_, _) =>
        {
            Interlocked.Increment(ref waiting);
            return new ValueTask<AppendResult>(gate.Task);
        };
        receiver.Publish(Broker("br", servers: "slow"));
        await receiver.ServedAsync("/ns/br");
        for (var i = 0; i < 5; i++)
        {
            using var client = await RawClient.ConnectAsync(receiver.Port);
            await client.WriteAsync(RawClient.Event());
            await Eventually.True(() => Volatile.Read(ref waiting) == i + 1, "an append");
        }

        gate.SetResult(new AppendResult(AppendOutcome.Stored, 0, 0, null));
        slow.Append = null;
        (await RawClient.OnceAsync(receiver.Port, RawClient.Event())).Is(202);
    }
}
