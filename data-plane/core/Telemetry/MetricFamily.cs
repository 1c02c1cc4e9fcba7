using System.Buffers;
using System.Buffers.Binary;
using System.Globalization;
using System.Numerics;
using System.Runtime.InteropServices;
using System.Text;

namespace Brokkr.Core.Telemetry;

/// <summary>What the numbers of a family are.</summary>
internal enum MetricKind
{
    /// <summary>Grows only.</summary>
    Counter,

    /// <summary>Goes up and down by differences.</summary>
    Gauge,

    /// <summary>A gauge that is set.</summary>
    LastValue,

    /// <summary>A distribution.</summary>
    Histogram,
}

/// <summary>
/// All series of one name. Two maps lead to a series: the fast one from the tags as given, in their order, which readers use without a lock; and the true one
/// from the sorted labels. Both change under a lock only.
/// </summary>
internal sealed class MetricFamily(string name, string help, MetricKind kind, bool observable, double[] bounds, int maxSeries)
{
    private readonly Lock _lock = new();
    private readonly Dictionary<string, MetricSeries> _series = new(StringComparer.Ordinal);
    private readonly HistogramText? _histogram = kind == MetricKind.Histogram ? new HistogramText(name, bounds) : null;
    private readonly byte[] _name = Encoding.UTF8.GetBytes(name);
    private Node?[] _byTags = new Node?[64];
    private int _tagSets;
    private long _scrape;
    private long _dropped;

    public MetricKind Kind => kind;

    /// <summary>Measurements that got no series.</summary>
    public long Dropped => Interlocked.Read(ref _dropped);

    public void Record(double value, ReadOnlySpan<KeyValuePair<string, object?>> tags)
    {
        if (Find(tags) is not { } series)
        {
            return;
        }

        if (kind == MetricKind.LastValue || observable)
        {
            series.Set(value, Volatile.Read(ref _scrape));
        }
        else
        {
            series.Add(value);
        }
    }

    public void Record(long value, ReadOnlySpan<KeyValuePair<string, object?>> tags)
    {
        if (kind == MetricKind.Histogram || kind == MetricKind.LastValue || observable)
        {
            Record((double)value, tags);
        }
        else
        {
            Find(tags)?.Add(value);
        }
    }

    /// <summary>Values of observable instruments that are not reported from now on are gone.</summary>
    public void BeginScrape() => Interlocked.Increment(ref _scrape);

    public void RotateMax()
    {
        foreach (var series in Series())
        {
            series.RotateMax();
        }
    }

    public void Remove(KeyValuePair<string, string>[] labels) => RemoveAll(series => series.Carries(labels));

    public void Write(IBufferWriter<byte> output)
    {
        if (observable)
        {
            // What nobody reports any more must not keep others from having series.
            var scrape = Volatile.Read(ref _scrape);
            RemoveAll(series => series.Scrape != scrape);
        }

        var all = Series();

        if (all.Length == 0)
        {
            return;
        }

        Array.Sort(all, static (a, b) => string.CompareOrdinal(a.Key, b.Key));
        if (_histogram is { } histogram)
        {
            ExpositionText.Head(output, name, "histogram", help);
            foreach (var series in all)
            {
                series.WriteHistogram(output, histogram);
            }

            ExpositionText.Head(output, name + "_max", "gauge", help);
            foreach (var series in all)
            {
                ExpositionText.Sample(output, histogram.Max, series.Labels, series.Max);
            }

            return;
        }

        ExpositionText.Head(output, name, kind == MetricKind.Counter ? "counter" : "gauge", help);
        foreach (var series in all)
        {
            ExpositionText.Sample(output, _name, series.Labels, series.Value);
        }
    }

    private void RemoveAll(Predicate<MetricSeries> isGone)
    {
        lock (_lock)
        {
            List<string>? gone = null;
            foreach (var (key, series) in _series)
            {
                if (isGone(series))
                {
                    series.Gone = true;
                    (gone ??= []).Add(key);
                }
            }

            if (gone is null)
            {
                return;
            }

            foreach (var key in gone)
            {
                _series.Remove(key);
            }

            Rebuild(_byTags.Length);
        }
    }

    private MetricSeries[] Series()
    {
        lock (_lock)
        {
            return [.. _series.Values];
        }
    }

    private MetricSeries? Find(ReadOnlySpan<KeyValuePair<string, object?>> tags)
    {
        var hash = HashOf(tags);
        var table = Volatile.Read(ref _byTags);
        for (var node = Volatile.Read(ref table[hash & (table.Length - 1)]); node is not null; node = node.Next)
        {
            if (node.Hash == hash && node.Is(tags))
            {
                return node.Series;
            }
        }

        return Create(hash, tags);
    }

