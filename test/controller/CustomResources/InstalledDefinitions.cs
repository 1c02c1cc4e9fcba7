using Brokkr.Controller.Folders;
using Brokkr.Testing.Kubernetes;

namespace Brokkr.Controller.Tests.CustomResources;

/// <summary>An API server of its own with our definitions: others may want to install other ones.</summary>
public sealed class InstalledDefinitions : IAsyncDisposable
{
    public const string Path = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions";

    private static readonly string[] Files =
    [
        "kafkasinks.yaml",
        "eventing/brokers.yaml",
        "eventing/eventpolicies.yaml",
        "eventing/triggers.yaml",
    ];

    private readonly Lazy<Task<ApiServer>> _installed;
    private ApiServer? _server;

    public InstalledDefinitions() => _installed = new Lazy<Task<ApiServer>>(InstallAsync);

    /// <summary>The server. Skips the test where there is none.</summary>
    public Task<ApiServer> ServerAsync() => _installed.Value;

    public ValueTask DisposeAsync() => _server?.DisposeAsync() ?? ValueTask.CompletedTask;

    private async Task<ApiServer> InstallAsync()
    {
        var api = _server = await ApiServer.StartAsync();
        foreach (var file in Files)
        {
            var text = await File.ReadAllTextAsync(System.IO.Path.Combine(Repository.Root, "control-plane", "config", "crds", file));
            var definition = Assert.Single(YamlReader.Read(text)).Json!.AsObject();
            await api.CreateAsync(Path, definition.ToJsonString());
            var name = (string)definition["metadata"]!["name"]!;
            await Eventually.True(
                async () =>
                {
                    var stored = await api.ReadAsync($"{Path}/{name}");
                    return stored["status"]
                            ?["conditions"]?.AsArray()
                            .Any(condition => (string)condition!["type"]! is "Established" && (string)condition["status"]! is "True")
                        == true;
                },
                $"{name} to be established"
            );
        }

        // Established says that it is stored; it is served a moment later.
        foreach (var path in new[] { "v1alpha1/kafkasinks", "v1/brokers", "v1/triggers", "v1alpha1/eventpolicies" })
        {
            await Eventually.True(
                async () =>
                {
                    using var answer = await api.SendAsync(HttpMethod.Get, $"/apis/eventing.knative.dev/{path}");
                    return answer.IsSuccessStatusCode;
                },
                $"{path} to be served"
            );
        }

        return api;
    }
}

/// <summary>The tests that share such a server.</summary>
[CollectionDefinition(Name)]
public sealed class DefinitionsCollection : ICollectionFixture<InstalledDefinitions>
{
    public const string Name = "API server with our definitions";
}
