using Brokkr.Core.Contract;
using Brokkr.Kubernetes.Api;
using Brokkr.Kubernetes.Watching;
using Microsoft.Extensions.Logging;
using Wire = Brokkr.Core.Contract.Wire;

namespace Brokkr.Kubernetes.Contract;

/// <summary>
/// The contract in many ConfigMaps, each with that of one Broker or KafkaSink, or with trust bundles, in its entry <c>data</c> (of <c>binaryData</c>, else of
/// <c>data</c>), as JSON or protobuf. They are followed through the API server; the contract of all of them together is published once all were read, and then
/// whenever one has changed. A ConfigMap that cannot be used keeps its last good state, and while the API server is away everything stays as it was.
/// The process's service account needs the verbs <c>list</c> and <c>watch</c> on <c>configmaps</c> there.
/// </summary>
public sealed class ContractConfigMaps : IContractSource, IAsyncDisposable
{
    private readonly ContractConfigMapsOptions _options;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;
    private readonly Action<AppliedContract>? _applied;
    private readonly ContractPublisher _publisher = new();
    private readonly CancellationTokenSource _stop = new();
    private readonly SemaphoreSlim _news = new(0, 1);
    private readonly Lock _lock = new();
    private readonly ContractParts _parts;
    private readonly ObjectWatch<ConfigMapObject> _watch;
    private ulong _generation;
    private bool _isChanged;
    private string? _version;
    private int? _told;
    private bool _isFollowing;
    private Task _running = Task.CompletedTask;

    /// <summary>Creates the source; <see cref="Start"/> starts it.</summary>
    /// <param name="connection">The API server.</param>
    /// <param name="options">Which ConfigMaps.</param>
    /// <param name="time">Drives the pauses.</param>
    /// <param name="logger">Is told what goes wrong, once each.</param>
    /// <param name="applied">Is told, one call at a time, up to where subscribers have seen everything.</param>
    public ContractConfigMaps(
        ApiConnection connection,
        ContractConfigMapsOptions options,
        TimeProvider time,
        ILogger logger,
        Action<AppliedContract>? applied = null
    )
    {
        _options = options;
        _time = time;
        _logger = logger;
        _applied = applied;
        _parts = new ContractParts(options.Namespace, logger);
        _watch = new ObjectWatch<ConfigMapObject>(
            connection,
            WatchedKinds.ConfigMaps,
            options.Namespace,
            "labelSelector=" + Uri.EscapeDataString(options.LabelSelector),
            new Listener(this),
            time
        );
    }

    /// <inheritdoc/>
    public Wire.Contract? Current => _publisher.Current;

    /// <summary>How often a ConfigMap was decoded.</summary>
    internal long Decoded
    {
        get
        {
            lock (_lock)
            {
                return _parts.Decoded;
            }
        }
    }

    /// <inheritdoc/>
    public IDisposable Subscribe(Action<Wire.Contract> onChange) => _publisher.Subscribe(onChange);

    /// <summary>Begins to follow the ConfigMaps. To be called once, when those have subscribed who have to see a contract before it counts as applied.</summary>
    public void Start() => _running = Task.WhenAll(Task.Run(() => _watch.RunAsync(_stop.Token)), Task.Run(PublishAsync));

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await _running;
        _stop.Dispose();
        _news.Dispose();
    }

    private async Task PublishAsync()
    {
        try
        {
            while (true)
            {
                await _news.WaitAsync(_stop.Token);
                Wire.Contract? contract = null;
                AppliedContract applied;
                lock (_lock)
                {
                    if (_isChanged)
                    {
                        _isChanged = false;
                        contract = ContractMerge.Of(++_generation, _parts.Contracts);
                    }

                    applied = new AppliedContract(_version!, [.. _parts.Broken]);
                }

                if (contract is null || Publish(contract))
                {
                    _applied?.Invoke(applied);
                }

                if (contract is not null)
                {
                    await Task.Delay(_options.BetweenContracts, _time, _stop.Token);
                }
            }
        }
        catch (OperationCanceledException)
        {
            // Stopped.
        }
    }

    private bool Publish(Wire.Contract contract)
    {
        try
        {
            _publisher.Publish(contract);
            return true;
        }
        catch (Exception failure)
        {
            // The next one may be better.
            _logger.ContractNotApplied(failure);
            return false;
        }
    }

    /// <summary>Something has happened up to a version. Under the lock.</summary>
    private void Seen(bool isChange, string version)
    {
        _isChanged |= isChange;
        _version = version;
        if (_news.CurrentCount == 0)
        {
            _news.Release();
        }
    }

    private sealed class Listener(ContractConfigMaps source) : IWatchListener<ConfigMapObject>
    {
        public void Listed(IReadOnlyList<ConfigMapObject> all, string resourceVersion)
        {
            lock (source._lock)
            {
                // Also when there are none: then it is known that there is nothing to do yet.
                source.Seen(source._parts.Replace(all) || source._version is null, resourceVersion);
            }
        }

        public void Changed(ConfigMapObject item)
        {
            lock (source._lock)
            {
                source.Seen(source._parts.Put(item), item.Metadata.ResourceVersion);
            }
        }

        public void Deleted(ConfigMapObject item)
        {
            lock (source._lock)
            {
                source.Seen(source._parts.Remove(item.Metadata.Name), item.Metadata.ResourceVersion);
            }
        }

        public void Reached(string resourceVersion)
        {
            lock (source._lock)
            {
                source.Seen(isChange: false, resourceVersion);
            }
        }

        public void Following()
        {
            source._told = null;
            if (!source._isFollowing)
            {
                source._isFollowing = true;
                source._logger.ContractFollowed(source._options.LabelSelector, source._options.Namespace, source._parts.Count);
            }
        }

        public void Failed(ApiProblem problem)
        {
            source._isFollowing = false;

            // A server that is away says so in different words from one attempt to the next.
            if (source._told != problem.Status)
            {
                source._told = problem.Status;
                source._logger.ContractNotFollowed(
                    source._options.LabelSelector,
                    source._options.Namespace,
                    problem.Status == ApiProblem.Forbidden ? problem.Text + "; grant list and watch on configmaps" : problem.Text
                );
            }
        }
    }
}

/// <summary>What the subscribers of a contract have seen.</summary>
/// <param name="ResourceVersion">Everything up to this version.</param>
/// <param name="Broken">But for these ConfigMaps, whose content cannot be used: there the last good state holds.</param>
public readonly record struct AppliedContract(string ResourceVersion, IReadOnlyList<string> Broken);
