using System.Net;
using System.Text;
using Brokkr.Core.Contract;
using Brokkr.Core.Contract.Wire;
using Brokkr.Core.Events;
using Brokkr.Core.Log;
using Brokkr.Core.Telemetry;
using Brokkr.Receiver.Authentication;
using Brokkr.Receiver.Http;
using Brokkr.Receiver.Routing;
using Brokkr.Receiver.Telemetry;
using Brokkr.Receiver.Tls;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.AspNetCore.Server.Kestrel.Transport.Sockets;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using Microsoft.Net.Http.Headers;

namespace Brokkr.Receiver;

/// <summary>
/// A running receiver: takes events over HTTP for the resources of a contract and appends them to their logs. It reads no configuration of its
/// own and may run beside other roles in one process.
/// </summary>
public sealed class ReceiverHost : IAsyncDisposable
{
    /// <summary>The server looks once a second and takes nothing shorter.</summary>
    private static readonly TimeSpan ShortestGrace = TimeSpan.FromSeconds(1.5);

    /// <summary>How long a log that is being opened holds up the news of what is in force.</summary>
    private static readonly TimeSpan LongestOpening = TimeSpan.FromSeconds(1);

    private readonly ReceiverOptions _options;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;
    private readonly ReceiverMetrics _metrics;
    private readonly Deadlines _deadlines;
    private readonly IngressStore _store;
    private readonly IssuerKeys? _keys;
    private readonly ReceiverApplication _application;
    private readonly KestrelServer _server;
    private readonly SocketTransportFactory _transport;
    private readonly TlsListener<RequestContext>? _tls;
    private readonly ListenOptions _listen;
    private readonly CancellationTokenSource _stopping = new();
    private readonly Lock _stopLock = new();
    private IDisposable? _subscription;
    private Task _readiness = Task.CompletedTask;
    private Task? _stopped;

    private ReceiverHost(
        ReceiverOptions options,
        ILogProvider logs,
        ILoggerFactory loggers,
        IMetricSeries series,
        EventTypeTags eventTypes,
        TimeProvider time,
        IEventTypeRegistry? registry
    )
    {
        _options = options;
        _time = time;
        _logger = loggers.CreateLogger("Brokkr.Receiver");
        _metrics = new ReceiverMetrics(series, eventTypes);
        _deadlines = new Deadlines(time);
        _store = new IngressStore(logs, _metrics, options.OpenRetryDelay, options.OpenTimeout, time, _logger);
        _keys = options.Issuer is null ? null : new IssuerKeys(options.Issuer, time, _logger);
        _application = new ReceiverApplication(
            options,
            _store,
            _keys is null ? null : new TokenVerifier(_keys),
            registry,
            _metrics,
            _deadlines,
            time,
            _logger
        );
        _metrics.Observe(_store, _application.Bytes);
        var sockets = new SocketTransportOptions();
        Configure(sockets, options);
        _transport = new SocketTransportFactory(Options.Create(sockets), loggers);
        _tls = options.Tls is null
            ? null
            : new TlsListener<RequestContext>(
                options.Tls,
                options.Address,
                kestrel => Configure(kestrel, options),
                transport => Configure(transport, options),
                _application,
                loggers,
                time,
                _logger
            );
        var server = new KestrelServerOptions();
        Configure(server, options);
        ListenOptions? listen = null;
        server.Listen(
            new IPEndPoint(options.Address, options.Port),
            endpoint =>
            {
                listen = endpoint;
                endpoint.Protocols = HttpProtocols.Http1;
                if (!options.Http2)
                {
                    return;
                }

                if (ClearTextProtocols.Unavailable is { } why)
                {
                    _logger.Http2Unavailable(why);
                }
                else
                {
                    ClearTextProtocols.Use(endpoint, options.IdleTimeout, server.Limits.RequestHeadersTimeout, time);
                }
            }
        );
        _listen = listen!;
        _server = new KestrelServer(Options.Create(server), _transport, loggers);
    }

    /// <summary>The port that is listened on.</summary>
    public int Port => _listen.IPEndPoint!.Port;

    /// <summary>The port that is listened on for HTTPS; 0 while there is no certificate, or if none is wanted.</summary>
    public int TlsPort => _tls?.Port ?? 0;

    /// <summary>
    /// Whether events are wanted here: a contract has been applied, a log of it was reachable at least once since the start (or there is none to
    /// reach), and no stop was asked for. A log that goes away later does not end it, since senders are better told 503 with
    /// <c>Retry-After</c> than nothing.
    /// </summary>
    public bool IsReady => _application.NotReady is null;

    /// <summary>Why events are not wanted here; null when they are.</summary>
    public string? NotReadyReason => _application.NotReady;

