using System.Globalization;
using Brokkr.Core.Log;
using Brokkr.Kafka.Clients;
using Brokkr.Kafka.Configuration;
using Brokkr.Kafka.Groups;
using Brokkr.Kafka.Native;
using Brokkr.Kafka.Telemetry;
using Brokkr.Kafka.Tokens;
using Microsoft.Extensions.Logging;

namespace Brokkr.Kafka;

/// <summary>
/// One Kafka cluster with one set of credentials. Clients are made when first needed: a receiver has a producer only, a dispatcher that writes
/// nothing has none.
/// </summary>
public sealed class KafkaLog : ILog
{
    private static readonly TimeSpan LongestHeartbeat = TimeSpan.FromSeconds(1);

    private readonly KafkaOptions _options;
    private readonly Dictionary<string, string> _consumer;
    private readonly ProducerMetrics _metrics;
    private readonly bool _ownsMetrics;
    private readonly ILogger _logger;
    private readonly BearerTokens? _tokens;
    private readonly Lazy<KafkaWriter> _writer;
    private readonly Lazy<AdminClient> _admin;
    private readonly Lazy<KafkaReaders> _readers;
    private readonly Lazy<KafkaTopics> _topics;
    private readonly Lazy<GroupOffsetsClient> _cursors;

    /// <summary>Prepares the clients; connects when the first is needed.</summary>
    /// <param name="bootstrapServers">Comma separated list of <c>host:port</c>.</param>
    /// <param name="credentials">Settings that authenticate, by librdkafka's names; not logged. Empty for none.</param>
    /// <param name="options">How to talk to Kafka.</param>
    /// <param name="logger">Gets what the clients say.</param>
    /// <exception cref="LogConfigurationException">The addresses or a setting are unusable.</exception>
    public KafkaLog(
        string bootstrapServers,
        IReadOnlyDictionary<string, string> credentials,
        KafkaOptions options,
        ILogger<KafkaLog> logger
    )
        : this(bootstrapServers, credentials, options, new ProducerMetrics(), logger) => _ownsMetrics = true;

    internal KafkaLog(
        string bootstrapServers,
        IReadOnlyDictionary<string, string> credentials,
        KafkaOptions options,
        ProducerMetrics metrics,
        ILogger<KafkaLog> logger
    )
    {
        _options = options;
        _metrics = metrics;
        _logger = logger;
        var reported = new HashSet<string>(StringComparer.Ordinal);
        var producer = ClientProperties.ForProducer(options.ProducerProperties, Report);
        _consumer = ClientProperties.ForConsumer(options.ConsumerProperties, Report);
        foreach (var settings in (Dictionary<string, string>[])[producer, _consumer])
        {
            settings["bootstrap.servers"] = BootstrapServers(bootstrapServers);
            settings.TryAdd("client.id", "brokkr");
            settings["log.connection.close"] = "false";
            settings["enable.metrics.push"] = "false";
            settings["socket.keepalive.enable"] = "true";
            settings["topic.metadata.refresh.interval.ms"] = Milliseconds(MetadataRefresh());

            // Credentials decide, also where they are none (receiver-and-core §9.1).
            settings["security.protocol"] = "plaintext";
            foreach (var (name, value) in credentials)
            {
                settings[name] = value;
            }
        }

        if (ClientCredentials.Take(_consumer, producer) is { } client)
        {
            _tokens = new BearerTokens(new TokenEndpoint(client, TimeProvider.System), TimeProvider.System, _logger);
        }

        // A file that nobody can use should be refused when the resource appears, not at its first event.
        _writer = new Lazy<KafkaWriter>(() => new KafkaWriter(producer, metrics, _logger, _tokens));
        _admin = new Lazy<AdminClient>(() =>
            new AdminClient(ClientProperties.ForAdmin(_consumer, options.RequestTimeout), options.RequestTimeout, _logger, _tokens)
        );
        _topics = new Lazy<KafkaTopics>(() => new KafkaTopics(_admin.Value, options.RequestTimeout));
        _cursors = new Lazy<GroupOffsetsClient>(() => new GroupOffsetsClient(_consumer, options.RequestTimeout, _logger, tokens: _tokens));
        _readers = new Lazy<KafkaReaders>(() => new KafkaReaders(_consumer, options, _topics.Value, _logger, _tokens));

        void Report(string key)
        {
            if (reported.Add(key))
            {
                _logger.UnknownProperty(key);
            }
        }
    }

    /// <inheritdoc/>
    public ILogWriter Writer => _writer.Value;

    /// <inheritdoc/>
    public ILogReaders Readers => _readers.Value;

    /// <inheritdoc/>
    public ICursorStore Cursors => _cursors.Value;

    /// <inheritdoc/>
    public ITopics Topics => _topics.Value;

