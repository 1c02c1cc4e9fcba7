using Brokkr.Cli.Dispatcher;
using Brokkr.Core.Contract;
using Brokkr.Core.Filters;
using Brokkr.Kubernetes.Api;
using Brokkr.Kubernetes.Secrets;
using Microsoft.Extensions.Logging;

namespace Brokkr.Cli.Hosting;

/// <summary>Where a role has Secrets from: the folder that <c>SECRETS_PATH</c> names; else the API server, where there is one; else there are none.</summary>
internal sealed class RoleSecrets : IAsyncDisposable
{
    private readonly RoleContext _role;
    private readonly SecretFolder _folder;
    private readonly KubernetesSecrets? _api;

    public RoleSecrets(RoleContext role, ApiConnection? api)
    {
        _role = role;
        _folder = SecretFolder.From(role.Environment);
        _api = _folder.Exists || api is null ? null : new KubernetesSecrets(api, role.Time, role.Loggers.CreateLogger("Brokkr.Kubernetes"));
    }

    /// <summary>The Secrets that the contract refers to.</summary>
    public ISecretSource Source => _api is not null ? _api : _folder;

    /// <summary>The keys of RequestReplies.</summary>
    /// <param name="namespaceName">The namespace of the dispatcher.</param>
    /// <param name="logger">Is told what cannot be used.</param>
    public ICorrelationKeys KeysOf(string namespaceName, ILogger logger) =>
        _api is not null
            ? new KubernetesCorrelationKeys(_api, namespaceName, logger)
            : new CorrelationKeyFolder(_folder, namespaceName, _role.Time, logger);

    public ValueTask DisposeAsync() => _api?.DisposeAsync() ?? ValueTask.CompletedTask;
}
