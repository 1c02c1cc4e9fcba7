namespace Brokkr.Controller.Kubernetes;

/// <summary>Pauses between failures: each twice as long as the one before, half of it left to chance, so that many do not come again together.</summary>
internal sealed class Backoff(TimeSpan first, TimeSpan longest, TimeProvider time)
{
    private int _failures;

    /// <summary>Begins with the first pause again.</summary>
    public void Reset() => _failures = 0;

    /// <summary>Pauses.</summary>
    /// <param name="atLeast">How long at least, because the server said so.</param>
    /// <param name="cancellation">Ends the pause.</param>
    public Task PauseAsync(TimeSpan? atLeast, CancellationToken cancellation)
    {
#pragma warning disable CA5394 // Chance spreads load here; it protects nothing.
        var whole = first * (1 << Math.Min(_failures++, 20));
        var pause = (whole < longest ? whole : longest) * (0.5 + (Random.Shared.NextDouble() / 2));
#pragma warning restore CA5394
        return Task.Delay(atLeast is { } least && least > pause ? least : pause, time, cancellation);
    }
}
