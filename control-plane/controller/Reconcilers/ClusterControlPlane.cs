using Brokkr.Apis;
using Brokkr.Controller.Contracts;
using Brokkr.Controller.Logs;
using Brokkr.Controller.Stores;
using Brokkr.Core.Log;
using Microsoft.Extensions.Logging;

namespace Brokkr.Controller.Reconcilers;

/// <summary>
/// The control plane of a cluster: makes Brokers, Triggers and KafkaSinks what they should be, and says in their statuses how they are. Made for one term of
/// leadership: whoever is elected again makes a new one.
/// </summary>
/// <remarks>
/// <code>
/// change -> queue (each object once, never twice at the same time) -> Broker:  plan -> topic -> places of new groups -> contract -> data plane -> status
///                                                                     Trigger: identity -> what its Broker's pass found -> status
/// </code>
/// <para>
/// Level-based: a pass compares what should be with what is, and writes the difference. It never waits for Kafka or a receiver: those are asked beside it, and
/// what they answer has the object looked at again.
/// </para>
/// </remarks>
public sealed class ClusterControlPlane : IDisposable
{
    private const string TrustBundleLabel = "networking.knative.dev/trust-bundle";

    private readonly IClusterStore _store;
    private readonly ControlPlaneOptions _options;
    private readonly ILogger _logger;
    private readonly WorkQueue _queue;
    private readonly Prober _prober;
    private readonly ReconcilerContext _context;
    private readonly BrokerReconciler _brokers;
    private readonly SinkReconciler _sinks;
    private readonly TriggerReconciler _triggers;
    private readonly CancellationTokenSource _stop = new();
    private readonly Lock _podLock = new();
    private readonly HashSet<(string Namespace, string App)> _available = [];

    /// <summary>Creates the control plane; nothing happens before <see cref="RunAsync"/>.</summary>
    /// <param name="store">The objects; started. Not disposed with this.</param>
    /// <param name="options">What to do.</param>
    /// <param name="logs">Gives the logs. Not disposed with this.</param>
    /// <param name="time">The clock.</param>
    /// <param name="loggers">Makes the logger.</param>
    public ClusterControlPlane(
        IClusterStore store,
        ControlPlaneOptions options,
        ILogProvider logs,
        TimeProvider time,
        ILoggerFactory loggers
    )
    {
        _store = store;
        _options = options;
        _logger = loggers.CreateLogger("Brokkr.Controller");
        _queue = new WorkQueue(new WorkQueueOptions { Workers = options.Workers }, time, Failed);
        _prober = new Prober(options, time, _queue.Add, _stop.Token);
        var gates = new LogGates(logs, options, time);
        _context = new ReconcilerContext
        {
            Options = options,
            Store = store,
            Time = time,
            Logger = _logger,
            Enqueue = _queue.Add,
            Owners = new OwnerIndex(store),
            Writer = new ObjectWriter(store, time),
            Contracts = new ContractMaps(store, options),
            DataPlane = new DataPlane(store, _prober),
            Destinations = new ClusterDestinations(store, options.ClusterDomain),
            Groups = new GroupClaims(store),
            Triggers = new BrokerTriggers(store),
            Topics = new LogFacts<TopicKey, TopicResult>(
                gates,
                options,
                time,
                _queue.Add,
                _stop.Token,
                result => result.Finding is TopicFinding.Created or TopicFinding.Existed
            ),
            Placements = new LogFacts<GroupKey, bool>(gates, options, time, _queue.Add, _stop.Token),
            TopicDeletions = new LogFacts<string, bool>(gates, options, time, _queue.Add, _stop.Token),
            GroupDeletions = new LogFacts<string, bool>(gates, options, time, _queue.Add, _stop.Token),
        };
        var server = new ResourceServer(_context);
        var remover = new ResourceRemover(_context);
        _brokers = new BrokerReconciler(_context, server, remover, new Dispatchers(_context));
        _sinks = new SinkReconciler(_context, server, remover);
        _triggers = new TriggerReconciler(_context, new OidcIdentity(_context));
    }

    /// <summary>How many objects wait to be looked at.</summary>
    public int QueueDepth => _queue.Depth;

    /// <summary>Whether nothing waits to be looked at, and nothing is looked at.</summary>
    public bool IsIdle => _queue.IsIdle;

