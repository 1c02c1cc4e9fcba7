using System.Globalization;
using System.Text;
using Brokkr.Core.Contract;
using Brokkr.Core.Contract.Wire;
using Brokkr.Core.Log;
using Brokkr.Core.Tokens;
using Brokkr.Embedded;
using Brokkr.Testing;
using Brokkr.Testing.Http;
using Microsoft.Extensions.Logging;

namespace Brokkr.Dispatcher.Tests.Stage;

/// <summary>A dispatcher on a real log, with a real HTTP server as subscriber, reply URL and dead letter sink in one.</summary>
internal sealed class DispatcherStage : IAsyncDisposable
{
    private readonly TemporaryFolder _folder = new();
    private ulong _generation;

    private DispatcherStage(Subscriber subscriber) => Subscriber = subscriber;

    public const string Topic = "events";

    public Subscriber Subscriber { get; }

    public RememberedLog Log { get; } = new();

    public WatchedLog Store { get; private set; } = null!;

    public ContractPublisher Contracts { get; private set; } = new();

    public DispatcherHost Host { get; private set; } = null!;

    /// <summary>Is told about the types of replies.</summary>
    public Core.Events.IEventTypeRegistry? EventTypes { get; set; }

    /// <summary>Certificates that contracts have for all https targets.</summary>
    public IReadOnlyList<string> TrustBundles { get; set; } = [];

    /// <summary>Makes tokens for subscribers with an audience.</summary>
    public ITokenSource? Tokens { get; set; }

    /// <summary>Gives the log; by default <see cref="Store"/>.</summary>
    public ILogProvider? Logs { get; set; }

    /// <summary>Where the dispatcher's series are kept, for tests that look at them.</summary>
    public Core.Telemetry.IMetricSeries? Series { get; set; }

    /// <summary>The dispatcher's clock.</summary>
    public TimeProvider Time { get; set; } = TimeProvider.System;

    /// <summary>Settings that suit tests: prompt, and beginning with the oldest record.</summary>
    public DispatcherOptions Options { get; set; } =
        new()
        {
            InitialOffset = InitialOffset.Earliest,
            CommitInterval = TimeSpan.FromMilliseconds(50),
            HandOverBudget = TimeSpan.FromSeconds(5),
        };

    public static async Task<DispatcherStage> SetAsync(int partitions = 1, DispatcherOptions? options = null)
    {
        var stage = new DispatcherStage(await Subscriber.StartAsync());
        if (options is not null)
        {
            stage.Options = options;
        }

        stage.Store = new WatchedLog(
            await EmbeddedLog.OpenAsync(
                new EmbeddedLogOptions { Folder = stage._folder.Path },
                TimeProvider.System,
                new OneLogger(stage.Log),
                CancellationToken.None
            )
        );
        await stage.CreateTopicAsync(Topic, partitions);
        return stage;
    }

    public Task CreateTopicAsync(string topic, int partitions) =>
        Store.Topics.CreateAsync(new TopicSpecification(topic, partitions, 1, new Dictionary<string, string>()), CancellationToken.None);

    /// <summary>Starts a dispatcher with these egresses on the topic.</summary>
    public void Start(params Egress[] egresses) => StartWith(ResourceOf(egresses));

    /// <summary>Starts a dispatcher with these resources.</summary>
    public void StartWith(params Resource[] resources)
    {
        Contracts = new ContractPublisher();
        Publish(resources);
        Host = new DispatcherHost(
            Options,
            Contracts,
            Logs ?? new EmbeddedLogProvider(Store),
            Time,
            new OneLogger(Log),
            series: Series,
            registry: EventTypes,
            tokens: Tokens
        );
        Host.Start();
    }

    /// <summary>Puts a contract with these egresses in force.</summary>
    public void Publish(params Egress[] egresses) => Publish(ResourceOf(egresses));

    public void Publish(params Resource[] resources)
    {
        var contract = new Contract { Generation = ++_generation };
        contract.Resources.AddRange(resources);
        contract.TrustBundles.AddRange(TrustBundles);
        Contracts.Publish(contract);
    }

    public static Resource ResourceOf(params Egress[] egresses)
    {
        var resource = new Resource
        {
            Uid = "broker",
            BootstrapServers = "embedded",
            Reference = new Reference
            {
                Namespace = "ns",
                Name = "broker",
                Kind = "Broker",
            },
        };
        resource.Topics.Add(Topic);
        resource.Egresses.AddRange(egresses);
        return resource;
    }

    /// <summary>An egress to a path of the subscriber that drops replies.</summary>
    public Egress Egress(string uid = "t", string path = "/sub", EgressConfig? config = null) =>
        new()
        {
            Uid = uid,
            ConsumerGroup = "group-" + uid,
            Destination = Subscriber.Url + path,
            DiscardReply = new Empty(),
            EgressConfig = config,
            Reference = new Reference
            {
                Namespace = "ns",
                Name = uid,
                Kind = "Trigger",
            },
        };

