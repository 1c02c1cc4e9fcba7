using System.Globalization;
using System.Text;
using Microsoft.Extensions.Logging;

namespace Brokkr.Cli.Logging;

/// <summary>Logs for a person at a terminal: time, level where it matters, message; a stack trace only where a bug is to be reported.</summary>
internal sealed class ConsoleLoggerProvider(DevConsole console) : ILoggerProvider
{
    public ILogger CreateLogger(string categoryName) => new ConsoleLogger(categoryName, console);

    public void Dispose() { }

    private sealed class ConsoleLogger(string category, DevConsole console) : ILogger
    {
        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => logLevel != LogLevel.None;

        public void Log<TState>(
            LogLevel logLevel,
            EventId eventId,
            TState state,
            Exception? exception,
            Func<TState, Exception?, string> formatter
        )
        {
            var text = new StringBuilder(formatter(state, exception));
            if (logLevel <= LogLevel.Debug)
            {
                text.Insert(0, string.Create(CultureInfo.InvariantCulture, $"{category}: "));
            }

            if (exception is not null)
            {
                text.Append(": ").Append(logLevel >= LogLevel.Error ? exception.ToString() : exception.Message);
            }

            console.Line(
                logLevel switch
                {
                    >= LogLevel.Error => Tone.Error,
                    LogLevel.Warning => Tone.Warning,
                    <= LogLevel.Debug => Tone.Faint,
                    _ => Tone.Plain,
                },
                text.ToString()
            );
        }
    }
}
