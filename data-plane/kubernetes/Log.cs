using Microsoft.Extensions.Logging;

namespace Brokkr.Kubernetes;

/// <summary>Every log message of this assembly. Event ids 8000 to 8999. Next free id: 8022.</summary>
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

    [LoggerMessage(8010, LogLevel.Information, "The contract is followed in the {Count} ConfigMaps with {Selector} of {Namespace}")]
    public static partial void ContractFollowed(this ILogger logger, string selector, string @namespace, int count);

    [LoggerMessage(
        8011,
        LogLevel.Warning,
        "The contract in the ConfigMaps with {Selector} of {Namespace} cannot be followed now, and the last state stays in force: {Problem}"
    )]
    public static partial void ContractNotFollowed(this ILogger logger, string selector, string @namespace, string problem);

    [LoggerMessage(8012, LogLevel.Error, "The contract in ConfigMap {ConfigMap} cannot be used, its last one stays in force: {Error}")]
    public static partial void ContractPartInvalid(this ILogger logger, string configMap, string error);

    [LoggerMessage(8013, LogLevel.Error, "A contract could not be applied")]
    public static partial void ContractNotApplied(this ILogger logger, Exception error);

    [LoggerMessage(
        8020,
        LogLevel.Warning,
        "The condition of Pod {Pod} that says which contract it works by cannot be written; it is tried again: {Problem}"
    )]
    public static partial void ConditionNotWritten(this ILogger logger, string pod, string problem);

    [LoggerMessage(8021, LogLevel.Information, "The condition of Pod {Pod} that says which contract it works by is written again")]
    public static partial void ConditionWrittenAgain(this ILogger logger, string pod);

    [LoggerMessage(8003, LogLevel.Warning, "Secret {Secret}, which a filter verifies correlation ids with, cannot be used: {Problem}")]
    public static partial void CorrelationKeysMissing(this ILogger logger, string secret, string problem);
}
