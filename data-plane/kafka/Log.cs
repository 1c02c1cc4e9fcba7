using Microsoft.Extensions.Logging;

namespace Brokkr.Kafka;

/// <summary>Every log message of this assembly. Next free ids: 2017; for groups 2055.</summary>
internal static partial class Log
{
    [LoggerMessage(2000, LogLevel.Information, "The Kafka client property {Key} is unknown here and has no effect")]
    public static partial void UnknownProperty(this ILogger logger, string key);

    [LoggerMessage(2001, LogLevel.Warning, "Kafka client: {Facility}: {Text}")]
    public static partial void ClientWarning(this ILogger logger, string facility, string text);

    [LoggerMessage(2002, LogLevel.Debug, "Kafka client: {Facility}: {Text}")]
    public static partial void ClientDebug(this ILogger logger, string facility, string text);

    [LoggerMessage(2003, LogLevel.Warning, "The producer cannot go on and is replaced: {Reason}")]
    public static partial void ProducerReplaced(this ILogger logger, string reason);

    [LoggerMessage(2004, LogLevel.Information, "Group {Group}: gained {Count} partitions")]
    public static partial void Gained(this ILogger logger, string group, int count);

    [LoggerMessage(2005, LogLevel.Information, "Group {Group}: giving up {Count} partitions")]
    public static partial void Losing(this ILogger logger, string group, int count);

    [LoggerMessage(2006, LogLevel.Warning, "Group {Group}: lost {Count} partitions to another process without notice")]
    public static partial void LostWithoutNotice(this ILogger logger, string group, int count);

    [LoggerMessage(2007, LogLevel.Warning, "Group {Group}: {Text}")]
    public static partial void GroupError(this ILogger logger, string group, string text);

    [LoggerMessage(2008, LogLevel.Error, "Group {Group}: handing partitions over failed")]
    public static partial void HandOverFailed(this ILogger logger, Exception exception, string group);

    [LoggerMessage(2009, LogLevel.Warning, "{Partition}: offset {Offset} is not there any more; reading goes on at {Next}")]
    public static partial void OffsetGone(this ILogger logger, string partition, long offset, long next);

    [LoggerMessage(2010, LogLevel.Warning, "Records were not delivered before the producer was closed; their senders were told")]
    public static partial void ClosedWithRecords(this ILogger logger);

    [LoggerMessage(2011, LogLevel.Warning, "Kafka login as {Principal}: {Reason}; this is tried again")]
    public static partial void NoToken(this ILogger logger, string principal, string reason);

    [LoggerMessage(2012, LogLevel.Information, "Kafka login as {Principal}: there is a token again")]
    public static partial void TokenFetchedAgain(this ILogger logger, string principal);

    [LoggerMessage(2013, LogLevel.Warning, "Kafka login as {Principal}: the client does not take the token: {Reason}")]
    public static partial void TokenNotTaken(this ILogger logger, string principal, string reason);

    [LoggerMessage(
        2014,
        LogLevel.Information,
        "The credentials of {Credentials} for Kafka at {Servers} have changed: going over to the new ones"
    )]
    public static partial void CredentialsChanged(this ILogger logger, string credentials, string servers);

    [LoggerMessage(2015, LogLevel.Warning, "The credentials of {Credentials} for Kafka at {Servers}: {Problem}; this is tried again")]
    public static partial void CredentialsProblem(this ILogger logger, string credentials, string servers, string problem);

    [LoggerMessage(2016, LogLevel.Information, "The credentials of {Credentials} for Kafka at {Servers} work again")]
    public static partial void CredentialsWork(this ILogger logger, string credentials, string servers);

    [LoggerMessage(2050, LogLevel.Debug, "Group positions: connected to {Broker}")]
    public static partial void BrokerConnected(this ILogger logger, string broker);

    [LoggerMessage(2051, LogLevel.Warning, "Group positions: {Broker} cannot be reached: {Reason}")]
    public static partial void BrokerNotReached(this ILogger logger, string broker, string reason);

    [LoggerMessage(2052, LogLevel.Information, "Group positions: the connection to {Broker} is gone: {Reason}")]
    public static partial void BrokerLost(this ILogger logger, string broker, string reason);

    [LoggerMessage(2053, LogLevel.Debug, "Group {Group} is coordinated by {Broker}")]
    public static partial void CoordinatorFound(this ILogger logger, string group, string broker);

    [LoggerMessage(2054, LogLevel.Debug, "Group {Group}: asking again: {Reason}")]
    public static partial void GroupAskedAgain(this ILogger logger, string group, string reason);
}
