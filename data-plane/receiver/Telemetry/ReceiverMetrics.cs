using System.Diagnostics.Metrics;
using Brokkr.Core.Telemetry;
using Brokkr.Receiver.Http;
using Brokkr.Receiver.Routing;

namespace Brokkr.Receiver.Telemetry;

/// <summary>The receiver's instruments (receiver-and-core §14.2).</summary>
internal sealed class ReceiverMetrics : IDisposable
{
    private readonly Meter _meter = new("Brokkr.Receiver");
    private readonly IMetricSeries _series;
    private readonly Histogram<double> _latency;

    public ReceiverMetrics(IMetricSeries series, EventTypeTags types)
    {
        _series = series;
        _latency = EventingInstruments.DispatchLatency(_meter);
        Types = types;
    }

    /// <summary>Values of the tag with the event's type.</summary>
    public EventTypeTags Types { get; }

    /// <summary>The series of one resource.</summary>
    public IngressLatency For(IngressDefinition definition) => new(_latency, definition);

    /// <summary>Shows the state of the receiver: what it has applied and what it holds (receiver-and-core §18.25).</summary>
    public void Observe(IngressStore store, InFlightBytes bytes)
    {
        _meter.CreateObservableGauge(
            "brokkr.receiver.contract_generation",
            () => (double)store.Generation,
            description: "Generation of the contract that is applied"
        );
        _meter.CreateObservableGauge(
            "brokkr.receiver.resources",
            () => store.Count,
            description: "Resources of the contract that have an ingress"
        );
        _meter.CreateObservableGauge(
            "brokkr.receiver.resources_without_log",
            () => store.Count - store.OpenCount,
            description: "Resources of the contract whose log has not been opened yet"
        );
        _meter.CreateObservableGauge(
            "brokkr.receiver.held_bytes",
            () => bytes.Taken,
            description: "Bytes that requests under way are counted for"
        );
    }

    /// <summary>Drops what was counted for a resource that is gone.</summary>
    public void Forget(IngressDefinition definition)
    {
        if (definition.Kind.Length > 0)
        {
            _series.Remove(
                new KeyValuePair<string, string>(EventingInstruments.ResourceNameTag(definition.Kind), definition.Name),
                new KeyValuePair<string, string>(EventingInstruments.ResourceNamespaceTag(definition.Kind), definition.Namespace)
            );
        }
    }

    /// <inheritdoc/>
    public void Dispose() => _meter.Dispose();
}

/// <summary>
/// The latency of one resource's events. The original counts the statuses 202, 400 and 503; here every answer to a request that reached the
/// resource is counted, since the others are what people look for when events are missing (receiver-and-core §18.25). Hot path: no allocation.
/// </summary>
internal sealed class IngressLatency(Histogram<double> latency, IngressDefinition definition)
{
    private readonly string? _nameTag = definition.Kind.Length == 0 ? null : EventingInstruments.ResourceNameTag(definition.Kind);
    private readonly string? _namespaceTag = definition.Kind.Length == 0 ? null : EventingInstruments.ResourceNamespaceTag(definition.Kind);

    /// <summary>Counts one answer.</summary>
    /// <param name="status">Its status code.</param>
    /// <param name="type">Tag value of the event's type.</param>
    /// <param name="milliseconds">From routing the request to the answer.</param>
    public void Record(int status, string type, double milliseconds)
    {
        // A resource without a reference has no names to count it under.
        if (!latency.Enabled || _nameTag is null || _namespaceTag is null)
        {
            return;
        }

        ReadOnlySpan<KeyValuePair<string, object?>> tags =
        [
            new(EventingInstruments.StatusCodeTag, StatusText(status)),
            new(EventingInstruments.EventTypeTag, type),
            new(_nameTag, definition.Name),
            new(_namespaceTag, definition.Namespace),
        ];
        latency.Record(milliseconds, tags);
    }

    private static string StatusText(int status) =>
        status switch
        {
            202 => "202",
            400 => "400",
            401 => "401",
            408 => "408",
            413 => "413",
            415 => "415",
            429 => "429",
            503 => "503",
            _ => "500",
        };
}
