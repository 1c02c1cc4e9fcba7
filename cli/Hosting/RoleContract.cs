using Brokkr.Core.Contract;
using Brokkr.Kubernetes.Api;
using Brokkr.Kubernetes.Contract;
using Brokkr.Kubernetes.Reports;
using Microsoft.Extensions.Logging;

namespace Brokkr.Cli.Hosting;

/// <summary>
/// Where a role has its contract from: with <c>CONTRACT_LABEL_SELECTOR</c> ConfigMaps of the API server, and then it says in a condition of its Pod what it works
/// by; else the mounted file or folder.
/// </summary>
internal sealed class RoleContract : IAsyncDisposable
{
    private readonly DataPlaneEnvironment _environment;
    private readonly RoleContext _role;
    private readonly ApiConnection? _api;
    private readonly ContractFile? _file;
    private readonly ContractConfigMaps? _configMaps;
    private PodCondition? _condition;

    public RoleContract(DataPlaneEnvironment environment, RoleContext role, ApiConnection? api)
    {
        _environment = environment;
        _role = role;
        _api = api;
        if (api is not null && environment.ContractConfigMaps is { } options)
        {
            _configMaps = new ContractConfigMaps(
                api,
                options,
                role.Time,
                role.Loggers.CreateLogger("Brokkr.Kubernetes"),
                applied => _condition?.Report(applied)
            );
        }
        else
        {
            _file = new ContractFile(environment.ContractPath, role.Time, role.Loggers.CreateLogger("Brokkr.Core.Contract"));
        }
    }

    /// <summary>The contract.</summary>
    public IContractSource Source => _configMaps is not null ? _configMaps : _file!;

    /// <summary>The role has subscribed: what it sees from now on counts as applied.</summary>
    /// <param name="inForce">Completes when what was applied until then is in force; null: applied is in force.</param>
    public void Start(Func<CancellationToken, Task>? inForce = null)
    {
        if (_configMaps is null)
        {
            return;
        }

        if (_environment.Pod is { } pod)
        {
            _condition = new PodCondition(
                _api!,
                pod.Namespace,
                pod.Name,
                _role.Time,
                _role.Loggers.CreateLogger("Brokkr.Kubernetes"),
                inForce
            );
        }

        _configMaps.Start();
    }

    public async ValueTask DisposeAsync()
    {
        if (_configMaps is not null)
        {
            await _configMaps.DisposeAsync();
        }

        if (_condition is not null)
        {
            await _condition.DisposeAsync();
        }

        if (_file is not null)
        {
            await _file.DisposeAsync();
        }
    }
}
