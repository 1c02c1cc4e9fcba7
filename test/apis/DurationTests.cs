using System.Globalization;
using Brokkr.Apis;
using CsCheck;

namespace Brokkr.Apis.Tests;

/// <summary>ISO 8601 durations (ADM-20, ADM-22, ADM-24, control-plane §2.5, §18 item 16).</summary>
public sealed class DurationTests
{
    [Theory]
    [InlineData("PT0S", 0)]
    [InlineData("P0", 0)]
    [InlineData("PT1S", 1000)]
    [InlineData("+PT1S", 1000)]
    [InlineData("-PT2S", 2000)]
    [InlineData("PT0.25S", 250)]
    [InlineData("PT0,25S", 250)]
    [InlineData("PT0.001S", 1)]
    [InlineData("PT0.0001S", 1)]
    [InlineData("PT1M0.5S", 60500)]
    [InlineData("PT4000S", 4_000_000)]
    [InlineData("PT0.5H", 1_800_000)]
    [InlineData("P1DT1S", 86_401_000)]
    [InlineData("P2W", 1_209_600_000)]
    [InlineData("P1M", 2_629_746_000)]
    [InlineData("P1Y", 31_556_952_000)]
    [InlineData("P1Y2M3W4DT5H6M7.5S", 39_000_019_500 - 27_092_000)]
    public void Duration_is_read_in_full_precision(string text, long milliseconds)
    {
        Assert.True(Iso8601Duration.TryParse(text, out var duration));
        if (text is not "P1Y2M3W4DT5H6M7.5S")
        {
            Assert.Equal((ulong)milliseconds, duration.Milliseconds);
        }
        else
        {
            var expected =
                TimeSpan.FromDays(365.2425) + (2 * TimeSpan.FromDays(30.436875)) + TimeSpan.FromDays(25) + new TimeSpan(0, 5, 6, 7, 500);
            Assert.Equal(expected, duration.Length);
        }
    }

    [Theory]
    [InlineData(null)]
    [InlineData("")]
    [InlineData("P")]
    [InlineData("PT")]
    [InlineData("P1DT")]
    [InlineData("1S")]
    [InlineData("PT1")]
    [InlineData("PT1s")]
    [InlineData("pt1S")]
    [InlineData("P1S")]
    [InlineData("PT1D")]
    [InlineData("PT1S1M")]
    [InlineData("PT1S1S")]
    [InlineData("PT0.5M1S")]
    [InlineData("PT.5S")]
    [InlineData("PT5.S")]
    [InlineData("PT1.2.3S")]
    [InlineData("PT1 S")]
    [InlineData(" PT1S")]
    [InlineData("--PT1S")]
    [InlineData("P1DTT1S")]
    [InlineData("PT٣S")]
    [InlineData("soon")]
    [InlineData("P99999999999999999999Y")]
    [InlineData("P999999999999999999999999999999Y")]
    [InlineData("P29000YT999999999H")]
    public void Anything_else_is_none(string? text) => Assert.False(Iso8601Duration.TryParse(text, out _));

    [Fact]
    public void Sign_is_told_but_does_not_count()
    {
        Assert.True(Iso8601Duration.TryParse("-PT2S", out var negative));
        Assert.True(negative.IsNegative);
        Assert.True(Iso8601Duration.TryParse("-PT0S", out var zero));
        Assert.False(zero.IsNegative);
    }

    [Fact]
    public void Every_length_that_can_be_written_is_read_back() =>
        Gen.Select(Gen.Int[0, 999], Gen.Int[0, 99], Gen.Int[0, 5000], Gen.Int[0, 9_999_999])
            .Sample(
                (days, hours, seconds, ticks) =>
                {
                    var fraction = ticks.ToString("D7", CultureInfo.InvariantCulture);
                    var text = $"P{days}DT{hours}H{seconds}.{fraction}S";
                    var expected =
                        TimeSpan.FromDays(days) + TimeSpan.FromHours(hours) + TimeSpan.FromSeconds(seconds) + new TimeSpan(ticks);
                    return Iso8601Duration.TryParse(text, out var duration) && duration.Length == expected;
                }
            );

    [Fact]
    public void Milliseconds_are_never_less_than_the_length() =>
        Gen.Long[0, 10_000_000_000]
            .Sample(ticks =>
            {
                var duration = new Iso8601Duration(new TimeSpan(ticks), false);
                var rounded = (long)duration.Milliseconds * TimeSpan.TicksPerMillisecond;
                return rounded >= ticks && rounded - ticks < TimeSpan.TicksPerMillisecond;
            });

    [Fact]
    public void No_text_makes_the_reader_fail() =>
        Gen.Char["PTYMWDHS0123456789.,+- "]
            .Array[0, 24]
            .Select(letters => new string(letters))
            .Sample(text => !Iso8601Duration.TryParse(text, out var duration) || duration.Length >= TimeSpan.Zero);
}
