using Brokkr.Controller.Folders;
using Brokkr.Core.Contract;
using Microsoft.Extensions.Logging;

namespace Brokkr.Cli.Dev;

/// <summary>
/// Passes each contract of the control plane on to receiver and dispatcher, after the groups in it were given their first position, and only then tells
/// people. Of contracts that come faster than that only the last is passed on.
/// </summary>
internal sealed class ContractFollower : IAsyncDisposable
{
    private readonly FolderControlPlane _control;
    private readonly ContractPublisher _contracts;
    private readonly GroupStarter _groups;
    private readonly DevReport _report;
    private readonly ILogger _logger;
    private readonly SemaphoreSlim _changed = new(0, 1);
    private readonly CancellationTokenSource _stop = new();
    private IDisposable? _subscription;
    private Task _loop = Task.CompletedTask;

    public ContractFollower(
        FolderControlPlane control,
        ContractPublisher contracts,
        GroupStarter groups,
        DevReport report,
        ILoggerFactory loggers
    )
    {
        _control = control;
        _contracts = contracts;
        _groups = groups;
        _report = report;
        _logger = loggers.CreateLogger("Brokkr.Cli.Dev");
    }

    /// <summary>Passes the first contract on, and goes on doing so until disposed.</summary>
    public async Task StartAsync(CancellationToken cancellation)
    {
        _subscription = _control.Contracts.Subscribe(_ => Wake());
        _control.Changed += OnReport;
        await PassOnAsync(cancellation);
        _loop = Task.Run(RunAsync, CancellationToken.None);
    }

    public async ValueTask DisposeAsync()
    {
        _control.Changed -= OnReport;
        _subscription?.Dispose();
        await _stop.CancelAsync();
        await _loop;
        _stop.Dispose();
        _changed.Dispose();
    }

    private void OnReport(Controller.ControlPlaneReport report) => Wake();

    private void Wake()
    {
        try
        {
            _changed.Release();
        }
        catch (SemaphoreFullException)
        {
            // The loop is about to look anyway.
        }
    }

    private async Task RunAsync()
    {
        while (true)
        {
            try
            {
                await _changed.WaitAsync(_stop.Token);
                await PassOnAsync(_stop.Token);
            }
            catch (OperationCanceledException) when (_stop.IsCancellationRequested)
            {
                return;
            }
            catch (Exception e)
            {
                _logger.ChangeNotApplied(e);
            }
        }
    }

    private async Task PassOnAsync(CancellationToken cancellation)
    {
        // The report first: what it says has then at least been passed on.
        var report = _control.Report;
        if (_control.Contracts.Current is { } contract && !ReferenceEquals(contract, _contracts.Current))
        {
            await _groups.StartAsync(contract, cancellation);
            _contracts.Publish(contract);
        }

        _report.Change(report);
    }
}
