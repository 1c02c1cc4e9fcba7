using Brokkr.Core.Configuration;
using Brokkr.Dispatcher.Tokens;

namespace Brokkr.Cli.Dispatcher;

/// <summary>Where tokens for subscribers come from: one of the two, or nowhere.</summary>
/// <param name="Folder">Files.</param>
/// <param name="Kubernetes">The API server of the cluster.</param>
internal readonly record struct TokenSettings(string? Folder, KubernetesTokenOptions? Kubernetes)
{
    /// <summary>Reads the variables. Problems are noted in the reader.</summary>
    public static TokenSettings Read(EnvironmentReader environment)
    {
        var folder = environment.Optional("SUBSCRIBER_TOKENS_PATH");
        var host = environment.Optional("KUBERNETES_SERVICE_HOST");
        var port = environment.OptionalInteger("KUBERNETES_SERVICE_PORT", "the port of the API server", 443, 1, 65535);
        var account = environment.Optional("SERVICE_ACCOUNT_PATH", KubernetesTokenOptions.PodFolder);
        if (folder is not null || host is null)
        {
            return new TokenSettings(folder, null);
        }

        if (Uri.CheckHostName(host) == UriHostNameType.Unknown)
        {
            environment.Report($"KUBERNETES_SERVICE_HOST is \"{host}\": set it to the host of the API server, or leave it out.");
            return default;
        }

        return new TokenSettings(
            null,
            new KubernetesTokenOptions
            {
                Address = new UriBuilder(Uri.UriSchemeHttps, host, port).Uri,
                CaFile = Path.Combine(account, "ca.crt"),
                TokenFile = Path.Combine(account, "token"),
            }
        );
    }
}
