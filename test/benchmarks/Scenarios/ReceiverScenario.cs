using System.Diagnostics;
using Brokkr.Benchmarks.Load;
using Brokkr.Benchmarks.Measuring;
using Brokkr.Benchmarks.Roles;

namespace Brokkr.Benchmarks.Scenarios;

/// <summary>A receiver against a bare Kestrel endpoint and a bare produce loop: what it costs over the sum of the two.</summary>
internal static class ReceiverScenario
{
    public static async Task RunAsync(Bench bench)
    {
        var rows = new List<Row>();
        foreach (var connections in (int[])[64, 8])
        {
            var kestrel = await HttpAsync($"bare Kestrel POST, {connections} connections", "server", "/", connections, bench);
            var topic = await bench.TopicAsync("produce");
            await using (var produce = await Child.StartAsync("produce", bench.Servers, topic, $"{connections}"))
            {
                rows.Add(kestrel);
                rows.Add(await produce.MeasureAsync($"bare produce loop, {connections} in flight", bench.WarmUp, bench.Time));
            }

            var limit = rows[^1].CpuPerEvent + rows[^2].CpuPerEvent;
            var ours = await HttpAsync(
                $"receiver, {connections} connections",
                "receiver",
                RoleChildren.Path,
                connections,
                bench,
                bench.Servers,
                await bench.TopicAsync("receive")
            );
            rows.Add(ours with { Ratio = ours.CpuPerEvent / limit });
        }

        Table.Print("Receiver: 1 KiB binary events, answered when Kafka has them", rows);
    }

    private static async Task<Row> HttpAsync(string work, string part, string path, int connections, Bench bench, params string[] arguments)
    {
        await using var child = await Child.StartAsync(part, arguments);
        var port = int.Parse(child.Value("port"), System.Globalization.CultureInfo.InvariantCulture);
        await HttpLoad.AcceptedAsync(port, path);
        await using var load = new HttpLoad.Run(port, connections, HttpLoad.Event(path));
        await Task.Delay(bench.RoleWarmUp, TimeProvider.System, CancellationToken.None);
        load.TakeLatencies();
        var answered = load.Answered;
        var before = await child.SnapshotAsync();
        var clock = Stopwatch.StartNew();
        await Task.Delay(bench.Time, TimeProvider.System, CancellationToken.None);
        var after = await child.SnapshotAsync();
        var row = Row.Between(work, before, after, load.Answered - answered, clock.Elapsed);
        var latencies = load.TakeLatencies();
        return row with
        {
            P50 = HttpLoad.Percentile(latencies, 0.5),
            P99 = HttpLoad.Percentile(latencies, 0.99),
            Note = load.Refused > 0 ? $"{load.Refused} refused" : null,
        };
    }
}
