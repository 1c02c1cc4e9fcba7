using System.Diagnostics;
using System.Globalization;
using System.Text;
using Brokkr.Core.Telemetry;
using Microsoft.Extensions.Logging;
using OpenTelemetry;
using OpenTelemetry.Trace;

namespace Brokkr.Cli.Hosting;

/// <summary>
/// Sends the spans of the process away (receiver-and-core §14.3). Touched only by a role that is told to trace: the library takes some megabytes, which others
/// do without.
/// </summary>
internal static class TraceExport
{
    /// <summary>Starts to collect and to send, in batches. Dispose the result to send what is left and end it.</summary>
    public static IDisposable Start(ObservabilityOptions options, DataPlaneEnvironment environment, RoleContext role)
    {
        var logger = role.Loggers.CreateLogger("Brokkr.Cli.Telemetry");
        var builder = Sdk.CreateTracerProviderBuilder()
            .AddSource(TraceHeaders.ReceiverSource, TraceHeaders.DispatcherSource)
            .SetSampler(new ParentBasedSampler(new TraceIdRatioBasedSampler(options.SamplingRate)))
            .SetResourceBuilder(Otlp.Describe(environment));
        builder =
            options.Tracing == TracingProtocol.Stdout
                ? builder.AddProcessor(new SimpleActivityExportProcessor(new LogExporter(logger)))
                : builder.AddOtlpExporter(otlp => Otlp.Connect(otlp, options.TracingEndpoint!, options.Tracing == TracingProtocol.Grpc));
        var provider = builder.Build();
        logger.TracesSent(options.TracingEndpoint?.ToString() ?? "the log", options.Tracing.ToString(), options.SamplingRate);
        return provider;
    }

    /// <summary>Writes spans to the log.</summary>
    private sealed class LogExporter(ILogger logger) : BaseExporter<Activity>
    {
        public override ExportResult Export(in Batch<Activity> batch)
        {
            foreach (var span in batch)
            {
                var text = new StringBuilder();
                text.Append(CultureInfo.InvariantCulture, $"{span.Kind}, {span.Duration.TotalMilliseconds} ms, {span.Status}");
                Append(text, span.TagObjects);
                foreach (var @event in span.Events)
                {
                    text.Append(CultureInfo.InvariantCulture, $"; {@event.Name}");
                    Append(text, @event.Tags);
                }

                logger.SpanEnded(span.DisplayName, span.SpanId.ToHexString(), span.TraceId.ToHexString(), text.ToString());
            }

            return ExportResult.Success;
        }

        private static void Append(StringBuilder text, IEnumerable<KeyValuePair<string, object?>> tags)
        {
            foreach (var (key, value) in tags)
            {
                text.Append(CultureInfo.InvariantCulture, $", {key}={value}");
            }
        }
    }
}
