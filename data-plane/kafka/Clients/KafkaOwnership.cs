using System.Globalization;
using System.Text;
using Brokkr.Core.Log;
using Brokkr.Kafka.Tokens;
using Microsoft.Extensions.Logging;

namespace Brokkr.Kafka.Clients;

/// <summary>
/// Shares the partitions of all topics among the processes by consumer groups that nobody else uses. Topics are spread over a fixed number of such
/// groups by the hash of their names, so that one topic that comes or goes, or a member that dies, stops the assignment of a part only.
/// </summary>
internal sealed class KafkaOwnership(
    string groupPrefix,
    int shards,
    IReadOnlyDictionary<string, string> settings,
    IOwnershipListener listener,
    TimeSpan budget,
    ILogger logger,
    BearerTokens? tokens = null
) : IOwnership
{
    private readonly Lock _lock = new();
    private readonly SemaphoreSlim _oneCallAtATime = new(1, 1);
    private readonly Dictionary<int, GroupMembership> _memberships = [];
    private readonly List<Task> _leaving = [];
    private bool _disposed;

    public void Serve(IReadOnlyCollection<string> topics)
    {
        lock (_lock)
        {
            if (_disposed)
            {
                return;
            }

            var byShard = topics
                .Distinct(StringComparer.Ordinal)
                .GroupBy(topic => Murmur2.PartitionOf(Encoding.UTF8.GetBytes(topic), shards))
                .ToDictionary(group => group.Key, group => group.ToList());
            _leaving.RemoveAll(task => task.IsCompleted);
            foreach (var shard in _memberships.Keys.Except(byShard.Keys).ToList())
            {
                _leaving.Add(_memberships[shard].DisposeAsync().AsTask());
                _memberships.Remove(shard);
            }

            foreach (var (shard, served) in byShard)
            {
                if (!_memberships.TryGetValue(shard, out var membership))
                {
                    var group = string.Create(CultureInfo.InvariantCulture, $"{groupPrefix}.{shard}");
                    membership = new GroupMembership(group, settings, listener, _oneCallAtATime, budget, logger, tokens);
                    _memberships.Add(shard, membership);
                }

                membership.Subscribe(served);
            }
        }
    }

    public async ValueTask DisposeAsync()
    {
        List<Task> leaving;
        lock (_lock)
        {
            _disposed = true;
            leaving = [.. _leaving, .. _memberships.Values.Select(membership => membership.DisposeAsync().AsTask())];
            _memberships.Clear();
            _leaving.Clear();
        }

        await Task.WhenAll(leaving);
        _oneCallAtATime.Dispose();
    }
}
