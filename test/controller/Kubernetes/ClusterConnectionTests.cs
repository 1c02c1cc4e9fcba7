using System.Net;
using System.Text;
using System.Text.Json;
using Brokkr.Apis;
using Brokkr.Controller.Kubernetes;
using Brokkr.Controller.Stores;
using Brokkr.Core.Configuration;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;

namespace Brokkr.Controller.Tests.Kubernetes;

/// <summary>How the API server is reached, and the parts of which that is made.</summary>
public sealed class ClusterConnectionTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Server_that_is_too_old_is_refused()
    {
        await using var cluster = await TestCluster.SharedAsync();
        var refused = await Assert.ThrowsAsync<ConfigurationException>(() =>
            cluster.ConnectAsync(cluster.Options() with { MinimumVersion = "v1.99.0" })
        );
        Assert.Contains("has version \"v1.35", refused.Message);
        Assert.Contains("at least v1.99.0 is needed", refused.Message);
    }

    [Fact]
    public async Task Certificate_for_another_name_is_refused_although_its_authority_is_trusted()
    {
        await using var cluster = await TestCluster.SharedAsync();
        // The certificate names localhost and 127.0.0.1, and this is the same machine.
        var refused = await Assert.ThrowsAsync<StoreException>(() =>
            cluster.ConnectAsync(cluster.Options(url: $"https://127.0.0.2:{cluster.Api.Port}"))
        );
        Assert.Equal(StoreFailure.Unavailable, refused.Failure);
    }

    [Fact]
    public async Task Missing_or_broken_kubeconfig_and_wrong_token_are_said()
    {
        using var folder = new TemporaryFolder();
        var options = new ClusterOptions { SystemNamespace = "x", KubeConfig = folder["missing"] };
        var missing = await Assert.ThrowsAsync<ConfigurationException>(() => ConnectAsync(options));
        Assert.Contains("There is no kubeconfig", missing.Message);
        var broken = await Assert.ThrowsAsync<ConfigurationException>(() =>
            ConnectAsync(options with { KubeConfig = folder.Write("broken", "apiVersion: [") })
        );
        Assert.Contains("cannot be used", broken.Message);
        await using var cluster = await TestCluster.SharedAsync();
        var refused = await Assert.ThrowsAsync<StoreException>(() => cluster.ConnectAsync(cluster.Options(token: "wrong")));
        Assert.Equal(StoreFailure.Forbidden, refused.Failure);
        Assert.Contains("The credentials were not accepted", refused.Message);
    }

    [Fact]
    public void Environment_sets_rate_burst_and_version()
    {
        var values = new Dictionary<string, string>(StringComparer.Ordinal)
        {
            ["SYSTEM_NAMESPACE"] = "knative-eventing",
            ["KUBECONFIG"] = "/a",
            ["KUBE_API_QPS"] = "12.5",
            ["KUBE_API_BURST"] = "25",
            ["KUBERNETES_MIN_VERSION"] = "v1.19.0",
        };
        var reader = new EnvironmentReader(name => values.GetValueOrDefault(name));
        var options = ClusterOptions.From(reader);
        Assert.Empty(reader.Problems);
        Assert.Equal(
            ("knative-eventing", "/a", 12.5, 25, "v1.19.0"),
            (options.SystemNamespace, options.KubeConfig, options.RequestsPerSecond, options.Burst, options.MinimumVersion)
        );
        values["KUBE_API_QPS"] = "fast";
        values["KUBERNETES_MIN_VERSION"] = "latest";
        var bad = new EnvironmentReader(name => values.GetValueOrDefault(name));
        _ = ClusterOptions.From(bad);
        Assert.Equal(2, bad.Problems.Count);
    }

    [Theory]
    [InlineData("v1.35.4", "1.35.4")]
    [InlineData("v1.34.1-gke.100", "1.34.1")]
    [InlineData("v1.34.0+k3s1", "1.34.0")]
    [InlineData("latest", null)]
    [InlineData("v1.34", null)]
    public void Versions_are_read_as_distributions_write_them(string text, string? numbers) =>
        Assert.Equal(numbers, ServerVersion.Parse(text)?.ToString());

    [Theory]
    [InlineData("9", "10", true)]
    [InlineData("10", "9", false)]
    [InlineData("10", "10", false)]
    [InlineData("x", "10", false)]
    [InlineData("99999999999999999999998", "99999999999999999999999", true)]
    public void Resource_versions_are_compared_as_numbers(string version, string than, bool isOlder) =>
        Assert.Equal(isOlder, ResourceVersion.IsOlder(version, than));

    [Fact]
    public async Task Requests_beyond_the_burst_wait_for_their_turn()
    {
        var time = new FakeTimeProvider();
        var bucket = new TokenBucket(2, 3, time);
        for (var i = 0; i < 3; i++)
        {
            Assert.True(bucket.WaitAsync(Token).AsTask().IsCompleted);
        }

        var fourth = bucket.WaitAsync(Token).AsTask();
        var fifth = bucket.WaitAsync(Token).AsTask();
        time.Advance(TimeSpan.FromMilliseconds(500));
        await Eventually.Completes(fourth, "the fourth");
        Assert.False(fifth.IsCompleted);
        time.Advance(TimeSpan.FromMilliseconds(500));
        await Eventually.Completes(fifth, "the fifth");
    }

    /// <summary>However the answer is cut into pieces on its way.</summary>
    [Theory]
    [InlineData(1)]
    [InlineData(7)]
    [InlineData(100_000)]
    public async Task List_is_read_item_by_item_whatever_pieces_it_comes_in(int piece)
    {
        const string text = """
            {"kind":"BrokerList","metadata":{"resourceVersion":"12","continue":"next","x":{"items":[1]}},"items":[
             {"metadata":{"name":"a","namespace":"n","resourceVersion":"1"},"spec":{"delivery":{"retry":1}}},
             {"metadata":{"name":"b","namespace":"n","resourceVersion":"2"},"spec":{"delivery":{"retry":"one"}}},
             {"metadata":{"name":"c","namespace":"n","annotations":{"kubectl.kubernetes.io/last-applied-configuration":"{}","k":"v"}}}
            ],"tail":{"a":[{}]}}
            """;
        var items = new List<Decoded<Broker>>();
        var decoder = new Decoder<Broker>(ApiResource.Brokers, ApisJson.Default.Broker);
        await using var stream = new Pieces(Encoding.UTF8.GetBytes(text), piece);
        var meta = await ListReader<Broker>.ReadAsync(stream, decoder, items, Token);
        Assert.Equal(("12", "next"), (meta.ResourceVersion, meta.Continue));
        Assert.Equal(["a", "b", "c"], items.Select(item => item.Name.Name));
        Assert.Equal(1, items[0].Object!.Spec!.Delivery!.Retry);
        Assert.Equal(("Broker", "eventing.knative.dev/v1"), (items[0].Object!.Kind, items[0].Object!.ApiVersion));
        Assert.Null(items[1].Object);
        Assert.Equal("spec.delivery.retry: is not of the type it should have", items[1].Problem);
        Assert.Equal(["k"], items[2].Object!.Metadata!.Annotations!.Keys);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(13)]
    public async Task Watch_is_read_line_by_line_whatever_pieces_it_comes_in(int piece)
    {
        const string text =
            """{"object":{"metadata":{"name":"a","resourceVersion":"3"}},"type":"ADDED"}"""
            + "\n"
            + """{"type":"BOOKMARK","object":{"kind":"Broker","metadata":{"resourceVersion":"4"}}}"""
            + "\n"
            + """{"type":"ERROR","object":{"kind":"Status","code":410,"reason":"Expired"}}"""
            + "\n";
        var decoder = new Decoder<Broker>(ApiResource.Brokers, ApisJson.Default.Broker);
        await using var stream = new Pieces(Encoding.UTF8.GetBytes(text), piece);
        var events = new List<WatchEvent<Broker>>();
        await foreach (var told in WatchReader.ReadAsync(stream, decoder, Token))
        {
            events.Add(told);
        }

        Assert.Equal([WatchEventType.Set, WatchEventType.Bookmark, WatchEventType.Error], events.Select(told => told.Type));
        Assert.Equal(("a", "3"), (events[0].Item.Name.Name, events[0].Item.ResourceVersion));
        Assert.Equal("4", events[1].Item.ResourceVersion);
        Assert.Equal(410, events[2].Status!.Code);
    }

    [Theory]
    [InlineData(409, """{"message":"changed","reason":"Conflict"}""", StoreFailure.Conflict)]
    [InlineData(422, """{"message":"spec: bad"}""", StoreFailure.Invalid)]
    [InlineData(400, """{"message":"admission webhook \"w\" denied the request: no"}""", StoreFailure.Invalid)]
    [InlineData(403, """{"message":"admission webhook \"w\" denied the request: no"}""", StoreFailure.Invalid)]
    [InlineData(403, """{"message":"not allowed"}""", StoreFailure.Forbidden)]
    [InlineData(413, "too large", StoreFailure.Invalid)]
    [InlineData(500, """{"message":"failed calling webhook"}""", StoreFailure.Unavailable)]
    [InlineData(504, "", StoreFailure.Unavailable)]
    public void Answers_are_told_apart(int status, string body, StoreFailure failure)
    {
        var call = ApiCall.About(HttpMethod.Patch, "patch", ApiResource.Brokers, "n", "b");
        Assert.Equal(failure, ApiFailure.Of(call, (HttpStatusCode)status, null, Encoding.UTF8.GetBytes(body)).Failure);
    }

    private static Task<ClusterConnection> ConnectAsync(ClusterOptions options) =>
        ClusterConnection.ConnectAsync(options, TimeProvider.System, NullLoggerFactory.Instance, Token);

    /// <summary>Gives its bytes in pieces.</summary>
    private sealed class Pieces(byte[] bytes, int size) : MemoryStream(bytes)
    {
        public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default) =>
            base.ReadAsync(buffer[..Math.Min(size, buffer.Length)], cancellationToken);
    }
}
