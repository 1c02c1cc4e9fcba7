using System.Collections.Concurrent;
using Brokkr.Core.Contract.Wire;
using Brokkr.Core.Log;

namespace Brokkr.Receiver.Tests;

/// <summary>Gives logs by bootstrap servers as the test says, and counts the leases.</summary>
internal sealed class TestLogs(ILog log) : ILogProvider
{
    private readonly ConcurrentDictionary<string, Func<CancellationToken, ValueTask<ILog>>> _others = new(StringComparer.Ordinal);
    private readonly ConcurrentDictionary<string, int> _open = new(StringComparer.Ordinal);
    private readonly ConcurrentDictionary<string, CancellationTokenSource> _outdated = new(StringComparer.Ordinal);
    private readonly ConcurrentDictionary<string, bool> _topics = new(StringComparer.Ordinal);
    private int _acquired;

    /// <summary>Leases given so far.</summary>
    public int Acquired => Volatile.Read(ref _acquired);

    /// <summary>Leases of a log that are out.</summary>
    public int Open(string servers) => _open.GetValueOrDefault(servers);

    /// <summary>Says what is behind other bootstrap servers.</summary>
    public void Behind(string servers, Func<CancellationToken, ValueTask<ILog>> open) => _others[servers] = open;

    /// <summary>Says what is behind other bootstrap servers.</summary>
    public FaultyLog Behind(string servers)
    {
        var faulty = new FaultyLog(log);
        _others[servers] = _ => new ValueTask<ILog>(faulty);
        return faulty;
    }

    /// <summary>Tells those who have a log of these bootstrap servers that another one has taken its place.</summary>
    public Task OutdateAsync(string servers) => _outdated.TryRemove(servers, out var source) ? source.CancelAsync() : Task.CompletedTask;

    /// <summary>Has a topic created before a resource gets its log.</summary>
    public void WantTopic(string topic) => _topics.TryAdd(topic, true);

    public async ValueTask<LogLease> AcquireAsync(Resource resource, CancellationToken cancellation)
    {
        foreach (var topic in resource.Topics)
        {
            if (_topics.ContainsKey(topic))
            {
                await log.Topics.CreateAsync(
                    new TopicSpecification(topic, 1, 1, new Dictionary<string, string>(StringComparer.Ordinal)),
                    cancellation
                );
            }
        }

        var servers = resource.BootstrapServers;
        var opened = _others.TryGetValue(servers, out var open) ? await open(cancellation) : log;
        Interlocked.Increment(ref _acquired);
        _open.AddOrUpdate(servers, 1, static (_, count) => count + 1);
        return new LogLease(
            opened,
            () =>
            {
                _open.AddOrUpdate(servers, 0, static (_, count) => count - 1);
                return ValueTask.CompletedTask;
            },
            _outdated.GetOrAdd(servers, static _ => new CancellationTokenSource()).Token
        );
    }
}

/// <summary>A log whose appends the test decides about; the rest is that of another log.</summary>
internal sealed class FaultyLog(ILog log) : ILog, ILogWriter
{
    /// <summary>What happens instead of an append; null for the real one.</summary>
    public Func<string, RecordBuffer, ValueTask<AppendResult>>? Append { get; set; }

    /// <summary>Whether the log says that it answers.</summary>
    public bool Reachable { get; set; } = true;

    public ILogWriter Writer => this;

    public ILogReaders Readers => log.Readers;

    public ICursorStore Cursors => log.Cursors;

    public ITopics Topics => log.Topics;

    public IOwnership Join(IOwnershipListener listener, string consumerGroup = "") => log.Join(listener, consumerGroup);

    public ValueTask<bool> IsReachableAsync(CancellationToken cancellation) => new(Reachable);

    public ValueTask<AppendResult> AppendAsync(string topic, RecordBuffer record) =>
        Append is { } append ? append(topic, record) : log.Writer.AppendAsync(topic, record);

    public ValueTask DisposeAsync() => ValueTask.CompletedTask;
}
