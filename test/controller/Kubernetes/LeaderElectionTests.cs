using System.Collections.Concurrent;
using System.Text.Json.Nodes;
using Brokkr.Controller.Kubernetes;
using Brokkr.Core.Configuration;

namespace Brokkr.Controller.Tests.Kubernetes;

/// <summary>Which of several controllers works, on a real API server. Covers KBR-35.</summary>
public sealed class LeaderElectionTests
{
    private const string Leases = "apis/coordination.k8s.io/v1/leases";

    [Fact]
    public async Task Leader_holds_all_leases_of_the_original_and_gives_them_up_when_it_ends()
    {
        await using var cluster = await TestCluster.SharedAsync();
        await using var first = await Candidate.StartAsync(cluster, "first");
        await first.LeadsAsync();
        var held = (await cluster.ReadAsync(Leases))["items"]!.AsArray();
        Assert.Equal(
            [
                "kafka-broker-controller.knative.dev.eventing-kafka-broker.control-plane.pkg.reconciler.broker.namespacedreconciler.00-of-01",
                "kafka-broker-controller.knative.dev.eventing-kafka-broker.control-plane.pkg.reconciler.broker.reconciler.00-of-01",
                "kafka-broker-controller.knative.dev.eventing-kafka-broker.control-plane.pkg.reconciler.sink.reconciler.00-of-01",
                "kafka-broker-controller.knative.dev.eventing-kafka-broker.control-plane.pkg.reconciler.trigger.namespacedreconciler.00-of-01",
                "kafka-broker-controller.knative.dev.eventing-kafka-broker.control-plane.pkg.reconciler.trigger.v2.reconciler.00-of-01",
            ],
            held.Select(lease => (string)lease!["metadata"]!["name"]!)
        );
        Assert.All(held, lease => Assert.Equal("first", Holder(lease)));
        await using var second = await Candidate.StartAsync(cluster, "second");
        await Eventually.True(() => cluster.Log.With("is held by first").Length > 0, "the second to wait");
        Assert.False(second.IsLeading);
        await first.StopAsync();
        await second.LeadsAsync();
        Assert.False(first.IsLeading);
        await second.StopAsync();
        held = (await cluster.ReadAsync(Leases))["items"]!.AsArray();
        Assert.All(held, lease => Assert.Equal("", Holder(lease)));
    }

    [Fact]
    public async Task Leader_that_is_cut_off_stops_before_another_begins_and_competes_again()
    {
        await using var cluster = await TestCluster.SharedAsync();
        await using var relay = new TcpRelay(int.Parse(cluster.Api.Port));
        var order = new ConcurrentQueue<string>();
        await using var first = await Candidate.StartAsync(
            cluster,
            "first",
            order,
            cluster.Options(url: $"https://127.0.0.1:{relay.Port}")
        );
        await first.LeadsAsync();
        await using var second = await Candidate.StartAsync(cluster, "second", order);
        relay.Cut();
        await second.LeadsAsync();
        Assert.Equal(["first begins", "first ends", "second begins"], order);
        relay.Mend();
        await second.StopAsync();
        await first.LeadsAsync();
        Assert.Equal(["first begins", "first ends", "second begins", "second ends", "first begins"], order);
    }

    [Fact]
    public async Task Leader_from_whom_one_lease_is_taken_stops_and_leads_again_when_it_is_free()
    {
        await using var cluster = await TestCluster.SharedAsync();
        var order = new ConcurrentQueue<string>();
        await using var candidate = await Candidate.StartAsync(cluster, "first", order);
        await candidate.LeadsAsync();
        var lease = candidate.Options.Leases[^1];
        await cluster.PatchAsync(Leases, lease, """{"spec":{"holderIdentity":"thief","leaseDurationSeconds":1}}""");
        await Eventually.True(() => order.Contains("first ends"), "the work to stop");
        await Eventually.True(() => order.Count == 3, "to lead again");
        Assert.Equal(["first begins", "first ends", "first begins"], order);
        var after = await cluster.ReadAsync(Leases, lease);
        Assert.Equal("first", Holder(after));
        Assert.Equal(1, (int)after["spec"]!["leaseTransitions"]!);
    }

    [Fact]
    public async Task Nothing_is_held_for_long_by_who_cannot_have_all()
    {
        await using var cluster = await TestCluster.SharedAsync();
        var options = LeaderElectionOptions.From(new Dictionary<string, string>(), "");
        var names = options.Leases.Order(StringComparer.Ordinal).ToArray();
        // The original has one of them, and renews it.
        await using var original = await Candidate.StartAsync(cluster, "original", adjust: all => all with { Leases = [names[^1]] });
        await original.LeadsAsync();
        await using var ours = await Candidate.StartAsync(
            cluster,
            "ours",
            adjust: all => all with { LeaseDuration = TimeSpan.FromSeconds(1), RenewDeadline = TimeSpan.FromMilliseconds(900) }
        );
        await Eventually.True(
            async () =>
                (await cluster.ReadAsync(Leases))["items"]!
                    .AsArray()
                    .Any(lease => (string)lease!["metadata"]!["name"]! == names[0] && Holder(lease).Length == 0),
            "the first lease to be given up"
        );
        Assert.False(ours.IsLeading);
        await original.StopAsync();
        await ours.LeadsAsync();
    }

