using Brokkr.Controller.Contracts;
using Brokkr.Core.Log;
using Microsoft.Extensions.Logging;

namespace Brokkr.Controller.Logs;

/// <summary>What became of a topic.</summary>
internal enum TopicFinding
{
    /// <summary>It was made just now.</summary>
    Created,

    /// <summary>It was there before.</summary>
    Existed,

    /// <summary>It is not there; its owner must make it.</summary>
    Missing,

    /// <summary>It was made but is not shown yet.</summary>
    NotShown,
}

/// <summary>What became of a topic.</summary>
/// <param name="Finding">What.</param>
/// <param name="Drift">In which ways it is not what it should be, as sentences.</param>
internal sealed record TopicResult(TopicFinding Finding, IReadOnlyList<string> Drift);

/// <summary>Makes topics that should be there.</summary>
internal static class TopicMaker
{
    /// <summary>Makes a topic, unless others own it, and looks at what is there.</summary>
    /// <param name="topics">The topics of a log.</param>
    /// <param name="plan">What the topic should be.</param>
    /// <param name="comparesReplication">Whether the log replicates at all.</param>
    /// <param name="logger">Is told when one is made.</param>
    /// <param name="cancellation">Ends the wait.</param>
    /// <exception cref="LogUnavailableException">The log did not answer in time.</exception>
    /// <exception cref="TopicRefusedException">The log will not make it.</exception>
    public static async Task<TopicResult> EnsureAsync(
        ITopics topics,
        TopicPlan plan,
        bool comparesReplication,
        ILogger logger,
        CancellationToken cancellation
    )
    {
        var wanted = plan.Specification;
        if (!plan.IsExternal && await topics.CreateAsync(wanted, cancellation))
        {
            logger.TopicCreated(wanted.Name, wanted.Partitions);
            return new TopicResult(TopicFinding.Created, []);
        }

        if (await topics.DescribeAsync(wanted.Name, cancellation) is not { } found)
        {
            return new TopicResult(plan.IsExternal ? TopicFinding.Missing : TopicFinding.NotShown, []);
        }

        return new TopicResult(TopicFinding.Existed, plan.IsExternal ? [] : Drift(wanted, found, comparesReplication));
    }

    private static List<string> Drift(TopicSpecification wanted, TopicDescription found, bool comparesReplication)
    {
        List<string> notes = [];
        if (wanted.Partitions != found.Partitions)
        {
            notes.Add(
                $"Topic {wanted.Name} has {found.Partitions} partitions, not {wanted.Partitions}: it existed before and is used as it is."
            );
        }

        if (comparesReplication && wanted.ReplicationFactor > 0 && wanted.ReplicationFactor != found.ReplicationFactor)
        {
            notes.Add(
                $"Topic {wanted.Name} has replication factor {found.ReplicationFactor}, not {wanted.ReplicationFactor}: it existed before and is used as it is."
            );
        }

        return notes;
    }
}
