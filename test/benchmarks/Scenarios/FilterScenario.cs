using System.Diagnostics;
using System.Text;
using Brokkr.Benchmarks.Measuring;
using Brokkr.Core.Contract.Wire;
using Brokkr.Core.Events;
using Brokkr.Core.Filters;
using Brokkr.Core.Log;

namespace Brokkr.Benchmarks.Scenarios;

/// <summary>Nanoseconds and bytes of one evaluation, for each dialect; the limit is a comparison of the same bytes.</summary>
internal static class FilterScenario
{
    private const int Rounds = 5_000_000;

    /// <summary>Expressions as people write them, those of the other dialects among them, then those that make texts.</summary>
    private static readonly string[] Expressions =
    [
        "type = 'com.example.benchmark'",
        "type = 'com.example.bench_no'",
        "color = 'red'",
        "missing = 'red'",
        "source LIKE '/bench%'",
        "source LIKE '%b_nch%k/%'",
        "color IN ('green', 'blue', 'red')",
        "EXISTS color AND NOT EXISTS other",
        "INT(size) > 10",
        "type = 'com.example.benchmark' AND (color = 'blue' OR subject LIKE 'item-%')",
        "UPPER(color) = 'BLUE'",
        "CONCAT(color, '-', subject) = 'blue-item-1'",
    ];

    public static void Run()
    {
        using var record = RecordBuffer.Rent();
        foreach (
            var (name, value) in ((string, string)[])
                [
                    ("ce_specversion", "1.0"),
                    ("ce_id", "4a6e3c1c-6d0b-4ae2-9b6e-000000000001"),
                    ("ce_source", "/benchmark/source"),
                    ("ce_type", "com.example.benchmark"),
                    ("content-type", "text/plain"),
                    ("ce_subject", "item-1"),
                    ("ce_color", "red"),
                    ("ce_size", "7"),
                ]
        )
        {
            record.AddHeader(Encoding.UTF8.GetBytes(name), Encoding.UTF8.GetBytes(value));
        }

        KafkaBinding.Decode(StoredRecord.From(record, 1, 0), out var decoded);
        var input = decoded!;
        DialectedFilter exact = new() { Exact = new Exact { Attributes = { ["type"] = "com.example.benchmark" } } };
        DialectedFilter miss = new() { Exact = new Exact { Attributes = { ["type"] = "com.example.bench_no" } } };
        var expected = "com.example.benchmark"u8.ToArray();
        Console.WriteLine();
        Console.WriteLine("### Filters: one evaluation");
        Console.WriteLine();
        Console.WriteLine("| filter | ns | allocated B |");
        Console.WriteLine("|---|---|---|");
        var found = 0;
        Measure(
            "limit: comparing the bytes of one attribute",
            () => found += input.Get(CoreAttribute.Type).SequenceEqual(expected) ? 1 : 0
        );
        foreach (
            var (name, filter) in ((string, DialectedFilter)[])
                [
                    ("exact, hit", exact),
                    ("exact, miss", miss),
                    ("exact, extension", new() { Exact = new Exact { Attributes = { ["color"] = "red" } } }),
                    ("prefix", new() { Prefix = new Prefix { Attributes = { ["source"] = "/bench" } } }),
                    ("suffix", new() { Suffix = new Suffix { Attributes = { ["source"] = "source" } } }),
                    ("not", new() { Not = new Not { Filter = miss } }),
                    ("all of 3", new() { All = new All { Filters = { exact, exact, exact } } }),
                    ("any of 3, the last", new() { Any = new Any { Filters = { miss, miss, exact } } }),
                    .. Expressions.Select(e => ($"cesql: `{e}`", new DialectedFilter { Cesql = new CESQL { Expression = e } })),
                ]
        )
        {
            var compiled = FilterCompiler.Compile(filter);
            Measure(name, () => found += compiled.Matches(new FilterInput(input, EventOverlay.Empty)) ? 1 : 0);
        }

        GC.KeepAlive(found);
    }

    private static void Measure(string name, Action evaluate)
    {
        for (var i = 0; i < Rounds / 5; i++)
        {
            evaluate();
        }

        var allocated = GC.GetAllocatedBytesForCurrentThread();
        var clock = Stopwatch.StartNew();
        for (var i = 0; i < Rounds; i++)
        {
            evaluate();
        }

        var time = clock.Elapsed;
        var bytes = (double)(GC.GetAllocatedBytesForCurrentThread() - allocated) / Rounds;
        Console.WriteLine(
            string.Create(
                System.Globalization.CultureInfo.InvariantCulture,
                $"| {name} | {time.TotalNanoseconds / Rounds:0.0} | {bytes:0} |"
            )
        );
    }
}
