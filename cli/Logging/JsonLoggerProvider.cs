using System.Buffers;
using System.Globalization;
using System.Text.Json;
using Microsoft.Extensions.Logging;

namespace Brokkr.Cli.Logging;

/// <summary>
/// Logs one JSON object per line with the members that the original's encoder writes (receiver-and-core §14.4): time, level, logger, thread, message, and the
/// arguments of the message as members of their own.
/// </summary>
internal sealed class JsonLoggerProvider(LineWriter lines, TimeProvider time) : ILoggerProvider
{
    [ThreadStatic]
    private static ArrayBufferWriter<byte>? _buffer;

    [ThreadStatic]
    private static Utf8JsonWriter? _writer;

    public ILogger CreateLogger(string categoryName) => new JsonLogger(categoryName, lines, time);

    public void Dispose() { }

    private sealed class JsonLogger(string category, LineWriter lines, TimeProvider time) : ILogger
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
            var buffer = _buffer ??= new ArrayBufferWriter<byte>(512);
            buffer.ResetWrittenCount();
            var writer = _writer ??= new Utf8JsonWriter(
                buffer,
                new JsonWriterOptions { Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping }
            );
            writer.Reset(buffer);
            writer.WriteStartObject();
            writer.WriteString("@timestamp", time.GetUtcNow().ToString("yyyy-MM-dd'T'HH:mm:ss.fff'Z'", CultureInfo.InvariantCulture));
            writer.WriteString("@version", "1");
            writer.WriteString("message", formatter(state, exception));
            writer.WriteString("logger_name", category);
            writer.WriteString("thread_name", Thread.CurrentThread.Name ?? $"thread-{Environment.CurrentManagedThreadId}");
            var (name, value) = Level(logLevel);
            writer.WriteString("level", name);
            writer.WriteNumber("level_value", value);
            if (eventId.Id != 0)
            {
                writer.WriteNumber("event_id", eventId.Id);
            }

            if (state is IReadOnlyList<KeyValuePair<string, object?>> arguments)
            {
                foreach (var (key, argument) in arguments)
                {
                    if (key.Length > 0 && key[0] != '{')
                    {
                        WriteArgument(writer, key, argument);
                    }
                }
            }

            if (exception is not null)
            {
                writer.WriteString("stack_trace", exception.ToString());
            }

            writer.WriteEndObject();
            writer.Flush();
            buffer.Write("\n"u8);
            lines.Write(buffer.WrittenSpan.ToArray());
        }

        private static void WriteArgument(Utf8JsonWriter writer, string key, object? argument)
        {
            // Templates write names as C# does, the original begins them in lower case.
            Span<char> name = stackalloc char[Math.Min(key.Length, 64)];
            key.AsSpan(0, name.Length).CopyTo(name);
            name[0] = char.ToLowerInvariant(name[0]);
            switch (argument)
            {
                case null:
                    writer.WriteNull(name);
                    break;
                case bool flag:
                    writer.WriteBoolean(name, flag);
                    break;
                case int number:
                    writer.WriteNumber(name, number);
                    break;
                case long number:
                    writer.WriteNumber(name, number);
                    break;
                case ulong number:
                    writer.WriteNumber(name, number);
                    break;
                case IFormattable formattable:
                    writer.WriteString(name, formattable.ToString(null, CultureInfo.InvariantCulture));
                    break;
                default:
                    writer.WriteString(name, argument.ToString());
                    break;
            }
        }

        private static (string Name, int Value) Level(LogLevel level) =>
            level switch
            {
                LogLevel.Trace => ("TRACE", 5000),
                LogLevel.Debug => ("DEBUG", 10000),
                LogLevel.Warning => ("WARN", 30000),
                LogLevel.Error or LogLevel.Critical => ("ERROR", 40000),
                _ => ("INFO", 20000),
            };
    }
}
