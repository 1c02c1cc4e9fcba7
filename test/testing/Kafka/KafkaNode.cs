using Brokkr.Testing.Processes;

namespace Brokkr.Testing.Kafka;

/// <summary>One node of a <see cref="KafkaCluster"/>: broker and controller in one process, with a folder and ports that it keeps over restarts.</summary>
public sealed class KafkaNode
{
    private readonly KafkaCluster _cluster;
    private readonly string _properties;
    private readonly IReadOnlyDictionary<string, int> _ports;
    private readonly Dictionary<string, string?> _environment;
    private ChildProcess? _process;

    internal KafkaNode(
        KafkaCluster cluster,
        int id,
        int port,
        IReadOnlyDictionary<string, int> ports,
        string properties,
        Dictionary<string, string?> environment
    )
    {
        _cluster = cluster;
        _properties = properties;
        _ports = ports;
        _environment = environment;
        Id = id;
        Port = port;
    }

    /// <summary>Its <c>node.id</c>, from 1.</summary>
    public int Id { get; }

    /// <summary>The port of 127.0.0.1 where clients reach it.</summary>
    public int Port { get; }

    /// <summary>The port of 127.0.0.1 of a listener that was asked for beside the plaintext one.</summary>
    public int PortOf(string listener) => _ports[listener];

    /// <summary>Whether its process runs (frozen counts as running).</summary>
    public bool IsRunning => _process is { HasExited: false };

    /// <summary>What it has printed since its last start.</summary>
    public string Output => _process?.Text ?? string.Empty;

    /// <summary>Starts it again after <see cref="KillAsync"/> or <see cref="StopAsync"/> and waits until every running node sees it.</summary>
    public async Task StartAsync()
    {
        Launch();
        await _cluster.ReadyAsync();
    }

    /// <summary><c>kill -9</c>.</summary>
    public async Task KillAsync()
    {
        if (_process is { } process)
        {
            await process.KillAsync();
        }
    }

    /// <summary>Stops it in an orderly way: leadership moves first. Killed when that takes over 30 seconds.</summary>
    public async Task StopAsync()
    {
        if (_process is { HasExited: false } process)
        {
            await process.TerminateAsync();
        }
    }

    /// <summary>Freezes it: connections stay open and nothing answers.</summary>
    public void Freeze() => _process?.Send(Signal.Stop);

    /// <summary>Lets it go on after <see cref="Freeze"/>.</summary>
    public void Thaw() => _process?.Send(Signal.Continue);

    /// <summary>Runs one of the distribution's scripts, such as <c>kafka-configs.sh</c>, against this node. Takes some seconds.</summary>
    /// <returns>What it printed.</returns>
    public Task<string> RunToolAsync(string script, params IEnumerable<string> arguments) =>
        ChildProcess.RunAsync(
            Path.Combine(_cluster.Home, "bin", script),
            ["--bootstrap-server", $"127.0.0.1:{Port}", .. arguments],
            _environment,
            deadline: TimeSpan.FromSeconds(60)
        );

    /// <summary>Starts one of the distribution's scripts, such as <c>kafka-console-consumer.sh</c>, against this node.</summary>
    public ChildProcess StartTool(string script, params IEnumerable<string> arguments) =>
        ChildProcess.Start(
            Path.Combine(_cluster.Home, "bin", script),
            ["--bootstrap-server", $"127.0.0.1:{Port}", .. arguments],
            _environment
        );

    internal async Task FormatAsync(string home, string clusterId) =>
        await ChildProcess.RunAsync(
            Path.Combine(home, "bin", "kafka-storage.sh"),
            ["format", "--cluster-id", clusterId, "--config", _properties],
            _environment
        );

    internal void Launch()
    {
        Assert.False(IsRunning, $"Kafka node {Id} runs already.");
        _process = ChildProcess.Start(Path.Combine(_cluster.Home, "bin", "kafka-server-start.sh"), [_properties], _environment);
    }
}
