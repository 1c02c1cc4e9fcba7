using Microsoft.Extensions.Logging;

namespace Brokkr.Dispatcher;

/// <summary>What the dispatcher says in the log. Event ids 5000 to 5999; the next free one is 5027.</summary>
internal static partial class Log
{
    [LoggerMessage(5000, LogLevel.Information, "The contract of generation {ContractGeneration} has {Egresses} egresses")]
    public static partial void ContractReceived(this ILogger logger, ulong contractGeneration, int egresses);

    [LoggerMessage(5001, LogLevel.Error, "The contract has a second egress with the uid '{EgressUid}'; it is left out")]
    public static partial void DuplicateEgress(this ILogger logger, string egressUid);

    [LoggerMessage(
        5002,
        LogLevel.Warning,
        "The resource '{ResourceUid}' overrides '{Name}', which is no name of an extension; it is left out"
    )]
    public static partial void OverrideRefused(this ILogger logger, string resourceUid, string name);

    [LoggerMessage(5003, LogLevel.Error, "The contract could not be applied")]
    public static partial void ContractNotApplied(this ILogger logger, Exception error);

    [LoggerMessage(5004, LogLevel.Error, "Egress '{EgressUid}' cannot be served: {Problem} Next try in {Wait}")]
    public static partial void EgressFailed(this ILogger logger, string egressUid, string problem, TimeSpan wait);

    [LoggerMessage(5005, LogLevel.Error, "Egress '{EgressUid}' keeps its last good settings: {Problem}")]
    public static partial void EgressChangeRefused(this ILogger logger, string egressUid, string problem);

    [LoggerMessage(5006, LogLevel.Information, "Egress '{EgressUid}' is served: {ConsumerGroup} on {Topics}")]
    public static partial void EgressStarted(this ILogger logger, string egressUid, string consumerGroup, string topics);

    [LoggerMessage(5007, LogLevel.Information, "Egress '{EgressUid}' has new settings")]
    public static partial void EgressChanged(this ILogger logger, string egressUid);

    [LoggerMessage(5008, LogLevel.Information, "Egress '{EgressUid}' is not served any more")]
    public static partial void EgressStopped(this ILogger logger, string egressUid);

    [LoggerMessage(5009, LogLevel.Information, "Gained {Partitions}")]
    public static partial void PartitionsGained(this ILogger logger, string partitions);

    [LoggerMessage(5010, LogLevel.Information, "Gave up {Partitions}")]
    public static partial void PartitionsGivenUp(this ILogger logger, string partitions);

    [LoggerMessage(5011, LogLevel.Warning, "Lost {Partitions} without a hand-over; what was in flight will be delivered again")]
    public static partial void PartitionsLost(this ILogger logger, string partitions);

    [LoggerMessage(5012, LogLevel.Warning, "{Topic}[{Partition}] cannot be read any more")]
    public static partial void PartitionGone(this ILogger logger, Exception error, string topic, int partition);

    [LoggerMessage(5013, LogLevel.Error, "Reading {Topic}[{Partition}] failed; it is tried again")]
    public static partial void ReadingFailed(this ILogger logger, Exception error, string topic, int partition);

    [LoggerMessage(5014, LogLevel.Warning, "{Count} positions of {ConsumerGroup} could not be stored; it is tried again")]
    public static partial void CommitFailed(this ILogger logger, Exception error, string consumerGroup, int count);

    [LoggerMessage(5015, LogLevel.Warning, "The positions of {ConsumerGroup} on {Topic} are not known yet; next try in {Wait}: {Problem}")]
    public static partial void PositionsNotLoaded(this ILogger logger, string consumerGroup, string topic, TimeSpan wait, string problem);

    [LoggerMessage(5016, LogLevel.Information, "{ConsumerGroup} begins at {Offset} of {Topic}[{Partition}]: {Reason}")]
    public static partial void PositionChosen(
        this ILogger logger,
        string consumerGroup,
        long offset,
        string topic,
        int partition,
        string reason
    );