    private MetricSeries? Create(int hash, ReadOnlySpan<KeyValuePair<string, object?>> tags)
    {
        lock (_lock)
        {
            var labels = Labels(tags);
            var series = Series(labels);
            if (
                series is null
                && Array.FindIndex(labels, label => string.Equals(label.Key, "cloudevents_type", StringComparison.Ordinal))
                    is >= 0
                        and var type
            )
            {
                labels[type] = new("cloudevents_type", EventTypeTags.Unknown);
                series = Series(labels);
            }

            if (series is null)
            {
                Interlocked.Increment(ref _dropped);
                return null;
            }

            // Callers that vary the order of tags without end find the slow way every time, but fill no memory.
            if (_tagSets < maxSeries * 2)
            {
                if (_tagSets >= _byTags.Length)
                {
                    Rebuild(_byTags.Length * 2);
                }

                ref var slot = ref _byTags[hash & (_byTags.Length - 1)];
                Volatile.Write(ref slot, new Node(hash, tags.ToArray(), series, slot));
                _tagSets++;
            }

            return series;
        }
    }

    private MetricSeries? Series(KeyValuePair<string, string>[] labels)
    {
        var key = ExpositionText.Labels(labels);
        if (!_series.TryGetValue(key, out var series) && _series.Count < maxSeries)
        {
            series = new MetricSeries(key, (KeyValuePair<string, string>[])labels.Clone(), bounds, kind == MetricKind.Histogram);
            _series.Add(key, series);
        }

        return series;
    }

    private void Rebuild(int size)
    {
        var table = new Node?[size];
        _tagSets = 0;
        foreach (var chain in _byTags)
        {
            for (var node = chain; node is not null; node = node.Next)
            {
                if (!node.Series.Gone)
                {
                    ref var slot = ref table[node.Hash & (size - 1)];
                    slot = new Node(node.Hash, node.Tags, node.Series, slot);
                    _tagSets++;
                }
            }
        }

        Volatile.Write(ref _byTags, table);
    }

    private static int HashOf(ReadOnlySpan<KeyValuePair<string, object?>> tags)
    {
        var hash = (ulong)tags.Length;
        foreach (var tag in tags)
        {
            // Keys hardly ever tell two sets apart that values do not.
            hash = Mix(hash, tag.Value is string text ? HashOf(text) : (ulong)(tag.Value?.GetHashCode() ?? 0));
        }

        return (int)(hash ^ (hash >> 32));
    }

    /// <summary>
    /// Half the cost of the framework's hash, which is safe against chosen collisions; here the number of texts is bounded. Of long texts the ends count.
    /// </summary>
    private static ulong HashOf(string text)
    {
        const int Most = 64;
        var bytes = MemoryMarshal.AsBytes(text.AsSpan());
        var hash = (ulong)bytes.Length;
        if (bytes.Length > Most * 2)
        {
            return Mix(HashOf(bytes[..Most], hash), HashOf(bytes[^Most..], hash));
        }

        return HashOf(bytes, hash);
    }

    private static ulong HashOf(ReadOnlySpan<byte> bytes, ulong hash)
    {
        while (bytes.Length >= sizeof(ulong))
        {
            hash = Mix(hash, BinaryPrimitives.ReadUInt64LittleEndian(bytes));
            bytes = bytes[sizeof(ulong)..];
        }

        foreach (var value in bytes)
        {
            hash = (hash * 31) + value;
        }

        return hash;
    }

    private static ulong Mix(ulong hash, ulong value) => BitOperations.RotateLeft((hash ^ value) * 0x9E3779B97F4A7C15, 29);

    private static KeyValuePair<string, string>[] Labels(ReadOnlySpan<KeyValuePair<string, object?>> tags)
    {
        var labels = new KeyValuePair<string, string>[tags.Length];
        for (var i = 0; i < tags.Length; i++)
        {
            var value = tags[i].Value switch
            {
                string text => text,
                null => "",
                bool flag => flag ? "true" : "false",
                IFormattable number => number.ToString(null, CultureInfo.InvariantCulture),
                var other => other.ToString() ?? "",
            };
            labels[i] = new(ExpositionText.Name(tags[i].Key), value);
        }

        Array.Sort(labels, static (a, b) => string.CompareOrdinal(a.Key, b.Key));
        return labels;
    }

    private sealed class Node(int hash, KeyValuePair<string, object?>[] tags, MetricSeries series, Node? next)
    {
        public int Hash => hash;

        public KeyValuePair<string, object?>[] Tags => tags;

        public MetricSeries Series => series;

        public Node? Next => next;

        public bool Is(ReadOnlySpan<KeyValuePair<string, object?>> others)
        {
            if (others.Length != tags.Length)
            {
                return false;
            }

            for (var i = 0; i < others.Length; i++)
            {
                ref readonly var other = ref others[i];
                ref readonly var own = ref tags[i];
                if (!ReferenceEquals(other.Value, own.Value) && !Equals(other.Value, own.Value))
                {
                    return false;
                }

                if (!ReferenceEquals(other.Key, own.Key) && !string.Equals(other.Key, own.Key, StringComparison.Ordinal))
                {
                    return false;
                }
            }

            return true;
        }
    }
}
