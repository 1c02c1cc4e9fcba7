using System.Runtime.InteropServices;

namespace Brokkr.Kafka.Native;

/// <summary>The administrative functions of librdkafka that this project uses.</summary>
internal static unsafe partial class RdAdmin
{
    private const string Library = "librdkafka";

    public const int CreateTopicsOperation = 1;
    public const int DeleteTopicsOperation = 2;
    public const int DescribeTopicsOperation = 19;
    public const int DescribeClusterOperation = 20;
    public const int ListOffsetsOperation = 21;

    public const long EarliestOffset = -2;
    public const long LatestOffset = -1;

    [LibraryImport(Library, EntryPoint = "rd_kafka_AdminOptions_new")]
    public static partial nint OptionsNew(nint client, int operation);

    [LibraryImport(Library, EntryPoint = "rd_kafka_AdminOptions_destroy")]
    public static partial void OptionsDestroy(nint options);

    [LibraryImport(Library, EntryPoint = "rd_kafka_AdminOptions_set_request_timeout")]
    public static partial int OptionsRequestTimeout(nint options, int timeoutMs, byte* error, nuint errorSize);

    [LibraryImport(Library, EntryPoint = "rd_kafka_AdminOptions_set_operation_timeout")]
    public static partial int OptionsOperationTimeout(nint options, int timeoutMs, byte* error, nuint errorSize);

    [LibraryImport(Library, EntryPoint = "rd_kafka_AdminOptions_set_opaque")]
    public static partial void OptionsOpaque(nint options, nint opaque);

    [LibraryImport(Library, EntryPoint = "rd_kafka_NewTopic_new", StringMarshalling = StringMarshalling.Utf8)]
    public static partial nint NewTopic(string topic, int partitions, int replication, byte* error, nuint errorSize);

    [LibraryImport(Library, EntryPoint = "rd_kafka_NewTopic_set_config", StringMarshalling = StringMarshalling.Utf8)]
    public static partial int NewTopicConfig(nint topic, string name, string value);

    [LibraryImport(Library, EntryPoint = "rd_kafka_NewTopic_destroy")]
    public static partial void NewTopicDestroy(nint topic);

    [LibraryImport(Library, EntryPoint = "rd_kafka_CreateTopics")]
    public static partial void CreateTopics(nint client, nint* topics, nuint count, nint options, nint queue);

    [LibraryImport(Library, EntryPoint = "rd_kafka_CreateTopics_result_topics")]
    public static partial nint* CreateTopicsResult(nint @event, nuint* count);

    [LibraryImport(Library, EntryPoint = "rd_kafka_DeleteTopic_new", StringMarshalling = StringMarshalling.Utf8)]
    public static partial nint DeleteTopic(string topic);

    [LibraryImport(Library, EntryPoint = "rd_kafka_DeleteTopic_destroy")]
    public static partial void DeleteTopicDestroy(nint topic);

    [LibraryImport(Library, EntryPoint = "rd_kafka_DeleteTopics")]
    public static partial void DeleteTopics(nint client, nint* topics, nuint count, nint options, nint queue);

    [LibraryImport(Library, EntryPoint = "rd_kafka_DeleteTopics_result_topics")]
    public static partial nint* DeleteTopicsResult(nint @event, nuint* count);

    [LibraryImport(Library, EntryPoint = "rd_kafka_topic_result_error")]
    public static partial int TopicResultError(nint result);

    [LibraryImport(Library, EntryPoint = "rd_kafka_topic_result_error_string")]
    public static partial byte* TopicResultErrorString(nint result);

    [LibraryImport(Library, EntryPoint = "rd_kafka_TopicCollection_of_topic_names")]
    public static partial nint TopicCollection(byte** names, nuint count);

    [LibraryImport(Library, EntryPoint = "rd_kafka_TopicCollection_destroy")]
    public static partial void TopicCollectionDestroy(nint topics);

    [LibraryImport(Library, EntryPoint = "rd_kafka_DescribeTopics")]
    public static partial void DescribeTopics(nint client, nint topics, nint options, nint queue);

    [LibraryImport(Library, EntryPoint = "rd_kafka_DescribeTopics_result_topics")]
    public static partial nint* DescribeTopicsResult(nint @event, nuint* count);

    [LibraryImport(Library, EntryPoint = "rd_kafka_TopicDescription_name")]
    public static partial byte* TopicDescriptionName(nint description);

    [LibraryImport(Library, EntryPoint = "rd_kafka_TopicDescription_error")]
    public static partial nint TopicDescriptionError(nint description);

    [LibraryImport(Library, EntryPoint = "rd_kafka_TopicDescription_partitions")]
    public static partial nint* TopicDescriptionPartitions(nint description, nuint* count);

    [LibraryImport(Library, EntryPoint = "rd_kafka_TopicPartitionInfo_replicas")]
    public static partial nint* TopicPartitionReplicas(nint partition, nuint* count);

    [LibraryImport(Library, EntryPoint = "rd_kafka_DescribeCluster")]
    public static partial void DescribeCluster(nint client, nint options, nint queue);

    [LibraryImport(Library, EntryPoint = "rd_kafka_ListOffsets")]
    public static partial void ListOffsets(nint client, PartitionList* partitions, nint options, nint queue);

    [LibraryImport(Library, EntryPoint = "rd_kafka_ListOffsets_result_infos")]
    public static partial nint* ListOffsetsResult(nint @event, nuint* count);

    [LibraryImport(Library, EntryPoint = "rd_kafka_ListOffsetsResultInfo_topic_partition")]
    public static partial PartitionEntry* ListOffsetsPartition(nint info);
}
