using Microsoft.Extensions.Logging;

namespace Brokkr.Core;

/// <summary>What the core says in the log. Event ids 1000 to 1999.</summary>
internal static partial class CoreLog
{
    [LoggerMessage(1000, LogLevel.Error, "Cannot read the properties file {Path}, going on without it: {Error}")]
    public static partial void PropertiesUnreadable(this ILogger logger, string path, string error);

    [LoggerMessage(1001, LogLevel.Warning, "Cannot read the configuration folder {Path}, going on without it: {Error}")]
    public static partial void ConfigurationFolderUnreadable(this ILogger logger, string path, string error);

    [LoggerMessage(1010, LogLevel.Information, "Contract {ContractGeneration} read from {Path}: {Resources} resources")]
    public static partial void ContractRead(this ILogger logger, ulong contractGeneration, string path, int resources);

    [LoggerMessage(1011, LogLevel.Error, "The contract in {Path} cannot be used, the last one stays in force: {Error}")]
    public static partial void ContractInvalid(this ILogger logger, string path, string error);

    [LoggerMessage(1012, LogLevel.Warning, "The contract {Path} cannot be read, the last one stays in force: {Error}")]
    public static partial void ContractUnreadable(this ILogger logger, string path, string error);

    [LoggerMessage(1013, LogLevel.Information, "The contract {Path} is empty: nothing to serve yet")]
    public static partial void ContractEmpty(this ILogger logger, string path);

    [LoggerMessage(1014, LogLevel.Error, "A contract could not be applied")]
    public static partial void ContractNotApplied(this ILogger logger, Exception error);

    [LoggerMessage(1015, LogLevel.Warning, "The watch on {Path} was lost and is set up again: {Error}")]
    public static partial void ContractWatchLost(this ILogger logger, string path, string error);

    [LoggerMessage(1021, LogLevel.Warning, "{Setting} is \"{Value}\", which is no http or https URL: there will be no {What}")]
    public static partial void ExportEndpointInvalid(this ILogger logger, string setting, string value, string what);

    [LoggerMessage(1020, LogLevel.Warning, "{Setting} is \"{Value}\", which is no duration such as 60s: taking {Seconds} s")]
    public static partial void ExportIntervalInvalid(this ILogger logger, string setting, string value, double seconds);

    [LoggerMessage(1023, LogLevel.Warning, "{Setting} is \"{Value}\", which is no number from 0 to 1: taking 0")]
    public static partial void SamplingRateInvalid(this ILogger logger, string setting, string value);

    [LoggerMessage(
        1022,
        LogLevel.Warning,
        "{Setting} is \"{Value}\", which is neither a URL nor host:port: using port {Port}, path {Path}"
    )]
    public static partial void MetricsEndpointInvalid(this ILogger logger, string setting, string value, int port, string path);
}
