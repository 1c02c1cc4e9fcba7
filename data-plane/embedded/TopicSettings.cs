using System.Collections.Frozen;
using System.Globalization;
using Brokkr.Core.Log;

namespace Brokkr.Embedded;

/// <summary>What the embedded log makes of the settings of a topic.</summary>
/// <param name="RetentionMilliseconds">Age at which records go; -1 for never.</param>
/// <param name="RetentionBytes">Bytes of a partition above which its oldest records go; -1 for no limit.</param>
/// <param name="MaxRecordBytes">Largest record.</param>
internal readonly record struct TopicSettings(long RetentionMilliseconds, long RetentionBytes, int MaxRecordBytes)
{
    /// <summary>SQLite ends at a billion bytes; far below it one record would fill every queue.</summary>
    public const int LargestRecord = 256 * 1024 * 1024;

    private const string RetentionMs = "retention.ms";
    private const string RetentionBytesName = "retention.bytes";
    private const string MaxMessageBytes = "max.message.bytes";
    private const string CleanupPolicy = "cleanup.policy";

    /// <summary>What a topic of Kafka may be given and has no meaning here: one copy, one file, no clients of other versions.</summary>
    private static readonly FrozenSet<string> Unused = FrozenSet.Create(
        StringComparer.Ordinal,
        "compression.gzip.level",
        "compression.lz4.level",
        "compression.type",
        "compression.zstd.level",
        "delete.retention.ms",
        "errors.deadletterqueue.group.enable",
        "file.delete.delay.ms",
        "flush.messages",
        "flush.ms",
        "follower.replication.throttled.replicas",
        "index.interval.bytes",
        "leader.replication.throttled.replicas",
        "local.retention.bytes",
        "local.retention.ms",
        "max.compaction.lag.ms",
        "message.downconversion.enable",
        "message.format.version",
        "message.timestamp.after.max.ms",
        "message.timestamp.before.max.ms",
        "message.timestamp.difference.max.ms",
        "message.timestamp.type",
        "min.cleanable.dirty.ratio",
        "min.compaction.lag.ms",
        "min.insync.replicas",
        "preallocate",
        "remote.copy.disable",
        "remote.log.copy.disable",
        "remote.log.delete.on.disable",
        "remote.storage.enable",
        "segment.bytes",
        "segment.index.bytes",
        "segment.jitter.ms",
        "segment.ms",
        "unclean.leader.election.enable"
    );

    /// <summary>Names among the settings that are accepted but have no effect.</summary>
    public static IEnumerable<string> WithoutEffect(IReadOnlyDictionary<string, string> settings) =>
        settings.Keys.Where(Unused.Contains).Order(StringComparer.Ordinal);

    /// <exception cref="TopicRefusedException">A setting is unknown or its value unusable; the message says which.</exception>
    public static TopicSettings Parse(IReadOnlyDictionary<string, string> settings, EmbeddedLogOptions options)
    {
        var retention = options.Retention == Timeout.InfiniteTimeSpan ? -1 : (long)options.Retention.TotalMilliseconds;
        var bytes = options.RetentionBytes;
        long record = options.MaxRecordBytes;
        var deletes = true;
        foreach (var (name, value) in settings)
        {
            switch (name)
            {
                case RetentionMs:
                    retention = Number(name, value, -1, long.MaxValue);
                    break;
                case RetentionBytesName:
                    bytes = Number(name, value, -1, long.MaxValue);
                    break;
                case MaxMessageBytes:
                    record = Math.Min(Number(name, value, 0, int.MaxValue), LargestRecord);
                    break;
                case CleanupPolicy:
                    deletes = Deletes(value);
                    break;
                case var _ when !Unused.Contains(name):
                    throw new TopicRefusedException($"unknown topic setting {name}");
            }
        }

        // A topic that Kafka would only compact keeps the last record of every key; here it keeps every record.
        return deletes ? new TopicSettings(retention, bytes, (int)record) : new TopicSettings(-1, -1, (int)record);
    }

    private static bool Deletes(string policies)
    {
        var deletes = false;
        foreach (var policy in policies.Split(',', StringSplitOptions.TrimEntries))
        {
            deletes |= policy switch
            {
                "delete" => true,
                "compact" => false,
                _ => throw new TopicRefusedException($"topic setting {CleanupPolicy}: {policies} is not delete, compact or both"),
            };
        }

        return deletes;
    }

    private static long Number(string name, string value, long least, long most) =>
        long.TryParse(value, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var number)
        && number >= least
        && number <= most
            ? number
            : throw new TopicRefusedException($"topic setting {name}: \"{value}\" is not a number of at least {least}");
}
