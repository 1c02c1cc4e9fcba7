using System.Collections.Concurrent;
using Brokkr.Core.Contract.Wire;
using Brokkr.Core.Log;

namespace Brokkr.Dispatcher.Tests.Stage;

/// <summary>Gives one log, until another one takes its place.</summary>
internal sealed class ReplacedLogs(ILog first) : ILogProvider
{
    private readonly ConcurrentDictionary<ILog, int> _leases = new(ReferenceEqualityComparer.Instance);
    private volatile Current _current = new(first);

    /// <summary>Whether no log can be opened now.</summary>
    public bool AreAway { get; set; }

    /// <summary>Leases of a log that are out.</summary>
    public int Leases(ILog log) => _leases.GetValueOrDefault(log);

    public Task ReplaceAsync(ILog log)
    {
        var replaced = _current;
        _current = new Current(log);
        return replaced.Outdated.CancelAsync();
    }

    public ValueTask<LogLease> AcquireAsync(Resource resource, CancellationToken cancellation)
    {
        if (AreAway)
        {
            throw new LogConfigurationException("no such Secret");
        }

        var current = _current;
        _leases.AddOrUpdate(current.Log, 1, static (_, count) => count + 1);
        return new(
            new LogLease(
                current.Log,
                () =>
                {
                    _leases.AddOrUpdate(current.Log, 0, static (_, count) => count - 1);
                    return ValueTask.CompletedTask;
                },
                current.Outdated.Token
            )
        );
    }

    private sealed record Current(ILog Log)
    {
        public CancellationTokenSource Outdated { get; } = new();
    }
}
