using System.Diagnostics;
using Brokkr.Benchmarks.Measuring;

namespace Brokkr.Benchmarks.Scenarios;

/// <summary>What the roles cost while nothing happens.</summary>
internal static class IdleScenario
{
    public static async Task RunAsync(Bench bench)
    {
        var rows = new List<Row>();
        var topic = await bench.TopicAsync("idle");
        await using (var receiver = await Child.StartAsync("receiver", bench.Servers, topic))
        {
            rows.Add(await IdleAsync("receiver", receiver));
        }

        foreach (var triggers in (int[])[1, 100])
        {
            await using var dispatcher = await Child.StartAsync(
                "dispatcher",
                bench.Servers,
                topic,
                "http://127.0.0.1:9/",
                $"{triggers}",
                "UNORDERED",
                "all",
                "latest",
                Guid.NewGuid().ToString("N")
            );
            rows.Add(await IdleAsync($"dispatcher, {triggers} Triggers", dispatcher));
        }

        Table.Print("Idle", rows);
    }

    private static async Task<Row> IdleAsync(string work, Child child)
    {
        await Task.Delay(TimeSpan.FromSeconds(12), TimeProvider.System, CancellationToken.None);
        using var process = Process.GetProcessById(child.Id);
        var before = Snapshot.Of(process);
        var time = TimeSpan.FromSeconds(15);
        await Task.Delay(time, TimeProvider.System, CancellationToken.None);
        var after = Snapshot.Of(process);
        var core = (after.CpuMicroseconds - before.CpuMicroseconds) / time.TotalMicroseconds;
        return new Row(work)
        {
            ResidentMebibytes = after.ResidentBytes / 1048576.0,
            Note = string.Create(System.Globalization.CultureInfo.InvariantCulture, $"{core * 100:0.0} % of a core"),
        };
    }
}
