using System.Runtime.CompilerServices;
using Brokkr.Core.Events;
using Brokkr.Core.Log;

namespace Brokkr.Dispatcher;

/// <summary>
/// The logs that this process serves, each joined once however many resources live on it, and once more for each consumer group that shares its partitions by itself.
/// </summary>
internal sealed class LogSites(ILogProvider provider, DispatcherParts parts)
{
    private readonly Lock _lock = new();
    private readonly Dictionary<(ILog Log, string ConsumerGroup), LogSite> _sites = [];

    /// <summary>Each lives as long as its log.</summary>
    private readonly ConditionalWeakTable<ILog, LogShare> _shares = [];

    /// <summary>Sites that are open, for tests and metrics.</summary>
    public IReadOnlyList<LogSite> Open
    {
        get
        {
            lock (_lock)
            {
                return [.. _sites.Values];
            }
        }
    }

    /// <summary>Whether some Trigger of this process would take an event from a topic; see <see cref="LogSite.IsWanted"/>.</summary>
    public bool IsWanted(EventBuffer candidate, string topic) => Open.Any(site => site.IsWanted(candidate, topic));

    /// <summary>Opens or shares the log of an egress.</summary>
    /// <exception cref="LogConfigurationException">The log cannot be opened with these settings.</exception>
    public async Task<(LogSite Site, LogLease Lease)> AcquireAsync(EgressSpec spec, CancellationToken cancellation)
    {
        var lease = await provider.AcquireAsync(spec.Resource, cancellation);
        lock (_lock)
        {
            // Partitions that are shared by topic would go to pods that do not have the egress, too.
            var key = (lease.Log, spec.IsPlaced ? spec.Egress.ConsumerGroup : "");
            if (!_sites.TryGetValue(key, out var site))
            {
                var share = _shares.GetValue(lease.Log, log => new LogShare(log, parts));
                site = new LogSite(share, key.Item2, parts, this);
                _sites.Add(key, site);
            }

            site.Users++;
            return (site, lease);
        }
    }

    /// <summary>Gives a share back.</summary>
    public async Task ReleaseAsync(LogSite site, LogLease lease)
    {
        bool isLast;
        lock (_lock)
        {
            isLast = --site.Users == 0;
            if (isLast)
            {
                _sites.Remove((site.Log, site.ConsumerGroup));
            }
        }

        if (isLast)
        {
            await site.DisposeAsync();
        }

        await lease.DisposeAsync();
    }
}