    /// <summary>Starts to listen. Contracts are applied from then on as the source has them.</summary>
    /// <param name="options">How to listen and what to accept.</param>
    /// <param name="contracts">Where the contract comes from.</param>
    /// <param name="logs">Opens the logs of resources.</param>
    /// <param name="loggers">Makes loggers.</param>
    /// <param name="series">The series that an exporter keeps, so that those of a deleted resource can go; null without an exporter.</param>
    /// <param name="eventTypes">Tag values of event types; null for the first 200 types by name.</param>
    /// <param name="time">The clock; null for the system's.</param>
    /// <param name="registry">Is told about the types of stored events, for resources that ask for it; null where nobody makes something of it.</param>
    /// <param name="cancellation">Ends the start.</param>
    /// <exception cref="ArgumentException">An option is out of range.</exception>
    /// <exception cref="IOException">The port is in use or may not be listened on.</exception>
    public static async Task<ReceiverHost> StartAsync(
        ReceiverOptions options,
        IContractSource contracts,
        ILogProvider logs,
        ILoggerFactory loggers,
        IMetricSeries? series = null,
        EventTypeTags? eventTypes = null,
        TimeProvider? time = null,
        IEventTypeRegistry? registry = null,
        CancellationToken cancellation = default
    )
    {
        options.Validate();
        var host = new ReceiverHost(
            options,
            logs,
            loggers,
            series ?? NoMetricSeries.Instance,
            eventTypes ?? new EventTypeTags(),
            time ?? TimeProvider.System,
            registry
        );
        try
        {
            await host._server.StartAsync(host._application, cancellation);
            host._logger.Listening(host.Port);
            if (host._tls is not null)
            {
                await host._tls.StartAsync(cancellation);
            }

            if (options.Issuer?.AtStart == true)
            {
                host._keys!.Start();
            }

            host._subscription = contracts.Subscribe(host.Apply);
            host._readiness = host.BecomeReadyAsync();
            return host;
        }
        catch
        {
            await host.CloseAsync();
            throw;
        }
    }

    /// <summary>
    /// Completes when the contracts applied until now are in force: requests are routed by the last one, and the log of each of its resources has been opened or could
    /// not be. A log that takes long to open is waited for a second: it concerns its own resources only.
    /// </summary>
    /// <param name="cancellation">Ends the wait.</param>
    public async Task InForceAsync(CancellationToken cancellation)
    {
        try
        {
            await _store.WhenInForceAsync().WaitAsync(LongestOpening, _time, cancellation);
        }
        catch (TimeoutException)
        {
            // What was served before goes on, and all others are in force.
        }
    }

    /// <summary>
    /// Stops in an orderly way: no longer ready, serves for <see cref="ReceiverOptions.DrainDelay"/> more, stops listening, finishes what is under
    /// way within <see cref="ReceiverOptions.DrainBudget"/>, and gives the logs back. Every call waits for the same stop.
    /// </summary>
    /// <param name="hurry">Skips the delay when cancelled: then nobody needs to be given time to look elsewhere.</param>
    public Task StopAsync(CancellationToken hurry = default)
    {
        lock (_stopLock)
        {
            return _stopped ??= StopOnceAsync(hurry);
        }
    }

    /// <summary>Stops without the delay.</summary>
    public async ValueTask DisposeAsync() => await StopAsync(new CancellationToken(canceled: true));

    private static void Configure(SocketTransportOptions transport, ReceiverOptions options)
    {
        transport.Backlog = options.AcceptBacklog;
        transport.NoDelay = options.NoDelay;

        // Nothing between the socket and the append blocks, so a request is read on the thread that its bytes arrive on.
        transport.UnsafePreferInlineScheduling = true;
    }

    private static void Configure(KestrelServerOptions server, ReceiverOptions options)
    {
        server.AddServerHeader = false;

        // Each byte becomes one character, so that the bytes can be had back and be checked as UTF-8 by the event's rules.
        server.RequestHeaderEncodingSelector = static name =>
            string.Equals(name, HeaderNames.ContentLength, StringComparison.OrdinalIgnoreCase) ? LengthEncoding.Instance : Encoding.Latin1;
        server.ResponseHeaderEncodingSelector = static _ => Encoding.Latin1;
        var limits = server.Limits;

        // The body's limit, deadline and problem documents are ours; the server drains what is left of a refused body.
        limits.MaxRequestBodySize = null;
        limits.MinRequestBodyDataRate = null;

        // A sender who does not read answers would hold the memory of its request for ever. An answer may take as long as a body, however slowly it
        // is read; only what the rate allows on top of that counts, which is little.
        limits.MinResponseDataRate = new MinDataRate(
            1024 * 1024,
            options.BodyDeadline > ShortestGrace ? options.BodyDeadline : ShortestGrace
        );
        limits.MaxRequestLineSize = options.MaxRequestLineBytes;
        limits.MaxRequestHeadersTotalSize = options.MaxHeaderBytes;

        // Only their size together is limited, as in the original.
        limits.MaxRequestHeaderCount = options.MaxHeaderBytes;
        limits.MaxRequestBufferSize = Math.Max(options.MaxRequestLineBytes + options.MaxHeaderBytes, 256 * 1024);

        // Not infinite: the server adds it to a timestamp, which overflows, and closes connections at its next heartbeat.
        limits.KeepAliveTimeout = options.IdleTimeout > TimeSpan.Zero ? options.IdleTimeout : TimeSpan.FromDays(365);
        limits.Http2.MaxStreamsPerConnection = options.MaxStreamsPerConnection;
        limits.Http2.MaxRequestHeaderFieldSize = options.MaxHeaderBytes;
    }

