namespace Brokkr.Kafka.Native;

/// <summary>Error codes of librdkafka (negative: its own) and of the Kafka protocol.</summary>
internal static class ErrorCodes
{
    public const int AllBrokersDown = -187;
    public const int AssignPartitions = -175;
    public const int Authentication = -169;
    public const int AutoOffsetReset = -140;
    public const int Fatal = -150;
    public const int InvalidArgument = -186;
    public const int MessageTimedOut = -192;
    public const int NoEntry = -156;
    public const int PartitionEnd = -191;
    public const int PurgeInFlight = -151;
    public const int PurgeQueue = -152;
    public const int QueueFull = -184;
    public const int Resolve = -193;
    public const int RevokePartitions = -174;
    public const int Transport = -195;
    public const int UnknownPartition = -190;
    public const int UnknownTopicLocal = -188;

    public const int None = 0;
    public const int UnknownTopicOrPartition = 3;
    public const int LeaderNotAvailable = 5;
    public const int NotLeader = 6;
    public const int RequestTimedOut = 7;
    public const int MessageSizeTooLarge = 10;
    public const int OffsetMetadataTooLarge = 12;
    public const int NetworkException = 13;
    public const int CoordinatorLoadInProgress = 14;
    public const int CoordinatorNotAvailable = 15;
    public const int NotCoordinator = 16;
    public const int InvalidTopic = 17;
    public const int RecordListTooLarge = 18;
    public const int NotEnoughReplicas = 19;
    public const int NotEnoughReplicasAfterAppend = 20;
    public const int IllegalGeneration = 22;
    public const int InvalidGroup = 24;
    public const int UnknownMember = 25;
    public const int RebalanceInProgress = 27;
    public const int InvalidCommitOffsetSize = 28;
    public const int TopicAuthorizationFailed = 29;
    public const int GroupAuthorizationFailed = 30;
    public const int ClusterAuthorizationFailed = 31;
    public const int TopicExists = 36;
    public const int InvalidPartitions = 37;
    public const int InvalidReplicationFactor = 38;
    public const int InvalidReplicaAssignment = 39;
    public const int InvalidConfig = 40;
    public const int InvalidRequest = 42;
    public const int PolicyViolation = 44;
    public const int KafkaStorage = 56;
    public const int SaslAuthenticationFailed = 58;
    public const int NonEmptyGroup = 68;
    public const int GroupNotFound = 69;
    public const int TopicDeletionDisabled = 73;
    public const int FencedLeaderEpoch = 74;
    public const int UnknownLeaderEpoch = 75;
    public const int OffsetNotAvailable = 78;
    public const int UnstableOffsetCommit = 88;
    public const int ThrottlingQuotaExceeded = 89;
    public const int FencedMemberEpoch = 110;
    public const int StaleMemberEpoch = 113;
}
