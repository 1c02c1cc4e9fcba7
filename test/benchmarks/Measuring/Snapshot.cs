using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace Brokkr.Benchmarks.Measuring;

/// <summary>What a process has used so far.</summary>
/// <param name="CpuMicroseconds">Processor time, user and system.</param>
/// <param name="AllocatedBytes">Managed bytes allocated.</param>
/// <param name="ResidentBytes">Resident set size now.</param>
/// <param name="Events">What the process counts as its events; 0 where the other side counts.</param>
internal sealed record Snapshot(double CpuMicroseconds, long AllocatedBytes, long ResidentBytes, long Events)
{
    /// <summary>Of this process.</summary>
    public static Snapshot Take(long events) =>
        new(Environment.CpuUsage.TotalTime.TotalMicroseconds, GC.GetTotalAllocatedBytes(precise: true), Environment.WorkingSet, events);

    /// <summary>Answers each line on standard input with a snapshot, until it ends.</summary>
    public static void Serve(Func<long> events)
    {
        Console.WriteLine("ready");
        while (Console.ReadLine() is not null)
        {
            Console.WriteLine(JsonSerializer.Serialize(Take(events()), SnapshotJson.Default.Snapshot));
        }
    }

    /// <summary>CPU of any process, from the kernel.</summary>
    public static Snapshot Of(Process process)
    {
        process.Refresh();
        return new Snapshot(process.TotalProcessorTime.TotalMicroseconds, 0, process.WorkingSet64, 0);
    }
}

[JsonSerializable(typeof(Snapshot))]
internal sealed partial class SnapshotJson : JsonSerializerContext;

/// <summary>One line of a table.</summary>
internal sealed record Row(string Work)
{
    public double EventsPerSecond { get; init; }
    public double CpuPerEvent { get; init; }
    public double? P50 { get; init; }
    public double? P99 { get; init; }
    public double? AllocatedPerEvent { get; init; }
    public double? ResidentMebibytes { get; init; }

    /// <summary>CPU over that of the limit; null for a limit itself.</summary>
    public double? Ratio { get; init; }

    public string? Note { get; init; }

    /// <summary>From two snapshots and the events between them.</summary>
    public static Row Between(string work, Snapshot before, Snapshot after, long events, TimeSpan time) =>
        new(work)
        {
            EventsPerSecond = events / time.TotalSeconds,
            CpuPerEvent = (after.CpuMicroseconds - before.CpuMicroseconds) / Math.Max(1, events),
            AllocatedPerEvent =
                after.AllocatedBytes == 0 ? null : (double)(after.AllocatedBytes - before.AllocatedBytes) / Math.Max(1, events),
            ResidentMebibytes = after.ResidentBytes / 1048576.0,
        };
}

/// <summary>Prints rows beside their limits.</summary>
internal static class Table
{
    public static void Print(string title, IReadOnlyList<Row> rows)
    {
        Console.WriteLine();
        Console.WriteLine($"### {title}");
        Console.WriteLine();
        Console.WriteLine("| work | events/s | CPU us/event | p50 ms | p99 ms | allocated B/event | RSS MiB | CPU / limit | |");
        Console.WriteLine("|---|---|---|---|---|---|---|---|---|");
        foreach (var row in rows)
        {
            Console.WriteLine(
                string.Create(
                    CultureInfo.InvariantCulture,
                    $"| {row.Work} | {row.EventsPerSecond:N0} | {row.CpuPerEvent:0.0} | {row.P50:0.00} | {row.P99:0.00} | {row.AllocatedPerEvent:0} | {row.ResidentMebibytes:0} | {(row.Ratio is { } ratio ? ratio.ToString("0.00", CultureInfo.InvariantCulture) : "limit")} | {row.Note} |"
                )
            );
        }
    }
}
