using System.Globalization;
using System.Net.Http.Headers;
using System.Net.Security;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using System.Text.Json.Nodes;
using Brokkr.Testing.Processes;
using Brokkr.Testing.Tls;

namespace Brokkr.Testing.Kubernetes;

/// <summary>
/// A real Kubernetes API server with its etcd on free ports of 127.0.0.1, from the folder that <c>KUBEBUILDER_ASSETS</c> names. Nothing runs behind it: no
/// controllers, no nodes. Where the folder is missing, the test is skipped with the reason.
/// <code>
/// var api = await ApiServer.SharedAsync();                       // started once per test run; use namespaces with names of your own
/// var name = await api.CreateNamespaceAsync();
/// await api.CreateServiceAccountAsync(name, "sender");
/// await api.CreateAsync("/apis/rbac.authorization.k8s.io/v1/clusterroles", """{"metadata":{"name":"..."}}""");
/// </code>
/// Authorization is by RBAC. It issues the tokens of service accounts and says at <see cref="Url"/> how to check them, as the one of a cluster does. Takes
/// some seconds to start and about 400 MiB. Everything is killed and removed when the test process ends, however it ends.
/// </summary>
public sealed class ApiServer : IAsyncDisposable
{
    private static readonly Lazy<Task<ApiServer>> Shared = new(() => StartAsync(TestContext.Current.CancellationToken));

    private static readonly TimeSpan StartDeadline = TimeSpan.FromSeconds(90);

    private readonly TemporaryFolder _folder = new();
    private readonly TestAuthority _authority = new();
    private readonly HttpClient _client;
    private readonly int _port = FreePort.Next();
    private string[] _serverArguments = [];
    private ChildProcess? _etcd;
    private ChildProcess? _server;

    private ApiServer()
    {
        AdminToken = Guid.NewGuid().ToString("n");
        CaFile = _folder.Write("ca.crt", _authority.Pem);
        _client = new HttpClient(
            new SocketsHttpHandler
            {
                UseProxy = false,
                SslOptions = new SslClientAuthenticationOptions
                {
                    RemoteCertificateValidationCallback = (_, shown, _, _) =>
                        shown is X509Certificate2 certificate && certificate.Issuer == _authority.Name,
                },
            }
        )
        {
            BaseAddress = new Uri(Url),
        };
    }

    /// <summary>Why tests on a real API server cannot run here; null when they can.</summary>
    public static string? SkipReason { get; } = FindSkipReason();

    /// <summary>Host of <see cref="Url"/>, as pods get it in <c>KUBERNETES_SERVICE_HOST</c>.</summary>
    public string Host => "127.0.0.1";

    /// <summary>Port of <see cref="Url"/>, as pods get it in <c>KUBERNETES_SERVICE_PORT</c>.</summary>
    public string Port => _port.ToString(CultureInfo.InvariantCulture);

    /// <summary>Address, without a slash at the end. It is also what its tokens name as their issuer.</summary>
    public string Url => $"https://{Host}:{Port}";

    /// <summary>PEM file with the authority of its certificate.</summary>
    public string CaFile { get; }

    private string EtcdUrl { get; set; } = "";

    /// <summary>A token for which everything is allowed.</summary>
    public string AdminToken { get; }

    /// <summary>The server that the tests of this process share. Never dispose it. Skips the test where there is none.</summary>
    public static Task<ApiServer> SharedAsync()
    {
        Needs.Present(SkipReason);
        return Shared.Value;
    }

    /// <summary>Starts one for one test, which may dispose it. Skips the test where there is none.</summary>
    public static Task<ApiServer> StartAsync()
    {
        Needs.Present(SkipReason);
        return StartAsync(TestContext.Current.CancellationToken);
    }

    /// <summary>Creates a namespace.</summary>
    /// <returns>Its name, which nobody else uses.</returns>
    public async Task<string> CreateNamespaceAsync()
    {
        var name = "test-" + Guid.NewGuid().ToString("n");
        await CreateAsync("/api/v1/namespaces", Named(name));
        return name;
    }

    /// <summary>Creates a service account.</summary>
    public Task CreateServiceAccountAsync(string @namespace, string name) =>
        CreateAsync($"/api/v1/namespaces/{@namespace}/serviceaccounts", Named(name));

    /// <summary>Creates an object, as the administrator, and fails the test when the server refuses.</summary>
    /// <param name="path">Path of the collection.</param>
    /// <param name="json">The object.</param>
    /// <returns>The object as it was stored.</returns>
    public async Task<JsonObject> CreateAsync(string path, string json)
    {
        using var response = await SendAsync(HttpMethod.Post, path, json);
        var text = await response.Content.ReadAsStringAsync(TestContext.Current.CancellationToken);
        Assert.True(response.IsSuccessStatusCode, $"POST {path} answered {response.StatusCode}: {text}");
        return JsonNode.Parse(text)!.AsObject();
    }

