using Microsoft.Extensions.Logging;

namespace Brokkr.Cli;

/// <summary>What the program itself says in the log. Event ids 7000 to 7999.</summary>
internal static partial class Log
{
    [LoggerMessage(7000, LogLevel.Information, "brokkr {Role} {Version} starts")]
    public static partial void RoleStarting(this ILogger logger, string role, string version);

    [LoggerMessage(7001, LogLevel.Information, "brokkr {Role} has ended")]
    public static partial void RoleEnded(this ILogger logger, string role);

    [LoggerMessage(7002, LogLevel.Error, "{Problem}")]
    public static partial void ConfigurationInvalid(this ILogger logger, string problem);

    [LoggerMessage(7003, LogLevel.Critical, "brokkr {Role} failed")]
    public static partial void RoleFailed(this ILogger logger, Exception error, string role);

    [LoggerMessage(7004, LogLevel.Warning, "The logging configuration cannot be used, logging at INFO: {Problem}")]
    public static partial void LoggingConfigurationInvalid(this ILogger logger, string problem);

    [LoggerMessage(7005, LogLevel.Information, "Metrics are served at {Address}")]
    public static partial void MetricsServed(this ILogger logger, string address);

    [LoggerMessage(7006, LogLevel.Warning, "Cannot create {Path}, so readiness probes will fail: {Error}")]
    public static partial void HealthyFileFailed(this ILogger logger, string path, string error);

    [LoggerMessage(7007, LogLevel.Information, "{Path} has changed: logging at {RootLevel}, and as its loggers say")]
    public static partial void LogLevelsChanged(this ILogger logger, string path, string rootLevel);

    [LoggerMessage(7008, LogLevel.Warning, "The logging configuration cannot be used, the levels stay as they are: {Problem}")]
    public static partial void LoggingConfigurationRefused(this ILogger logger, string problem);

    [LoggerMessage(
        7009,
        LogLevel.Information,
        "Traces are sent to {Endpoint} by {Protocol}; {SamplingRate} of the events without a trace get one"
    )]
    public static partial void TracesSent(this ILogger logger, string endpoint, string protocol, double samplingRate);

    [LoggerMessage(7013, LogLevel.Information, "Metrics are sent to {Endpoint} by {Protocol} every {Seconds} s")]
    public static partial void MetricsSent(this ILogger logger, string endpoint, string protocol, double seconds);

    [LoggerMessage(7014, LogLevel.Warning, "Secret {Secret}, which a filter verifies correlation ids with, cannot be used: {Problem}")]
    public static partial void CorrelationKeysMissing(this ILogger logger, string secret, string problem);

    [LoggerMessage(7012, LogLevel.Information, "Span {SpanName} {SpanId} of trace {TraceId}: {Span}")]
    public static partial void SpanEnded(this ILogger logger, string spanName, string spanId, string traceId, string span);

    [LoggerMessage(7010, LogLevel.Information, "The HTTP server property {Key} has no meaning here and is ignored")]
    public static partial void HttpServerPropertyIgnored(this ILogger logger, string key);

    [LoggerMessage(7011, LogLevel.Information, "The HTTP client property {Key} has no meaning here and is ignored")]
    public static partial void WebClientPropertyIgnored(this ILogger logger, string key);
}
