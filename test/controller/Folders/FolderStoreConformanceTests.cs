using System.Text.Json.Nodes;
using Brokkr.Controller.Folders;
using Microsoft.Extensions.Logging.Abstractions;

namespace Brokkr.Controller.Tests.Folders;

/// <summary>The store on a folder.</summary>
public sealed class FolderStoreConformanceTests : StoreConformance
{
    private readonly TemporaryFolder _folder = new();
    private FolderStore _store = null!;

    public override async ValueTask InitializeAsync()
    {
        var options = new FolderOptions
        {
            Path = _folder.Path,
            BaseAddress = new Uri("http://localhost:8080"),
            DefaultBootstrapServers = "embedded",
            QuietTime = TimeSpan.FromMilliseconds(20),
            RescanInterval = TimeSpan.FromMilliseconds(200),
        };
        Store = _store = new FolderStore(options, TimeProvider.System, NullLoggerFactory.Instance);
        await _store.StartAsync(TestContext.Current.CancellationToken);
    }

    public override async ValueTask DisposeAsync()
    {
        await _store.DisposeAsync();
        _folder.Dispose();
    }

    protected override Task PutAsync(JsonObject manifest)
    {
        // JSON is YAML.
        _folder.Write(FileOf((string)manifest["kind"]!, (string)manifest["metadata"]!["name"]!), manifest.ToJsonString());
        return Task.CompletedTask;
    }

    protected override Task DeleteAsync(string kind, string name)
    {
        File.Delete(_folder[FileOf(kind, name)]);
        return Task.CompletedTask;
    }

    private static string FileOf(string kind, string name) => $"{kind}-{name}.yaml";
}
