namespace Brokkr.Core.Filters;

/// <summary>
/// The keys with which a RequestReply signs what its replies are recognised by, for the CESQL function <c>KN_VERIFY_CORRELATION_ID</c> (dispatcher §6). Asked while
/// an event is filtered, so it answers from memory or a local file.
/// </summary>
public interface ICorrelationKeys
{
    /// <summary>The decoded entries of a Secret in the namespace of the dispatcher; null if it cannot be had.</summary>
    /// <param name="secretName">Name of the Secret; comes from the filter, so it can be anything.</param>
    IReadOnlyDictionary<string, byte[]>? Of(string secretName);
}
