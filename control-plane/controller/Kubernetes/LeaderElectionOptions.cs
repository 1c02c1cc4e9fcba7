using System.Collections.Immutable;
using System.Globalization;
using System.Text.Json;
using Brokkr.Apis;
using Brokkr.Controller.Stores;
using Brokkr.Core.Configuration;

namespace Brokkr.Controller.Kubernetes;

/// <summary>
/// How one of several controllers is chosen (control-plane §1.1, 3.2). The leases have the original's names, so that during an upgrade no two controllers ever
/// work on the same objects.
/// </summary>
public sealed record LeaderElectionOptions
{
    /// <summary>The ConfigMap of the system namespace with the settings, where <c>CONFIG_LEADERELECTION_NAME</c> names no other.</summary>
    public const string DefaultConfigMap = "config-kafka-leader-election";

    private const string PrefixMapping = "map-lease-prefix.";

    private const string Original = "kafka-broker-controller.knative.dev.eventing-kafka-broker.control-plane.pkg.reconciler.";

    /// <summary>The original's controllers of Brokers, Triggers and KafkaSinks: its component with the name of each queue.</summary>
    public static IReadOnlyList<string> OriginalPrefixes { get; } =
    [
        Original + "broker.Reconciler",
        Original + "broker.NamespacedReconciler",
        Original + "trigger.v2.Reconciler",
        Original + "trigger.NamespacedReconciler",
        Original + "sink.Reconciler",
    ];

    /// <summary>Names of the leases, all of which the leader holds. At least one.</summary>
    public required IReadOnlyList<string> Leases { get; init; }

    /// <summary>Who competes: <c>&lt;hostname&gt;_&lt;uuid&gt;</c>. Another one in each process.</summary>
    public string Identity { get; init; } = $"{Environment.MachineName}_{Guid.NewGuid()}";

    /// <summary>How long others wait after the last sign of life of a leader. Default 60 s; the original's manifests set 15 s.</summary>
    public TimeSpan LeaseDuration { get; init; } = TimeSpan.FromSeconds(60);

    /// <summary>After how long without renewal the leader gives up by itself; less than <see cref="LeaseDuration"/>. Default 40 s; the manifests set 10 s.</summary>
    public TimeSpan RenewDeadline { get; init; } = TimeSpan.FromSeconds(40);

    /// <summary>The pause between attempts to get or renew the leases; less than <see cref="RenewDeadline"/>. Default 10 s; the manifests set 2 s.</summary>
    public TimeSpan RetryPeriod { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>Reads the settings from the ConfigMap; without it the defaults hold.</summary>
    /// <param name="connection">The API server.</param>
    /// <param name="configMap">Name of the ConfigMap in the system namespace.</param>
    /// <param name="cancellation">Ends the wait.</param>
    /// <exception cref="ConfigurationException">The ConfigMap has values that cannot be used.</exception>
    /// <exception cref="StoreException">The ConfigMap could not be read.</exception>
    public static async Task<LeaderElectionOptions> ReadAsync(
        ClusterConnection connection,
        string configMap,
        CancellationToken cancellation
    )
    {
        var call = ApiCall.About(HttpMethod.Get, "get", ApiResource.ConfigMaps, connection.Options.SystemNamespace, configMap);
        try
        {
            var found = await connection.CallAsync(
                call,
                (stream, token) => JsonSerializer.DeserializeAsync(stream, ApisJson.Default.ConfigMap, token),
                cancellation
            );
            return From(
                found?.Data ?? ImmutableDictionary<string, string>.Empty,
                $"ConfigMap {connection.Options.SystemNamespace}/{configMap}"
            );
        }
        catch (ApiFailure failure) when (failure.IsNotFound)
        {
            return From(ImmutableDictionary<string, string>.Empty, "");
        }
        catch (ApiFailure failure)
        {
            throw failure.ToStoreException();
        }
    }

    /// <summary>Reads the settings.</summary>
    /// <param name="data">Data of the ConfigMap.</param>
    /// <param name="source">Where they are from, for people.</param>
    /// <exception cref="ConfigurationException">There are values that cannot be used.</exception>
    public static LeaderElectionOptions From(IReadOnlyDictionary<string, string> data, string source)
    {
        var problems = new List<string>();
        var defaults = new LeaderElectionOptions { Leases = [] };
        var buckets = 1;
        if (
            data.TryGetValue("buckets", out var text)
            && (!int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out buckets) || buckets is < 1 or > 10)
        )
        {
            problems.Add($"{source}: buckets is \"{text}\": set it to a number from 1 to 10.");
            buckets = 1;
        }

        var options = defaults with
        {
            LeaseDuration = Duration("lease-duration", "leaseDuration", defaults.LeaseDuration),
            RenewDeadline = Duration("renew-deadline", "renewDeadline", defaults.RenewDeadline),
            RetryPeriod = Duration("retry-period", "retryPeriod", defaults.RetryPeriod),
            Leases =
            [
                .. OriginalPrefixes
                    .Select(prefix => data.TryGetValue(PrefixMapping + prefix, out var other) && other.Length > 0 ? other : prefix)
                    .SelectMany(prefix => Enumerable.Range(0, buckets).Select(bucket => Name(prefix, bucket, buckets))),
            ],
        };
        if (problems.Count == 0 && (options.RenewDeadline >= options.LeaseDuration || options.RetryPeriod >= options.RenewDeadline))
        {
            problems.Add($"{source}: lease-duration must be more than renew-deadline, and that more than retry-period.");
        }

        return problems.Count == 0 ? options : throw new ConfigurationException(problems);

        // The second is the name of before.
        TimeSpan Duration(string name, string formerName, TimeSpan otherwise)
        {
            if (!data.TryGetValue(name, out var value) && !data.TryGetValue(formerName, out value))
            {
                return otherwise;
            }

            if (GoDuration.TryParse(value, out var duration) && duration > TimeSpan.Zero && duration <= TimeSpan.FromDays(1))
            {
                return duration;
            }

            problems.Add($"{source}: {name} is \"{value}\": set it to a duration such as 15s.");
            return otherwise;
        }
    }

    private static string Name(string prefix, int bucket, int buckets) =>
        string.Create(CultureInfo.InvariantCulture, $"{prefix.ToLowerInvariant()}.{bucket:00}-of-{buckets:00}");
}