    /// <summary>Looks at every object, and then at what changes, until it is cancelled; what is under way then is awaited.</summary>
    public async Task RunAsync(CancellationToken stopping)
    {
        using var registration = stopping.Register(_stop.Cancel);
        _context.Groups.Load();
        using var watch = _store.WatchObjects(Changed);
        var objects = _store.Objects;
        foreach (var trigger in objects.Triggers.Values)
        {
            _context.Triggers.Update(trigger.ObjectName);
            _queue.Add(trigger.Key);
        }

        AddAll(objects);
        foreach (var pod in objects.Pods.Values)
        {
            PodChanged(pod.ObjectName);
        }

        var uids = objects
            .Brokers.Values.Concat<ApiObject>(objects.KafkaSinks.Values)
            .Select(value => value.Uid)
            .ToHashSet(StringComparer.Ordinal);
        foreach (var map in objects.ConfigMaps.Where(map => ContractMaps.IsContract(map.Key) && !uids.Contains(UidOf(map.Value))))
        {
            _queue.Add(MapKey(map.Key));
        }

        _queue.Add(MapKey(new ObjectName(_options.SystemNamespace, ContractMaps.TrustBundlesName)));
        await _queue.RunAsync(ReconcileAsync, _stop.Token);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _stop.Cancel();
        _queue.Dispose();
        _prober.Dispose();
        _stop.Dispose();
    }

    private Task<TimeSpan?> ReconcileAsync(ObjectKey key, CancellationToken cancellation) =>
        key.Kind switch
        {
            Broker.KindName => _brokers.ReconcileAsync(key, cancellation),
            KafkaSink.KindName => _sinks.ReconcileAsync(key, cancellation),
            Trigger.KindName => _triggers.ReconcileAsync(key, cancellation),
            _ => ReconcileMapAsync(key.ObjectName, cancellation),
        };

    /// <summary>Trust bundles; and contracts that nobody has, such as those of objects whose finalizer was taken off by force (control-plane §18 item 3).</summary>
    private async Task<TimeSpan?> ReconcileMapAsync(ObjectName name, CancellationToken cancellation)
    {
        var objects = _store.Objects;
        if (name.Name is ContractMaps.TrustBundlesName)
        {
            var maps = objects
                .ConfigMaps.Where(map =>
                    string.Equals(map.Key.Namespace, _options.SystemNamespace, StringComparison.Ordinal) && IsTrustBundle(map.Value)
                )
                .ToDictionary();
            var plan = ContractBuilder.Build(
                new ContractInput
                {
                    Objects = new ObjectSet { ConfigMaps = maps },
                    Destinations = _context.Destinations,
                }
            );
            if (plan.TrustBundles.Count > 0 || objects.ConfigMaps.ContainsKey(name))
            {
                await _context.Contracts.WriteTrustBundlesAsync(plan.TrustBundles, cancellation);
            }

            return null;
        }

        if (
            objects.ConfigMaps.TryGetValue(name, out var found)
            && UidOf(found) is { Length: > 0 } uid
            && !objects.Brokers.Values.Any(broker => string.Equals(broker.Uid, uid, StringComparison.Ordinal))
            && !objects.KafkaSinks.Values.Any(sink => string.Equals(sink.Uid, uid, StringComparison.Ordinal))
        )
        {
            _logger.ContractOrphaned(name.ToString());
            await _context.Contracts.DeleteAsync(name, cancellation);
        }

        return null;
    }

    private void Changed(ObjectKey key)
    {
        var objects = _store.Objects;
        foreach (var owner in _context.Owners.OwnersOf(key))
        {
            Add(owner);
        }

        switch (key)
        {
            case (GroupVersion.EventingGroup, Broker.KindName, _, _):
                _queue.Add(key);
                if (!objects.Brokers.ContainsKey(key.ObjectName) || !_context.Outcomes.ContainsKey(key))
                {
                    // It came or went: its Triggers say so.
                    foreach (var trigger in _context.Triggers.NamesOf(key.ObjectName))
                    {
                        _queue.Add(new ObjectKey(GroupVersion.EventingGroup, Trigger.KindName, trigger.Namespace, trigger.Name));
                    }
                }

                break;
            case (GroupVersion.EventingGroup, KafkaSink.KindName, _, _):
                _queue.Add(key);
                break;
            case (GroupVersion.EventingGroup, Trigger.KindName, _, _):
                _queue.Add(key);
                foreach (var name in _context.Triggers.Update(key.ObjectName))
                {
                    _queue.Add(ReconcilerContext.BrokerKey(name));
                }

                break;
            case (GroupVersion.EventingGroup, EventPolicy.KindName, _, _):
                AddNamespace(objects, key.Namespace);
                break;
            case ("", ServiceAccount.KindName, _, _):
                foreach (var trigger in objects.Triggers.Values.Where(trigger => IsIdentityOf(key, trigger)))
                {
                    _queue.Add(trigger.Key);
                }

                break;
            case ("", Pod.KindName, _, _):
                PodChanged(key.ObjectName);
                break;
            case ("", ConfigMap.KindName, _, _):
                MapChanged(objects, key.ObjectName);
                break;
        }
    }