    /// <inheritdoc/>
    public IOwnership Join(IOwnershipListener listener, string consumerGroup = "")
    {
        var settings = new Dictionary<string, string>(_consumer, StringComparer.Ordinal)
        {
            ["partition.assignment.strategy"] = "cooperative-sticky",
            ["enable.auto.commit"] = "false",
            ["enable.auto.offset.store"] = "false",
            ["allow.auto.create.topics"] = "false",
            ["auto.offset.reset"] = "error",

            // This client reads nothing; should a fetch slip through before the pause, it is the smallest one.
            ["fetch.message.max.bytes"] = "1",
            ["max.poll.interval.ms"] = "300000",
        };
        settings.Remove("fetch.max.bytes");
        settings.Remove("fetch.min.bytes");
        CapHeartbeat(settings);
        var isForOneGroup = consumerGroup.Length > 0;
        return new KafkaOwnership(
            isForOneGroup ? $"{_options.OwnershipGroup}.{consumerGroup}" : _options.OwnershipGroup,
            isForOneGroup ? 1 : _options.OwnershipShards,
            settings,
            listener,
            _options.HandOverBudget,
            _logger,
            _tokens
        );
    }

    /// <inheritdoc/>
    public async ValueTask<bool> IsReachableAsync(CancellationToken cancellation)
    {
        try
        {
            return await _admin.Value.CallAsync(RdAdmin.DescribeClusterOperation, RdAdmin.DescribeCluster, static _ => true, cancellation);
        }
        catch (Exception exception) when (exception is LogUnavailableException or OperationCanceledException)
        {
            return false;
        }
    }

    /// <summary>Why no broker lets these credentials in, or that none can be reached; null if one does.</summary>
    internal async Task<string?> FindRefusalAsync()
    {
        try
        {
            await _cursors.Value.ConnectAsync();
            return null;
        }
        catch (Exception exception) when (exception is LogUnavailableException or LogConfigurationException or ConnectionLostException)
        {
            return exception.Message;
        }
    }

    /// <summary>Flushes what was appended, then closes all clients. Ownership and readers must have been disposed before.</summary>
    public async ValueTask DisposeAsync()
    {
        if (_writer.IsValueCreated)
        {
            await _writer.Value.DisposeAsync();
        }

        if (_readers.IsValueCreated)
        {
            await _readers.Value.DisposeAsync();
        }

        if (_cursors.IsValueCreated)
        {
            await _cursors.Value.DisposeAsync();
        }

        if (_admin.IsValueCreated)
        {
            await _admin.Value.DisposeAsync();
        }

        if (_tokens is not null)
        {
            await _tokens.DisposeAsync();
        }

        if (_ownsMetrics)
        {
            _metrics.Dispose();
        }
    }

    private TimeSpan MetadataRefresh()
    {
        var wanted = _options.MetadataRefresh;
        return
            _options.ConsumerProperties.TryGetValue("metadata.max.age.ms", out var text)
            && long.TryParse(text, CultureInfo.InvariantCulture, out var milliseconds)
            && milliseconds >= 100
            && milliseconds < wanted.TotalMilliseconds
            ? TimeSpan.FromMilliseconds(milliseconds)
            : wanted;
    }

    /// <summary>
    /// A member learns with the answer to its next heartbeat that partitions are shared anew: the interval is what a hand-over waits for. How long a member may be
    /// silent stays what it is.
    /// </summary>
    private static void CapHeartbeat(Dictionary<string, string> settings)
    {
        const string name = "heartbeat.interval.ms";
        if (
            !settings.TryGetValue(name, out var text)
            || !long.TryParse(text, CultureInfo.InvariantCulture, out var milliseconds)
            || milliseconds > LongestHeartbeat.TotalMilliseconds
        )
        {
            settings[name] = Milliseconds(LongestHeartbeat);
        }
    }

    private static string Milliseconds(TimeSpan time) => ((long)time.TotalMilliseconds).ToString(CultureInfo.InvariantCulture);

    /// <summary>Cleans the list and refuses what cannot be an address (receiver-and-core §5.2).</summary>
    private static string BootstrapServers(string list)
    {
        var servers = list.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries);
        if (servers.Length == 0)
        {
            throw new LogConfigurationException("bootstrapServers is empty: give a comma separated list of host:port");
        }

        foreach (var server in servers)
        {
            var colon = server.LastIndexOf(':');
            if (
                colon <= 0
                || !ushort.TryParse(server.AsSpan(colon + 1), NumberStyles.None, CultureInfo.InvariantCulture, out var port)
                || port == 0
            )
            {
                throw new LogConfigurationException($"bootstrapServers: '{server}' is no host:port");
            }
        }

        return string.Join(',', servers);
    }
}
