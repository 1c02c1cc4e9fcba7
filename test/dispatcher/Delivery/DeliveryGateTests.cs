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

    private static DeliveryGate Gate(int requests, out FakeTimeProvider time)
    {
        time = new FakeTimeProvider();
        return new DeliveryGate(new MemoryShares(new DispatcherOptions()), requests, 100, time);
    }
}
