using System.Globalization;
using System.Text;
using Brokkr.Testing.Processes;

namespace Brokkr.Testing.Kafka;

/// <summary>
/// A real Apache Kafka in KRaft mode on free ports of 127.0.0.1, from the distribution that <c>KAFKA_HOME</c> names. Where it or Java is missing, the
/// test is skipped with the reason.
/// <code>
/// var kafka = await KafkaCluster.SharedAsync();      // one node, started once per test run; use topics and groups with names of your own
/// await kafka.CreateTopicAsync("orders-" + Guid.NewGuid().ToString("n"), partitions: 10);
/// options = options with { BootstrapServers = kafka.BootstrapServers };
///
/// await using var three = await KafkaCluster.StartAsync(nodes: 3);   // a cluster of the test's own, when it kills nodes
/// await three.Nodes[0].KillAsync();
/// await three.Nodes[0].StartAsync();
/// </code>
/// A node takes two to four seconds to start and up to 512 MiB. Automatic creation of topics is off, groups do not wait for more members, and on three nodes everything
/// is replicated three times with <c>min.insync.replicas=2</c>. Everything is killed and removed when the test process ends, however it ends.
/// </summary>
public sealed class KafkaCluster : IAsyncDisposable
{
    private static readonly Lazy<Task<KafkaCluster>> Shared = new(() =>
        StartAsync(1, extra: null, listeners: null, jvm: null, TestContext.Current.CancellationToken)
    );

    private static readonly TimeSpan StartDeadline = TimeSpan.FromSeconds(90);

    private readonly TemporaryFolder _folder = new();
    private readonly List<KafkaNode> _nodes = [];

    private KafkaCluster(string home) => Home = home;

    /// <summary>Why tests on a real Kafka cannot run here; null when they can.</summary>
    public static string? SkipReason { get; } = FindSkipReason();

    /// <summary>The distribution.</summary>
    internal string Home { get; }

    /// <summary>The nodes, in the order of their ids.</summary>
    public IReadOnlyList<KafkaNode> Nodes => _nodes;

    /// <summary><c>host:port</c> of every node, separated by commas.</summary>
    public string BootstrapServers =>
        string.Join(',', _nodes.Select(node => $"127.0.0.1:{node.Port.ToString(CultureInfo.InvariantCulture)}"));

    /// <summary>
    /// The one-node cluster that the tests of this process share. Started by the first test that asks for it; never dispose, stop or freeze it.
    /// Skips the test where there is no Kafka.
    /// </summary>
    public static Task<KafkaCluster> SharedAsync()
    {
        Needs.Present(SkipReason);
        return Shared.Value;
    }

    /// <summary>Starts a cluster for one test (or one fixture). Skips the test where there is no Kafka.</summary>
    /// <param name="nodes">1 or 3.</param>
    /// <param name="extra">More lines for <c>server.properties</c>; they win over those of the fixture.</param>
    /// <param name="listeners">
    /// More listeners beside the plaintext one: name (upper case) and security protocol. <see cref="KafkaNode.PortOf"/> tells their ports.
    /// </param>
    /// <param name="jvm">More arguments for Java, such as system properties.</param>
    public static Task<KafkaCluster> StartAsync(
        int nodes = 1,
        IReadOnlyDictionary<string, string>? extra = null,
        IReadOnlyDictionary<string, string>? listeners = null,
        string? jvm = null
    )
    {
        Needs.Present(SkipReason);
        return StartAsync(nodes, extra, listeners, jvm, TestContext.Current.CancellationToken);
    }

    /// <summary>Creates a topic and fails the test when Kafka refuses.</summary>
    /// <param name="name">Its name.</param>
    /// <param name="partitions">Number of partitions.</param>
    /// <param name="configuration">Topic settings, such as <c>max.message.bytes</c>.</param>
    public async Task CreateTopicAsync(string name, int partitions = 1, IReadOnlyDictionary<string, string>? configuration = null)
    {
        var node = _nodes.First(n => n.IsRunning);
        var (code, message) = await KafkaWire.CreateTopicAsync(
            node.Port,
            name,
            partitions,
            (short)_nodes.Count,
            configuration ?? new Dictionary<string, string>(StringComparer.Ordinal),
            TestContext.Current.CancellationToken
        );
        Assert.True(code == 0, $"Kafka refused topic {name}: {code} {message}");
    }

    /// <summary>Raises the number of partitions of a topic and fails the test when Kafka refuses.</summary>
    public async Task AddPartitionsAsync(string topic, int partitions)
    {
        var (code, message) = await KafkaWire.CreatePartitionsAsync(
            _nodes.First(n => n.IsRunning).Port,
            topic,
            partitions,
            TestContext.Current.CancellationToken
        );
        Assert.True(code == 0, $"Kafka refused {partitions} partitions of topic {topic}: {code} {message}");
    }

    /// <summary>Committed offsets of a group on the partitions of a topic, from partition 0; -1 where it has none. For a cluster of one node.</summary>
    public Task<IReadOnlyList<long>> CommittedAsync(string group, string topic, int partitions) =>
        KafkaWire.CommittedAsync(_nodes.Single().Port, group, topic, partitions, TestContext.Current.CancellationToken);

    /// <summary>Waits until every running node answers and sees every other running node.</summary>
    public async Task ReadyAsync()
    {
        var running = _nodes.Where(node => node.IsRunning).ToArray();
        foreach (var node in running)
        {
            await Eventually.True(
                async () =>
                {
                    Assert.True(node.IsRunning, $"Kafka node {node.Id} ended:\n{node.Output}");
                    var seen = await KafkaWire.BrokersAsync(node.Port, TestContext.Current.CancellationToken);
                    return running.All(other => seen.Contains(other.Id));
                },
                () => $"Kafka node {node.Id} to see {running.Length} nodes; it printed:\n{node.Output}",
                StartDeadline
            );
        }
    }

