using Brokkr.Controller.Logs;
using Brokkr.Core.Log;
using Microsoft.Extensions.Logging;

namespace Brokkr.Controller.Folders;

/// <summary>
/// Gives the consumer group of a new Trigger its place, the end of the topic, before the contract with the Trigger is in force (control-plane §5.4): once a
/// Trigger is said to be ready, no later event can pass it by (CPT-12). Used by one caller at a time.
/// </summary>
/// <param name="options">Says how long the log may take.</param>
/// <param name="logs">Gives the logs.</param>
/// <param name="time">The clock.</param>
/// <param name="logger">Is told what was chosen.</param>
internal sealed class GroupStarter(FolderOptions options, ILogProvider logs, TimeProvider time, ILogger logger)
{
    private readonly HashSet<(string Group, string Topic)> _placed = [];

    /// <summary>
    /// Places the groups that have no position yet. Where the log does not answer, the dispatcher does it when it begins with the Trigger.
    /// </summary>
    /// <param name="groups">Every group that is served, with the resource that it reads.</param>
    /// <param name="cancellation">Ends the wait.</param>
    public async Task PlaceAsync(IReadOnlyCollection<GroupReaper.KnownGroup> groups, CancellationToken cancellation)
    {
        _placed.IntersectWith(groups.Select(KeyOf));
        var fresh = groups.Where(group => !_placed.Contains(KeyOf(group))).ToList();
        if (fresh.Count == 0)
        {
            return;
        }

        using var timeout = new CancellationTokenSource(options.LogTimeout, time);
        using var both = CancellationTokenSource.CreateLinkedTokenSource(timeout.Token, cancellation);
        foreach (var byTopic in fresh.GroupBy(group => (group.Resource.BootstrapServers, group.Resource.Topics[0])))
        {
            try
            {
                await PlaceAsync(byTopic.Key.Item2, [.. byTopic], both.Token);
                _placed.UnionWith(byTopic.Select(KeyOf));
            }
            catch (Exception exception) when (!cancellation.IsCancellationRequested)
            {
                logger.GroupsNotPlaced(byTopic.Key.Item2, exception.Message);
            }
        }
    }

    private async Task PlaceAsync(string topic, IReadOnlyCollection<GroupReaper.KnownGroup> groups, CancellationToken cancellation)
    {
        await using var lease = await logs.AcquireAsync(groups.First().Resource, cancellation);
        await GroupPlacer.PlaceAtEndAsync(lease.Log, topic, [.. groups.Select(group => group.Name)], logger, cancellation);
    }

    private static (string Group, string Topic) KeyOf(GroupReaper.KnownGroup group) => (group.Name, group.Resource.Topics[0]);
}
