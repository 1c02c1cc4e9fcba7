using System.Collections.Concurrent;
using System.Globalization;
using System.Text;
using System.Text.Json.Nodes;
using Brokkr.Kubernetes.Api;
using Brokkr.Kubernetes.Contract;
using Brokkr.Kubernetes.Reports;
using Brokkr.Testing;
using Brokkr.Testing.Http;
using Brokkr.Testing.Kubernetes;

namespace Brokkr.Kubernetes.Tests.Contract;

/// <summary>The contract in the ConfigMaps of a real API server, and of one that ends watches in every way.</summary>
public sealed class ContractConfigMapsTests : IDisposable
{
    private const string Label = "kafka.eventing.knative.dev/contract";

    private readonly TemporaryFolder _account = new();
    private readonly LogLines _log = new();
    private readonly List<ApiConnection> _connections = [];
    private readonly ConcurrentQueue<AppliedContract> _applied = new();

    public void Dispose()
    {
        _connections.ForEach(static connection => connection.Dispose());
        _account.Dispose();
    }

    [Fact]
    public async Task ConfigMaps_come_change_and_go_and_the_Pod_says_what_is_in_force()
    {
        var (api, @namespace, connection) = await ServerAsync();
        await api.CreateAsync(
            $"/api/v1/namespaces/{@namespace}/pods",
            """{"metadata":{"name":"receiver-0"},"spec":{"containers":[{"name":"c","image":"i"}]}}"""
        );
        await PutAsync(api, @namespace, "one", "a");
        await PutAsync(api, @namespace, "sink", "not-ours", label: "sink");
        await using var condition = new PodCondition(connection, @namespace, "receiver-0", TimeProvider.System, _log);
        await using var source = Source(connection, @namespace, condition.Report);
        source.Start();
        await UidsAsync(source, "a");
        await ReportedAsync(api, @namespace, await PutAsync(api, @namespace, "two", "b"));
        await UidsAsync(source, "a", "b");
        var changed = await PutAsync(api, @namespace, "one", "c");
        await UidsAsync(source, "b", "c");
        await ReportedAsync(api, @namespace, changed);

        // One that cannot be used is told, and does not keep the others from being in force.
        await api.PutConfigMapAsync(@namespace, "two", "data", "{"u8.ToArray(), (Label, "broker"));
        await api.DeleteAsync($"/api/v1/namespaces/{@namespace}/configmaps/one");
        await UidsAsync(source, "b");
        await Eventually.True(
            async () => (string?)(await ConditionAsync(api, @namespace))?["reason"] == "PartlyApplied",
            "the broken one is told"
        );
        await ReportedAsync(api, @namespace, await PutAsync(api, @namespace, "two", "d"));
        Assert.Equal("Applied", (string?)(await ConditionAsync(api, @namespace))!["reason"]);
        await UidsAsync(source, "d");
    }

    [Fact]
    public async Task Without_the_rights_it_is_said_which_are_missing()
    {
        var api = await ApiServer.SharedAsync();
        var @namespace = await api.CreateNamespaceAsync();
        await api.CreateServiceAccountAsync(@namespace, "plane");
        await api.WriteAccountAsync(_account, @namespace, "plane");
        var connection = Connection(ApiServerOptions.InPod(api.Host, int.Parse(api.Port, CultureInfo.InvariantCulture), _account.Path));
        await using var source = Source(connection, @namespace);
        await using var condition = new PodCondition(connection, @namespace, "receiver-0", TimeProvider.System, _log);
        source.Start();
        condition.Report(new AppliedContract("1", []));
        await Eventually.True(
            () => _log.Lines.Any(static line => line.EndsWith("grant list and watch on configmaps", StringComparison.Ordinal)),
            "list"
        );
        await Eventually.True(
            () => _log.Lines.Any(static line => line.EndsWith("grant patch on pods/status", StringComparison.Ordinal)),
            "patch"
        );
        Assert.Null(source.Current);
    }