    /// <summary>Reads an object or collection, as the administrator, and fails the test when the server refuses.</summary>
    /// <param name="path">Its path.</param>
    /// <param name="accept">In which form.</param>
    public async Task<JsonObject> ReadAsync(string path, string accept = "application/json")
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, new Uri(path, UriKind.Relative));
        request.Headers.TryAddWithoutValidation("Accept", accept);
        using var response = await SendAsync(request);
        var text = await response.Content.ReadAsStringAsync(TestContext.Current.CancellationToken);
        Assert.True(response.IsSuccessStatusCode, $"GET {path} answered {response.StatusCode}: {text}");
        return JsonNode.Parse(text)!.AsObject();
    }

    /// <summary>Reads a collection as <c>kubectl get</c> does: columns and rows.</summary>
    public Task<JsonObject> TableAsync(string path) => ReadAsync(path, "application/json;as=Table;v=v1;g=meta.k8s.io");

    /// <summary>A token of a service account, as its pod has one.</summary>
    public async Task<string> TokenAsync(string @namespace, string serviceAccount)
    {
        var answer = await CreateAsync($"/api/v1/namespaces/{@namespace}/serviceaccounts/{serviceAccount}/token", "{}");
        return (string)answer["status"]!["token"]!;
    }

    /// <summary>Sends a request as the administrator.</summary>
    public async Task<HttpResponseMessage> SendAsync(
        HttpMethod method,
        string path,
        string? json = null,
        string contentType = "application/json"
    )
    {
        using var request = new HttpRequestMessage(method, new Uri(path, UriKind.Relative));
        request.Content = json is null ? null : new StringContent(json, Encoding.UTF8, contentType);
        return await SendAsync(request);
    }

    private Task<HttpResponseMessage> SendAsync(HttpRequestMessage request)
    {
        request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", AdminToken);
        return _client.SendAsync(request, TestContext.Current.CancellationToken);
    }

    /// <summary>Kills the server; its etcd goes on. Of one's own only, not of the shared one.</summary>
    public async Task StopAsync()
    {
        if (_server is { } server)
        {
            _server = null;
            await server.DisposeAsync();
        }
    }

    /// <summary>Starts the server again, with the same address and data.</summary>
    public async Task RestartAsync()
    {
        await StopAsync();
        _server = LaunchServer();
        await ReadyAsync();
    }

    /// <summary>Lets etcd forget all but the present: older watches and pages of lists cannot go on (410).</summary>
    public async Task CompactAsync()
    {
        // The server's own counter would do, but etcd's is the one that counts: ask it for any key.
        using var client = new HttpClient();
        var current = await AskEtcdAsync(client, "/v3/kv/range", """{"key":"AA=="}""");
        var revision = (string)current["header"]!["revision"]!;
        await AskEtcdAsync(client, "/v3/kv/compaction", $$"""{"revision":"{{revision}}","physical":true}""");
    }

    /// <summary>Writes a kubeconfig for a token.</summary>
    /// <param name="token">The token; the administrator's by default.</param>
    /// <param name="url">Another address, such as that of a relay.</param>
    /// <returns>Its path.</returns>
    public string WriteKubeConfig(string? token = null, string? url = null) =>
        _folder.Write(
            $"{Guid.NewGuid():n}.kubeconfig",
            $$$"""
            apiVersion: v1
            kind: Config
            current-context: test
            clusters: [{name: test, cluster: {server: "{{{url ?? Url}}}", certificate-authority: "{{{CaFile}}}"}}]
            users: [{name: test, user: {token: "{{{token ?? AdminToken}}}"}}]
            contexts: [{name: test, context: {cluster: test, user: test}}]
            """
        );

    /// <summary>Kills server and etcd and removes their data.</summary>
    public async ValueTask DisposeAsync()
    {
        foreach (var process in (ChildProcess?[])[_server, _etcd])
        {
            if (process is not null)
            {
                await process.DisposeAsync();
            }
        }

        _client.Dispose();
        _authority.Dispose();
        _folder.Dispose();
    }

    private async Task<JsonObject> AskEtcdAsync(HttpClient client, string path, string json)
    {
        using var content = new StringContent(json, Encoding.UTF8, "application/json");
        using var response = await client.PostAsync(new Uri(EtcdUrl + path), content, TestContext.Current.CancellationToken);
        var text = await response.Content.ReadAsStringAsync(TestContext.Current.CancellationToken);
        Assert.True(response.IsSuccessStatusCode, $"etcd answered {response.StatusCode} to {path}: {text}");
        return JsonNode.Parse(text)!.AsObject();
    }

    private static async Task<ApiServer> StartAsync(CancellationToken cancellation)
    {
        var server = new ApiServer();
        try
        {
            server.Launch(Environment.GetEnvironmentVariable("KUBEBUILDER_ASSETS")!);
            await server.ReadyAsync();
            cancellation.ThrowIfCancellationRequested();
            return server;
        }
        catch
        {
            await server.DisposeAsync();
            throw;
        }
    }

    private void Launch(string home)
    {
        var etcd = $"http://127.0.0.1:{FreePort.Next()}";
        var peers = $"http://127.0.0.1:{FreePort.Next()}";
        _etcd = ChildProcess.Start(
            Path.Combine(home, "etcd"),
            [
                $"--data-dir={_folder["etcd"]}",
                $"--listen-client-urls={etcd}",
                $"--advertise-client-urls={etcd}",
                $"--listen-peer-urls={peers}",
                $"--initial-advertise-peer-urls={peers}",
                $"--initial-cluster=default={peers}",
                "--unsafe-no-fsync",
                "--log-level=error",
            ]
        );
        using var certificate = _authority.Issue();
        using var key = certificate.GetECDsaPrivateKey()!;
        using var signing = RSA.Create(2048);
        var signingKey = _folder.Write("signing.key", signing.ExportPkcs8PrivateKeyPem());
        EtcdUrl = etcd;
        _serverArguments =
        [
            $"--etcd-servers={etcd}",
            "--bind-address=127.0.0.1",
            $"--secure-port={Port}",
            $"--tls-cert-file={_folder.Write("server.crt", certificate.ExportCertificatePem())}",
            $"--tls-private-key-file={_folder.Write("server.key", key.ExportPkcs8PrivateKeyPem())}",
            $"--token-auth-file={_folder.Write("tokens.csv", $"{AdminToken},admin,admin,system:masters\n")}",
            "--authorization-mode=RBAC",
            $"--service-account-issuer={Url}",
            // By itself it names the machine's address, where it does not listen.
            $"--service-account-jwks-uri={Url}/openid/v1/jwks",
            $"--service-account-signing-key-file={signingKey}",
            $"--service-account-key-file={_folder.Write("signing.pub", signing.ExportSubjectPublicKeyInfoPem())}",
            "--service-cluster-ip-range=10.96.0.0/24",
            "--disable-admission-plugins=ServiceAccount",
            $"--cert-dir={_folder.Path}",
        ];
        _server = LaunchServer();
    }

    private ChildProcess LaunchServer() =>
        ChildProcess.Start(Path.Combine(Environment.GetEnvironmentVariable("KUBEBUILDER_ASSETS")!, "kube-apiserver"), _serverArguments);

    /// <summary>Ready means too that the roles are there by which service accounts may ask how tokens are checked.</summary>
    private Task ReadyAsync() =>
        Eventually.True(
            async () =>
            {
                Assert.False(_etcd!.HasExited, $"etcd ended:\n{_etcd.Text}");
                Assert.False(_server!.HasExited, $"kube-apiserver ended:\n{_server.Text}");
                try
                {
                    using var ready = await SendAsync(HttpMethod.Get, "/readyz");
                    using var roles = await SendAsync(
                        HttpMethod.Get,
                        "/apis/rbac.authorization.k8s.io/v1/clusterrolebindings/system:service-account-issuer-discovery"
                    );
                    return ready.IsSuccessStatusCode && roles.IsSuccessStatusCode;
                }
                catch (HttpRequestException)
                {
                    return false;
                }
            },
            () => $"kube-apiserver to be ready; it printed:\n{_server!.Text}",
            StartDeadline
        );

    private static string Named(string name) => new JsonObject { ["metadata"] = new JsonObject { ["name"] = name } }.ToJsonString();

    private static string? FindSkipReason()
    {
        var home = Environment.GetEnvironmentVariable("KUBEBUILDER_ASSETS");
        if (string.IsNullOrEmpty(home))
        {
            return "KUBEBUILDER_ASSETS does not name a folder with etcd and kube-apiserver.";
        }

        return Array.Find(["etcd", "kube-apiserver"], name => !File.Exists(Path.Combine(home, name))) is { } missing
            ? $"KUBEBUILDER_ASSETS is {home}, which holds no {missing}."
            : null;
    }
}