    private void Apply(Contract contract)
    {
        _store.Apply(contract);

        // Keys that are there before the first token comes spare it the wait.
        if (_store.NeedsTokens)
        {
            _keys?.Start();
        }
    }

    /// <summary>Looks until a contract has been applied and a log is there, then no more.</summary>
    private async Task BecomeReadyAsync()
    {
        try
        {
            while (true)
            {
                _application.NotReady = await WhyNotReadyAsync();
                if (_application.NotReady is null)
                {
                    _logger.Ready();
                    return;
                }

                await Task.Delay(TimeSpan.FromMilliseconds(_store.IsSettled ? 500 : 100), _time, _stopping.Token);
            }
        }
        catch (OperationCanceledException)
        {
            // Stopping says by itself that the receiver is not ready.
        }
    }

    private async Task<string?> WhyNotReadyAsync()
    {
        if (!_store.HasContract)
        {
            return "No contract has been read yet.";
        }

        if (!_store.IsSettled)
        {
            return "The logs of the contract's resources are being opened.";
        }

        // Resources whose log cannot even be opened concern only themselves.
        var logs = _store.OpenLogs();
        if (logs.Count == 0)
        {
            return null;
        }

        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(2), _time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(limit.Token, _stopping.Token);
        var asked = new List<Task<bool>>(logs.Count);
        foreach (var log in logs)
        {
            asked.Add(IsReachableAsync(log, either.Token));
        }

        await foreach (var answer in Task.WhenEach(asked))
        {
            if (await answer)
            {
                await either.CancelAsync();
                return null;
            }
        }

        return "No log of the contract's resources can be reached.";
    }

    private static async Task<bool> IsReachableAsync(ILog log, CancellationToken cancellation)
    {
        try
        {
            return await log.IsReachableAsync(cancellation);
        }
        catch (Exception)
        {
            // A log that was closed meanwhile, or fails: it is not reachable, whatever the reason.
            return false;
        }
    }

    private async Task StopOnceAsync(CancellationToken hurry)
    {
        await Task.CompletedTask.ConfigureAwait(ConfigureAwaitOptions.ForceYielding);
        _logger.Draining(hurry.IsCancellationRequested ? 0 : _options.DrainDelay.TotalSeconds, _options.DrainBudget.TotalSeconds);
        await _stopping.CancelAsync();
        await _readiness;
        _application.NotReady = "The receiver is stopping.";
        _application.Draining = true;
        try
        {
            if (_options.DrainDelay > TimeSpan.Zero)
            {
                await Task.Delay(_options.DrainDelay, _time, hurry);
            }
        }
        catch (OperationCanceledException)
        {
            // In a hurry.
        }

        using (var budget = new CancellationTokenSource(_options.DrainBudget, _time))
        using (var answers = new CancellationTokenSource(_options.DrainBudget + TimeSpan.FromSeconds(1), _time))
        await using (budget.Token.UnsafeRegister(static deadlines => ((Deadlines)deadlines!).ExpireAll(), _deadlines))
        {
            // Stops accepting and closes idle connections. When the budget is spent, what still waits is answered that it is late; a second
            // after that whatever is left is aborted.
            await Task.WhenAll(_server.StopAsync(answers.Token), _tls?.StopAsync(answers.Token) ?? Task.CompletedTask);
        }

        // Requests without a connection may still wait for the log.
        _deadlines.ExpireAll();
        await CloseAsync();
        _logger.Stopped();
    }

    private async Task CloseAsync()
    {
        _subscription?.Dispose();
        await _stopping.CancelAsync();
        _server.Dispose();
        if (_tls is not null)
        {
            await _tls.DisposeAsync();
        }

        await _store.DisposeAsync();
        if (_keys is not null)
        {
            await _keys.DisposeAsync();
        }

        _deadlines.Dispose();
        _metrics.Dispose();
        _application.Traces.Dispose();
    }
}