    /// <summary>A version that is too old leads to a new list, of which only what changed is decoded; a burst becomes few contracts.</summary>
    [Fact]
    public async Task A_watch_that_expires_or_breaks_is_taken_up_again_and_nothing_is_missed()
    {
        await using var server = await Subscriber.StartAsync();
        var list = 0;
        server.Otherwise(request =>
        {
            if (!request.Path.Contains("watch=true", StringComparison.Ordinal))
            {
                return ++list switch
                {
                    1 => Json(List("10", Item("one", "9", "a"))),
                    2 => Json(List("20", Item("one", "9", "a"), Item("two", "15", "b"))),
                    _ => Json(List("40", Item("two", "15", "b"), Item("three", "35", "c"))),
                };
            }

            return request.Path.Contains("resourceVersion=10&", StringComparison.Ordinal) ? Answer.Status(410)
                : request.Path.Contains("resourceVersion=20&", StringComparison.Ordinal)
                    ? Json(
                        """
                        {"type":"BOOKMARK","object":{"metadata":{"resourceVersion":"30"}}}
                        {"type":"SOMETHING","object":{}}
                        {"type":"ERROR","object":{"kind":"Status","code":410,"message":"too old resource version"}}

                        """
                    )
                : Answer.Never;
        });
        var connection = Connection(new ApiServerOptions { Address = new Uri(server.Url) });
        await using var source = Source(connection, "ns", _applied.Enqueue);
        source.Start();
        await UidsAsync(source, "b", "c");
        Assert.Equal(3, list);
        Assert.Equal(3, source.Decoded);
        await Eventually.True(() => _applied.LastOrDefault().ResourceVersion == "40", "the last version is applied");
        Assert.All(
            _applied.Zip(_applied.Skip(1)),
            static pair =>
                Assert.True(
                    int.Parse(pair.First.ResourceVersion, CultureInfo.InvariantCulture)
                        <= int.Parse(pair.Second.ResourceVersion, CultureInfo.InvariantCulture)
                )
        );
        Assert.DoesNotContain(_log.Lines, static line => line.Contains("cannot be followed", StringComparison.Ordinal));
    }

    [Fact]
    public async Task The_last_state_stays_while_the_server_is_away_and_the_next_one_comes_when_it_is_back()
    {
        var port = FreePort.Next();
        var connection = Connection(new ApiServerOptions { Address = new Uri($"http://127.0.0.1:{port}") });
        await using var source = Source(connection, "ns");
        await using (var server = await Subscriber.StartAsync(port: port))
        {
            server.Otherwise(request =>
                request.Path.Contains("watch=true", StringComparison.Ordinal) ? Answer.Never : Json(List("10", Item("one", "9", "a")))
            );
            source.Start();
            await UidsAsync(source, "a");
        }

        await Eventually.True(
            () => _log.Lines.Any(static line => line.Contains("the last state stays in force", StringComparison.Ordinal)),
            "it is told"
        );
        await UidsAsync(source, "a");
        await using var back = await Subscriber.StartAsync(port: port);
        back.Otherwise(request =>
            request.Path.Contains("resourceVersion=10&", StringComparison.Ordinal)
                ? Json("""{"type":"DELETED","object":{"metadata":{"name":"one","resourceVersion":"11"}}}""" + "\n")
            : request.Path.Contains("watch=true", StringComparison.Ordinal) ? Answer.Never
            : Json(List("10", Item("one", "9", "a")))
        );
        await UidsAsync(source);
        Assert.Single(_log.Lines, static line => line.Contains("cannot be followed", StringComparison.Ordinal));
    }

    private static Answer Json(string text) =>
        Answer.Ok with
        {
            Headers = [("content-type", "application/json")],
            Body = Encoding.UTF8.GetBytes(text),
        };

