using System.Text;
using System.Text.Json;
using Brokkr.Cli.Logging;
using Brokkr.Testing;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Time.Testing;

namespace Brokkr.Cli.Tests.Logging;

/// <summary>receiver-and-core §14.4: JSON lines and the levels of kafka-config-logging.</summary>
public sealed partial class LoggingTests
{
    [Fact]
    public void A_line_is_one_JSON_object_with_the_members_of_the_original_and_the_arguments()
    {
        var time = new FakeTimeProvider(new DateTimeOffset(2026, 1, 31, 12, 0, 0, 5, TimeSpan.Zero));
        using var output = new MemoryStream();
        using (var lines = new LineWriter(output))
        using (var loggers = new LoggerFactory([new JsonLoggerProvider(lines, time)]))
        {
            NotStored(loggers.CreateLogger("Brokkr.Receiver"), new IOException("disk \"full\"\n"), "/ns/br", "grün", 7);
        }

        var line = Assert.Single(Lines(output));
        var json = line.RootElement;
        Assert.Equal("2026-01-31T12:00:00.005Z", json.GetProperty("@timestamp").GetString());
        Assert.Equal("1", json.GetProperty("@version").GetString());
        Assert.Equal("Event for /ns/br not stored in grün at 7", json.GetProperty("message").GetString());
        Assert.Equal("Brokkr.Receiver", json.GetProperty("logger_name").GetString());
        Assert.NotEqual("", json.GetProperty("thread_name").GetString());
        Assert.Equal("WARN", json.GetProperty("level").GetString());
        Assert.Equal(30000, json.GetProperty("level_value").GetInt32());
        Assert.Equal(4711, json.GetProperty("event_id").GetInt32());
        Assert.Equal("/ns/br", json.GetProperty("path").GetString());
        Assert.Equal("grün", json.GetProperty("topic").GetString());
        Assert.Equal(7, json.GetProperty("offset").GetInt64());
        Assert.StartsWith("System.IO.IOException: disk \"full\"", json.GetProperty("stack_trace").GetString(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(LogLevel.Trace, "TRACE", 5000)]
    [InlineData(LogLevel.Debug, "DEBUG", 10000)]
    [InlineData(LogLevel.Information, "INFO", 20000)]
    [InlineData(LogLevel.Warning, "WARN", 30000)]
    [InlineData(LogLevel.Error, "ERROR", 40000)]
    [InlineData(LogLevel.Critical, "ERROR", 40000)]
    public void Levels_have_the_names_and_values_of_the_original(LogLevel level, string name, int value)
    {
        using var output = new MemoryStream();
        using (var lines = new LineWriter(output))
        using (
            var loggers = new LoggerFactory(
                [new JsonLoggerProvider(lines, TimeProvider.System)],
                new LoggerFilterOptions { MinLevel = LogLevel.Trace }
            )
        )
        {
#pragma warning disable CA1848, CA2254, CA1873 // the level is what varies
            loggers.CreateLogger("x").Log(level, "m");
#pragma warning restore CA1848, CA2254, CA1873
        }

        var json = Assert.Single(Lines(output)).RootElement;
        Assert.Equal(name, json.GetProperty("level").GetString());
        Assert.Equal(value, json.GetProperty("level_value").GetInt32());
    }

    [Fact]
    public async Task A_reader_that_does_not_read_holds_nobody_up_and_what_was_dropped_is_counted()
    {
        using var output = new BlockedStream();
        using (var lines = new LineWriter(output, capacity: 10))
        {
            for (var i = 0; i < 100; i++)
            {
                lines.Write("{}\n"u8.ToArray());
            }

            output.Unblock();
            await Eventually.True(
                () => output.Text.Contains("log lines were dropped", StringComparison.Ordinal),
                "the number of dropped lines"
            );
        }

        var written = output.Text.Split('\n').Count(line => line == "{}");
        Assert.InRange(written, 10, 11);
        Assert.Contains($"\"message\":\"{100 - written} log lines were dropped\"", output.Text, StringComparison.Ordinal);
    }

    [Fact]
    public void Levels_of_root_and_loggers_are_honoured_and_the_names_of_the_original_mean_our_parts()
    {
        var levels = LogLevels.Read(
            new MemoryStream(
                """
                <configuration>
                  <appender name="jsonConsoleAppender" class="ch.qos.logback.core.ConsoleAppender">
                    <encoder class="net.logstash.logback.encoder.LogstashEncoder"/>
                  </appender>
                  <logger name="dev.knative.eventing.kafka.broker.dispatcher.impl.Thing" level="DEBUG"/>
                  <logger name="dev.knative.eventing.kafka.broker" level="warn" additivity="false"/>
                  <logger name="io.vertx" level="nonsense"/>
                  <logger name="Brokkr.Kafka" level="OFF"/>
                  <root level="ERROR"><appender-ref ref="async"/></root>
                </configuration>
                """u8.ToArray()
            )
        );
        using var loggers = new LoggerFactory([new SilentProvider()], levels.ToFilter());
        LogLevel Lowest(string name) =>
            Enum.GetValues<LogLevel>().First(level => level == LogLevel.None || loggers.CreateLogger(name).IsEnabled(level));
        Assert.Equal(LogLevel.Debug, Lowest("Brokkr.Dispatcher.Delivery"));
        Assert.Equal(LogLevel.Warning, Lowest("Brokkr.Receiver"));
        Assert.Equal(LogLevel.None, Lowest("Brokkr.Kafka.Client"));
        Assert.Equal(LogLevel.Error, Lowest("Microsoft.AspNetCore"));
        Assert.Equal(LogLevel.Error, Lowest("Other"));
    }

    [Fact]
    public void Without_a_file_and_with_a_broken_one_the_default_holds()
    {
        using var none = new LiveLogLevels("/nonexistent/config.xml", TimeProvider.System, out var problem);
        Assert.Null(problem);
        Assert.Equal(LogLevel.Information, none.CurrentValue.MinLevel);
        using var folder = new TemporaryFolder();
        var file = folder.Write("config.xml", "<configuration>");
        using var broken = new LiveLogLevels(file, TimeProvider.System, out problem);
        Assert.StartsWith(file, problem, StringComparison.Ordinal);
        Assert.Equal(LogLevel.Information, broken.CurrentValue.MinLevel);
    }

    [Fact]
    public void Levels_follow_the_file_and_stay_where_it_goes_or_breaks()
    {
        var time = new FakeTimeProvider();
        using var folder = new TemporaryFolder();
        var file = folder.Write("config.xml", """<configuration><root level="WARN"/></configuration>""");
        using var levels = new LiveLogLevels(file, time, out _);
        using var loggers = new LoggerFactory([new SilentProvider()], levels);
        levels.Follow(loggers.CreateLogger("Brokkr.Cli"));
        var logger = loggers.CreateLogger("Brokkr.Receiver");
        Assert.False(logger.IsEnabled(LogLevel.Information));

        folder.Write("config.xml", """<configuration><logger name="Brokkr.Receiver" level="TRACE"/><root level="WARN"/></configuration>""");
        Assert.False(logger.IsEnabled(LogLevel.Trace));
        time.Advance(LiveLogLevels.Interval);
        Assert.True(logger.IsEnabled(LogLevel.Trace));
        Assert.False(loggers.CreateLogger("Brokkr.Dispatcher").IsEnabled(LogLevel.Information));

        folder.Write("config.xml", "<configuration>");
        time.Advance(LiveLogLevels.Interval);
        Assert.True(logger.IsEnabled(LogLevel.Trace));
        File.Delete(file);
        time.Advance(LiveLogLevels.Interval);
        Assert.True(logger.IsEnabled(LogLevel.Trace));
    }

    private static List<JsonDocument> Lines(MemoryStream output) =>
        [
            .. Encoding
                .UTF8.GetString(output.ToArray())
                .Split('\n', StringSplitOptions.RemoveEmptyEntries)
                .Select(line => JsonDocument.Parse(line)),
        ];

    [LoggerMessage(4711, LogLevel.Warning, "Event for {Path} not stored in {Topic} at {Offset}")]
    private static partial void NotStored(ILogger logger, Exception error, string path, string topic, long offset);

    private sealed class SilentProvider : ILoggerProvider
    {
        public ILogger CreateLogger(string categoryName) => new Silent();

        public void Dispose() { }

        private sealed class Silent : ILogger
        {
            public IDisposable? BeginScope<TState>(TState state)
                where TState : notnull => null;

            public bool IsEnabled(LogLevel logLevel) => true;

            public void Log<TState>(
                LogLevel logLevel,
                EventId eventId,
                TState state,
                Exception? exception,
                Func<TState, Exception?, string> formatter
            ) { }
        }
    }

    /// <summary>Takes nothing before it is unblocked.</summary>
    private sealed class BlockedStream : MemoryStream
    {
        private readonly ManualResetEventSlim _open = new();
        private readonly Lock _lock = new();

        public string Text
        {
            get
            {
                lock (_lock)
                {
                    return Encoding.UTF8.GetString(ToArray());
                }
            }
        }

        public void Unblock() => _open.Set();

        public override void Write(ReadOnlySpan<byte> buffer)
        {
            _open.Wait();
            lock (_lock)
            {
                base.Write(buffer);
            }
        }

        protected override void Dispose(bool disposing)
        {
            _open.Dispose();
            base.Dispose(disposing);
        }
    }
}
