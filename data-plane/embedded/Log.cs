using Microsoft.Extensions.Logging;

namespace Brokkr.Embedded;

/// <summary>Log messages of the embedded log: event ids from 3000. Next free id: 3011.</summary>
internal static partial class Log
{
    [LoggerMessage(3000, LogLevel.Information, "embedded log {Path} opened: {Topics} topics, {Partitions} partitions")]
    public static partial void Opened(this ILogger logger, string path, int topics, int partitions);

    [LoggerMessage(
        3001,
        LogLevel.Error,
        "embedded log: cannot write to {Path}; appends are answered with retry later until it works again"
    )]
    public static partial void WriteFailed(this ILogger logger, string path, Exception error);

    [LoggerMessage(3002, LogLevel.Information, "embedded log: writing to {Path} works again")]
    public static partial void WriteRecovered(this ILogger logger, string path);

    [LoggerMessage(3003, LogLevel.Warning, "embedded log: cannot read {Partition} at offset {Offset}; trying again")]
    public static partial void ReadFailed(this ILogger logger, string partition, long offset, Exception error);

    [LoggerMessage(3004, LogLevel.Error, "embedded log: {Partition} has no records from offset {Offset} to {End}, although it should")]
    public static partial void Hole(this ILogger logger, string partition, long offset, long end);

    [LoggerMessage(3005, LogLevel.Warning, "embedded log: retention could not be applied; it is tried again at the next sweep")]
    public static partial void SweepFailed(this ILogger logger, Exception error);

    [LoggerMessage(3006, LogLevel.Debug, "embedded log: {Records} expired records dropped from {Partition}")]
    public static partial void Trimmed(this ILogger logger, long records, string partition);

    [LoggerMessage(3007, LogLevel.Information, "embedded log: topic {Topic} has settings that the embedded log does not use: {Settings}")]
    public static partial void UnusedSettings(this ILogger logger, string topic, string settings);

    [LoggerMessage(3008, LogLevel.Error, "embedded log: the listener of an ownership failed")]
    public static partial void ListenerFailed(this ILogger logger, Exception error);

    [LoggerMessage(
        3009,
        LogLevel.Warning,
        "embedded log: the write-ahead log of {Path} could not be folded into the file; it is tried again"
    )]
    public static partial void CheckpointFailed(this ILogger logger, string path, Exception error);

    [LoggerMessage(3010, LogLevel.Error, "embedded log: something that was written could not be answered")]
    public static partial void AnswerFailed(this ILogger logger, Exception error);
}