    /// <summary>Has an owner looked at; a Trigger is planned with its Broker.</summary>
    private void Add(ObjectKey owner)
    {
        _queue.Add(owner);
        if (owner.Kind is Trigger.KindName && _store.Objects.Triggers.TryGetValue(owner.ObjectName, out var trigger))
        {
            _queue.Add(ReconcilerContext.BrokerKey(trigger.BrokerName));
        }
    }

    private void MapChanged(ObjectSet objects, ObjectName name)
    {
        if (ContractMaps.IsContract(name))
        {
            _context.Contracts.Changed(name);
            _queue.Add(MapKey(name));
            if (!objects.ConfigMaps.ContainsKey(name))
            {
                // Deleted, perhaps by somebody else: then it is written again.
                foreach (var (owner, known) in _context.Known)
                {
                    if (name.Name.Contains(known.Uid, StringComparison.Ordinal))
                    {
                        _queue.Add(owner);
                    }
                }
            }

            return;
        }

        var isOfSystem = string.Equals(name.Namespace, _options.SystemNamespace, StringComparison.Ordinal);
        if (
            (isOfSystem && name.Name is EventingFeatures.ConfigMapName or KafkaFeatures.ConfigMapName)
            || string.Equals(name.Name, _options.Broker.DataPlaneConfigMap, StringComparison.Ordinal)
        )
        {
            AddAll(objects);
        }
        else if (isOfSystem)
        {
            _queue.Add(MapKey(new ObjectName(_options.SystemNamespace, ContractMaps.TrustBundlesName)));
        }
    }

    /// <summary>Those who wait for the data plane look again; when its first Pod came or its last went, everybody does.</summary>
    private void PodChanged(ObjectName name)
    {
        var objects = _store.Objects;
        var isChange = false;
        lock (_podLock)
        {
            // A Pod that is gone does not say what it was.
            var places = objects.Pods.TryGetValue(name, out var pod)
                ? [(pod.Namespace, DataPlane.AppOf(pod))]
                : _available.Where(place => string.Equals(place.Namespace, name.Namespace, StringComparison.Ordinal)).ToList();
            foreach (var place in places)
            {
                isChange |=
                    _context.DataPlane.ReadyPods(place.Item1, place.Item2).Count > 0 ? _available.Add(place) : _available.Remove(place);
            }
        }

        if (isChange)
        {
            AddAll(objects);
        }
        else
        {
            foreach (var waiting in _context.Waiting.Keys)
            {
                _queue.Add(waiting);
            }
        }
    }

    private void AddAll(ObjectSet objects)
    {
        foreach (var broker in objects.Brokers.Values)
        {
            _queue.Add(broker.Key);
        }

        foreach (var sink in objects.KafkaSinks.Values)
        {
            _queue.Add(sink.Key);
        }

        foreach (var trigger in objects.Triggers.Values)
        {
            _queue.Add(trigger.Key);
        }
    }

    private void AddNamespace(ObjectSet objects, string namespaceName)
    {
        foreach (
            var value in objects
                .Brokers.Values.Concat<ApiObject>(objects.KafkaSinks.Values)
                .Where(value => string.Equals(value.Namespace, namespaceName, StringComparison.Ordinal))
        )
        {
            _queue.Add(value.Key);
        }
    }

    private void Failed(ObjectKey key, Exception exception, TimeSpan delay)
    {
        if (exception is StoreException or TimeoutException)
        {
            _logger.PassFailed(key.ToString(), exception.Message, delay);
        }
        else
        {
            _logger.PassBroke(exception, key.ToString(), delay);
        }
    }

    private static bool IsTrustBundle(ConfigMap map) => map.Metadata?.Labels?.GetValueOrDefault(TrustBundleLabel) is "true";

    private static string UidOf(ConfigMap map) => map.Metadata?.Labels?.GetValueOrDefault(ContractMaps.UidLabel) ?? "";

    private static bool IsIdentityOf(ObjectKey account, Trigger trigger) =>
        string.Equals(account.Namespace, trigger.Namespace, StringComparison.Ordinal)
        && string.Equals(account.Name, OidcIdentity.NameOf(trigger), StringComparison.Ordinal);

    private static ObjectKey MapKey(ObjectName name) => new("", ConfigMap.KindName, name.Namespace, name.Name);
}
