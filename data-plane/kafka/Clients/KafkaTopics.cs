using System.Runtime.InteropServices;
using Brokkr.Core.Log;
using Brokkr.Kafka.Native;

namespace Brokkr.Kafka.Clients;

/// <summary>Topics of a cluster.</summary>
/// <param name="admin">Sends the requests.</param>
/// <param name="patience">For how long an error that passes by itself is not told.</param>
internal sealed class KafkaTopics(AdminClient admin, TimeSpan patience) : ITopics
{
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(100);

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
        var (code, description) = (await DescribeManyAsync([topic], cancellation))[0];
        return code switch
        {
            ErrorCodes.None => description,
            ErrorCodes.UnknownTopicOrPartition or ErrorCodes.InvalidTopic => null,
            _ => throw new LogUnavailableException($"topic {topic}: {Rd.Describe(code)}"),
        };
    }

    /// <summary>Describes topics by one request. The answers have an error code each, and are in any order.</summary>
    /// <exception cref="LogUnavailableException">Kafka did not answer.</exception>
    public async Task<IReadOnlyList<(int Code, TopicDescription Description)>> DescribeManyAsync(
        IReadOnlyCollection<string> topics,
        CancellationToken cancellation
    )
    {
        var names = topics.Select(Marshal.StringToCoTaskMemUTF8).ToArray();
        try
        {
            return await admin.CallAsync(
                RdAdmin.DescribeTopicsOperation,
                (client, options, queue) =>
                {
                    unsafe
                    {
                        fixed (nint* texts = names)
                        {
                            var collection = RdAdmin.TopicCollection((byte**)texts, (nuint)names.Length);
                            RdAdmin.DescribeTopics(client, collection, options, queue);
                            RdAdmin.TopicCollectionDestroy(collection);
                        }
                    }
                },
                answer =>
                {
                    unsafe
                    {
                        nuint count;
                        var answers = RdAdmin.DescribeTopicsResult(answer, &count);
                        var result = new List<(int, TopicDescription)>((int)count);
                        for (nuint i = 0; i < count; i++)
                        {
                            var error = RdAdmin.TopicDescriptionError(answers[i]);
                            nuint partitions;
                            var infos = RdAdmin.TopicDescriptionPartitions(answers[i], &partitions);
                            nuint replicas = 0;
                            if (partitions > 0)
                            {
                                _ = RdAdmin.TopicPartitionReplicas(infos[0], &replicas);
                            }

                            var name = Rd.Text(RdAdmin.TopicDescriptionName(answers[i]));
                            result.Add(
                                (
                                    error == 0 ? ErrorCodes.None : Rd.ErrorCode(error),
                                    new TopicDescription(name, (int)partitions, (short)replicas)
                                )
                            );
                        }

                        return result;
                    }
                },
                cancellation
            );
        }
        finally
        {
            Array.ForEach(names, Marshal.FreeCoTaskMem);
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

    /// <summary>Offsets of partitions. A leader that is just being elected or not yet known is waited for.</summary>
    private async Task<Dictionary<int, long>> OffsetsAsync(
        string topic,
        IReadOnlyCollection<int> partitions,
        long which,
        CancellationToken cancellation
    )
    {
        var started = TimeProvider.System.GetTimestamp();
        while (true)
        {
            var (offsets, partition, code) = await OffsetsOnceAsync(topic, partitions, which, cancellation);
            if (code == ErrorCodes.None)
            {
                return offsets;
            }

            var passes = code switch
            {
                ErrorCodes.LeaderNotAvailable
                or ErrorCodes.NotLeader
                or ErrorCodes.FencedLeaderEpoch
                or ErrorCodes.UnknownLeaderEpoch
                or ErrorCodes.OffsetNotAvailable => true,
                ErrorCodes.UnknownTopicOrPartition or ErrorCodes.UnknownPartition or ErrorCodes.UnknownTopicLocal => await DescribeAsync(
                    topic,
                    cancellation
                )
                    is { } description
                    && partition < description.Partitions,
                _ => false,
            };
            if (!passes || TimeProvider.System.GetElapsedTime(started) > patience)
            {
                throw new LogUnavailableException($"{topic}[{partition}]: {Rd.Describe(code)}");
            }

            await Task.Delay(Pause, TimeProvider.System, cancellation);
        }
    }

    /// <summary>Offsets of partitions, with the first partition that has an error.</summary>
    private async Task<(Dictionary<int, long> Offsets, int Partition, int Code)> OffsetsOnceAsync(
        string topic,
        IReadOnlyCollection<int> partitions,
        long which,
        CancellationToken cancellation
    )
    {
        try
        {
            return await RequestOffsetsAsync(topic, partitions, which, cancellation);
        }
        catch (LogUnavailableException failure) when (failure.InnerException is RequestFailedException { Code: ErrorCodes.NoEntry })
        {
            // The client found a leader for none of the partitions.
            return ([], partitions.First(), ErrorCodes.LeaderNotAvailable);
        }
    }

    private Task<(Dictionary<int, long> Offsets, int Partition, int Code)> RequestOffsetsAsync(
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
                    var failed = (Partition: -1, Code: ErrorCodes.None);
                    for (nuint i = 0; i < count; i++)
                    {
                        var entry = RdAdmin.ListOffsetsPartition(infos[i]);
                        if (entry->Error != ErrorCodes.None)
                        {
                            failed = (entry->Partition, entry->Error);
                        }

                        offsets[entry->Partition] = entry->Offset;
                    }

                    return (offsets, failed.Partition, failed.Code);
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
