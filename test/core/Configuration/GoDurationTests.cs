using Brokkr.Core.Configuration;

namespace Brokkr.Core.Tests.Configuration;

/// <summary>Durations as Knative's ConfigMaps have them.</summary>
public sealed class GoDurationTests
{
    [Theory]
    [InlineData("60s", 60_000)]
    [InlineData("1m30s", 90_000)]
    [InlineData("1.5h", 5_400_000)]
    [InlineData("500ms", 500)]
    [InlineData("1500us", 1.5)]
    [InlineData("2µs", 0.002)]
    [InlineData("0", 0)]
    [InlineData("0s", 0)]
    public void Numbers_with_units_are_added(string text, double milliseconds)
    {
        Assert.True(GoDuration.TryParse(text, out var duration));
        Assert.Equal(milliseconds, duration.TotalMilliseconds);
    }

    [Theory]
    [InlineData("")]
    [InlineData("60")]
    [InlineData("s")]
    [InlineData("-1s")]
    [InlineData("1s ")]
    [InlineData("1 s")]
    [InlineData("1d")]
    [InlineData("1.2.3s")]
    [InlineData("PT1S")]
    [InlineData("99999999999h")]
    [InlineData("9999999999999999999999999999999999s")]
    public void Everything_else_is_none(string text) => Assert.False(GoDuration.TryParse(text, out _));
}
