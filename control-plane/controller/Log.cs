using Microsoft.Extensions.Logging;

namespace Brokkr.Controller;

/// <summary>
/// What the control plane logs. Event ids 6000-6099; the next free one is 6010; 6040-6059 are of the store on a cluster, 6060-6079 of the reconcilers,
/// 6080-6099 of the webhook.
/// </summary>
internal static partial class Log
{
    [LoggerMessage(6000, LogLevel.Warning, "The folder {Folder} cannot be watched; it is looked at every {Interval} instead")]
    public static partial void FolderNotWatched(this ILogger logger, Exception exception, string folder, TimeSpan interval);

    [LoggerMessage(6001, LogLevel.Error, "The folder {Folder} could not be applied; trying again with the next change")]
    public static partial void FolderNotApplied(this ILogger logger, Exception exception, string folder);

    [LoggerMessage(6002, LogLevel.Information, "Contract {Generation} published: {Resources} resources, {Egresses} egresses")]
    public static partial void ContractPublished(this ILogger logger, ulong generation, int resources, int egresses);

    [LoggerMessage(6003, LogLevel.Information, "Topic {Topic} created with {Partitions} partitions")]
    public static partial void TopicCreated(this ILogger logger, string topic, int partitions);

    [LoggerMessage(6004, LogLevel.Warning, "Topic {Topic} is not ready: {Reason}; trying again in {Delay}")]
    public static partial void TopicNotReady(this ILogger logger, string topic, string reason, TimeSpan delay);

    [LoggerMessage(6005, LogLevel.Information, "Consumer group {Group} deleted: its Trigger is gone")]
    public static partial void GroupDeleted(this ILogger logger, string group);

    [LoggerMessage(6006, LogLevel.Warning, "Consumer group {Group} of a deleted Trigger could not be deleted and is left: {Reason}")]
    public static partial void GroupLeft(this ILogger logger, string group, string reason);

    [LoggerMessage(6007, LogLevel.Error, "A subscriber to changes failed")]
    public static partial void SubscriberFailed(this ILogger logger, Exception exception);

    [LoggerMessage(6008, LogLevel.Information, "Consumer group {Group} begins at the end of topic {Topic}")]
    public static partial void GroupPlaced(this ILogger logger, string group, string topic);

    [LoggerMessage(
        6009,
        LogLevel.Warning,
        "New consumer groups of topic {Topic} could not be given a place: {Reason}; the dispatcher gives them one"
    )]
    public static partial void GroupsNotPlaced(this ILogger logger, string topic, string reason);

    [LoggerMessage(6040, LogLevel.Information, "Connected to the API server {Address}, version {Version}")]
    public static partial void ClusterConnected(this ILogger logger, Uri address, string version);

    [LoggerMessage(6041, LogLevel.Warning, "The {Selection} cannot be followed, trying again: {Reason}")]
    public static partial void WatchFailed(this ILogger logger, Kubernetes.Selection selection, string reason);

    [LoggerMessage(6042, LogLevel.Information, "The {Selection} are followed again")]
    public static partial void WatchRecovered(this ILogger logger, Kubernetes.Selection selection);

    [LoggerMessage(6043, LogLevel.Information, "The watch of {Selection} expired; listing them all again")]
    public static partial void WatchExpired(this ILogger logger, Kubernetes.Selection selection);

    [LoggerMessage(6044, LogLevel.Warning, "{Object} cannot be read and is not used: {Problem}")]
    public static partial void ObjectUnreadable(this ILogger logger, Apis.ObjectKey @object, string problem);

    [LoggerMessage(6045, LogLevel.Warning, "{Object} cannot be read, what it said before stays in force: {Problem}")]
    public static partial void ObjectUnreadableKept(this ILogger logger, Apis.ObjectKey @object, string problem);

    [LoggerMessage(6046, LogLevel.Warning, "Objects of kind {Kind} that are referred to cannot be looked up, trying again: {Reason}")]
    public static partial void KindNotFound(this ILogger logger, string kind, string reason);

    [LoggerMessage(6047, LogLevel.Information, "The Event {Reason} of {Object} was not written: {Failure}")]
    public static partial void EventNotWritten(this ILogger logger, Apis.ObjectKey @object, string reason, string failure);

