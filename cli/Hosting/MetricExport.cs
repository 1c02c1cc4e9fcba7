using Brokkr.Core.Telemetry;
using Microsoft.Extensions.Logging;
using OpenTelemetry;
using OpenTelemetry.Metrics;

namespace Brokkr.Cli.Hosting;

/// <summary>
/// Sends the metrics of the process away by OTLP, with cumulative values (receiver-and-core §14.1). Touched only by a role that is told to, as <see cref="TraceExport"/> is.
/// </summary>
internal static class MetricExport
{
    /// <summary>Starts to collect and to send. Dispose the result to send once more and end it.</summary>
    /// <param name="options">Where to and how often.</param>
    /// <param name="meters">What the names of the meters begin with.</param>
    /// <param name="environment">Names the service, where <c>OTEL_SERVICE_NAME</c> and <c>OTEL_RESOURCE_ATTRIBUTES</c> do not.</param>
    /// <param name="logger">Gets told that it begins.</param>
    public static IDisposable Start(
        ObservabilityOptions options,
        IEnumerable<string> meters,
        DataPlaneEnvironment environment,
        ILogger logger
    )
    {
        var provider = Sdk.CreateMeterProviderBuilder()
            .AddMeter([.. meters.Select(static meter => meter.EndsWith('.') ? meter + "*" : meter)])
            .SetResourceBuilder(Otlp.Describe(environment))
            .AddOtlpExporter(
                (otlp, reader) =>
                {
                    Otlp.Connect(otlp, options.MetricsEndpoint!, options.Metrics == MetricsProtocol.Grpc);
                    reader.TemporalityPreference = MetricReaderTemporalityPreference.Cumulative;
                    reader.PeriodicExportingMetricReaderOptions.ExportIntervalMilliseconds = (int)options.ExportInterval.TotalMilliseconds;
                }
            )
            .Build();
        logger.MetricsSent(options.MetricsEndpoint!.ToString(), options.Metrics.ToString(), options.ExportInterval.TotalSeconds);
        return provider;
    }
}
