using System.Threading.Channels;
using Brokkr.Apis;
using Brokkr.Controller.Contracts;
using Brokkr.Core.Contract;
using Brokkr.Core.Log;
using Microsoft.Extensions.Logging;
using Wire = Brokkr.Core.Contract.Wire;

namespace Brokkr.Controller.Folders;

/// <summary>
/// The control plane of <c>brokkr dev</c>: reads objects from a <see cref="FolderStore"/>, makes topics, publishes the contract, reports status.
/// </summary>
/// <remarks>
/// <code>
/// await using var store = new FolderStore(options, time, loggers);            // also the ISecretSource
/// await store.StartAsync(stopping);                                         // fails if there is no such folder
/// var logs = ...;                                                           // ILogProvider, may read credentials from the store
/// await using var control = new FolderControlPlane(store, options, logs, time, loggers);
/// control.Changed += report => Print(report);                               // statuses and file problems; one call at a time
/// await control.StartAsync(stopping);                                       // the first contract is in force when this completes
/// var receiver = new Receiver(control.Contracts, ...);
/// </code>
/// <para>
/// Level-based: each change computes the whole contract from all objects and applies the difference.
/// </para>
/// <code>
/// store -> ContractBuilder -> topics that are there -> places of new groups -> contract (if it differs) -> groups of Triggers that are gone -> report
/// </code>
/// <para>
/// Topics are never deleted, not even with their Broker. A consumer group is deleted some seconds after its Trigger is gone from the folder,
/// while this runs; that of a Trigger which goes while it does not run is left.
/// </para>
/// </remarks>
public sealed class FolderControlPlane : IAsyncDisposable
{
    // How long the first contract, and each later one, waits for topics that are being made: one edit should give one contract.
    private static readonly TimeSpan FirstWait = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan LaterWait = TimeSpan.FromMilliseconds(300);

    private readonly FolderStore _store;
    private readonly FolderOptions _options;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;
    private readonly ContractPublisher _contracts = new();
    private readonly TopicKeeper _topics;
    private readonly GroupReaper _groups;
    private readonly GroupStarter _starts;
    private readonly Channel<bool> _signals = Channel.CreateBounded<bool>(
        new BoundedChannelOptions(1) { FullMode = BoundedChannelFullMode.DropWrite }
    );
    private readonly CancellationTokenSource _stop = new();
    private IDisposable? _watch;
    private Task _loop = Task.CompletedTask;
    private ulong _generation;
    private string _reported = "";

    /// <summary>Creates the control plane; nothing happens before <see cref="StartAsync"/>. The store is not disposed with it.</summary>
    public FolderControlPlane(FolderStore store, FolderOptions options, ILogProvider logs, TimeProvider time, ILoggerFactory loggers)
    {
        _store = store;
        _options = options;
        _time = time;
        _logger = loggers.CreateLogger("Brokkr.Controller.Dev");
        _topics = new TopicKeeper(options, logs, time, _logger, () => _signals.Writer.TryWrite(true));
        _groups = new GroupReaper(options, logs, time, _logger, () => _signals.Writer.TryWrite(true));
        _starts = new GroupStarter(options, logs, time, _logger);
    }

    /// <summary>The contract, for receiver and dispatcher.</summary>
    public IContractSource Contracts => _contracts;

    /// <summary>Statuses and problems now.</summary>
    public ControlPlaneReport Report { get; private set; } = new(0, [], []);

    /// <summary>Called with each new report, one call at a time; the handler must return soon.</summary>
    public event Action<ControlPlaneReport>? Changed;

    /// <summary>
    /// Reads the folder, makes the topics that can be made within a short time, and puts the first contract in force. Afterwards the folder is
    /// watched until the control plane is disposed. A log that is away does not fail this: what needs it becomes ready later.
    /// </summary>
    /// <exception cref="DirectoryNotFoundException">There is no such folder.</exception>
    public async Task StartAsync(CancellationToken cancellation)
    {
        await _store.StartAsync(cancellation);
        _watch = _store.Watch(() => _signals.Writer.TryWrite(true));
        using var both = CancellationTokenSource.CreateLinkedTokenSource(cancellation, _stop.Token);
        await ReconcileAsync(FirstWait, both.Token);
        _loop = Task.Run(RunAsync, CancellationToken.None);
    }

