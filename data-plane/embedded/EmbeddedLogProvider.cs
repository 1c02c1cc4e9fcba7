using Brokkr.Core.Contract.Wire;
using Brokkr.Core.Log;

namespace Brokkr.Embedded;

/// <summary>
/// Gives every resource the one embedded log; bootstrap servers and credentials in the contract are not looked at. Whoever opened the log closes
/// it, after the last lease.
/// </summary>
/// <param name="log">The log.</param>
public sealed class EmbeddedLogProvider(ILog log) : ILogProvider
{
    /// <inheritdoc/>
    public ValueTask<LogLease> AcquireAsync(Resource resource, CancellationToken cancellation) =>
        new(new LogLease(log, static () => ValueTask.CompletedTask));
}
