using Brokkr.Dispatcher.Delivery;
using Brokkr.Dispatcher.Feed;
using Microsoft.Extensions.Time.Testing;

namespace Brokkr.Dispatcher.Tests.Delivery;

public class DeliveryGateTests
{
    [Fact]
    public async Task A_retry_waits_for_room_and_is_next()
    {
        using var gate = Gate(requests: 1, out _);
        Assert.True(await gate.BeginRequestAsync(CancellationToken.None));
        var first = gate.BeginRequestAsync(CancellationToken.None).AsTask();
        var second = gate.BeginRequestAsync(CancellationToken.None).AsTask();
        Assert.False(first.IsCompleted);
        gate.EndRequest();
        Assert.True(await first);
        Assert.False(second.IsCompleted);
        Assert.Equal(1, gate.Requests);
    }

    [Fact]
    public async Task A_retry_that_is_cancelled_while_it_waits_takes_no_room()
    {
        using var gate = Gate(requests: 1, out _);
        Assert.True(await gate.BeginRequestAsync(CancellationToken.None));
        using var cancelled = new CancellationTokenSource();
        var first = gate.BeginRequestAsync(cancelled.Token).AsTask();
        var second = gate.BeginRequestAsync(CancellationToken.None).AsTask();
        await cancelled.CancelAsync();
        Assert.False(await first);
        gate.EndRequest();
        Assert.True(await second);
        gate.EndRequest();
        Assert.Equal(0, gate.Requests);
    }

    /// <summary>DP-21.</summary>
    [Fact]
    public async Task It_opens_slowly_while_nothing_ends_and_up_to_its_limit()
    {
        using var gate = Gate(requests: 5, out var time);
        var waiting = new List<Task<bool>>();
        for (var i = 0; i < 8; i++)
        {
            waiting.Add(gate.BeginRequestAsync(CancellationToken.None).AsTask());
        }

        foreach (var expected in (int[])[1, 2, 4, 5, 5])
        {
            await Task.WhenAll(waiting[..expected]);
            Assert.Equal(expected, gate.Requests);
            time.Advance(TimeSpan.FromMilliseconds(50));
        }
    }

    [Fact]
    public async Task Requests_are_bounded_in_the_whole_process_too()
    {
        var memory = new MemoryShares(new DispatcherOptions { RequestBudget = 7 });
        memory.AddTrigger();
        memory.AddTrigger();
        Assert.Equal(3, memory.Requests);
        var time = new FakeTimeProvider();
        using var gate = new DeliveryGate(memory, 100, 100, time);
        var waiting = Enumerable.Range(0, 8).Select(_ => gate.BeginRequestAsync(CancellationToken.None).AsTask()).ToList();
        for (var i = 0; i < 5; i++)
        {
            time.Advance(TimeSpan.FromMilliseconds(50));
        }

        await Task.WhenAll(waiting[..3]);
        Assert.Equal(3, gate.Requests);
        memory.RemoveTrigger();
        gate.EndRequest();
        Assert.Equal(4, gate.Requests);
        time.Advance(TimeSpan.FromMilliseconds(50));
        await Task.WhenAll(waiting);
        Assert.Equal(7, gate.Requests);
    }

    [Theory]
    [InlineData("Max open files            1024                 524288               files     ", 1024)]
    [InlineData("Max open files            unlimited            unlimited            files     ", int.MaxValue)]
    [InlineData("Max processes             1                    1                    processes ", int.MaxValue)]
    public void What_Linux_says_of_open_files_is_read(string line, int limit)
    {
        Assert.Equal(limit, OpenFiles.Read(["Limit                     Soft Limit           Hard Limit           Units     ", line]));
        Assert.True(OpenFiles.Limit() > 0);
    }

    private static DeliveryGate Gate(int requests, out FakeTimeProvider time)
    {
        time = new FakeTimeProvider();
        return new DeliveryGate(new MemoryShares(new DispatcherOptions()), requests, 100, time);
    }
}
