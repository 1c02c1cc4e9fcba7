using Brokkr.Core.Contract;
using Brokkr.Core.Contract.Wire;
using Brokkr.Core.Events;
using Brokkr.Core.Log;
using Brokkr.Core.Telemetry;
using Brokkr.Core.Tokens;
using Brokkr.Dispatcher.Delivery;
using Brokkr.Dispatcher.Feed;
using Brokkr.Dispatcher.Http;
using Brokkr.Dispatcher.Telemetry;
using Brokkr.Dispatcher.Tokens;
using Microsoft.Extensions.Logging;

namespace Brokkr.Dispatcher;

/// <summary>
/// A dispatcher: delivers the records of the topics of a contract to its egresses over HTTP. Runs as a role of its own or inside another process.
/// </summary>
public sealed class DispatcherHost : IAsyncDisposable
{
    private readonly DispatcherParts _parts;
    private readonly LogSites _sites;
    private readonly IContractSource _contracts;
    private readonly Lock _lock = new();
    private readonly Dictionary<string, TriggerActor> _actors = new(StringComparer.Ordinal);
    private readonly List<TriggerActor> _leaving = [];
    private readonly IDisposable _refresh;
    private IDisposable? _subscription;
    private bool _hasContract;
    private Task? _stopped;

    /// <summary>Creates a dispatcher; <see cref="Start"/> starts it.</summary>
    /// <param name="options">Settings.</param>
    /// <param name="contracts">What is to be delivered, and to whom.</param>
    /// <param name="logs">Gives the logs that the contract names.</param>
    /// <param name="time">The clock.</param>
    /// <param name="loggers">Makes the logger.</param>
    /// <param name="eventTypes">Values of the tag <c>cloudevents.type</c>; by default as <see cref="DispatcherOptions.EventTypeTag"/> says.</param>
    /// <param name="series">Where series of egresses that went are dropped.</param>
    /// <param name="registry">Is told about the types of replies, for resources that ask for it; null where nobody makes something of it.</param>
    /// <param name="tokens">Makes tokens for subscribers with an audience; null: there are none, and such subscribers get nothing.</param>
    /// <exception cref="ArgumentException">A setting is out of its range.</exception>
    public DispatcherHost(
        DispatcherOptions options,
        IContractSource contracts,
        ILogProvider logs,
        TimeProvider time,
        ILoggerFactory loggers,
        EventTypeTags? eventTypes = null,
        IMetricSeries? series = null,
        IEventTypeRegistry? registry = null,
        ITokenSource? tokens = null
    )
    {
        options.Validate();
        _contracts = contracts;
        var metrics = new DispatcherMetrics(eventTypes ?? new EventTypeTags(options.EventTypeTag), series ?? NoMetricSeries.Instance, time);
        var logger = loggers.CreateLogger("Brokkr.Dispatcher");
        _parts = new DispatcherParts(
            options,
            new SubscriberConnections(options, logger),
            new RequestWriter(),
            new DeliveryPool(),
            new MemoryShares(options),
            new CatchUpPlaces(options.CatchUpReaders),
            new Startup(),
            metrics,
            registry,
            new SubscriberTokens(tokens, metrics, time, logger),
            time,
            logger
        );
        _sites = new LogSites(logs, _parts);
        _refresh = (series ?? NoMetricSeries.Instance).BeforeScrape(cancellation => PartitionEnds.RefreshAsync(_sites, cancellation));
    }

    /// <summary>Whether a contract has been read.</summary>
    public bool HasContract => Volatile.Read(ref _hasContract);

    /// <summary>How each egress of the contract is.</summary>
    public IReadOnlyList<EgressStatus> Egresses
    {
        get
        {
            lock (_lock)
            {
                return [.. _actors.Values.Select(actor => actor.Status)];
            }
        }
    }

    internal LogSites Sites => _sites;

    /// <summary>Begins to deliver. Returns at once; egresses start in the background.</summary>
    public void Start()
    {
        lock (_lock)
        {
            ObjectDisposedException.ThrowIf(_stopped is not null, this);
        }

        _subscription = _contracts.Subscribe(Apply);
    }

    /// <summary>
    /// Stops: no new deliveries, waits end at once, running requests may finish within <see cref="DispatcherOptions.StopBudget"/>, positions are stored,
    /// partitions are given up. Completes within a few seconds of the budget. Calling it again waits for the same stop.
    /// </summary>
    public Task StopAsync()
    {
        lock (_lock)
        {
            return _stopped ??= StopOnceAsync();
        }
    }

    /// <summary>Stops, and frees everything.</summary>
    public async ValueTask DisposeAsync()
    {
        await StopAsync();
        _refresh.Dispose();
        _parts.Dispose();
    }

    internal Trigger? FindTrigger(string uid)
    {
        lock (_lock)
        {
            return _actors.TryGetValue(uid, out var actor) ? actor.Trigger : null;
        }
    }

    private async Task StopOnceAsync()
    {
        await Task.Yield();
        _subscription?.Dispose();
        TriggerActor[] actors;
        lock (_lock)
        {
            foreach (var actor in _actors.Values)
            {
                actor.Remove(_parts.Options.StopBudget);
            }

            actors = [.. _actors.Values, .. _leaving];
            _actors.Clear();
        }

        await Task.WhenAll(actors.Select(actor => actor.Completion));
    }

    private void Apply(Contract contract)
    {
        var specs = EgressSpec.Of(contract, _parts.Logger.DuplicateEgress, _parts.Logger.OverrideRefused);
        _parts.Logger.ContractReceived(contract.Generation, specs.Count);

        // The whole contract starts together: the first egress may be ready before the last is known.
        _parts.Startup.Begin();
        try
        {
            Apply(specs);
        }
        finally
        {
            _parts.Startup.End();
        }
    }

    private void Apply(IReadOnlyDictionary<string, EgressSpec> specs)
    {
        lock (_lock)
        {
            if (_stopped is not null)
            {
                return;
            }

            _leaving.RemoveAll(actor => actor.Completion.IsCompleted);
            foreach (var uid in _actors.Keys.Except(specs.Keys, StringComparer.Ordinal).ToArray())
            {
                _actors.Remove(uid, out var gone);
                gone!.Remove(_parts.Options.HandOverBudget);
                _leaving.Add(gone);
            }

            foreach (var (uid, spec) in specs)
            {
                if (!_actors.TryGetValue(uid, out var actor) || !actor.TrySet(spec))
                {
                    _actors[uid] = new TriggerActor(spec, _sites, _parts);
                }
            }

            Volatile.Write(ref _hasContract, true);
        }
    }
}