    [LoggerMessage(6048, LogLevel.Information, "{Identity} is the leader now")]
    public static partial void LeadershipWon(this ILogger logger, string identity);

    [LoggerMessage(6049, LogLevel.Warning, "{Identity} is no longer the leader; its work stops")]
    public static partial void LeadershipLost(this ILogger logger, string identity);

    [LoggerMessage(6050, LogLevel.Information, "Another one is the leader: lease {Lease} is held by {Holder}; waiting")]
    public static partial void LeaderIsAnother(this ILogger logger, string lease, string holder);

    [LoggerMessage(6051, LogLevel.Warning, "Lease {Lease} was taken by {Holder}")]
    public static partial void LeaseTaken(this ILogger logger, string lease, string holder);

    [LoggerMessage(6052, LogLevel.Warning, "Lease {Lease} could not be renewed or given up, trying again: {Reason}")]
    public static partial void LeaseFailed(this ILogger logger, string lease, string reason);

    [LoggerMessage(6053, LogLevel.Error, "Following {Selection} failed; listing them all again")]
    public static partial void WatchBroken(this ILogger logger, Exception exception, Kubernetes.Selection selection);

    [LoggerMessage(6060, LogLevel.Warning, "{Object} could not be made what it should be: {Reason}; trying again in {Delay}")]
    public static partial void PassFailed(this ILogger logger, string @object, string reason, TimeSpan delay);

    [LoggerMessage(6061, LogLevel.Error, "{Object} could not be looked at; trying again in {Delay}")]
    public static partial void PassBroke(this ILogger logger, Exception exception, string @object, TimeSpan delay);

    [LoggerMessage(6062, LogLevel.Information, "Topic {Topic} deleted with {Object}")]
    public static partial void TopicDeleted(this ILogger logger, string topic, string @object);

    [LoggerMessage(6063, LogLevel.Information, "The contract of {Object} was not deleted: {Reason}")]
    public static partial void ContractLeft(this ILogger logger, string @object, string reason);

    [LoggerMessage(6064, LogLevel.Information, "The contract {Contract} is deleted: nobody has it")]
    public static partial void ContractOrphaned(this ILogger logger, string contract);

    [LoggerMessage(6065, LogLevel.Information, "Scaled {StatefulSet} in namespace {Namespace} to 1: there is a Trigger to serve")]
    public static partial void DispatcherWoken(this ILogger logger, string @namespace, string statefulSet);

    [LoggerMessage(6066, LogLevel.Warning, "The finalizer of a Broker on {Secret} was not taken off: {Reason}")]
    public static partial void SecretNotReleased(this ILogger logger, string secret, string reason);

    [LoggerMessage(6080, LogLevel.Information, "The admission webhook listens on port {Port}")]
    public static partial void WebhookListening(this ILogger logger, int port);

    [LoggerMessage(6081, LogLevel.Information, "A new certificate of the webhook is in Secret {Namespace}/{Name}, valid until {Expires}")]
    public static partial void WebhookCertificateCreated(this ILogger logger, string @namespace, string name, DateTimeOffset expires);

    [LoggerMessage(6082, LogLevel.Information, "The webhook shows a certificate that is valid until {Expires}")]
    public static partial void WebhookCertificateShown(this ILogger logger, DateTimeOffset expires);

    [LoggerMessage(6083, LogLevel.Information, "{Kind} {Name} has the webhook's rules and authority now")]
    public static partial void WebhookRegistered(this ILogger logger, string kind, string name);

    [LoggerMessage(6084, LogLevel.Warning, "{Kind} {Name} could not be given the webhook's rules and authority: {Reason}")]
    public static partial void WebhookNotRegistered(this ILogger logger, string kind, string name, string reason);

    [LoggerMessage(6085, LogLevel.Warning, "The webhook's certificate could not be looked after: {Reason}; trying again in {Delay}")]
    public static partial void WebhookNotKept(this ILogger logger, string reason, TimeSpan delay);

    [LoggerMessage(6086, LogLevel.Information, "Denied {Operation} of {Kind}: {Reason}")]
    public static partial void ReviewDenied(this ILogger logger, string operation, string kind, string reason);
}
