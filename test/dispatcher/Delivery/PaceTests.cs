using Brokkr.Dispatcher.Delivery;
using Microsoft.Extensions.Time.Testing;

namespace Brokkr.Dispatcher.Tests.Delivery;

/// <summary>Dispatcher §5.5.</summary>
public class PaceTests
{
    [Fact]
    public void A_burst_of_one_second_passes_and_then_the_rate()
    {
        var time = new FakeTimeProvider();
        using var pace = new Pace(time);
        Assert.Equal(20, TakeAll(pace, 20));
        time.Advance(TimeSpan.FromMilliseconds(250));
        Assert.Equal(5, TakeAll(pace, 20));
        time.Advance(TimeSpan.FromHours(1));
        Assert.Equal(20, TakeAll(pace, 20));
    }

    [Fact]
    public void Without_a_limit_everything_passes()
    {
        using var pace = new Pace(new FakeTimeProvider());
        Assert.Equal(1000, TakeAll(pace, 0));
    }

    // The cursor is only remembered in order to be signalled; the clock of this test never fires the timer while one waits.
    private static int TakeAll(Pace pace, int perSecond)
    {
        var taken = 0;
        while (taken < 1000 && (perSecond == 0 || taken < 2 * perSecond) && pace.HasTurnNow(perSecond))
        {
            pace.Take(perSecond);
            taken++;
        }

        return taken;
    }
}
