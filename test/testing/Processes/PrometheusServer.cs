using System.Globalization;
using System.Text;
using System.Text.Json;

namespace Brokkr.Testing.Processes;

/// <summary>
/// A real Prometheus that scrapes twice a second. Where the program is missing, the test is skipped.
/// <code>
/// await using var prometheus = await PrometheusServer.StartAsync(("dispatcher", "127.0.0.1:9090"));
/// await prometheus.UntilAsync("sum(brokkr_dispatcher_lag)", value => value == 0);
/// </code>
/// </summary>
public sealed class PrometheusServer : IAsyncDisposable
{
    private readonly TemporaryFolder _folder = new();
    private readonly HttpClient _client = new(new SocketsHttpHandler { UseProxy = false });
    private readonly ChildProcess _process;
    private readonly Uri _url;

    private PrometheusServer((string Job, string Target)[] targets)
    {
        var port = FreePort.Next();
        _url = new Uri($"http://127.0.0.1:{port}");
        var configuration = new StringBuilder("global: {scrape_interval: 500ms, scrape_timeout: 500ms}\nscrape_configs:\n");
        foreach (var (job, target) in targets)
        {
            configuration.Append(CultureInfo.InvariantCulture, $"- {{job_name: {job}, static_configs: [{{targets: ['{target}']}}]}}\n");
        }

        _process = ChildProcess.Start(
            "prometheus",
            [
                $"--config.file={_folder.Write("prometheus.yml", configuration.ToString())}",
                $"--storage.tsdb.path={_folder["data"]}",
                $"--web.listen-address={_url.Authority}",
            ]
        );
    }

    /// <summary>Starts one that scrapes these targets: the name of a job, and host and port.</summary>
    public static async Task<PrometheusServer> StartAsync(params (string Job, string Target)[] targets)
    {
        Needs.Program("prometheus");
        var server = new PrometheusServer(targets);
        await server._process.LineAsync("Server is ready to receive web requests");
        return server;
    }

    /// <summary>The value of a query that has one result; null without a result.</summary>
    public async Task<double?> QueryAsync(string query)
    {
        var url = new Uri(_url, "/api/v1/query?query=" + Uri.EscapeDataString(query));
        using var answer = JsonDocument.Parse(await _client.GetStringAsync(url, TestContext.Current.CancellationToken));
        var results = answer.RootElement.GetProperty("data").GetProperty("result");
        Assert.True(results.GetArrayLength() <= 1, $"{query} has {results.GetArrayLength()} results");
        return results.GetArrayLength() == 0
            ? null
            : double.Parse(results[0].GetProperty("value")[1].GetString()!, CultureInfo.InvariantCulture);
    }

    /// <summary>Waits until the result of a query is right.</summary>
    public async Task UntilAsync(string query, Func<double, bool> isRight)
    {
        double? found = null;
        await Eventually.True(
            async () => (found = await QueryAsync(query)) is { } value && isRight(value),
            () => $"Prometheus to have the right value of {query}; it is {found?.ToString(CultureInfo.InvariantCulture) ?? "absent"}"
        );
    }

    /// <summary>The help texts of all scraped names that begin so, which Prometheus has understood.</summary>
    public async Task<IReadOnlyDictionary<string, string>> HelpAsync(string prefix)
    {
        var url = new Uri(_url, "/api/v1/metadata");
        using var answer = JsonDocument.Parse(await _client.GetStringAsync(url, TestContext.Current.CancellationToken));
        return answer
            .RootElement.GetProperty("data")
            .EnumerateObject()
            .Where(name => name.Name.StartsWith(prefix, StringComparison.Ordinal))
            .ToDictionary(name => name.Name, name => name.Value[0].GetProperty("help").GetString()!, StringComparer.Ordinal);
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        await _process.DisposeAsync();
        _client.Dispose();
        _folder.Dispose();
    }
}
