using Brokkr.Core.Log;
using Microsoft.Extensions.Logging;

namespace Brokkr.Receiver;

/// <summary>Messages of the receiver. Event ids 4000 to 4999.</summary>
internal static partial class Log
{
    [LoggerMessage(4000, LogLevel.Information, "Receiver listens on port {Port}")]
    public static partial void Listening(this ILogger logger, int port);

    [LoggerMessage(4001, LogLevel.Information, "Receiver is ready")]
    public static partial void Ready(this ILogger logger);

    [LoggerMessage(
        4002,
        LogLevel.Information,
        "Receiver stops: serves {DelaySeconds} s more, then finishes what is under way within {BudgetSeconds} s"
    )]
    public static partial void Draining(this ILogger logger, double delaySeconds, double budgetSeconds);

    [LoggerMessage(4003, LogLevel.Information, "Receiver has stopped")]
    public static partial void Stopped(this ILogger logger);

    [LoggerMessage(
        4004,
        LogLevel.Warning,
        "HTTP/2 in clear text is off: this version of the web server has no way to choose the protocol per connection"
    )]
    public static partial void Http2Unavailable(this ILogger logger, Exception exception);

    [LoggerMessage(4010, LogLevel.Information, "Applied contract {ContractGeneration} with {Resources} resources")]
    public static partial void ContractApplied(this ILogger logger, ulong contractGeneration, int resources);

    [LoggerMessage(4011, LogLevel.Warning, "Resource {Id} ({Namespace}/{Name}) cannot be served: {Reason}")]
    public static partial void ResourceRefused(this ILogger logger, string id, string? @namespace, string? name, string? reason);

    [LoggerMessage(4012, LogLevel.Warning, "The contract has the uid {Id} twice; its second resource {Namespace}/{Name} is ignored")]
    public static partial void DuplicateUid(this ILogger logger, string id, string @namespace, string name);

    [LoggerMessage(
        4013,
        LogLevel.Warning,
        "Path '{Path}' or host '{Host}' of resource {Id} belongs to resource {Other} already, which keeps it"
    )]
    public static partial void AddressTaken(this ILogger logger, string path, string host, string id, string other);

    [LoggerMessage(4014, LogLevel.Warning, "The log of {Namespace}/{Name} could not be opened; tried again every {Seconds} s")]
    public static partial void LogNotOpened(this ILogger logger, string @namespace, string name, double seconds, Exception exception);

    [LoggerMessage(4015, LogLevel.Warning, "A log that is no longer needed could not be closed")]
    public static partial void ReleaseFailed(this ILogger logger, Exception exception);

    [LoggerMessage(4030, LogLevel.Information, "Tokens of {Issuer} are checked with {Keys} keys")]
    public static partial void KeysFetched(this ILogger logger, string issuer, int keys);

    [LoggerMessage(4031, LogLevel.Information, "A key of {Issuer} is of no use here: {Reason}")]
    public static partial void KeySkipped(this ILogger logger, string issuer, string reason);

    [LoggerMessage(
        4032,
        LogLevel.Warning,
        "The keys of the token issuer at {Address} could not be fetched: {Reason} Earlier keys stay in force: {Earlier}. Next attempt in {Seconds} s"
    )]
    public static partial void KeysNotFetched(this ILogger logger, Uri address, string reason, bool earlier, double seconds);

    [LoggerMessage(4040, LogLevel.Information, "Receiver listens for HTTPS on port {Port}; the certificate expires {Expires:u}")]
    public static partial void TlsListening(this ILogger logger, int port, DateTimeOffset expires);

    [LoggerMessage(4041, LogLevel.Information, "Succeeded to update TLS key pair; the certificate expires {Expires:u}")]
    public static partial void CertificateReplaced(this ILogger logger, DateTimeOffset expires);

    [LoggerMessage(
        4042,
        LogLevel.Warning,
        "tls.crt and tls.key in {Folder} cannot be used: {Reason} An earlier pair stays in force: {Earlier}"
    )]
    public static partial void CertificateUnreadable(this ILogger logger, string folder, string reason, bool earlier);

    [LoggerMessage(4043, LogLevel.Warning, "Receiver stops to listen for HTTPS: tls.crt or tls.key has gone from {Folder}")]
    public static partial void TlsClosing(this ILogger logger, string folder);

    [LoggerMessage(4044, LogLevel.Error, "Receiver cannot listen for HTTPS on port {Port}, and will try again: {Reason}")]
    public static partial void TlsNotListening(this ILogger logger, int port, string reason);

    [LoggerMessage(4020, LogLevel.Error, "A request failed unexpectedly")]
    public static partial void RequestFailed(this ILogger logger, Exception exception);

    [LoggerMessage(4021, LogLevel.Debug, "Refused {Method} {Path} with {Status}: {Detail}")]
    public static partial void Refused(this ILogger logger, string method, string path, int status, string detail);

    [LoggerMessage(4023, LogLevel.Debug, "The rest of a refused request could not be read")]
    public static partial void DrainFailed(this ILogger logger, Exception exception);

    [LoggerMessage(4024, LogLevel.Warning, "The type of an event of {Namespace}/{Name} could not be made known")]
    public static partial void EventTypeNotTold(this ILogger logger, string @namespace, string name, Exception exception);

    [LoggerMessage(4022, LogLevel.Warning, "The log did not store event {Id} of {Source} for {Path} in topic {Topic}: {Outcome}, {Error}")]
    public static partial void NotStored(
        this ILogger logger,
        string id,
        string source,
        string path,
        string topic,
        AppendOutcome outcome,
        string? error
    );
}
