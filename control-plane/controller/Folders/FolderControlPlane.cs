using Brokkr.Core.Contract;
using Brokkr.Core.Log;
using Microsoft.Extensions.Logging;

namespace Brokkr.Controller.Folders;

/// <summary>
/// The control plane of <c>brokkr dev</c>: reads objects from a <see cref="FolderStore"/>, makes topics, publishes the contract, reports status.
/// </summary>
/// <remarks>
/// <code>
/// await using var store = new FolderStore(options, time, loggers);            // also the ISecretSource
/// var logs = ...;                                                           // ILogProvider, may read credentials from the store
/// await using var control = new FolderControlPlane(store, options, logs, time, loggers);
/// control.Changed += report => Print(report);                               // statuses and file problems; one call at a time
/// await control.StartAsync(stopping);                                       // the first contract is in force when this completes
/// var receiver = new Receiver(control.Contracts, ...);
/// </code>
/// Topics are never deleted, not even with their Broker. A group is deleted some seconds after its Trigger is gone from the folder.
/// </remarks>
public sealed class FolderControlPlane : IAsyncDisposable
{
    private readonly ContractPublisher _contracts = new();

    /// <summary>Creates the control plane; nothing happens before <see cref="StartAsync"/>.</summary>
    public FolderControlPlane(FolderStore store, FolderOptions options, ILogProvider logs, TimeProvider time, ILoggerFactory loggers) { }

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
    public Task StartAsync(CancellationToken cancellation)
    {
        _contracts.Publish(new Core.Contract.Wire.Contract { Generation = 1 });
        Report = new ControlPlaneReport(1, [], []);
        Changed?.Invoke(Report);
        return Task.CompletedTask;
    }

    /// <summary>Stops watching.</summary>
    public ValueTask DisposeAsync() => ValueTask.CompletedTask;
}