    /// <summary>Kills the nodes and removes their folders.</summary>
    public async ValueTask DisposeAsync()
    {
        await Task.WhenAll(_nodes.Select(node => node.KillAsync()));
        _folder.Dispose();
    }

    private static async Task<KafkaCluster> StartAsync(
        int nodes,
        IReadOnlyDictionary<string, string>? extra,
        IReadOnlyDictionary<string, string>? listeners,
        string? jvm,
        CancellationToken cancellation
    )
    {
        Assert.True(nodes is 1 or 3, "A cluster has one or three nodes.");
        var cluster = new KafkaCluster(Environment.GetEnvironmentVariable("KAFKA_HOME")!);
        try
        {
            var none = new Dictionary<string, string>(StringComparer.Ordinal);
            cluster.Describe(nodes, extra ?? none, listeners ?? none, jvm);
            var clusterId = Convert.ToBase64String(Guid.NewGuid().ToByteArray()).TrimEnd('=').Replace('+', 'A').Replace('/', 'B');
            await Task.WhenAll(cluster._nodes.Select(node => node.FormatAsync(cluster.Home, clusterId)));
            cancellation.ThrowIfCancellationRequested();
            cluster._nodes.ForEach(node => node.Launch());
            await cluster.ReadyAsync();
            return cluster;
        }
        catch
        {
            await cluster.DisposeAsync();
            throw;
        }
    }

    private void Describe(int nodes, IReadOnlyDictionary<string, string> extra, IReadOnlyDictionary<string, string> listeners, string? jvm)
    {
        var controllers = Enumerable.Range(1, nodes).Select(_ => FreePort.Next()).ToArray();
        var voters = string.Join(',', controllers.Select((port, index) => $"{index + 1}@127.0.0.1:{port}"));
        var environment = new Dictionary<string, string?>(StringComparer.Ordinal)
        {
            ["KAFKA_HEAP_OPTS"] = "-Xmx512m -Xms128m",
            ["LOG_DIR"] = _folder["logs"],
        };
        if (jvm is not null)
        {
            environment["KAFKA_OPTS"] = jvm;
        }

        for (var id = 1; id <= nodes; id++)
        {
            var port = FreePort.Next();
            var ports = listeners.ToDictionary(listener => listener.Key, _ => FreePort.Next(), StringComparer.Ordinal);
            var addresses = string.Concat(ports.Select(listener => $",{listener.Key}://127.0.0.1:{listener.Value}"));
            var protocols = string.Concat(listeners.Select(listener => $",{listener.Key}:{listener.Value}"));
            var settings = new Dictionary<string, string>(StringComparer.Ordinal)
            {
                ["process.roles"] = "broker,controller",
                ["node.id"] = $"{id}",
                ["controller.quorum.voters"] = voters,
                ["listeners"] = $"PLAINTEXT://127.0.0.1:{port},CONTROLLER://127.0.0.1:{controllers[id - 1]}{addresses}",
                ["advertised.listeners"] = $"PLAINTEXT://127.0.0.1:{port}{addresses}",
                ["listener.security.protocol.map"] = $"PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT{protocols}",
                ["inter.broker.listener.name"] = "PLAINTEXT",
                ["controller.listener.names"] = "CONTROLLER",
                ["log.dirs"] = _folder[$"node-{id}"],
                ["auto.create.topics.enable"] = "false",
                ["default.replication.factor"] = $"{nodes}",
                ["min.insync.replicas"] = nodes == 1 ? "1" : "2",
                ["offsets.topic.num.partitions"] = "4",
                ["offsets.topic.replication.factor"] = $"{nodes}",
                ["transaction.state.log.num.partitions"] = "4",
                ["transaction.state.log.replication.factor"] = $"{nodes}",
                ["transaction.state.log.min.isr"] = "1",
                ["group.initial.rebalance.delay.ms"] = "0",
                // A killed node is noticed after two seconds instead of nine.
                ["broker.session.timeout.ms"] = "2000",
                ["broker.heartbeat.interval.ms"] = "500",
            };
            foreach (var (key, value) in extra)
            {
                settings[key] = value;
            }

            var text = settings.Aggregate(new StringBuilder(), (lines, setting) => lines.Append($"{setting.Key}={setting.Value}\n"));
            _nodes.Add(new KafkaNode(this, id, port, ports, _folder.Write($"node-{id}.properties", text.ToString()), environment));
        }
    }

    private static string? FindSkipReason()
    {
        var home = Environment.GetEnvironmentVariable("KAFKA_HOME");
        if (string.IsNullOrEmpty(home))
        {
            return "KAFKA_HOME does not name an Apache Kafka distribution.";
        }

        if (!File.Exists(Path.Combine(home, "bin", "kafka-server-start.sh")))
        {
            return $"KAFKA_HOME is {home}, which holds no bin/kafka-server-start.sh.";
        }

        var java = Environment.GetEnvironmentVariable("JAVA_HOME") is { Length: > 0 } javaHome
            ? File.Exists(Path.Combine(javaHome, "bin", "java"))
            : Tool.IsOnPath("java");
        return java ? null : "Apache Kafka needs a Java runtime (17 or newer) on PATH or in JAVA_HOME.";
    }
}