    /// <summary>Stops; the last contract stays in force.</summary>
    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        _watch?.Dispose();
        await _loop;
        await _topics.WhenIdle();
        await _groups.WhenIdle();
        _stop.Dispose();
    }

    private async Task RunAsync()
    {
        try
        {
            while (true)
            {
                await WaitAsync();
                try
                {
                    await ReconcileAsync(LaterWait, _stop.Token);
                }
                catch (Exception exception) when (exception is not OperationCanceledException)
                {
                    _logger.FolderNotApplied(exception, _options.Path);
                }
            }
        }
        catch (OperationCanceledException) when (_stop.IsCancellationRequested)
        {
            // Stopped.
        }
    }

    /// <summary>Waits for a signal, or until something is due by itself.</summary>
    private async Task WaitAsync()
    {
        var due = Earlier(_topics.NextDue, _groups.NextDue);
        var wait = due is null ? Timeout.InfiniteTimeSpan : due.Value - _time.GetUtcNow();
        if (due is not null && wait <= TimeSpan.Zero)
        {
            return;
        }

        await using var timer = _time.CreateTimer(_ => _signals.Writer.TryWrite(true), null, wait, Timeout.InfiniteTimeSpan);
        await _signals.Reader.ReadAsync(_stop.Token);
    }

    private async Task ReconcileAsync(TimeSpan topicWait, CancellationToken cancellation)
    {
        var snapshot = _store.Snapshot;
        var plan = ContractBuilder.Build(await InputOfAsync(snapshot, cancellation));
        _topics.Update(plan.Resources.Values, _stop.Token);
        var topics = _topics.WhenIdle();
        if (!topics.IsCompleted)
        {
            await Task.WhenAny(topics, Task.Delay(topicWait, _time, cancellation));
            cancellation.ThrowIfCancellationRequested();
        }

        // Takes in what has finished by now.
        _topics.Update(plan.Resources.Values, _stop.Token);

        var served = ServedGroups(plan);
        await _starts.PlaceAsync(served.Values, cancellation);
        Publish(plan);
        _groups.Update(snapshot.Objects.Triggers.Values.Select(trigger => trigger.Key).ToHashSet(), served, _stop.Token);
        Tell(snapshot, plan);
    }

    private async ValueTask<ContractInput> InputOfAsync(FolderSnapshot snapshot, CancellationToken cancellation)
    {
        var kafkaFeatures = snapshot.Objects.ConfigMaps.GetValueOrDefault(
            new ObjectName(_options.SystemNamespace, KafkaFeatures.ConfigMapName)
        );
        return new ContractInput
        {
            Objects = snapshot.Objects,
            Destinations = new FolderDestinations(snapshot.Objects, _options.BaseAddress),
            Features = snapshot.Features,
            KafkaFeatures = KafkaFeatures.Read(kafkaFeatures?.Data).Features,
            Secrets = await SecretVersions.OfAsync(snapshot.Objects, _store, cancellation),
            DefaultConfig = new BrokerConfig
            {
                BootstrapServers = BrokerConfig.SplitServers(_options.DefaultBootstrapServers),
                Partitions = _options.DefaultPartitions,
                ReplicationFactor = _options.DefaultReplicationFactor,
                Settings = _options.DefaultTopicSettings,
            },
            EmbeddedLog = _options.EmbeddedLog,
            SharesReceiver = true,
        };
    }

    private void Publish(ContractPlan plan)
    {
        var contract = new Wire.Contract { Generation = _generation };
        foreach (var resource in plan.Resources.OrderBy(entry => entry.Key.ToString(), StringComparer.Ordinal))
        {
            if (_topics.StateOf(resource.Value).IsReady)
            {
                contract.Resources.Add(resource.Value.Resource);
            }
            else if (
                _contracts.Current?.Resources.FirstOrDefault(served =>
                    string.Equals(served.Uid, resource.Value.Resource.Uid, StringComparison.Ordinal)
                ) is
                { } served
            )
            {
                // It was served with other settings, such as other credentials: it goes on with these until the new ones work.
                contract.Resources.Add(served);
            }
        }

        contract.TrustBundles.AddRange(plan.TrustBundles);
        if (contract.Equals(_contracts.Current))
        {
            return;
        }

        contract.Generation = ++_generation;
        _contracts.Publish(contract);
        _logger.ContractPublished(_generation, contract.Resources.Count, contract.Resources.Sum(resource => resource.Egresses.Count));
    }

    private Dictionary<ObjectKey, GroupReaper.KnownGroup> ServedGroups(ContractPlan plan)
    {
        var served = new Dictionary<ObjectKey, GroupReaper.KnownGroup>();
        foreach (var planned in plan.Objects)
        {
            if (
                planned is { ResourceKey: { } resource, Status: { ConsumerGroup: { } group } status }
                && _topics.StateOf(plan.Resources[resource]).IsReady
            )
            {
                served[status.Key] = new GroupReaper.KnownGroup(group, plan.Resources[resource].Resource);
            }
        }

        return served;
    }

    private void Tell(FolderSnapshot snapshot, ContractPlan plan)
    {
        var statuses = FolderStatuses.Of(snapshot, plan, _topics.StateOf, _options.BaseAddress);
        var text = FolderStatuses.Fingerprint(statuses, snapshot.Problems);
        if (string.Equals(text, _reported, StringComparison.Ordinal) && Report.Generation == _generation)
        {
            return;
        }

        _reported = text;
        Report = new ControlPlaneReport(_generation, statuses, snapshot.Problems);
        try
        {
            Changed?.Invoke(Report);
        }
        catch (Exception exception)
        {
            _logger.SubscriberFailed(exception);
        }
    }

    private static DateTimeOffset? Earlier(DateTimeOffset? a, DateTimeOffset? b) =>
        (a, b) switch
        {
            (null, _) => b,
            (_, null) => a,
            _ => a < b ? a : b,
        };
}
