using System.Collections.Concurrent;
using Brokkr.Apis;
using Brokkr.Controller.Reconcilers;
using Microsoft.Extensions.Time.Testing;

namespace Brokkr.Controller.Tests.Reconcilers;

/// <summary>The queue of objects to look at.</summary>
public sealed class WorkQueueTests
{
    private static readonly ObjectKey One = new("", "ConfigMap", "shop", "one");
    private static readonly ObjectKey Two = new("", "ConfigMap", "shop", "two");

    private readonly FakeTimeProvider _time = new();
    private readonly ConcurrentQueue<TimeSpan> _delays = new();

    [Fact]
    public async Task Object_that_is_added_while_it_is_looked_at_is_looked_at_once_more()
    {
        using var queue = Make();
        using var stop = new CancellationTokenSource();
        var begun = new TaskCompletionSource();
        var go = new TaskCompletionSource();
        var passes = 0;
        var running = 0;
        var run = queue.RunAsync(
            async (_, _) =>
            {
                Assert.Equal(1, Interlocked.Increment(ref running));
                if (Interlocked.Increment(ref passes) == 1)
                {
                    begun.SetResult();
                    await go.Task;
                }

                Interlocked.Decrement(ref running);
                return null;
            },
            stop.Token
        );
        queue.Add(One);
        await begun.Task;
        queue.Add(One);
        queue.Add(One);
        Assert.Equal(0, queue.Depth);
        go.SetResult();
        await Eventually.True(() => queue.IsIdle && Volatile.Read(ref passes) == 2, () => $"two passes; were {passes}");
        await stop.CancelAsync();
        await run;
    }

    [Fact]
    public async Task Object_that_fails_comes_again_ever_later_and_others_go_on()
    {
        using var queue = Make();
        using var stop = new CancellationTokenSource();
        var others = 0;
        var run = queue.RunAsync(
            (key, _) => key == One ? throw new InvalidOperationException("no") : Task.FromResult<TimeSpan?>(CountOther()),
            stop.Token
        );
        queue.Add(One);
        queue.Add(Two);
        for (var failures = 1; failures <= 5; failures++)
        {
            var wanted = failures;
            await Eventually.True(() => queue.IsIdle && _delays.Count == wanted, () => $"{wanted} failures; were {_delays.Count}");
            _time.Advance(_delays.Last());
        }

        await Eventually.True(() => _delays.Count == 6, () => "the sixth failure");
        Assert.Equal([50, 100, 200, 400, 800, 1000], _delays.Select(delay => (int)delay.TotalMilliseconds));
        Assert.Equal(1, others);
        await stop.CancelAsync();
        await run;

        TimeSpan? CountOther()
        {
            others++;
            return null;
        }
    }

    [Fact]
    public async Task Object_comes_again_when_it_asked_for_it()
    {
        using var queue = Make();
        using var stop = new CancellationTokenSource();
        var passes = 0;
        var run = queue.RunAsync(
            (_, _) => Task.FromResult<TimeSpan?>(Interlocked.Increment(ref passes) < 3 ? TimeSpan.FromMinutes(1) : null),
            stop.Token
        );
        queue.Add(One);
        await Eventually.True(() => queue.IsIdle && passes == 1, () => "the first pass");
        _time.Advance(TimeSpan.FromSeconds(59));
        Assert.True(queue.IsIdle);
        _time.Advance(TimeSpan.FromSeconds(1));
        await Eventually.True(() => queue.IsIdle && passes == 2, () => "the second pass");
        _time.Advance(TimeSpan.FromMinutes(1));
        await Eventually.True(() => queue.IsIdle && passes == 3, () => "the third pass");
        await stop.CancelAsync();
        await run;
    }

    [Fact]
    public async Task Pass_that_takes_too_long_is_ended_and_repeated()
    {
        using var queue = Make();
        using var stop = new CancellationTokenSource();
        var begun = new TaskCompletionSource();
        var run = queue.RunAsync(
            async (_, cancellation) =>
            {
                begun.TrySetResult();
                await new TaskCompletionSource().Task.WaitAsync(cancellation);
                return null;
            },
            stop.Token
        );
        queue.Add(One);
        await begun.Task;
        _time.Advance(TimeSpan.FromSeconds(30));
        await Eventually.True(() => _delays.Count == 1, () => "the end of the pass");
        await stop.CancelAsync();
        await run;
    }

    private WorkQueue Make() =>
        new(new WorkQueueOptions { Workers = 3, LongestBackoff = TimeSpan.FromSeconds(1) }, _time, (_, _, delay) => _delays.Enqueue(delay));
}
