using System.Diagnostics;
using Brokkr.Benchmarks.Measuring;

namespace Brokkr.Benchmarks.Scenarios;

/// <summary>A dispatcher against a bare consume loop and a bare HTTP client loop, on a backlog.</summary>
internal static class DispatcherScenario
{
    private const int Backlog = 1_500_000;

    public static async Task RunAsync(Bench bench)
    {
        var rows = new List<Row>();
        var topic = await bench.FilledTopicAsync("backlog", Backlog);
        await using (var consume = await Child.StartAsync("consume", bench.Servers, topic, $"{Bench.Partitions}"))
        {
            rows.Add(await consume.MeasureAsync("bare consume loop", TimeSpan.FromSeconds(1), TimeSpan.FromSeconds(3)));
        }

        foreach (var (order, inFlight) in ((string, int)[])[("UNORDERED", 99), ("ORDERED", Bench.Partitions)])
        {
            await using var sink = await Child.StartAsync("server");
            var url = $"http://127.0.0.1:{sink.Value("port")}/";
            await using (var client = await Child.StartAsync("client", url, $"{inFlight}"))
            {
                rows.Add(await client.MeasureAsync($"bare HttpMessageInvoker loop, {inFlight} in flight", bench.WarmUp, bench.Time));
            }

            var limit = rows[0].CpuPerEvent + rows[^1].CpuPerEvent;
            var row = await DeliveriesAsync(
                bench,
                sink,
                $"dispatcher, {order.ToLowerInvariant()}, 1 Trigger",
                bench.Servers,
                topic,
                url,
                "1",
                order,
                "all",
                "earliest",
                Guid.NewGuid().ToString("N")
            );
            rows.Add(row with { Ratio = row.CpuPerEvent / limit });
        }

        Table.Print($"Dispatcher: a backlog of 1 KiB events on {Bench.Partitions} partitions, subscriber in a process of its own", rows);
    }

    /// <summary>What a dispatcher delivers, counted by its subscriber.</summary>
    private static async Task<Row> DeliveriesAsync(Bench bench, Child sink, string work, params string[] arguments)
    {
        await using var dispatcher = await Child.StartAsync("dispatcher", arguments);
        var first = (await sink.SnapshotAsync()).Events;
        while ((await sink.SnapshotAsync()).Events == first)
        {
            await Task.Delay(TimeSpan.FromMilliseconds(100), TimeProvider.System, CancellationToken.None);
        }

        await Task.Delay(bench.WarmUp, TimeProvider.System, CancellationToken.None);
        var clock = Stopwatch.StartNew();
        var (before, delivered) = (await dispatcher.SnapshotAsync(), (await sink.SnapshotAsync()).Events);
        await Task.Delay(bench.Time, TimeProvider.System, CancellationToken.None);
        var (after, deliveredThen) = (await dispatcher.SnapshotAsync(), (await sink.SnapshotAsync()).Events);
        return Row.Between(work, before, after, deliveredThen - delivered, clock.Elapsed);
    }
}
