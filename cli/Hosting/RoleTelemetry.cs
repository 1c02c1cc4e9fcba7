using Brokkr.Core.Telemetry;
using Microsoft.Extensions.Logging;

namespace Brokkr.Cli.Hosting;

/// <summary>
/// The metrics of a role, with the endpoint that shows them, and its traces, with what sends them, as far as <c>config-observability</c> asks for it.
/// </summary>
internal sealed class RoleTelemetry : IAsyncDisposable
{
    private readonly PrometheusMetrics? _metrics;
    private readonly ScrapeEndpoint? _endpoint;
    private readonly IDisposable?[] _exports;

    private RoleTelemetry(PrometheusMetrics? metrics, ScrapeEndpoint? endpoint, IDisposable?[] exports, EventTypeTags eventTypes)
    {
        _exports = exports;
        _metrics = metrics;
        _endpoint = endpoint;
        EventTypes = eventTypes;
    }

    /// <summary>Where a role drops the series of a resource that went.</summary>
    public IMetricSeries Series => _metrics is null ? NoMetricSeries.Instance : _metrics;

    /// <summary>Gives the tag values of event types.</summary>
    public EventTypeTags EventTypes { get; }

    /// <summary>Starts to collect and, where asked for, to listen.</summary>
    /// <exception cref="IOException">The port is in use.</exception>
    public static async Task<RoleTelemetry> StartAsync(DataPlaneEnvironment environment, RoleContext role, CancellationToken cancellation)
    {
        var logger = role.Loggers.CreateLogger("Brokkr.Cli.Telemetry");
        var options = ObservabilityOptions.Load(environment.ObservabilityPath, logger);
        var eventTypes = new EventTypeTags(!environment.EventTypeTagDisabled);
        IDisposable? sending = options.Metrics is MetricsProtocol.Grpc or MetricsProtocol.HttpProtobuf
            ? MetricExport.Start(options, MetersOf(environment), environment, logger)
            : null;
        var traces = options.Tracing == TracingProtocol.None ? null : TraceExport.Start(options, environment, role);
        if (options.Metrics != MetricsProtocol.Prometheus)
        {
            return new RoleTelemetry(null, null, [sending, traces], eventTypes);
        }

        var metrics = new PrometheusMetrics(
            new PrometheusOptions { Meters = MetersOf(environment), MoreBounds = environment.MoreHistogramBounds },
            role.Time
        );
        var endpoint = await ScrapeEndpoint.StartAsync(
            new ScrapeEndpointOptions
            {
                Host = environment.MetricsHost,
                Port = options.Port,
                Path = options.Path,
                Tls = environment.MetricsTls,
            },
            metrics,
            role.Loggers,
            cancellation
        );
        logger.MetricsServed(endpoint.Address);
        return new RoleTelemetry(metrics, endpoint, [traces], eventTypes);
    }

    private static IReadOnlyList<string> MetersOf(DataPlaneEnvironment environment)
    {
        var meters = new List<string> { PrometheusOptions.OwnMeters };
        if (!environment.KafkaClientMetricsDisabled)
        {
            meters.Add(PrometheusOptions.KafkaClientMeters);
        }

        if (environment.RuntimeMetrics)
        {
            meters.Add("System.Runtime");
        }

        return meters;
    }

    public async ValueTask DisposeAsync()
    {
        if (_endpoint is not null)
        {
            await _endpoint.DisposeAsync();
        }

        _metrics?.Dispose();
        foreach (var export in _exports)
        {
            // Sends what waits to be sent.
            export?.Dispose();
        }
    }
}
