using System.Globalization;
using Brokkr.Core.Contract.Wire;

namespace Brokkr.Dispatcher.Delivery;

/// <summary>When a failed attempt is repeated (dispatcher §7.5, §7.6).</summary>
/// <param name="Retries">Attempts after the first one.</param>
/// <param name="Policy">How the waits grow.</param>
/// <param name="Delay">The unit of the waits; zero: at once.</param>
/// <param name="RetryAfterMax">Up to which length a <c>Retry-After</c> is honoured; null: it is ignored.</param>
internal sealed record RetryPolicy(uint Retries, BackoffPolicy Policy, TimeSpan Delay, TimeSpan? RetryAfterMax)
{
    /// <summary>The longest wait: what the original's timers can hold.</summary>
    public static TimeSpan Longest { get; } = TimeSpan.FromMilliseconds(int.MaxValue);

    /// <summary>No retries.</summary>
    public static RetryPolicy None { get; } = new(0, BackoffPolicy.Exponential, TimeSpan.Zero, null);

    /// <summary>The policy of a delivery configuration; <see cref="None"/> if there is none.</summary>
    public static RetryPolicy From(EgressConfig? config) =>
        config is null
            ? None
            : new RetryPolicy(
                config.Retry,
                config.BackoffPolicy,
                Milliseconds(config.BackoffDelay),
                config.HasRetryAfterMax ? Milliseconds(config.RetryAfterMax) : null
            );

    /// <summary>A number of milliseconds of the contract, limited to <see cref="Longest"/>.</summary>
    public static TimeSpan Milliseconds(ulong milliseconds) => TimeSpan.FromMilliseconds(Math.Min(milliseconds, int.MaxValue));

    /// <summary>Whether another attempt is due.</summary>
    /// <param name="failedAttempts">Attempts that have failed.</param>
    public bool Allows(int failedAttempts) => failedAttempts <= Retries;

    /// <summary>The wait before the next attempt.</summary>
    /// <param name="failedAttempts">Attempts that have failed, at least 1.</param>
    /// <param name="retryAfter">What the subscriber asked for.</param>
    public TimeSpan WaitAfter(int failedAttempts, TimeSpan? retryAfter)
    {
        var wait = Backoff(failedAttempts);
        if (retryAfter is { } asked && RetryAfterMax is { } max)
        {
            var honoured = asked < max ? asked : max;
            wait = honoured > wait ? honoured : wait;
        }

        return wait < Longest ? wait : Longest;
    }

    /// <summary>Reads a <c>Retry-After</c>: seconds or a date.</summary>
    public static TimeSpan? ParseRetryAfter(string? value, DateTimeOffset now)
    {
        if (value is null)
        {
            return null;
        }

        if (
            uint.TryParse(
                value,
                NumberStyles.AllowLeadingWhite | NumberStyles.AllowTrailingWhite,
                CultureInfo.InvariantCulture,
                out var seconds
            )
        )
        {
            return TimeSpan.FromSeconds(seconds);
        }

        if (DateTimeOffset.TryParseExact(value.Trim(), "r", CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out var date))
        {
            return date > now ? date - now : TimeSpan.Zero;
        }

        return null;
    }

    private TimeSpan Backoff(int failedAttempts)
    {
        var factor =
            Policy == BackoffPolicy.Linear ? Math.Max(1L, failedAttempts)
            : failedAttempts >= 32 ? uint.MaxValue
            : 1L << failedAttempts;
        var ticks = (Int128)Delay.Ticks * factor;
        return ticks > Longest.Ticks ? Longest : TimeSpan.FromTicks((long)ticks);
    }
}