    public EgressConfig Config(uint retry = 0, ulong delay = 0, BackoffPolicy policy = BackoffPolicy.Linear, bool deadLetterSink = true) =>
        new()
        {
            Retry = retry,
            BackoffDelay = delay,
            BackoffPolicy = policy,
            DeadLetter = deadLetterSink ? Subscriber.Url + "/dls" : "",
        };

    /// <summary>Appends events with these ids; the key, where given, chooses the partition.</summary>
    public async Task AppendAsync(
        IEnumerable<string> ids,
        string type = "t",
        string? key = null,
        string data = "hello",
        string topic = Topic
    )
    {
        var appends = new List<Task<AppendResult>>();
        foreach (var id in ids)
        {
            appends.Add(Append(id, type, key, data, topic));
        }

        foreach (var append in appends)
        {
            Assert.Equal(AppendOutcome.Stored, (await append).Outcome);
        }
    }

    public Task AppendAsync(params string[] ids) => AppendAsync(ids.AsEnumerable());

    [System.Diagnostics.CodeAnalysis.SuppressMessage(
        "Reliability",
        "MA0100",
        Justification = "The record is copied before the call returns."
    )]
    public Task<AppendResult> Append(
        string id,
        string type = "t",
        string? key = null,
        string? data = "hello",
        string topic = Topic,
        params (string Name, string Value)[] headers
    )
    {
        using var record = RecordBuffer.Rent();
        record.AddHeader("ce_specversion"u8, "1.0"u8);
        record.AddHeader("ce_id"u8, Encoding.UTF8.GetBytes(id));
        record.AddHeader("ce_source"u8, "/s"u8);
        record.AddHeader("ce_type"u8, Encoding.UTF8.GetBytes(type));
        record.AddHeader("content-type"u8, "text/plain"u8);
        foreach (var (name, value) in headers)
        {
            record.AddHeader(Encoding.UTF8.GetBytes(name), Encoding.UTF8.GetBytes(value));
        }

        if (key is not null)
        {
            record.SetKey(Encoding.UTF8.GetBytes(key));
        }

        if (data is not null)
        {
            record.AppendValue(Encoding.UTF8.GetBytes(data));
        }

        var append = Store.Writer.AppendAsync(topic, record);
        return append.AsTask();
    }

    public async Task<IReadOnlyDictionary<int, CursorPosition>> PositionsAsync(string group = "group-t", string topic = Topic) =>
        await Store.Cursors.LoadAsync(group, topic, CancellationToken.None);

    /// <summary>The stored position of a group; null if there is none.</summary>
    public async Task<long?> CommittedAsync(string group = "group-t", int partition = 0) =>
        (await PositionsAsync(group)).TryGetValue(partition, out var position) ? position.Offset : null;

    public Task CommittedAsync(long offset, string group = "group-t", int partition = 0) =>
        Eventually.True(async () => await CommittedAsync(group, partition) == offset, $"{group} at {offset} of partition {partition}");

    /// <summary>All records of a topic.</summary>
    public async Task<IReadOnlyList<StoredRecord>> RecordsAsync(string topic, int partition = 0)
    {
        var end = (await Store.Topics.BoundsAsync(topic, [partition], CancellationToken.None))[partition].End;
        var all = new List<StoredRecord>();
        if (end == 0)
        {
            return all;
        }

        await using var reader = await Store.Readers.OpenAsync(
            new TopicPartition(topic, partition),
            0,
            ReadPurpose.CatchUp,
            CancellationToken.None
        );
        var batch = new List<StoredRecord>();
        long next;
        do
        {
            next = await reader.ReadAsync(batch, 1 << 20, CancellationToken.None);
            all.AddRange(batch);
        } while (next < end);

        return all;
    }

    public IReadOnlyList<string> IdsAt(string path) => [.. Subscriber.At(path).Select(r => r.EventId)];

    public static IEnumerable<string> Ids(int count, int from = 0) =>
        Enumerable.Range(from, count).Select(i => i.ToString(CultureInfo.InvariantCulture));

    /// <summary>Ends the dispatcher as a killed process would: nothing is stored any more.</summary>
    public async Task KillAsync()
    {
        Store.CursorsAreAway = true;
        Options = Options with { StopBudget = TimeSpan.Zero, HandOverBudget = TimeSpan.Zero };
        await Host.DisposeAsync();
        Store.CursorsAreAway = false;
    }

    public async ValueTask DisposeAsync()
    {
        if (Host is not null)
        {
            // What hangs in a test need not be waited for.
            await Subscriber.DisposeAsync();
            await Host.DisposeAsync();
        }

        await Subscriber.DisposeAsync();
        await Store.DisposeAsync();
        _folder.Dispose();
    }

    private sealed class OneLogger(ILogger logger) : ILoggerFactory
    {
        public ILogger CreateLogger(string categoryName) => logger;

        public void AddProvider(ILoggerProvider provider) { }

        public void Dispose() { }
    }
}
