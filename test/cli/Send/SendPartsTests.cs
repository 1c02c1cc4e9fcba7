using Brokkr.Cli.Send;
using CsCheck;

namespace Brokkr.Cli.Tests.Send;

public sealed class SendPartsTests
{
    [Fact]
    public void Percentiles_are_at_most_two_per_cent_too_long() =>
        Gen.Double[0.02, 100_000]
            .Array[1, 200]
            .Sample(milliseconds =>
            {
                var histogram = new LatencyHistogram();
                foreach (var value in milliseconds)
                {
                    histogram.Add(TimeSpan.FromMilliseconds(value));
                }

                Array.Sort(milliseconds);
                foreach (var share in new[] { 0.5, 0.9, 0.99, 1 })
                {
                    var exact = milliseconds[Math.Max(0, (int)Math.Ceiling(share * milliseconds.Length) - 1)];
                    Assert.InRange(histogram.PercentileMs(share), exact * 0.999, exact * 1.021);
                }
            });

    [Fact]
    public void Without_measurements_percentiles_are_zero() => Assert.Equal(0, new LatencyHistogram().PercentileMs(0.5));

    [Theory]
    [InlineData(0, 100, 1, "[..............................] 0 % 0/100, 0/s")]
    [InlineData(50, 100, 10, "[###############...............] 50 % 50/100, 5/s, 0:00:10 left")]
    [InlineData(100, 100, 10, "[##############################] 100 % 100/100, 10/s, 0:00:00 left")]
    public void The_progress_bar_shows_share_rate_and_what_is_left(long done, long total, int seconds, string line) =>
        Assert.Equal(line, ProgressBar.Line(done, total, TimeSpan.FromSeconds(seconds)));

    [Fact]
    public async Task The_progress_bar_stays_away_from_short_runs_and_cleans_up_after_itself()
    {
        var time = new Microsoft.Extensions.Time.Testing.FakeTimeProvider();
        var terminal = new StringWriter();
        await using (new ProgressBar(terminal, 100, () => 10, time))
        {
            time.Advance(TimeSpan.FromMilliseconds(900));
            Assert.Equal("", terminal.ToString());
            time.Advance(TimeSpan.FromMilliseconds(200));
            Assert.Contains("10/100", terminal.ToString(), StringComparison.Ordinal);
        }

        Assert.EndsWith(" \r", terminal.ToString(), StringComparison.Ordinal);
    }
}
