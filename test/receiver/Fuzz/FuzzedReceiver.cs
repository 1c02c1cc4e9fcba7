using System.Collections.Concurrent;
using Brokkr.Core.Log;
using Microsoft.Extensions.Logging;
using static Brokkr.Receiver.Tests.TestReceiver;

namespace Brokkr.Receiver.Tests.Fuzz;

/// <summary>A receiver with some Brokers, each for one connection at a time, and a log that keeps what it is given.</summary>
internal sealed class FuzzedReceiver : IAsyncDisposable
{
    private const string Servers = "fuzz";

    private readonly TestReceiver _receiver;
    private readonly ConcurrentDictionary<string, ConcurrentQueue<StoredRecord>> _records = new(StringComparer.Ordinal);

    private FuzzedReceiver(TestReceiver receiver, ErrorLog errors)
    {
        _receiver = receiver;
        Errors = errors;
    }

    public int Port => _receiver.Port;

    /// <summary>What the receiver and its web server logged as errors.</summary>
    public ErrorLog Errors { get; }

    /// <summary>The path of a Broker. None becomes another by the change of some bytes.</summary>
    public static string Path(int broker) => $"/fuzz-{(ulong)(broker + 1) * 0x9E3779B97F4A7C15:x16}/in";

    /// <summary>Starts one.</summary>
    /// <param name="brokers">How many Brokers it has. The log of every second one answers later, on another thread.</param>
    /// <param name="options">What is different from the usual, if anything.</param>
    public static async Task<FuzzedReceiver> StartAsync(int brokers, ReceiverOptions? options = null)
    {
        var errors = new ErrorLog();
        var receiver = await OpenAsync((options ?? new ReceiverOptions()) with { MaxBodyBytes = Session.BodyLimit }, loggers: errors);
        var fuzzed = new FuzzedReceiver(receiver, errors);
        receiver.Logs.Behind(Servers).Append = fuzzed.Append;
        receiver.Publish([.. Enumerable.Range(0, brokers).Select(i => Broker($"b{i}", Path(i), Topic(i), servers: Servers))]);
        await receiver.ReadyAsync();
        for (var i = 0; i < brokers; i++)
        {
            await receiver.ServedAsync(Path(i));
        }

        return fuzzed;
    }

    /// <summary>Takes the records of a Broker.</summary>
    public List<StoredRecord> Take(int broker) => _records.TryRemove(Topic(broker), out var records) ? [.. records] : [];

    public ValueTask DisposeAsync() => _receiver.DisposeAsync();

    private static string Topic(int broker) => $"t{broker}";

    private ValueTask<AppendResult> Append(string topic, RecordBuffer record)
    {
        _records.GetOrAdd(topic, static _ => []).Enqueue(StoredRecord.From(record, 0, 0));
        var stored = new AppendResult(AppendOutcome.Stored, 0, 0, null);
        return topic[^1] % 2 == 0 ? new ValueTask<AppendResult>(stored) : new ValueTask<AppendResult>(Task.Run(() => stored));
    }
}

/// <summary>Keeps what is logged as an error: nothing that a sender does is one.</summary>
internal sealed class ErrorLog : ILogger, ILoggerFactory
{
    public ConcurrentQueue<string> Lines { get; } = [];

    public ILogger CreateLogger(string categoryName) => this;

    public void AddProvider(ILoggerProvider provider) { }

    public bool IsEnabled(LogLevel logLevel) => logLevel >= LogLevel.Error;

    public IDisposable? BeginScope<TState>(TState state)
        where TState : notnull => null;

    public void Log<TState>(
        LogLevel logLevel,
        EventId eventId,
        TState state,
        Exception? exception,
        Func<TState, Exception?, string> formatter
    )
    {
        // The web server says so of a refused request whose rest is broken, and closes the connection.
        var line = formatter(state, exception);
        if (IsEnabled(logLevel) && !line.Contains("automatic draining of the request body failed", StringComparison.Ordinal))
        {
            Lines.Enqueue($"{line}\n{exception}");
        }
    }

    public void Dispose() { }
}
