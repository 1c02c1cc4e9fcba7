using Brokkr.Cli.Logging;
using Brokkr.Controller.Folders;
using Brokkr.Core.Configuration;
using Brokkr.Core.Contract;
using Brokkr.Core.Log;
using Brokkr.Dispatcher;
using Brokkr.Dispatcher.Tokens;
using Brokkr.Embedded;
using Brokkr.Kafka;
using Brokkr.Receiver;
using Microsoft.Extensions.Logging;

namespace Brokkr.Cli.Dev;

/// <summary>
/// Everything in one process: the control plane on a folder, the receiver, the dispatcher, and the embedded log or a Kafka.
/// <code>
/// folder -> FolderControlPlane -> contract -> ReceiverHost   -> log
///                                          -> DispatcherHost &lt;- log
/// </code>
/// </summary>
internal sealed class DevServer : IAsyncDisposable
{
    private static readonly TimeSpan SettleBudget = TimeSpan.FromSeconds(5);

    private readonly List<Func<ValueTask>> _undo = [];
    private readonly DevReport _report;

    private DevServer(DevReport report) => _report = report;

    /// <summary>Where events are posted: <c>http://localhost:PORT</c>, then namespace and name.</summary>
    public Uri Address { get; private set; } = null!;

    /// <summary>The control plane.</summary>
    public FolderControlPlane Control { get; private set; } = null!;

    /// <summary>Starts everything. What is served has been printed when this completes.</summary>
    /// <exception cref="ConfigurationException">The folder is missing, the data folder is in use or cannot be used.</exception>
    /// <exception cref="IOException">The port is in use.</exception>
    public static async Task<DevServer> StartAsync(
        DevOptions options,
        DevConsole console,
        ILoggerFactory loggers,
        TimeProvider time,
        CancellationToken cancellation
    )
    {
        if (!Directory.Exists(options.Folder))
        {
            throw new ConfigurationException($"There is no folder {options.Folder}. Name the folder that holds your Knative YAML files.");
        }

        var server = new DevServer(new DevReport(console));
        try
        {
            await server.StartAsync(options, loggers, time, cancellation);
        }
        catch (LogConfigurationException e)
        {
            await server.DisposeAsync();
            throw new ConfigurationException(e.Message, e);
        }
        catch
        {
            await server.DisposeAsync();
            throw;
        }

        console.Text(
            options.Kafka is null
                ? $"Serving {options.Folder} at {server.Address}; events are kept in {options.DataFolder}"
                : $"Serving {options.Folder} at {server.Address}; events are kept on Kafka at {options.Kafka}"
        );
        if (options is { Kafka: not null, Data: not null })
        {
            console.Line(Tone.Warning, "--data is not used: with --kafka events are kept there");
        }

        server._report.Start(server.Control.Contracts.Current);
        return server;
    }

    /// <summary>Stops: nothing new comes in, running deliveries finish within the budget, positions are stored, the log is closed.</summary>
    public async ValueTask DisposeAsync()
    {
        for (var i = _undo.Count - 1; i >= 0; i--)
        {
            await _undo[i]();
        }

        _undo.Clear();
    }

    private async Task StartAsync(DevOptions options, ILoggerFactory loggers, TimeProvider time, CancellationToken cancellation)
    {
        // The store answers for credentials too, and is created before the log that may need them.
        var secrets = new LateSecrets();
        var logs = await OpenLogAsync(options, secrets, loggers, time, cancellation);

        // The receiver comes first, because the control plane must know its port, and a port in use should be the first thing that is said.
        var contracts = new ContractPublisher();
        var receiver = await ReceiverHost.StartAsync(
            new ReceiverOptions
            {
                Address = options.Address,
                Port = options.Port,
                DrainDelay = TimeSpan.Zero,
                DrainBudget = options.StopBudget,
            },
            contracts,
            logs,
            loggers,
            time: time,
            cancellation: cancellation
        );
        _undo.Add(receiver.DisposeAsync);
        Address = new Uri($"http://localhost:{receiver.Port}");

        var folder = new FolderOptions
        {
            Path = options.Folder,
            BaseAddress = Address,
            DefaultBootstrapServers = options.Kafka ?? "embedded",
            EmbeddedLog = options.Kafka is null,
        };
        var store = new FolderStore(folder, time, loggers);
        _undo.Add(store.DisposeAsync);
        secrets.Source = store;
        Control = new FolderControlPlane(store, folder, logs, time, loggers);
        _undo.Add(Control.DisposeAsync);
        Control.Changed += _report.Change;
        await Control.StartAsync(cancellation);

        var dispatcher = new DispatcherHost(
            new DispatcherOptions { StopBudget = options.StopBudget },
            contracts,
            logs,
            time,
            loggers,
            tokens: options.Tokens is { } tokens ? new FileTokenSource(tokens, time) : null
        );
        _undo.Add(dispatcher.DisposeAsync);
        dispatcher.Start();

        var subscription = Control.Contracts.Subscribe(contracts.Publish);
        _undo.Add(() =>
        {
            subscription.Dispose();
            return ValueTask.CompletedTask;
        });
        await SettleAsync(receiver, time, cancellation);
    }

    /// <summary>Waits until the receiver takes events. A log that is away does not hold the start up for ever: what it says is then that Brokers wait.</summary>
    private static async Task SettleAsync(ReceiverHost receiver, TimeProvider time, CancellationToken cancellation)
    {
        var start = time.GetTimestamp();
        while (!receiver.IsReady && time.GetElapsedTime(start) < SettleBudget)
        {
            await Task.Delay(TimeSpan.FromMilliseconds(10), time, cancellation);
        }
    }

    private async Task<ILogProvider> OpenLogAsync(
        DevOptions options,
        ISecretSource secrets,
        ILoggerFactory loggers,
        TimeProvider time,
        CancellationToken cancellation
    )
    {
        if (options.Kafka is not null)
        {
            var kafka = new KafkaLogProvider(new KafkaOptions(), secrets, loggers);
            _undo.Add(() =>
            {
                kafka.Dispose();
                return ValueTask.CompletedTask;
            });
            return kafka;
        }

        var log = await EmbeddedLog.OpenAsync(new EmbeddedLogOptions { Folder = options.DataFolder }, time, loggers, cancellation);
        _undo.Add(log.DisposeAsync);
        return new EmbeddedLogProvider(log);
    }

    /// <summary>Secrets of a store that does not exist yet when the log is opened.</summary>
    private sealed class LateSecrets : ISecretSource
    {
        public ISecretSource? Source { get; set; }

        public ValueTask<IReadOnlyDictionary<string, byte[]>?> GetAsync(
            string namespaceName,
            string name,
            CancellationToken cancellation
        ) =>
            Source?.GetAsync(namespaceName, name, cancellation)
            ?? new ValueTask<IReadOnlyDictionary<string, byte[]>?>((IReadOnlyDictionary<string, byte[]>?)null);
    }
}
