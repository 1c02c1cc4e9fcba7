using System.Buffers;
using System.Diagnostics.Metrics;

namespace Brokkr.Core.Telemetry;

/// <summary>What is exposed.</summary>
public sealed record PrometheusOptions
{
    /// <summary>Meters whose name begins with one of these are exposed. Default: ours.</summary>
    public IReadOnlyList<string> Meters { get; init; } = ["Brokkr."];

    /// <summary>
    /// Series that one name may have. Beyond it measurements go to the series with the event type <c>unknown</c>, and where that does not help they are dropped
    /// and counted. Default 20 000: 1000 Triggers with some types and status codes each; more would only hurt who scrapes.
    /// </summary>
    public int MaxSeries { get; init; } = 20_000;

    /// <summary>True: histograms get more bounds than those they ask for (<c>METRICS_PUBLISH_QUANTILES</c>). Default false.</summary>
    public bool MoreBounds { get; init; }
}

/// <summary>
/// Collects what the meters of this process measure and writes it in the text format of Prometheus, exactly as the original does (receiver-and-core §14.2):
/// dots become underscores, the unit is appended to the name, counters end in <c>_total</c>, histograms have a gauge <c>_max</c> of the last minutes beside them,
/// numbers look like <c>1.0</c> and every label is followed by a comma.
/// <para>Recording is the hot path: a look-up without locks and a few interlocked additions, no allocation for a set of tags seen before.</para>
/// </summary>
public sealed class PrometheusMetrics : IMetricSeries, IDisposable
{
    /// <summary>How long a slot of <c>_max</c> lasts; the gauge shows the largest value of the last three.</summary>
    private static readonly TimeSpan MaxSlot = TimeSpan.FromMinutes(1);

    private readonly PrometheusOptions _options;
    private readonly MeterListener _listener = new();
    private readonly SortedDictionary<string, MetricFamily> _families = new(StringComparer.Ordinal);
    private readonly Lock _lock = new();
    private readonly ITimer _rotation;

    /// <summary>Starts to collect.</summary>
    public PrometheusMetrics(PrometheusOptions options, TimeProvider time)
    {
        _options = options;
        _listener.InstrumentPublished = Published;
        _listener.SetMeasurementEventCallback<double>(static (_, value, tags, state) => ((MetricFamily)state!).Record(value, tags));
        _listener.SetMeasurementEventCallback<float>(static (_, value, tags, state) => ((MetricFamily)state!).Record(value, tags));
        _listener.SetMeasurementEventCallback<long>(static (_, value, tags, state) => ((MetricFamily)state!).Record(value, tags));
        _listener.SetMeasurementEventCallback<int>(static (_, value, tags, state) => ((MetricFamily)state!).Record(value, tags));
        _listener.Start();
        _rotation = time.CreateTimer(_ => Rotate(), null, MaxSlot, MaxSlot);
    }

    /// <inheritdoc/>
    public void Remove(params ReadOnlySpan<KeyValuePair<string, string>> tags)
    {
        var labels = new KeyValuePair<string, string>[tags.Length];
        for (var i = 0; i < tags.Length; i++)
        {
            labels[i] = new(ExpositionText.Name(tags[i].Key), tags[i].Value);
        }

        foreach (var family in Families())
        {
            family.Remove(labels);
        }
    }

    /// <summary>Writes all series. Names without any are left out.</summary>
    public void Write(IBufferWriter<byte> output)
    {
        var families = Families();
        foreach (var family in families)
        {
            family.BeginScrape();
        }

        _listener.RecordObservableInstruments();
        long dropped = 0;
        foreach (var family in families)
        {
            family.Write(output);
            dropped += family.Dropped;
        }

        if (dropped > 0)
        {
            ExpositionText.Head(
                output,
                "brokkr_metrics_dropped_measurements_total",
                "counter",
                "Measurements that had no room for a series of their own"
            );
            ExpositionText.Sample(output, "brokkr_metrics_dropped_measurements_total"u8, default, dropped);
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _rotation.Dispose();
        _listener.Dispose();
    }

    private void Published(Instrument instrument, MeterListener listener)
    {
        var exposed = false;
        foreach (var prefix in _options.Meters)
        {
            exposed |= instrument.Meter.Name.StartsWith(prefix, StringComparison.Ordinal);
        }

        if (!exposed || KindOf(instrument) is not { } kind)
        {
            return;
        }

        var name = ExpositionText.FamilyName(instrument.Name, instrument.Unit, kind);
        lock (_lock)
        {
            if (!_families.TryGetValue(name, out var family))
            {
                family = new MetricFamily(
                    name,
                    instrument.Description ?? "",
                    kind,
                    instrument.IsObservable,
                    Bounds(instrument),
                    _options.MaxSeries
                );
                _families.Add(name, family);
            }

            if (family.Kind == kind)
            {
                listener.EnableMeasurementEvents(instrument, family);
            }
        }
    }

    /// <summary>What an instrument is to Prometheus; null if it has numbers that we do not read.</summary>
    private static MetricKind? KindOf(Instrument instrument) =>
        instrument switch
        {
            Histogram<double> or Histogram<long> or Histogram<int> or Histogram<float> => MetricKind.Histogram,
            Counter<double> or Counter<long> or Counter<int> or Counter<float> => MetricKind.Counter,
            ObservableCounter<double> or ObservableCounter<long> or ObservableCounter<int> => MetricKind.Counter,
            UpDownCounter<double> or UpDownCounter<long> or UpDownCounter<int> => MetricKind.Gauge,
            ObservableUpDownCounter<double> or ObservableUpDownCounter<long> or ObservableUpDownCounter<int> => MetricKind.Gauge,
            ObservableGauge<double> or ObservableGauge<long> or ObservableGauge<int> => MetricKind.Gauge,
            Gauge<double> or Gauge<long> or Gauge<int> => MetricKind.LastValue,
            _ => null,
        };

    private double[] Bounds(Instrument instrument)
    {
        var advised = instrument switch
        {
            Histogram<double> { Advice.HistogramBucketBoundaries: { } bounds } => bounds,
            Histogram<long> { Advice.HistogramBucketBoundaries: { } bounds } => bounds.Select(bound => (double)bound),
            Histogram<int> { Advice.HistogramBucketBoundaries: { } bounds } => bounds.Select(bound => (double)bound),
            _ => EventingInstruments.LatencyBounds,
        };
        IEnumerable<double> more = _options.MoreBounds
            ? [1, 2, 3, 5, 7, 10, 14, 20, 30, 70, 140, 200, 300, 700, 1400, 2000, 3000, 7000, 14000, 20000, 30000]
            : [];
        return [.. advised.Concat(more).Distinct().Order()];
    }

    private MetricFamily[] Families()
    {
        lock (_lock)
        {
            return [.. _families.Values];
        }
    }

    private void Rotate()
    {
        foreach (var family in Families())
        {
            family.RotateMax();
        }
    }
}
