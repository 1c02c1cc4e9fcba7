using Brokkr.Apis;
using Brokkr.Controller.Stores;

namespace Brokkr.Controller.Kubernetes;

/// <summary>How a reflection is doing.</summary>
internal interface IWatchedState
{
    /// <summary>Whether all objects have been seen once.</summary>
    bool IsSynced { get; }

    /// <summary>Why objects cannot be listed or watched now; null when they can.</summary>
    ApiFailure? Failure { get; }

    /// <summary>Whether an object is there.</summary>
    bool Has(ObjectName name);
}

/// <summary>What follows for an object.</summary>
internal static class WatchedState
{
    /// <summary>What is known of an object, by how its reflection is doing.</summary>
    public static ReferenceState Of(bool has, bool isSynced, ApiFailure? failure) =>
        (has, failure) switch
        {
            (true, _) => new ReferenceState(ReferenceKnowledge.Present),
            (_, { IsNotFound: true }) => new ReferenceState(ReferenceKnowledge.UnknownKind, failure.Message),
            (_, { IsDenied: true }) => new ReferenceState(ReferenceKnowledge.Unreadable, failure.Message),
            // Of what cannot be asked at the moment, what was known before still holds.
            _ => isSynced
                ? new ReferenceState(ReferenceKnowledge.Absent)
                : new ReferenceState(ReferenceKnowledge.Pending, failure?.Message ?? ""),
        };
}
