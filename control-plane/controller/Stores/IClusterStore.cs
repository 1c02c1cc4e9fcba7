using System.Text.Json.Nodes;
using Brokkr.Apis;

namespace Brokkr.Controller.Stores;

/// <summary>
/// An object store that keeps what is written to it: a Kubernetes API server. Everything is read from caches that watches keep fresh; only writes are
/// requests.
/// </summary>
/// <remarks>
/// In <see cref="IObjectStore.Objects"/> are: all Brokers, Triggers, KafkaSinks and EventPolicies; the ConfigMaps of the system namespace, those labelled as
/// contracts or trust bundles, and those that are <see cref="SetReferences">referred to</see>; every Service, without its spec; Pods of the data plane;
/// ServiceAccounts of Triggers; and in <see cref="ObjectSet.Others"/> the objects of the kinds that are referred to.
/// </remarks>
public interface IClusterStore : IObjectStore
{
    /// <summary>
    /// Calls back with the key of each object in <see cref="IObjectStore.Objects"/> that appeared, changed or went, and of each Secret that is referred to,
    /// after the change can be seen. Also when something new is known of a reference. Must return soon.
    /// </summary>
    /// <returns>Ends the watch.</returns>
    IDisposable WatchObjects(Action<ObjectKey> onChange);

    /// <summary>
    /// Says what an owner refers to, in place of what was said before: ConfigMaps and Secrets, which are then watched one by one, and objects of any other kind,
    /// all of which are then watched. An empty list forgets the owner. What nobody refers to any more is no longer watched.
    /// </summary>
    void SetReferences(ObjectKey owner, IReadOnlyCollection<ObjectReference> references);

    /// <summary>What is known of an object that is referred to.</summary>
    ReferenceState StateOf(ObjectReference reference);

    /// <summary>
    /// Creates an object or changes it to what is given, field by field (server-side apply; fields of others stay, conflicts are won). <c>apiVersion</c>,
    /// <c>kind</c> and <c>metadata.name</c> must be there.
    /// </summary>
    /// <returns>The object as it is stored now.</returns>
    /// <exception cref="StoreException">It was not written.</exception>
    Task<JsonObject> ApplyAsync(JsonObject manifest, CancellationToken cancellation);

    /// <summary>Changes an object by a JSON merge patch (RFC 7396); a <c>metadata.resourceVersion</c> in it makes it conditional.</summary>
    /// <param name="key">The object.</param>
    /// <param name="patch">The patch.</param>
    /// <param name="subresource"><c>status</c>, <c>scale</c>; empty for the object itself.</param>
    /// <param name="cancellation">Ends the wait.</param>
    /// <exception cref="StoreException">It was not changed.</exception>
    Task<JsonObject> PatchAsync(ObjectKey key, JsonObject patch, string subresource, CancellationToken cancellation);

    /// <summary>Reads an object now, past the caches; null if there is none.</summary>
    /// <exception cref="StoreException">It could not be read.</exception>
    Task<JsonObject?> ReadAsync(ObjectKey key, CancellationToken cancellation);

    /// <summary>Deletes an object in the background. One that is gone, or is another by now, is no error.</summary>
    /// <param name="key">The object.</param>
    /// <param name="uid">Delete only this one; null for whichever there is.</param>
    /// <param name="cancellation">Ends the wait.</param>
    /// <exception cref="StoreException">It was not deleted.</exception>
    Task DeleteAsync(ObjectKey key, string? uid, CancellationToken cancellation);

    /// <summary>Tells people of an object: a Kubernetes Event. Written in the background, equal ones together; lost when it cannot be written.</summary>
    void Record(ObjectEvent happened);
}

/// <summary>An object that another one names.</summary>
/// <param name="Group">API group; empty for the core group.</param>
/// <param name="Version">Version of the API; may be empty, then the server's preferred one.</param>
/// <param name="Kind">Kind.</param>
/// <param name="Namespace">Its namespace.</param>
/// <param name="Name">Its name.</param>
public readonly record struct ObjectReference(string Group, string Version, string Kind, string Namespace, string Name)
{
    /// <summary>The identity of the object.</summary>
    public ObjectKey Key => new(Group, Kind, Namespace, Name);
}

/// <summary>How much is known of an object that is referred to.</summary>
public enum ReferenceKnowledge
{
    /// <summary>It has not been looked up yet.</summary>
    Pending,

    /// <summary>It is there.</summary>
    Present,

    /// <summary>It is not there.</summary>
    Absent,

    /// <summary>The server has no such kind.</summary>
    UnknownKind,

    /// <summary>It may not be read; see the text.</summary>
    Unreadable,
}

/// <summary>What is known of an object that is referred to.</summary>
/// <param name="Knowledge">How much.</param>
/// <param name="Text">What the server said, for people; empty where it is there.</param>
public readonly record struct ReferenceState(ReferenceKnowledge Knowledge, string Text = "");

/// <summary>Something that happened to an object.</summary>
/// <param name="Object">The object.</param>
/// <param name="Uid">Its unique id.</param>
/// <param name="ApiVersion">Its group and version.</param>
/// <param name="IsWarning">Whether it is bad.</param>
/// <param name="Reason">What, in one word.</param>
/// <param name="Message">What, in a sentence.</param>
/// <param name="Component">Who says so, such as <c>broker-controller</c>.</param>
public sealed record ObjectEvent(
    ObjectKey Object,
    string Uid,
    string ApiVersion,
    bool IsWarning,
    string Reason,
    string Message,
    string Component
);

/// <summary>Why something was not written or read.</summary>
public enum StoreFailure
{
    /// <summary>The server did not answer, or said to come again later.</summary>
    Unavailable,

    /// <summary>There is no such object or kind.</summary>
    NotFound,

    /// <summary>Somebody changed the object meanwhile.</summary>
    Conflict,

    /// <summary>It is not allowed; the message says what to grant. Also while the namespace is being deleted.</summary>
    Forbidden,

    /// <summary>The server or a webhook refuses the contents.</summary>
    Invalid,
}

/// <summary>Something was not written or read.</summary>
public sealed class StoreException : Exception
{
    /// <summary>Creates the exception.</summary>
    public StoreException(StoreFailure failure, string message, Exception? inner = null)
        : base(message, inner) => Failure = failure;

    /// <summary>Creates the exception.</summary>
    public StoreException() { }

    /// <summary>Creates the exception.</summary>
    public StoreException(string message)
        : base(message) { }

    /// <summary>Creates the exception.</summary>
    public StoreException(string message, Exception inner)
        : base(message, inner) { }

    /// <summary>Why.</summary>
    public StoreFailure Failure { get; }
}
