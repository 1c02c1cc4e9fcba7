using System.Globalization;
using Brokkr.Apis;
using Brokkr.Apis.Validation;

namespace Brokkr.Controller.Contracts;

/// <summary>Where the topic of a Broker lives and what it is like (control-plane §6.2, ONM-03).</summary>
internal sealed record BrokerConfig
{
    private const string ServersKey = "bootstrap.servers";
    private const string PartitionsKey = "default.topic.partitions";
    private const string ReplicationKey = "default.topic.replication.factor";
    private const string SettingPrefix = "default.topic.config.";
    private const string SecretKey = "auth.secret.ref.name";

    /// <summary>Kafka servers, in alphabetical order as the original writes them; at least one.</summary>
    public required IReadOnlyList<string> BootstrapServers { get; init; }

    /// <summary>Partitions of a topic that is made.</summary>
    public required int Partitions { get; init; }

    /// <summary>Replication of a topic that is made; -1 for the cluster's default.</summary>
    public required short ReplicationFactor { get; init; }

    /// <summary>Settings of a topic that is made, by Kafka's names.</summary>
    public IReadOnlyDictionary<string, string> Settings { get; init; } = new Dictionary<string, string>(StringComparer.Ordinal);

    /// <summary>The Secret with the credentials; null for none.</summary>
    public ObjectName? Secret { get; init; }

    /// <summary>Splits a list of servers; blanks are dropped.</summary>
    public static IReadOnlyList<string> SplitServers(string servers) =>
        [.. servers.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries).Order(StringComparer.Ordinal)];

    /// <summary>Reads a ConfigMap.</summary>
    /// <returns>The config, or null where an error is among the problems. Paths are those of the ConfigMap.</returns>
    public static (BrokerConfig? Config, IReadOnlyList<FieldProblem> Problems) Read(ConfigMap map)
    {
        var data = map.Data ?? new Dictionary<string, string>(StringComparer.Ordinal);
        List<FieldProblem> problems = [];
        var servers = SplitServers(data.GetValueOrDefault(ServersKey, ""));
        if (servers.Count == 0)
        {
            Error(ServersKey, data.ContainsKey(ServersKey) ? "must name at least one server" : "is missing");
        }

        var partitions = Number(PartitionsKey, int.MaxValue);
        var replication = Number(ReplicationKey, short.MaxValue);
        var settings = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (var (key, value) in data)
        {
            if (key.StartsWith(SettingPrefix, StringComparison.Ordinal))
            {
                settings[key[SettingPrefix.Length..]] = value;
            }
            else if (key is not (ServersKey or PartitionsKey or ReplicationKey or SecretKey or "auth.secret.ref.namespace"))
            {
                problems.Add(new FieldProblem(FieldPath.Member("data", key), "is not a setting of a Broker", IsWarning: true));
            }
        }

        if (data.TryGetValue(SecretKey, out var secret) && string.IsNullOrWhiteSpace(secret))
        {
            Error(SecretKey, "must name a Secret");
        }

        if (problems.Exists(problem => !problem.IsWarning))
        {
            return (null, problems);
        }

        var config = new BrokerConfig
        {
            BootstrapServers = servers,
            Partitions = (int)partitions,
            ReplicationFactor = (short)replication,
            Settings = settings,
            // The original looks in the namespace of the ConfigMap, whatever auth.secret.ref.namespace says.
            Secret = secret is null ? null : new ObjectName(map.Namespace, secret.Trim()),
        };
        return (config, problems);

        long Number(string key, long largest)
        {
            if (!data.TryGetValue(key, out var text))
            {
                Error(key, "is missing");
                return 0;
            }

            if (
                long.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var number)
                && number >= 1
                && number <= largest
            )
            {
                return number;
            }

            Error(key, $"must be a number from 1 to {largest}, is \"{text}\"");
            return 0;
        }

        void Error(string key, string message) => problems.Add(new FieldProblem(FieldPath.Member("data", key), message));
    }
}