    [LoggerMessage(
        5017,
        LogLevel.Warning,
        "Attempt {Retry} of event {Id} of {Source}, {Topic}[{Partition}] {Offset}, at {Target} for '{EgressUid}' failed: {Reason} (status {StatusCode}); {Suppressed} more such failures were not logged"
    )]
    public static partial void AttemptFailed(
        this ILogger logger,
        int retry,
        string id,
        string source,
        string topic,
        int partition,
        long offset,
        string target,
        string egressUid,
        string reason,
        int statusCode,
        long suppressed
    );

    [LoggerMessage(
        5018,
        LogLevel.Error,
        "Event {Id} of {Source}, {Topic}[{Partition}] {Offset}, is held for '{EgressUid}' until it can be stored as a dead letter; next try in {Wait}. {Problem} {Suppressed} more such failures were not logged"
    )]
    public static partial void RecordHeld(
        this ILogger logger,
        string id,
        string source,
        string topic,
        int partition,
        long offset,
        string egressUid,
        TimeSpan wait,
        string problem,
        long suppressed
    );

    [LoggerMessage(
        5019,
        LogLevel.Error,
        "Event {Id} of {Source}, {Topic}[{Partition}] {Offset}, is lost for '{EgressUid}': no attempt succeeded, and the dead letter topic is turned off. Last failure: {Reason} (status {StatusCode})"
    )]
    public static partial void EventDropped(
        this ILogger logger,
        string id,
        string source,
        string topic,
        int partition,
        long offset,
        string egressUid,
        string reason,
        int statusCode
    );

    [LoggerMessage(
        5020,
        LogLevel.Error,
        "{Topic}[{Partition}] {Offset} is no CloudEvent and is not delivered to '{EgressUid}': {Problem} {Suppressed} more such records were not logged"
    )]
    public static partial void RecordDiscarded(
        this ILogger logger,
        string topic,
        int partition,
        long offset,
        string egressUid,
        string problem,
        long suppressed
    );

    [LoggerMessage(
        5021,
        LogLevel.Error,
        "The delivery of event {Id} of {Source}, {Topic}[{Partition}] {Offset}, for '{EgressUid}' broke; it is tried again"
    )]
    public static partial void DeliveryBroke(
        this ILogger logger,
        Exception error,
        string id,
        string source,
        string topic,
        int partition,
        long offset,
        string egressUid
    );

    [LoggerMessage(
        5022,
        LogLevel.Error,
        "Event {Id} of {Source}, {Topic}[{Partition}] {Offset}, could not be filtered for '{EgressUid}'; it is discarded"
    )]
    public static partial void FilterFailed(
        this ILogger logger,
        Exception error,
        string id,
        string source,
        string topic,
        int partition,
        long offset,
        string egressUid
    );

    [LoggerMessage(5023, LogLevel.Error, "Decoding {Topic}[{Partition}] {Offset} failed; the record counts as none that is an event")]
    public static partial void DecodingFailed(this ILogger logger, Exception error, string topic, int partition, long offset);

    [LoggerMessage(
        5024,
        LogLevel.Error,
        "There is no new token for audience '{Audience}' as service account '{Namespace}/{ServiceAccount}'; without one nothing is delivered there. It is tried again. Reason: {Problem}"
    )]
    public static partial void NoToken(this ILogger logger, string audience, string @namespace, string serviceAccount, string problem);

    [LoggerMessage(
        5026,
        LogLevel.Warning,
        "{Count} of the CA certificates that a trust bundle or a destination brings cannot be read and are left out; the others count"
    )]
    public static partial void CertificatesLeftOut(this ILogger logger, int count);

    [LoggerMessage(
        5025,
        LogLevel.Information,
        "There is a token for audience '{Audience}' as service account '{Namespace}/{ServiceAccount}' again"
    )]
    public static partial void TokenIssuedAgain(this ILogger logger, string audience, string @namespace, string serviceAccount);
}