    [Fact]
    public async Task Work_that_fails_ends_the_election_and_frees_the_leases()
    {
        await using var cluster = await TestCluster.SharedAsync();
        var options = Candidate.Short(LeaderElectionOptions.From(new Dictionary<string, string>(), ""), "first");
        var election = new LeaderElection(await cluster.ConnectAsync(), options, cluster.Loggers);
        var failure = await Assert.ThrowsAsync<InvalidOperationException>(() =>
            election.RunAsync(_ => throw new InvalidOperationException("broken"), TestContext.Current.CancellationToken)
        );
        Assert.Equal("broken", failure.Message);
        Assert.All((await cluster.ReadAsync(Leases))["items"]!.AsArray(), lease => Assert.Equal("", Holder(lease)));
    }

    [Fact]
    public async Task Settings_are_read_from_the_ConfigMap_and_without_it_the_defaults_hold()
    {
        await using var cluster = await TestCluster.SharedAsync();
        var connection = await cluster.ConnectAsync();
        var token = TestContext.Current.CancellationToken;
        var options = await LeaderElectionOptions.ReadAsync(connection, LeaderElectionOptions.DefaultConfigMap, token);
        Assert.Equal((60, 40, 10), Seconds(options));
        await cluster.CreateAsync(
            "api/v1/configmaps",
            LeaderElectionOptions.DefaultConfigMap,
            """{"data":{"leaseDuration":"15s","renewDeadline":"10s","retryPeriod":"2s"}}"""
        );
        options = await LeaderElectionOptions.ReadAsync(connection, LeaderElectionOptions.DefaultConfigMap, token);
        Assert.Equal((15, 10, 2), Seconds(options));
    }

    [Fact]
    public void Newer_spelling_wins_and_buckets_and_prefixes_make_names()
    {
        var options = LeaderElectionOptions.From(
            new Dictionary<string, string>
            {
                ["lease-duration"] = "1m30s",
                ["leaseDuration"] = "15s",
                ["buckets"] = "2",
                [
                    "map-lease-prefix.kafka-broker-controller.knative.dev.eventing-kafka-broker.control-plane.pkg.reconciler.sink.Reconciler"
                ] = "Sinks",
            },
            "ConfigMap x/y"
        );
        Assert.Equal(90, options.LeaseDuration.TotalSeconds);
        Assert.Equal(10, options.Leases.Count);
        Assert.Contains("sinks.00-of-02", options.Leases);
        Assert.Contains("sinks.01-of-02", options.Leases);
        Assert.Matches("^[^_]+_[0-9a-f-]{36}$", options.Identity);
    }

    [Theory]
    [InlineData("buckets", "0", "buckets is \"0\": set it to a number from 1 to 10.")]
    [InlineData("buckets", "11", "buckets is \"11\"")]
    [InlineData("retry-period", "soon", "retry-period is \"soon\": set it to a duration such as 15s.")]
    [InlineData("renew-deadline", "60s", "lease-duration must be more than renew-deadline")]
    public void Settings_that_cannot_be_used_are_refused(string name, string value, string problem)
    {
        var refused = Assert.Throws<ConfigurationException>(() =>
            LeaderElectionOptions.From(new Dictionary<string, string> { [name] = value }, "ConfigMap x/y")
        );
        Assert.StartsWith("ConfigMap x/y: ", refused.Message);
        Assert.Contains(problem, refused.Message);
    }

    private static (double, double, double) Seconds(LeaderElectionOptions options) =>
        (options.LeaseDuration.TotalSeconds, options.RenewDeadline.TotalSeconds, options.RetryPeriod.TotalSeconds);

    private static string Holder(JsonNode? lease) => (string)lease!["spec"]!["holderIdentity"]!;

    /// <summary>A process that would lead.</summary>
    private sealed class Candidate : IAsyncDisposable
    {
        private readonly CancellationTokenSource _stop = new();
        private readonly Task _running;
        private volatile bool _isLeading;

        private Candidate(LeaderElection election, LeaderElectionOptions options, ConcurrentQueue<string>? order)
        {
            Options = options;
            _running = election.RunAsync(
                async token =>
                {
                    order?.Enqueue($"{options.Identity} begins");
                    _isLeading = true;
                    try
                    {
                        await Task.Delay(Timeout.InfiniteTimeSpan, TimeProvider.System, token);
                    }
                    finally
                    {
                        _isLeading = false;
                        order?.Enqueue($"{options.Identity} ends");
                    }
                },
                _stop.Token
            );
        }

        public LeaderElectionOptions Options { get; }

        public bool IsLeading => _isLeading;

        public static async Task<Candidate> StartAsync(
            TestCluster cluster,
            string identity,
            ConcurrentQueue<string>? order = null,
            ClusterOptions? connection = null,
            Func<LeaderElectionOptions, LeaderElectionOptions>? adjust = null
        )
        {
            var options = Short(LeaderElectionOptions.From(new Dictionary<string, string>(), ""), identity);
            options = adjust?.Invoke(options) ?? options;
            return new Candidate(new LeaderElection(await cluster.ConnectAsync(connection), options, cluster.Loggers), options, order);
        }

        public static LeaderElectionOptions Short(LeaderElectionOptions options, string identity) =>
            options with
            {
                Identity = identity,
                LeaseDuration = TimeSpan.FromSeconds(5),
                RenewDeadline = TimeSpan.FromSeconds(3),
                RetryPeriod = TimeSpan.FromMilliseconds(200),
            };

        public Task LeadsAsync() =>
            Eventually.True(
                () =>
                {
                    Assert.False(_running.IsCompleted, $"{Options.Identity} ended: {_running.Exception}");
                    return IsLeading;
                },
                $"{Options.Identity} to lead"
            );

        public async Task StopAsync()
        {
            await _stop.CancelAsync();
            await Assert.ThrowsAnyAsync<OperationCanceledException>(() => _running);
        }

        public async ValueTask DisposeAsync()
        {
            await _stop.CancelAsync();
            await _running.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            _stop.Dispose();
        }
    }
}
