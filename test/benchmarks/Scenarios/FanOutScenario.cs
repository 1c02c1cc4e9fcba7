using System.Diagnostics;
using System.Globalization;
using System.Text.RegularExpressions;
using Brokkr.Benchmarks.Measuring;

namespace Brokkr.Benchmarks.Scenarios;

/// <summary>
/// Many Triggers on one Broker, each with a filter that one event in a hundred passes. One read of a partition serves them all: bytes read from
/// Kafka stay near the bytes of the topic, whatever the number of Triggers.
/// </summary>
internal static partial class FanOutScenario
{
    private const int Records = 200_000;

    public static async Task RunAsync(Bench bench)
    {
        var rows = new List<Row>();
        var topic = await bench.FilledTopicAsync("fanout", Records, buckets: 100);
        foreach (var triggers in (int[])[1, 10, 100, 1000])
        {
            await using var sink = await Child.StartAsync("server");
            var clock = Stopwatch.StartNew();
            await using var dispatcher = await Child.StartAsync(
                "dispatcher",
                bench.Servers,
                topic,
                $"http://127.0.0.1:{sink.Value("port")}/",
                $"{triggers}",
                "UNORDERED",
                "bucket",
                "earliest",
                Guid.NewGuid().ToString("N")
            );
            var expected = (long)triggers * (Records / 100);
            var before = await dispatcher.SnapshotAsync();
            long had = 0;
            while ((had = (await sink.SnapshotAsync()).Events) == 0)
            {
                await Task.Delay(TimeSpan.FromMilliseconds(20), TimeProvider.System, CancellationToken.None);
            }

            var untilFirst = clock.Elapsed;
            clock.Restart();
            while (had < expected && clock.Elapsed < TimeSpan.FromMinutes(3))
            {
                await Task.Delay(TimeSpan.FromMilliseconds(50), TimeProvider.System, CancellationToken.None);
                had = (await sink.SnapshotAsync()).Events;
            }

            var took = clock.Elapsed;
            var after = await dispatcher.SnapshotAsync();
            var read = BytesReceived(dispatcher.Id, bench.Servers);
            var size = (double)Records * RecordBytes;
            rows.Add(
                Row.Between($"{triggers} Triggers", before, after, Records, took) with
                {
                    Note = string.Create(
                        CultureInfo.InvariantCulture,
                        $"{had} of {expected} deliveries; first after {untilFirst.TotalSeconds:0.0} s; read/topic {read / size:0.00}"
                    ),
                }
            );
        }

        Table.Print("Fan-out: events of the topic per second, 1 % of them for each Trigger", rows);
    }

    /// <summary>Bytes of a record in a batch: value, headers and framing.</summary>
    private const int RecordBytes = 1024 + 230;

    /// <summary>Bytes that a process has received from Kafka over connections that are open now, as the kernel counts them.</summary>
    private static double BytesReceived(int process, string servers)
    {
        var port = servers[(servers.LastIndexOf(':') + 1)..];
        using var ss = Process.Start(
            new ProcessStartInfo("ss", $"-tinpH dport = :{port}") { RedirectStandardOutput = true, UseShellExecute = false }
        )!;
        var text = ss.StandardOutput.ReadToEnd();
        ss.WaitForExit();
        double sum = 0;
        var ours = false;
        foreach (var line in text.Split('\n'))
        {
            if (line.Contains("users:", StringComparison.Ordinal))
            {
                ours = line.Contains($"pid={process},", StringComparison.Ordinal);
            }

            if (ours && Received().Match(line) is { Success: true } match)
            {
                sum += double.Parse(match.Groups[1].Value, CultureInfo.InvariantCulture);
            }
        }

        return sum;
    }

    [GeneratedRegex("bytes_received:([0-9]+)")]
    private static partial Regex Received();
}
