namespace Brokkr.Cli.Hosting;

/// <summary>Waiting for a token.</summary>
internal static class CancellationWait
{
    /// <summary>Completes when the token is cancelled.</summary>
    public static async Task WhenCancelledAsync(this CancellationToken cancellation)
    {
        var cancelled = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await using (cancellation.UnsafeRegister(static source => ((TaskCompletionSource)source!).TrySetResult(), cancelled))
        {
            await cancelled.Task;
        }
    }
}
