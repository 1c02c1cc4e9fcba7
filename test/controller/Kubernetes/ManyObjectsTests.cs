using System.Collections.Concurrent;
using Brokkr.Apis;

namespace Brokkr.Controller.Tests.Kubernetes;

/// <summary>What many objects cost, on a real API server.</summary>
public sealed class ManyObjectsTests
{
    private const string Brokers = "apis/eventing.knative.dev/v1/brokers";
    private const int Count = 1000;

    [Fact]
    public async Task Thousand_objects_cost_a_request_per_page_and_a_change_none()
    {
        await using var cluster = await TestCluster.OwnAsync();
        await Parallel.ForEachAsync(
            Enumerable.Range(0, Count),
            new ParallelOptions { MaxDegreeOfParallelism = 16, CancellationToken = TestContext.Current.CancellationToken },
            async (i, _) => await cluster.CreateAsync(Brokers, $"b{i}", """{"spec":{"delivery":{"retry":1}}}""")
        );
        var store = await cluster.StoreAsync();
        Assert.Equal(Count, store.Objects.Brokers.Count);
        // The version, two pages of Brokers, a list of each of the nine others, and a watch of each of the ten: not more however long it takes to look.
        await Eventually.True(() => cluster.Requests >= 22, "all watches");
        Assert.InRange(cluster.Requests, 22, 23);
        var told = new ConcurrentDictionary<ObjectKey, bool>();
        using var watch = store.WatchObjects(key => told[key] = true);
        await Parallel.ForEachAsync(
            Enumerable.Range(0, Count),
            new ParallelOptions { MaxDegreeOfParallelism = 16, CancellationToken = TestContext.Current.CancellationToken },
            async (i, _) => await cluster.PatchAsync(Brokers, $"b{i}", """{"spec":{"delivery":{"retry":2}}}""")
        );
        await Eventually.True(() => store.Objects.Brokers.Values.All(broker => broker.Spec!.Delivery!.Retry == 2), "every change");
        Assert.Equal(Count, told.Keys.Count(key => key.Kind == "Broker"));
        Assert.InRange(cluster.Requests, 22, 23);
    }
}
