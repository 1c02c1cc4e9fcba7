using Brokkr.Cli.Hosting;
using Brokkr.Core.Configuration;
using Brokkr.Dispatcher;

namespace Brokkr.Cli.Dispatcher;

/// <summary>The environment variables of the dispatcher (dispatcher §1.2).</summary>
internal sealed record DispatcherEnvironment
{
    /// <summary>What the receiver has too.</summary>
    public required DataPlaneEnvironment Common { get; init; }

    /// <summary><c>CONSUMER_CONFIG_FILE_PATH</c>.</summary>
    public required string ConsumerPropertiesPath { get; init; }

    /// <summary><c>WEBCLIENT_CONFIG_FILE_PATH</c>.</summary>
    public required string WebClientPropertiesPath { get; init; }

    /// <summary><c>DEAD_LETTER_TOPIC</c> (ours): <c>enabled</c> or <c>disabled</c>. Default enabled.</summary>
    public required DeadLetterTopic DeadLetterTopic { get; init; }

    /// <summary><c>STOP_BUDGET_SECONDS</c> (ours): how long running requests may take to finish after SIGTERM. Default 20.</summary>
    public required int StopBudgetSeconds { get; init; }

    /// <summary><c>RECORD_MEMORY_MEBIBYTES</c> (ours): what records may take in this process. Default 64.</summary>
    public required int RecordMemoryMebibytes { get; init; }

    /// <summary><c>REPLY_HOP_LIMIT</c> (ours): how many replies may follow from one another; 0 for no limit. Default 255.</summary>
    public required int ReplyHopLimit { get; init; }

    /// <summary>
    /// <c>SUBSCRIBER_TOKENS_PATH</c> (ours): a folder that tokens for subscribers come from. Default null: the API server, where there is one, makes them.
    /// </summary>
    public string? TokensPath { get; init; }

    /// <summary><c>PROBE_PORT</c> (ours): where the kubelet's HTTP probes are answered. Default null: nowhere, only <c>/tmp/healthy</c> tells.</summary>
    public int? ProbePort { get; init; }

    /// <summary>Reads the variables. Problems are noted in the reader.</summary>
    public static DispatcherEnvironment Read(EnvironmentReader environment)
    {
        var defaults = new DispatcherOptions();
        environment.Required("SERVICE_NAMESPACE", "the namespace of this pod");
        environment.RequiredInteger("EGRESSES_INITIAL_CAPACITY", "a number of egresses, such as 20; it has no effect", minimum: 1);
        return new DispatcherEnvironment
        {
            Common = DataPlaneEnvironment.Read(environment),
            ConsumerPropertiesPath = environment.Required("CONSUMER_CONFIG_FILE_PATH", "the properties file of the Kafka consumer"),
            WebClientPropertiesPath = environment.Required("WEBCLIENT_CONFIG_FILE_PATH", "the properties file of the HTTP client"),
            DeadLetterTopic = ReadDeadLetterTopic(environment),
            StopBudgetSeconds = environment.OptionalInteger(
                "STOP_BUDGET_SECONDS",
                "the seconds that running requests may take to finish after SIGTERM",
                (int)defaults.StopBudget.TotalSeconds,
                0,
                24 * 60 * 60
            ),
            RecordMemoryMebibytes = environment.OptionalInteger(
                "RECORD_MEMORY_MEBIBYTES",
                "the mebibytes that records may take in this process",
                (int)(defaults.MemoryBudget / 1024 / 1024),
                1,
                1024 * 1024
            ),
            TokensPath = environment.Optional("SUBSCRIBER_TOKENS_PATH"),
            ProbePort = environment.Optional("PROBE_PORT") is null
                ? null
                : environment.OptionalInteger("PROBE_PORT", "the port where HTTP probes are answered", 0, 0, ushort.MaxValue),
            ReplyHopLimit = environment.OptionalInteger(
                "REPLY_HOP_LIMIT",
                "how many replies may follow from one another, 0 for no limit",
                defaults.ReplyHopLimit,
                0,
                1_000_000
            ),
        };
    }

    /// <summary>The settings of the dispatcher.</summary>
    /// <param name="consumer">Properties of the Kafka consumer; some are meant for the dispatcher itself.</param>
    public DispatcherOptions ToOptions(IReadOnlyDictionary<string, string> consumer)
    {
        var defaults = new DispatcherOptions();
        return defaults with
        {
            MaxPollRecords = (int)Math.Clamp(consumer.WholeNumber("max.poll.records", 500), 1, 1_000_000),
            // The shipped file has no value for channels: the client's own default is latest.
            InitialOffset = string.Equals(
                consumer.GetValueOrDefault("auto.offset.reset")?.Trim(),
                "earliest",
                StringComparison.OrdinalIgnoreCase
            )
                ? InitialOffset.Earliest
                : InitialOffset.Latest,
            CommitInterval = TimeSpan.FromMilliseconds(
                Math.Clamp(
                    consumer.WholeNumber("auto.commit.interval.ms", (long)defaults.CommitInterval.TotalMilliseconds),
                    1,
                    int.MaxValue
                )
            ),
            StopBudget = TimeSpan.FromSeconds(StopBudgetSeconds),
            MemoryBudget = RecordMemoryMebibytes * 1024L * 1024,
            DeadLetterTopic = DeadLetterTopic,
            SynthesizedKind = SynthesizedKindOf(consumer),
            ReplyHopLimit = ReplyHopLimit,
            EventTypeTag = !Common.EventTypeTagDisabled,
        };
    }

    // Properties of a class that the original's consumer runs; only the file of KafkaSources has them (dispatcher §3.2).
    private static string? SynthesizedKindOf(IReadOnlyDictionary<string, string> consumer) =>
        consumer.Flag("cloudevent.invalid.transformer.enabled", false)
        && consumer.GetValueOrDefault("cloudevent.invalid.kind.plural")?.Trim() is { Length: > 0 } kind
            ? kind
            : null;

    private static DeadLetterTopic ReadDeadLetterTopic(EnvironmentReader environment)
    {
        var text = environment.Optional("DEAD_LETTER_TOPIC", "enabled");
        if (!Enum.TryParse<DeadLetterTopic>(text, ignoreCase: true, out var topic) || !Enum.IsDefined(topic))
        {
            environment.Report($"DEAD_LETTER_TOPIC is \"{text}\": set it to enabled or disabled, or leave it out.");
        }

        return topic;
    }
}