    private static string List(string version, params IEnumerable<string> items) =>
        $$$"""{"metadata":{"resourceVersion":"{{{version}}}"},"items":[{{{string.Join(',', items)}}}]}""";

    private static string Item(string name, string version, string uid) =>
        $$$"""{"metadata":{"name":"{{{name}}}","uid":"{{{name}}}","resourceVersion":"{{{version}}}"},"binaryData":{"data":"{{{Convert.ToBase64String(Content(uid))}}}"}}""";

    private static byte[] Content(string uid) =>
        Encoding.UTF8.GetBytes(
            $$"""
            {"generation":"1","resources":[{"uid":"{{uid}}"}]}
            """
        );

    private static Task UidsAsync(ContractConfigMaps source, params string[] uids) =>
        Eventually.True(
            () =>
                source.Current?.Resources.Select(static resource => resource.Uid).Order(StringComparer.Ordinal).SequenceEqual(uids) == true,
            () => $"the resources {string.Join(' ', uids)} instead of {source.Current}"
        );

    private static async Task<string> PutAsync(ApiServer api, string @namespace, string name, string uid, string label = "broker") =>
        (string)(await api.PutConfigMapAsync(@namespace, name, "data", Content(uid), (Label, label)))["metadata"]!["resourceVersion"]!;

    private static async Task<JsonNode?> ConditionAsync(ApiServer api, string @namespace)
    {
        using var answer = await api.SendAsync(HttpMethod.Get, $"/api/v1/namespaces/{@namespace}/pods/receiver-0");
        var pod = JsonNode.Parse(await answer.Content.ReadAsStringAsync(TestContext.Current.CancellationToken))!;
        return pod["status"]?["conditions"]?.AsArray().FirstOrDefault(static condition => (string?)condition!["type"] == PodCondition.Type);
    }

    /// <summary>Versions of one kind of objects compare as numbers.</summary>
    private static Task ReportedAsync(ApiServer api, string @namespace, string version) =>
        Eventually.True(
            async () =>
                await ConditionAsync(api, @namespace) is { } condition
                && (string?)condition["status"] == "True"
                && ulong.Parse((string)condition["message"]!, CultureInfo.InvariantCulture)
                    >= ulong.Parse(version, CultureInfo.InvariantCulture),
            $"the Pod reports {version}"
        );

    private async Task<(ApiServer Api, string Namespace, ApiConnection Connection)> ServerAsync()
    {
        var api = await ApiServer.SharedAsync();
        var @namespace = await api.CreateNamespaceAsync();
        await api.CreateServiceAccountAsync(@namespace, "plane");
        await api.AllowAsync(@namespace, "plane", "configmaps", "list", "watch");
        await api.AllowAsync(@namespace, "plane", "pods/status", "patch");
        await api.WriteAccountAsync(_account, @namespace, "plane");
        var connection = Connection(ApiServerOptions.InPod(api.Host, int.Parse(api.Port, CultureInfo.InvariantCulture), _account.Path));
        await Eventually.True(
            async () =>
                (
                    await connection.SendAsync(
                        HttpMethod.Get,
                        $"api/v1/namespaces/{@namespace}/configmaps",
                        null,
                        ApiJson.Default.ConfigMapList,
                        TestContext.Current.CancellationToken
                    )
                ).Problem
                    is null,
            "the rights take effect"
        );
        return (api, @namespace, connection);
    }

    private ContractConfigMaps Source(ApiConnection connection, string @namespace, Action<AppliedContract>? applied = null) =>
        new(
            connection,
            new ContractConfigMapsOptions { Namespace = @namespace, LabelSelector = $"{Label} in (broker,trust-bundles)" },
            TimeProvider.System,
            _log,
            applied
        );

    private ApiConnection Connection(ApiServerOptions options)
    {
        var connection = new ApiConnection(options, TimeProvider.System);
        _connections.Add(connection);
        return connection;
    }
}
