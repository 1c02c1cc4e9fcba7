using Microsoft.Extensions.Logging;

namespace Brokkr.Kubernetes;

/// <summary>Every log message of this assembly. Event ids 8000 to 8999. Next free id: 8004.</summary>
internal static partial class Log
{
    [LoggerMessage(8000, LogLevel.Warning, "Secret {Secret} cannot be read now, and what it held before stays in use: {Problem}")]
    public static partial void SecretKept(this ILogger logger, string secret, string problem);

    [LoggerMessage(8001, LogLevel.Information, "Secret {Secret} can be read again")]
    public static partial void SecretReadAgain(this ILogger logger, string secret);

    [LoggerMessage(
        8002,
        LogLevel.Warning,
        "Secret {Secret} cannot be watched, and is looked at every few seconds instead: {Problem}; grant list and watch on secrets"
    )]
    public static partial void SecretNotWatched(this ILogger logger, string secret, string problem);

    [LoggerMessage(8003, LogLevel.Warning, "Secret {Secret}, which a filter verifies correlation ids with, cannot be used: {Problem}")]
    public static partial void CorrelationKeysMissing(this ILogger logger, string secret, string problem);
}
