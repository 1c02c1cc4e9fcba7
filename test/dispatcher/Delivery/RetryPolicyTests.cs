using Brokkr.Core.Contract.Wire;
using Brokkr.Dispatcher.Delivery;

namespace Brokkr.Dispatcher.Tests.Delivery;

public class RetryPolicyTests
{
    /// <summary>OEG-03, DEV-02, DEV-03, DP-21; dispatcher §7.6.</summary>
    [Theory]
    [InlineData(BackoffPolicy.Exponential, 200, 1, 400)]
    [InlineData(BackoffPolicy.Exponential, 200, 2, 800)]
    [InlineData(BackoffPolicy.Exponential, 200, 5, 6400)]
    [InlineData(BackoffPolicy.Exponential, 200, 10, 204_800)]
    [InlineData(BackoffPolicy.Exponential, 300, 10, 307_200)]
    [InlineData(BackoffPolicy.Linear, 200, 1, 200)]
    [InlineData(BackoffPolicy.Linear, 200, 5, 1000)]
    [InlineData(BackoffPolicy.Linear, 0, 5, 0)]
    [InlineData(BackoffPolicy.Exponential, 0, 60, 0)]
    [InlineData((BackoffPolicy)7, 200, 3, 1600)]
    public void Waits_grow_as_documented(BackoffPolicy policy, int delay, int failed, int expected) =>
        Assert.Equal(
            TimeSpan.FromMilliseconds(expected),
            new RetryPolicy(100, policy, TimeSpan.FromMilliseconds(delay), null).WaitAfter(failed, null)
        );

    [Theory]
    [InlineData(BackoffPolicy.Exponential, 31)]
    [InlineData(BackoffPolicy.Exponential, 70)]
    [InlineData(BackoffPolicy.Exponential, int.MaxValue)]
    [InlineData(BackoffPolicy.Linear, int.MaxValue)]
    public void Huge_numbers_are_clamped(BackoffPolicy policy, int failed) =>
        Assert.Equal(RetryPolicy.Longest, new RetryPolicy(uint.MaxValue, policy, TimeSpan.FromSeconds(1000), null).WaitAfter(failed, null));

    [Fact]
    public void A_contract_with_numbers_beyond_any_timer_is_clamped()
    {
        var policy = RetryPolicy.From(new EgressConfig { Retry = 3, BackoffDelay = ulong.MaxValue });
        Assert.Equal(RetryPolicy.Longest, policy.WaitAfter(1, null));
    }

    /// <summary>RTE-10: retry is the number of attempts after the first.</summary>
    [Fact]
    public void As_many_attempts_as_retry_says_and_one()
    {
        var policy = RetryPolicy.From(new EgressConfig { Retry = 2 });
        Assert.True(policy.Allows(1));
        Assert.True(policy.Allows(2));
        Assert.False(policy.Allows(3));
        Assert.False(RetryPolicy.From(null).Allows(1));
    }

    /// <summary>DEV-11: max(backoff, min(Retry-After, retryAfterMax)); without retryAfterMax it is ignored.</summary>
    [Theory]
    [InlineData(null, 5000, 1000)]
    [InlineData(3000, 5000, 3000)]
    [InlineData(9000, 5000, 5000)]
    [InlineData(9000, 200, 1000)]
    [InlineData(0, 5000, 1000)]
    public void Retry_after_is_honoured_up_to_its_maximum(int? max, int asked, int expected)
    {
        var config = new EgressConfig
        {
            Retry = 1,
            BackoffDelay = 1000,
            BackoffPolicy = BackoffPolicy.Linear,
        };
        if (max is { } value)
        {
            config.RetryAfterMax = (ulong)value;
        }

        Assert.Equal(TimeSpan.FromMilliseconds(expected), RetryPolicy.From(config).WaitAfter(1, TimeSpan.FromMilliseconds(asked)));
    }

    [Theory]
    [InlineData("4", 4.0)]
    [InlineData(" 120 ", 120.0)]
    [InlineData("Fri, 31 Dec 1999 23:59:59 GMT", 59.0)]
    [InlineData("Fri, 31 Dec 1999 23:50:00 GMT", 0.0)]
    [InlineData("soon", null)]
    [InlineData("-1", null)]
    [InlineData("1.5", null)]
    [InlineData(null, null)]
    public void Retry_after_is_seconds_or_a_date(string? value, double? seconds) =>
        Assert.Equal(seconds, RetryPolicy.ParseRetryAfter(value, new DateTimeOffset(1999, 12, 31, 23, 59, 0, TimeSpan.Zero))?.TotalSeconds);
}
