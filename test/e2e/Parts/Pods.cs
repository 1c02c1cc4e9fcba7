using System.Globalization;
using System.Text;
using System.Text.Json.Nodes;
using Brokkr.Testing;
using Brokkr.Testing.Kubernetes;
using Brokkr.Testing.Processes;

namespace Brokkr.EndToEnd.Tests.Parts;

/// <summary>
/// Plays the kubelet for the Deployments and StatefulSets of an installation: makes the Pod, mounts its ConfigMaps and Secrets as files, starts the program with the
/// arguments and variables of the manifest and the token of its service account, and has the Pod ready when its readiness probe is answered. Ports are free ones.
/// </summary>
/// <param name="api">The server in which the installation is.</param>
/// <param name="kubectl">Speaks to it as the administrator.</param>
internal sealed class Pods(ApiServer api, Kubectl kubectl) : IAsyncDisposable
{
    /// <summary>The namespace of the installation.</summary>
    public const string Namespace = "knative-eventing";

    private readonly TemporaryFolder _folder = new();
    private readonly List<ChildProcess> _processes = [];

    /// <summary>Starts a Pod of a workload and waits until it is ready.</summary>
    /// <param name="workload">Such as <c>deployment/kafka-controller</c>.</param>
    /// <param name="name">Name of the Pod.</param>
    /// <param name="ports">Variables that hold ports, with the port to use. The first one answers the readiness probe.</param>
    public async Task<ChildProcess> StartAsync(string workload, string name, params (string Variable, int Port)[] ports)
    {
        var template = JsonNode.Parse(await kubectl.RunAsync("get", workload, "-n", Namespace, "-o", "json"))!["spec"]!["template"]!;
        var spec = template["spec"]!;
        await api.CreateAsync(
            $"/api/v1/namespaces/{Namespace}/pods",
            new JsonObject
            {
                ["metadata"] = new JsonObject
                {
                    ["name"] = name,
                    ["labels"] = template["metadata"]!["labels"]!.DeepClone(),
                    ["annotations"] = template["metadata"]!["annotations"]?.DeepClone(),
                },
                ["spec"] = spec.DeepClone(),
            }.ToJsonString()
        );
        var process = await RunAsync(spec, name, ports);
        await ReadyAsync(spec["containers"]![0]!, name, ports[0].Port, process);
        return process;
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var process in _processes)
        {
            await process.DisposeAsync();
        }

        _folder.Dispose();
    }

    private async Task<ChildProcess> RunAsync(JsonNode spec, string name, (string Variable, int Port)[] ports)
    {
        var container = spec["containers"]![0]!;
        var mounts = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (var mount in container["volumeMounts"]!.AsArray())
        {
            var volume = spec["volumes"]!.AsArray().First(volume => (string?)volume!["name"] == (string?)mount!["name"])!;
            mounts[(string)mount!["mountPath"]!] = await MountAsync(volume, name);
        }

        var account = Path.Combine(name, "account");
        var serviceAccount = (string)spec["serviceAccountName"]!;
        var token = await api.TokenAsync(Namespace, serviceAccount);
        _folder.Write(Path.Combine(account, "token"), token);
        _folder.Write(Path.Combine(account, "namespace"), Namespace);
        _folder.Write(Path.Combine(account, "ca.crt"), await File.ReadAllTextAsync(api.CaFile, TestContext.Current.CancellationToken));
        var environment = new Dictionary<string, string?>(StringComparer.Ordinal);
        foreach (var variable in container["env"]!.AsArray())
        {
            var value =
                (string?)variable!["value"]
                ?? ((string?)variable["valueFrom"]!["fieldRef"]!["fieldPath"] is "metadata.name" ? name : Namespace);
            environment[(string)variable["name"]!] = mounts.FirstOrDefault(mount =>
                value.StartsWith(mount.Key + "/", StringComparison.Ordinal) || value == mount.Key
            )
                is { Key: not null } at
                ? at.Value + value[at.Key.Length..]
                : value;
        }

        foreach (var (variable, port) in ports)
        {
            environment[variable] = port.ToString(CultureInfo.InvariantCulture);
        }

        environment["SERVICE_ACCOUNT_PATH"] = _folder[account];
        environment["KUBERNETES_SERVICE_HOST"] = api.Host;
        environment["KUBERNETES_SERVICE_PORT"] = api.Port;
        var arguments = container["args"]!.AsArray().Select(argument => (string)argument!).ToList();
        if (arguments[0] is "controller")
        {
            // Its client library reads the pod's folder at a fixed path.
            environment["KUBECONFIG"] = api.WriteKubeConfig(token);
        }

        var process = BrokkrProcess.Start(arguments, environment);
        _processes.Add(process);
        return process;
    }

    /// <summary>A folder with what a volume holds; it does not follow changes.</summary>
    private async Task<string> MountAsync(JsonNode volume, string pod)
    {
        var name = Path.Combine(pod, (string)volume["name"]!);
        Directory.CreateDirectory(_folder[name]);
        var (path, key) = volume switch
        {
            _ when volume["configMap"] is { } map => ($"configmaps/{(string)map["name"]!}", "data"),
            _ when volume["secret"] is { } secret => ($"secrets/{(string)secret["secretName"]!}", "data"),
            _ => ("", ""),
        };
        if (path.Length > 0)
        {
            using var answer = await api.SendAsync(HttpMethod.Get, $"/api/v1/namespaces/{Namespace}/{path}");
            var found = JsonNode.Parse(await answer.Content.ReadAsStringAsync(TestContext.Current.CancellationToken))!;
            var isOptional = (bool?)(volume["configMap"] ?? volume["secret"])!["optional"] is true;
            Assert.True(answer.IsSuccessStatusCode || isOptional, $"{path} is missing");
            foreach (var (entry, value) in found[key] as JsonObject ?? [])
            {
                var text = path.StartsWith("secrets", StringComparison.Ordinal)
                    ? Encoding.UTF8.GetString(Convert.FromBase64String((string)value!))
                    : (string)value!;
                _folder.Write(Path.Combine(name, entry), text);
            }
        }

        return _folder[name];
    }

    private async Task ReadyAsync(JsonNode container, string name, int port, ChildProcess process)
    {
        using var client = new HttpClient(new SocketsHttpHandler { UseProxy = false });
        var probe = new Uri($"http://127.0.0.1:{port}{(string)container["readinessProbe"]!["httpGet"]!["path"]!}");
        await Eventually.True(
            async () =>
            {
                Assert.False(process.HasExited, $"{name} ended:\n{process.Text}");
                try
                {
                    using var answer = await client.GetAsync(probe, TestContext.Current.CancellationToken);
                    return answer.IsSuccessStatusCode;
                }
                catch (HttpRequestException)
                {
                    return false;
                }
            },
            () => $"{name} to answer {probe}; it printed:\n{process.Text}",
            TimeSpan.FromSeconds(60)
        );
        using var patched = await api.SendAsync(
            HttpMethod.Patch,
            $"/api/v1/namespaces/{Namespace}/pods/{name}/status",
            """{"status": {"phase": "Running", "podIP": "127.0.0.1", "podIPs": [{"ip": "127.0.0.1"}], "conditions": [{"type": "Ready", "status": "True"}]}}""",
            "application/strategic-merge-patch+json"
        );
        Assert.True(patched.IsSuccessStatusCode, $"the status of {name}: {patched.StatusCode}");
    }
}
