using Brokkr.Core.Configuration;
using Brokkr.Kubernetes.Api;

namespace Brokkr.Cli.Hosting;

/// <summary>How a role finds the API server.</summary>
internal static class ApiServerEnvironment
{
    /// <summary>Reads the variables. Problems are noted in the reader.</summary>
    /// <returns>How to reach it; null where there is none.</returns>
    public static ApiServerOptions? Read(EnvironmentReader environment)
    {
        var account = environment.Optional("SERVICE_ACCOUNT_PATH", ApiServerOptions.PodFolder);
        var port = environment.OptionalInteger("KUBERNETES_SERVICE_PORT", "the port of the API server", 443, 1, 65535);
        if (environment.Optional("KUBECONFIG") is { } file)
        {
            try
            {
                return KubeConfig.Read(file);
            }
            catch (ConfigurationException failure)
            {
                foreach (var problem in failure.Problems)
                {
                    environment.Report(problem);
                }

                return null;
            }
        }

        if (environment.Optional("KUBERNETES_SERVICE_HOST") is not { } host)
        {
            return null;
        }

        if (Uri.CheckHostName(host) == UriHostNameType.Unknown)
        {
            environment.Report($"KUBERNETES_SERVICE_HOST is \"{host}\": set it to the host of the API server, or leave it out.");
            return null;
        }

        return ApiServerOptions.InPod(host, port, account);
    }
}
