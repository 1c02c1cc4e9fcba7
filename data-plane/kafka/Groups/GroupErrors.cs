using Brokkr.Core.Log;
using Brokkr.Kafka.Native;

namespace Brokkr.Kafka.Groups;

/// <summary>What the errors that brokers answer mean here.</summary>
internal static class GroupErrors
{
    /// <summary>Whether the same question may be answered in a moment.</summary>
    public static bool Passes(int code) =>
        code
            is ErrorCodes.CoordinatorLoadInProgress
                or ErrorCodes.CoordinatorNotAvailable
                or ErrorCodes.NotCoordinator
                or ErrorCodes.RequestTimedOut
                or ErrorCodes.NetworkException
                or ErrorCodes.NotEnoughReplicas
                or ErrorCodes.NotEnoughReplicasAfterAppend
                or ErrorCodes.KafkaStorage
                or ErrorCodes.UnstableOffsetCommit
                or ErrorCodes.ThrottlingQuotaExceeded
                // A topic that was made a moment ago may not be known to the coordinator yet.
                or ErrorCodes.UnknownTopicOrPartition;

    /// <summary>Whether another broker may be the one to ask.</summary>
    public static bool IsElsewhere(int code) =>
        code is ErrorCodes.CoordinatorLoadInProgress or ErrorCodes.CoordinatorNotAvailable or ErrorCodes.NotCoordinator;

    /// <summary>The exception for an error, with what to do about it.</summary>
    public static LogUnavailableException Exception(string group, int code, string? where) => new(Describe(group, code, where));

    /// <summary>An error in words.</summary>
    public static string Describe(string group, int code, string? where)
    {
        var subject = where is null ? $"group {group}" : $"group {group}, {where}";
        return code switch
        {
            ErrorCodes.UnknownMember
            or ErrorCodes.IllegalGeneration
            or ErrorCodes.RebalanceInProgress
            or ErrorCodes.NonEmptyGroup
            or ErrorCodes.FencedMemberEpoch
            or ErrorCodes.StaleMemberEpoch =>
                $"group {group} has active members: stop the other consumers of this group, its positions are managed here",
            ErrorCodes.GroupAuthorizationFailed =>
                $"{subject}: not authorized: the credentials need READ (to delete it DELETE) on the group",
            ErrorCodes.TopicAuthorizationFailed => $"{subject}: not authorized: the credentials need READ on the topic",
            ErrorCodes.OffsetMetadataTooLarge =>
                $"{subject}: the text beside the offset is longer than the broker takes (offset.metadata.max.bytes, 4096 by default)",
            ErrorCodes.InvalidCommitOffsetSize => $"{subject}: the positions are larger in sum than the broker takes in one request",
            ErrorCodes.InvalidGroup => $"'{group}' is no name of a group that the broker takes",
            ErrorCodes.UnknownTopicOrPartition => $"{subject}: the topic or partition does not exist",
            _ => $"{subject}: {Rd.Describe(code)}",
        };
    }
}
