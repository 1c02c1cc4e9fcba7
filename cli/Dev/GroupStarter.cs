using Brokkr.Core.Contract.Wire;
using Brokkr.Core.Log;
using Microsoft.Extensions.Logging;

namespace Brokkr.Cli.Dev;

/// <summary>
/// Gives each new consumer group of a contract its first position, the end of its topic, before the contract is in force: an event that is posted after a
/// Trigger was reported ready is one that the Trigger gets (OEG-17).
/// </summary>
internal sealed class GroupStarter(ILogProvider logs, ILogger logger)
{
    /// <summary>A log that is away must not hold up what lives on another one; the dispatcher chooses positions too, only later.</summary>
    private static readonly TimeSpan Budget = TimeSpan.FromSeconds(5);

    private HashSet<(string Servers, string Group, string Topic)> _started = [];

    /// <summary>Starts the groups of a contract that have no position yet.</summary>
    public async Task StartAsync(Contract contract, CancellationToken cancellation)
    {
        var wanted = new HashSet<(string, string, string)>();
        foreach (var resource in contract.Resources)
        {
            foreach (var egress in resource.Egresses)
            {
                foreach (var topic in resource.Topics)
                {
                    var group = (resource.BootstrapServers, egress.ConsumerGroup, topic);
                    if (_started.Contains(group) || await TryStartAsync(resource, egress.ConsumerGroup, topic, cancellation))
                    {
                        wanted.Add(group);
                    }
                }
            }
        }

        // A group that went and comes back begins anew.
        _started = wanted;
    }

    private async Task<bool> TryStartAsync(Resource resource, string group, string topic, CancellationToken cancellation)
    {
        using var budget = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        budget.CancelAfter(Budget);
        try
        {
            await using var lease = await logs.AcquireAsync(resource, budget.Token);
            if ((await lease.Log.Cursors.LoadAsync(group, topic, budget.Token)).Count > 0)
            {
                return true;
            }

            if (await lease.Log.Topics.DescribeAsync(topic, budget.Token) is not { } description)
            {
                return false;
            }

            var bounds = await lease.Log.Topics.BoundsAsync(topic, [.. Enumerable.Range(0, description.Partitions)], budget.Token);
            await lease.Log.Cursors.StoreAsync(
                group,
                [
                    .. bounds.Select(partition =>
                        KeyValuePair.Create(new TopicPartition(topic, partition.Key), new CursorPosition(partition.Value.End, ""))
                    ),
                ],
                budget.Token
            );
            return true;
        }
        catch (Exception e) when (e is LogUnavailableException or LogConfigurationException || !cancellation.IsCancellationRequested)
        {
            logger.GroupNotStarted(group, topic, e.Message);
            return false;
        }
    }
}
