using System.Net.Security;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using Brokkr.Core;
using Brokkr.Core.Configuration;
using k8s;
using k8s.Authentication;
using k8s.Exceptions;
using KubernetesClientType = k8s.Kubernetes;

namespace Brokkr.Controller.Kubernetes;

/// <summary>
/// Address, trust and credentials as the kubeconfig or the pod says. The package reads them and renews tokens; the connection is our own, so that the name in
/// the server's certificate is checked also under a private authority, answers can be read while they come, and a dead connection is noticed in seconds.
/// </summary>
internal static class Credentials
{
    private static readonly TimeSpan PingDelay = TimeSpan.FromSeconds(10);

    public static (HttpClient Client, ServiceClientCredentials? Credentials) Open(ClusterOptions options)
    {
        try
        {
            var configuration = Read(options);
            var address = new Uri(configuration.Host.TrimEnd('/') + "/");
            return (
                new HttpClient(Handler(configuration), disposeHandler: true) { BaseAddress = address, Timeout = Timeout.InfiniteTimeSpan },
                KubernetesClientType.CreateCredentials(configuration)
            );
        }
        catch (Exception exception)
            when (exception
                    is KubeConfigException
                        or IOException
                        or UnauthorizedAccessException
                        or UriFormatException
                        or FormatException
                        or CryptographicException
                        or YamlDotNet.Core.YamlException
            )
        {
            throw new ConfigurationException($"{Where(options)} cannot be used: {exception.WithCause()}", exception);
        }
    }

    private static string Where(ClusterOptions options) =>
        options.KubeConfig is { } path ? $"The kubeconfig {path}" : "What the pod, or ~/.kube/config, says of the API server";

    private static KubernetesClientConfiguration Read(ClusterOptions options)
    {
        var configuration =
            options.KubeConfig is { } paths ? FromFiles(paths, options.Context)
            : KubernetesClientConfiguration.IsInCluster() ? KubernetesClientConfiguration.InClusterConfig()
            : File.Exists(KubernetesClientConfiguration.KubeConfigDefaultLocation)
                ? FromFiles(KubernetesClientConfiguration.KubeConfigDefaultLocation, options.Context)
            : throw new ConfigurationException(
                "No API server is known: this is no pod with a service account's token, and neither KUBECONFIG nor -kubeconfig names a file."
            );
        if (options.Server is { } server)
        {
            configuration.Host = server;
        }

        return configuration;
    }

    private static KubernetesClientConfiguration FromFiles(string paths, string? context)
    {
        var files = paths.Split(Path.PathSeparator, StringSplitOptions.RemoveEmptyEntries);
        // As kubectl does it: of several, those that are not there are passed over.
        var present = Array.FindAll(files, File.Exists);
        if (present.Length == 0)
        {
            throw new ConfigurationException($"There is no kubeconfig {paths}: set KUBECONFIG or -kubeconfig to one that is there.");
        }

        if (present.Length == 1)
        {
            return KubernetesClientConfiguration.BuildConfigFromConfigFile(present[0], context);
        }

        // The package merges files, but only those of the variable.
        return string.Equals(paths, Environment.GetEnvironmentVariable("KUBECONFIG"), StringComparison.Ordinal) && context is null
            ? KubernetesClientConfiguration.BuildDefaultConfig()
            : throw new ConfigurationException($"-kubeconfig names several files, {paths}: name one, or set KUBECONFIG to them.");
    }

    private static SocketsHttpHandler Handler(KubernetesClientConfiguration configuration)
    {
        var handler = new SocketsHttpHandler
        {
            AllowAutoRedirect = false,
            UseCookies = false,
            ConnectTimeout = TimeSpan.FromSeconds(10),
            // Each watch is a stream, and a server allows some hundred on a connection.
            EnableMultipleHttp2Connections = true,
            KeepAlivePingPolicy = HttpKeepAlivePingPolicy.WithActiveRequests,
            KeepAlivePingDelay = PingDelay,
            KeepAlivePingTimeout = PingDelay,
            ActivityHeadersPropagator = null,
            SslOptions = new SslClientAuthenticationOptions(),
        };
        if (configuration.TlsServerName is { Length: > 0 } name)
        {
            handler.SslOptions.TargetHost = name;
        }

        if (configuration.SkipTlsVerify)
        {
            // The kubeconfig says so in as many words (insecure-skip-tls-verify).
#pragma warning disable CA5359
            handler.SslOptions.RemoteCertificateValidationCallback = static (_, _, _, _) => true;
#pragma warning restore CA5359
        }
        else if (configuration.SslCaCerts is { Count: > 0 } authorities)
        {
            var policy = new X509ChainPolicy
            {
                TrustMode = X509ChainTrustMode.CustomRootTrust,
                RevocationMode = X509RevocationMode.NoCheck,
            };
            policy.CustomTrustStore.AddRange(authorities);
            handler.SslOptions.CertificateChainPolicy = policy;
        }

        if (ClientCertificate(configuration) is { } certificate)
        {
            handler.SslOptions.ClientCertificates = [certificate];
        }

        return handler;
    }

    private static X509Certificate2? ClientCertificate(KubernetesClientConfiguration configuration)
    {
        var certificate = Pem(configuration.ClientCertificateData, configuration.ClientCertificateFilePath);
        var key = Pem(configuration.ClientCertificateKeyData, configuration.ClientKeyFilePath);
        return certificate is null || key is null ? null : X509Certificate2.CreateFromPem(certificate, key);

        static string? Pem(string? data, string? path) =>
            !string.IsNullOrEmpty(path) ? File.ReadAllText(path)
            : !string.IsNullOrEmpty(data) ? Encoding.UTF8.GetString(Convert.FromBase64String(data))
            : null;
    }
}
