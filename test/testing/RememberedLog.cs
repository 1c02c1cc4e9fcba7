using System.Collections.Concurrent;
using Microsoft.Extensions.Logging;

namespace Brokkr.Testing;

/// <summary>Remembers what was logged.</summary>
public sealed class RememberedLog : ILogger, ILoggerProvider
{
    /// <summary>Every line in its order; the text of an exception follows that of its line.</summary>
    public ConcurrentQueue<(LogLevel Level, int Event, string Text)> Lines { get; } = new();

    /// <summary>The texts of an event.</summary>
    public IEnumerable<string> Of(int eventId) => Lines.Where(line => line.Event == eventId).Select(line => line.Text);

    /// <summary>The lines that contain a text, each with its level before it.</summary>
    public string[] With(string text) => [.. Shown().Where(line => line.Contains(text, StringComparison.Ordinal))];

    /// <inheritdoc/>
    public void Log<TState>(
        LogLevel logLevel,
        EventId eventId,
        TState state,
        Exception? exception,
        Func<TState, Exception?, string> formatter
    ) => Lines.Enqueue((logLevel, eventId.Id, formatter(state, exception) + (exception is null ? "" : "\n" + exception)));

    /// <inheritdoc/>
    public bool IsEnabled(LogLevel logLevel) => true;

    /// <inheritdoc/>
    public IDisposable? BeginScope<TState>(TState state)
        where TState : notnull => null;

    /// <inheritdoc/>
    public ILogger CreateLogger(string categoryName) => this;

    /// <inheritdoc/>
    public override string ToString() => string.Join('\n', Shown());

    /// <inheritdoc/>
    public void Dispose() { }

    private IEnumerable<string> Shown() => Lines.Select(static line => $"{line.Level}: {line.Text}");
}
