using System.Buffers;
using System.Text;

namespace Brokkr.Core.Telemetry;

/// <summary>The numbers of one set of labels. Recording is safe from many threads; a reader may see a measurement half done, in the sum but not yet in a bucket.</summary>
internal sealed class MetricSeries(string key, KeyValuePair<string, string>[] labels, double[] bounds, bool histogram)
{
    private readonly long[] _buckets = histogram ? new long[bounds.Length + 1] : [];
    private readonly double[] _maxima = histogram ? new double[3] : [];
    private int _slot;
    private long _whole;
    private double _sum;

    /// <summary>The labels as written, which is what series are sorted by.</summary>
    public string Key => key;

    /// <summary>The labels as written.</summary>
    public byte[] Labels { get; } = Encoding.UTF8.GetBytes(key);

    /// <summary>True once it was removed: nobody will read it again.</summary>
    public bool Gone { get; set; }

    /// <summary>The scrape in which an observable instrument last reported it.</summary>
    public long Scrape { get; private set; }

    public double Value => Interlocked.Read(ref _whole) + Volatile.Read(ref _sum);

    /// <summary>The largest value of the last slots.</summary>
    public double Max => Math.Max(Volatile.Read(ref _maxima[0]), Math.Max(Volatile.Read(ref _maxima[1]), Volatile.Read(ref _maxima[2])));

    public bool Carries(ReadOnlySpan<KeyValuePair<string, string>> wanted)
    {
        foreach (var pair in wanted)
        {
            if (Array.IndexOf(labels, pair) < 0)
            {
                return false;
            }
        }

        return true;
    }

    public void Add(long value) => Interlocked.Add(ref _whole, value);

    public void Add(double value)
    {
        if (histogram)
        {
            var bucket = 0;
            while (bucket < bounds.Length && value > bounds[bucket])
            {
                bucket++;
            }

            Interlocked.Increment(ref _buckets[bucket]);
            ref var max = ref _maxima[Volatile.Read(ref _slot)];
            var seen = Volatile.Read(ref max);
            while (value > seen)
            {
                var before = Interlocked.CompareExchange(ref max, value, seen);
                if (before.Equals(seen))
                {
                    break;
                }

                seen = before;
            }
        }

        var sum = Volatile.Read(ref _sum);
        while (true)
        {
            var before = Interlocked.CompareExchange(ref _sum, sum + value, sum);
            if (before.Equals(sum))
            {
                return;
            }

            sum = before;
        }
    }

    public void Set(double value, long scrape)
    {
        Volatile.Write(ref _sum, value);
        Scrape = scrape;
    }

    public void RotateMax()
    {
        if (histogram)
        {
            var next = (_slot + 1) % _maxima.Length;
            Volatile.Write(ref _maxima[next], 0);
            Volatile.Write(ref _slot, next);
        }
    }

    public void WriteHistogram(IBufferWriter<byte> output, HistogramText text)
    {
        long count = 0;
        for (var i = 0; i < _buckets.Length; i++)
        {
            count += Interlocked.Read(ref _buckets[i]);
            ExpositionText.Sample(output, text.Bucket, Labels, count, text.Bounds[i]);
        }

        ExpositionText.Sample(output, text.Count, Labels, count);
        ExpositionText.Sample(output, text.Sum, Labels, Volatile.Read(ref _sum));
    }
}

/// <summary>The names that the samples of a histogram have.</summary>
internal sealed class HistogramText(string name, double[] bounds)
{
    public byte[] Bucket { get; } = Encoding.UTF8.GetBytes(name + "_bucket");

    public byte[] Count { get; } = Encoding.UTF8.GetBytes(name + "_count");

    public byte[] Sum { get; } = Encoding.UTF8.GetBytes(name + "_sum");

    public byte[] Max { get; } = Encoding.UTF8.GetBytes(name + "_max");

    /// <summary>The label <c>le</c> of each bucket, the last one without bound.</summary>
    public byte[][] Bounds { get; } =
    [.. bounds.Append(double.PositiveInfinity).Select(bound => Encoding.UTF8.GetBytes($"le=\"{ExpositionText.Number(bound)}\","))];
}
