using System.Net;
using System.Text.Json;

namespace Brokkr.Cli.Send;

/// <summary>What became of the events. Thread-safe.</summary>
internal sealed class SendResult
{
    private const int MaxProblems = 5;

    private readonly Lock _lock = new();
    private readonly SortedDictionary<int, long> _statuses = [];
    private readonly Dictionary<string, string> _problems = new(StringComparer.Ordinal);
    private long _accepted;
    private long _refused;
    private long _failed;

    /// <summary>Events that were answered with 2xx.</summary>
    public long AcceptedCount => Interlocked.Read(ref _accepted);

    /// <summary>Events that were answered otherwise.</summary>
    public long RefusedCount => Interlocked.Read(ref _refused);

    /// <summary>Events without an answer.</summary>
    public long FailedCount => Interlocked.Read(ref _failed);

    /// <summary>All events so far.</summary>
    public long Count => AcceptedCount + RefusedCount + FailedCount;

    /// <summary>True if there were events and all of them were accepted.</summary>
    public bool IsGood => AcceptedCount > 0 && RefusedCount + FailedCount == 0;

    /// <summary>How long the whole run took.</summary>
    public TimeSpan Elapsed { get; set; }

    public LatencyHistogram Latencies { get; } = new();

    public void Accepted(HttpStatusCode status, TimeSpan latency)
    {
        Interlocked.Increment(ref _accepted);
        Answered(status, latency);
    }

    public void Refused(HttpStatusCode status, string? phrase, TimeSpan latency, string id, string why)
    {
        Interlocked.Increment(ref _refused);
        Answered(status, latency);
        Note($"{(int)status} {phrase}{(why.Length > 0 ? ": " : "")}{why}", id);
    }

    public void Failed(string id, string why)
    {
        Interlocked.Increment(ref _failed);
        Note(why, id);
    }

    /// <summary>The first few different reasons why events were not accepted, each with the id of the first such event.</summary>
    public IReadOnlyList<(string Id, string Why)> Problems()
    {
        lock (_lock)
        {
            return [.. _problems.Select(problem => (problem.Value, problem.Key))];
        }
    }

    /// <summary>Writes the result for people.</summary>
    public void WriteText(TextWriter to)
    {
        if (Count == 1 && AcceptedCount == 1)
        {
            to.WriteLine($"{_statuses.Keys.First()} accepted in {Latencies.MaxMs:0.0} ms");
            return;
        }

        to.WriteLine($"{Count} sent, {AcceptedCount} accepted, {RefusedCount} refused, {FailedCount} without an answer");
        if (Count > 1)
        {
            to.WriteLine($"{Elapsed.TotalSeconds:0.00} s, {Rate:0} events/s");
            to.WriteLine(
                $"latency p50 {Latencies.PercentileMs(0.5):0.0} ms, p90 {Latencies.PercentileMs(0.9):0.0} ms, p99 {Latencies.PercentileMs(0.99):0.0} ms, max {Latencies.MaxMs:0.0} ms"
            );
        }
    }

    /// <summary>Writes the result for programs.</summary>
    public void WriteJson(Stream to)
    {
        using var json = new Utf8JsonWriter(
            to,
            new JsonWriterOptions { Indented = true, Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping }
        );
        json.WriteStartObject();
        json.WriteNumber("sent", Count);
        json.WriteNumber("accepted", AcceptedCount);
        json.WriteNumber("refused", RefusedCount);
        json.WriteNumber("failed", FailedCount);
        json.WriteStartObject("statuses");
        lock (_lock)
        {
            foreach (var (status, count) in _statuses)
            {
                json.WriteNumber(status.ToString(System.Globalization.CultureInfo.InvariantCulture), count);
            }
        }

        json.WriteEndObject();
        json.WriteNumber("seconds", Math.Round(Elapsed.TotalSeconds, 6));
        json.WriteNumber("eventsPerSecond", Math.Round(Rate, 1));
        json.WriteStartObject("latencyMs");
        json.WriteNumber("p50", Math.Round(Latencies.PercentileMs(0.5), 3));
        json.WriteNumber("p90", Math.Round(Latencies.PercentileMs(0.9), 3));
        json.WriteNumber("p99", Math.Round(Latencies.PercentileMs(0.99), 3));
        json.WriteNumber("max", Math.Round(Latencies.MaxMs, 3));
        json.WriteEndObject();
        json.WriteStartArray("problems");
        foreach (var (id, why) in Problems())
        {
            json.WriteStartObject();
            json.WriteString("id", id);
            json.WriteString("problem", why);
            json.WriteEndObject();
        }

        json.WriteEndArray();
        json.WriteEndObject();
    }

    private double Rate => Elapsed > TimeSpan.Zero ? AcceptedCount / Elapsed.TotalSeconds : 0;

    private void Answered(HttpStatusCode status, TimeSpan latency)
    {
        Latencies.Add(latency);
        lock (_lock)
        {
            _statuses[(int)status] = _statuses.GetValueOrDefault((int)status) + 1;
        }
    }

    private void Note(string problem, string id)
    {
        lock (_lock)
        {
            if (_problems.Count < MaxProblems)
            {
                _problems.TryAdd(problem, id);
            }
        }
    }
}
