using Brokkr.Dispatcher.Cursors;
using Microsoft.Extensions.Time.Testing;

namespace Brokkr.Dispatcher.Tests.Cursors;

public class CommitPaceTests
{
    private readonly FakeTimeProvider _time = new();

    [Fact]
    public void Turns_are_as_far_apart_as_the_number_per_second_says()
    {
        var pace = new CommitPace(10, _time);
        var first = pace.Reserve();
        for (var i = 1; i <= 20; i++)
        {
            Assert.Equal(TimeSpan.FromMilliseconds(100 * i), _time.GetElapsedTime(first, pace.Reserve()));
        }
    }

    [Fact]
    public void What_was_not_used_for_long_is_not_saved_up()
    {
        var pace = new CommitPace(100, _time);
        pace.Reserve();
        _time.Advance(TimeSpan.FromHours(1));
        var ready = Enumerable.Range(0, 1000).Count(_ => pace.Reserve() <= _time.GetTimestamp());
        Assert.InRange(ready, 10, 11);
    }
}
