using System.Buffers;
using System.Diagnostics.Metrics;

namespace Brokkr.Core.Telemetry;

/// <summary>What is exposed.</summary>
public sealed record PrometheusOptions
{
    /// <summary>What the names of our meters begin with.</summary>
    public const string OwnMeters = "Brokkr.";

    /// <summary>What the names of the meters begin with that show what the original's Kafka clients do.</summary>
    public const string KafkaClientMeters = "Kafka.Clients.";

    /// <summary>Meters whose name begins with one of these are exposed. Default: ours, and those of the original's Kafka clients.</summary>
    public IReadOnlyList<string> Meters { get; init; } = [OwnMeters, KafkaClientMeters];

    /// <summary>
    /// Series that one name may have. Beyond it measurements go to the series with the event type <c>unknown</c>, and where that does not help they are dropped
    /// and counted. Default 20 000: 1000 Triggers with some types and status codes each; more would only hurt who scrapes.
    /// </summary>
    public int MaxSeries { get; init; } = 20_000;

    /// <summary>What bringing values up to date before they are shown may take. Default 1 s: scrapers wait for ten.</summary>
    public TimeSpan RefreshBudget { get; init; } = TimeSpan.FromSeconds(1);

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
    private readonly Lock _writing = new();
    private readonly SemaphoreSlim _refreshing = new(1, 1);
    private readonly TimeProvider _time;
    private readonly ITimer _rotation;
    private Func<CancellationToken, Task>[] _refreshes = [];

    /// <summary>Starts to collect.</summary>
    public PrometheusMetrics(PrometheusOptions options, TimeProvider time)
    {
        _options = options;
        _time = time;
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

    /// <inheritdoc/>
    public IDisposable BeforeScrape(Func<CancellationToken, Task> refresh)
    {
        lock (_lock)
        {
            _refreshes = [.. _refreshes, refresh];
        }

        return new Refresh(this, refresh);
    }

    /// <summary>Has everything brought up to date that asked for it, as far as <see cref="PrometheusOptions.RefreshBudget"/> goes.</summary>
    /// <param name="cancellation">Ends the wait.</param>
    public async Task RefreshAsync(CancellationToken cancellation)
    {
        using var budget = new CancellationTokenSource(_options.RefreshBudget, _time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(budget.Token, cancellation);
        try
        {
            await _refreshing.WaitAsync(either.Token);
        }
        catch (OperationCanceledException)
        {
            // Another scrape is at it.
            return;
        }

        try
        {
            foreach (var refresh in Volatile.Read(ref _refreshes))
            {
                await refresh(either.Token);
            }
        }
        catch (OperationCanceledException) when (either.IsCancellationRequested)
        {
            // What is known is shown.
        }
        finally
        {
            _refreshing.Release();
        }
    }

    /// <summary>Writes all series. Names without any are left out.</summary>
    public void Write(IBufferWriter<byte> output)
    {
        // One at a time: whatever an observable instrument does not report now is not there any more.
        lock (_writing)
        {
            WriteAll(output);
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _rotation.Dispose();
        _listener.Dispose();
        _refreshing.Dispose();
    }

    private void WriteAll(IBufferWriter<byte> output)
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

    private void Forget(Func<CancellationToken, Task> refresh)
    {
        lock (_lock)
        {
            _refreshes = Array.FindAll(_refreshes, known => known != refresh);
        }
    }

    private sealed class Refresh(PrometheusMetrics metrics, Func<CancellationToken, Task> refresh) : IDisposable
    {
        public void Dispose() => metrics.Forget(refresh);
    }
}
