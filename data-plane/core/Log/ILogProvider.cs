using Brokkr.Core.Contract.Wire;

namespace Brokkr.Core.Log;

/// <summary>
/// Gives the log that a resource of the contract lives on. Resources with the same bootstrap servers and credentials share one
/// (dispatcher §17.2 W19): the log is opened with the first lease and closed when the last one is disposed.
/// </summary>
public interface ILogProvider
{
    /// <summary>Opens or shares the log of a resource.</summary>
    /// <exception cref="LogConfigurationException">Bootstrap servers, credentials or client settings are unusable; the message says which.</exception>
    ValueTask<LogLease> AcquireAsync(Resource resource, CancellationToken cancellation);
}

/// <summary>A share in a log. Dispose it when the resource goes.</summary>
/// <param name="log">The log.</param>
/// <param name="release">Gives the share back.</param>
/// <param name="outdated">Ends when the log was replaced.</param>
public sealed class LogLease(ILog log, Func<ValueTask> release, CancellationToken outdated = default) : IAsyncDisposable
{
    private Func<ValueTask>? _release = release;

    /// <summary>The log; valid until the lease is disposed.</summary>
    public ILog Log { get; } = log;

    /// <summary>
    /// Is cancelled when another log has taken the place of this one, since its credentials were changed. This one goes on as long as the brokers let
    /// it: acquire a lease again, go over to its log, then dispose this one.
    /// </summary>
    public CancellationToken Outdated { get; } = outdated;

    /// <inheritdoc/>
    public ValueTask DisposeAsync() => Interlocked.Exchange(ref _release, null)?.Invoke() ?? ValueTask.CompletedTask;
}

/// <summary>A log cannot be opened with the given settings.</summary>
public sealed class LogConfigurationException : Exception
{
    /// <summary>Creates the exception.</summary>
    public LogConfigurationException(string message)
        : base(message) { }

    /// <summary>Creates the exception.</summary>
    public LogConfigurationException(string message, Exception inner)
        : base(message, inner) { }

    /// <summary>Creates the exception.</summary>
    public LogConfigurationException() { }
}
