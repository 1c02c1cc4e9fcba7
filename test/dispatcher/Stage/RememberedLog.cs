using System.Collections.Concurrent;
using Microsoft.Extensions.Logging;

namespace Brokkr.Dispatcher.Tests.Stage;

/// <summary>Remembers what was logged.</summary>
internal sealed class RememberedLog : ILogger
{
    public ConcurrentQueue<(LogLevel Level, int Event, string Text)> Lines { get; } = new();

    public IEnumerable<string> Of(int eventId) => Lines.Where(line => line.Event == eventId).Select(line => line.Text);

    public void Log<TState>(
        LogLevel logLevel,
        EventId eventId,
        TState state,
        Exception? exception,
        Func<TState, Exception?, string> formatter
    ) => Lines.Enqueue((logLevel, eventId.Id, formatter(state, exception) + (exception is null ? "" : "\n" + exception)));

    public bool IsEnabled(LogLevel logLevel) => true;

    public IDisposable? BeginScope<TState>(TState state)
        where TState : notnull => null;
}
