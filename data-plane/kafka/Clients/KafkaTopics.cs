using System.Runtime.InteropServices;
using Brokkr.Core.Log;
using Brokkr.Kafka.Native;

namespace Brokkr.Kafka.Clients;

/// <summary>Topics of a cluster.</summary>
internal sealed class KafkaTopics(AdminClient admin) : ITopics
{
    public async Task<bool> CreateAsync(TopicSpecification topic, CancellationToken cancellation)
    {
        var (code, text) = await admin.CallAsync(
            RdAdmin.CreateTopicsOperation,
            (client, options, queue) =>
            {
                unsafe
                {
                    var error = stackalloc byte[256];
                    var request = RdAdmin.NewTopic(topic.Name, topic.Partitions, topic.ReplicationFactor, error, 256);
                    if (request == 0)
                    {
                        throw new TopicRefusedException($"topic {topic.Name}: {Rd.Text(error)}");
                    }

                    foreach (var (name, value) in topic.Settings)
                    {
                        _ = RdAdmin.NewTopicConfig(request, name, value);
                    }

                    RdAdmin.CreateTopics(client, &request, 1, options, queue);
                    RdAdmin.NewTopicDestroy(request);
                }
            },
            answer =>
            {
                unsafe
                {
                    return FirstTopic(RdAdmin.CreateTopicsResult, answer);
                }
            },
            cancellation
        );
        return code switch
        {
            ErrorCodes.None => true,
            ErrorCodes.TopicExists => false,
            _ => throw Refusal(topic.Name, code, text),
        };
    }

    public async Task<TopicDescription?> DescribeAsync(string topic, CancellationToken cancellation)
    {
        var name = Marshal.StringToCoTaskMemUTF8(topic);
        try
        {
            return await admin.CallAsync(
                RdAdmin.DescribeTopicsOperation,
                (client, options, queue) =>
                {
                    unsafe
                    {
                        var text = (byte*)name;
                        var names = RdAdmin.TopicCollection(&text, 1);
                        RdAdmin.DescribeTopics(client, names, options, queue);
                        RdAdmin.TopicCollectionDestroy(names);
                    }
                },
                answer =>
                {
                    unsafe
                    {
                        nuint count;
                        var topics = RdAdmin.DescribeTopicsResult(answer, &count);
                        var error = RdAdmin.TopicDescriptionError(topics[0]);
                        var code = error == 0 ? ErrorCodes.None : Rd.ErrorCode(error);
                        if (code is ErrorCodes.UnknownTopicOrPartition or ErrorCodes.InvalidTopic)
                        {
                            return null;
                        }

                        if (code != ErrorCodes.None)
                        {
                            throw new LogUnavailableException($"topic {topic}: {Rd.Describe(code)}");
                        }

                        nuint partitions;
                        var infos = RdAdmin.TopicDescriptionPartitions(topics[0], &partitions);
                        nuint replicas = 0;
                        if (partitions > 0)
                        {
                            _ = RdAdmin.TopicPartitionReplicas(infos[0], &replicas);
                        }

                        return new TopicDescription(topic, (int)partitions, (short)replicas);
                    }
                },
                cancellation
            );
        }
        finally
        {
            Marshal.FreeCoTaskMem(name);
        }
    }

    public async Task<IReadOnlyDictionary<int, PartitionBounds>> BoundsAsync(
        string topic,
        IReadOnlyCollection<int> partitions,
        CancellationToken cancellation
    )
    {
        if (partitions.Count == 0)
        {
            return new Dictionary<int, PartitionBounds>();
        }

        // The end is asked for last, so that it is never below the start.
        var starts = await OffsetsAsync(topic, partitions, RdAdmin.EarliestOffset, cancellation);
        var ends = await OffsetsAsync(topic, partitions, RdAdmin.LatestOffset, cancellation);
        return partitions.ToDictionary(p => p, p => new PartitionBounds(starts[p], ends[p]));
    }

    public async Task<bool> DeleteAsync(string topic, CancellationToken cancellation)
    {
        var (code, text) = await admin.CallAsync(
            RdAdmin.DeleteTopicsOperation,
            (client, options, queue) =>
            {
                unsafe
                {
                    var request = RdAdmin.DeleteTopic(topic);
                    RdAdmin.DeleteTopics(client, &request, 1, options, queue);
                    RdAdmin.DeleteTopicDestroy(request);
                }
            },
            answer =>
            {
                unsafe
                {
                    return FirstTopic(RdAdmin.DeleteTopicsResult, answer);
                }
            },
            cancellation
        );
        return code switch
        {
            ErrorCodes.None => true,
            ErrorCodes.UnknownTopicOrPartition => false,
            _ => throw Refusal(topic, code, text),
        };
    }

    private Task<Dictionary<int, long>> OffsetsAsync(
        string topic,
        IReadOnlyCollection<int> partitions,
        long which,
        CancellationToken cancellation
    ) =>
        admin.CallAsync(
            RdAdmin.ListOffsetsOperation,
            (client, options, queue) =>
            {
                unsafe
                {
                    var list = Rd.PartitionListNew(partitions.Count);
                    foreach (var partition in partitions)
                    {
                        Rd.PartitionListAdd(list, topic, partition)->Offset = which;
                    }

                    RdAdmin.ListOffsets(client, list, options, queue);
                    Rd.PartitionListDestroy(list);
                }
            },
            answer =>
            {
                unsafe
                {
                    nuint count;
                    var infos = RdAdmin.ListOffsetsResult(answer, &count);
                    var offsets = new Dictionary<int, long>((int)count);
                    for (nuint i = 0; i < count; i++)
                    {
                        var entry = RdAdmin.ListOffsetsPartition(infos[i]);
                        if (entry->Error != ErrorCodes.None)
                        {
                            throw new LogUnavailableException($"{topic}[{entry->Partition}]: {Rd.Describe(entry->Error)}");
                        }

                        offsets[entry->Partition] = entry->Offset;
                    }

                    return offsets;
                }
            },
            cancellation
        );

    private unsafe delegate nint* ResultTopics(nint answer, nuint* count);

    private static unsafe (int Code, string Text) FirstTopic(ResultTopics topics, nint answer)
    {
        nuint count;
        var results = topics(answer, &count);
        return (RdAdmin.TopicResultError(results[0]), Rd.Text(RdAdmin.TopicResultErrorString(results[0])));
    }

    private static Exception Refusal(string topic, int code, string text)
    {
        var message = $"topic {topic}: {(text.Length > 0 ? text : Rd.Describe(code))}";
        return
            code
                is ErrorCodes.InvalidTopic
                    or ErrorCodes.TopicAuthorizationFailed
                    or ErrorCodes.ClusterAuthorizationFailed
                    or ErrorCodes.InvalidPartitions
                    or ErrorCodes.InvalidReplicationFactor
                    or ErrorCodes.InvalidReplicaAssignment
                    or ErrorCodes.InvalidConfig
                    or ErrorCodes.InvalidRequest
                    or ErrorCodes.PolicyViolation
                    or ErrorCodes.TopicDeletionDisabled
            ? new TopicRefusedException(message)
            : new LogUnavailableException(message);
    }
}
