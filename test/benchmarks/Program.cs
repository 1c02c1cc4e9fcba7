using System.Globalization;
using Brokkr.Benchmarks.Floors;
using Brokkr.Benchmarks.Measuring;
using Brokkr.Benchmarks.Roles;
using Brokkr.Benchmarks.Scenarios;
using Brokkr.Testing.Kafka;

// dotnet run -c Release --project test/benchmarks [-- NAME ...] [--seconds N]
// Runs the named benchmarks (all without a name) and prints a table for each, every row beside its limit.
if (args is ["--child", var part, .. var rest])
{
    switch (part)
    {
        case "server":
            await BareServer.RunAsync();
            return 0;
        case "produce":
            BareKafka.Produce(rest[0], rest[1], Number(rest[2]));
            return 0;
        case "fill":
            BareKafka.Fill(rest[0], rest[1], Number(rest[2]), Number(rest[3]));
            Console.WriteLine("ready");
            return 0;
        case "consume":
            BareKafka.Consume(rest[0], rest[1], Number(rest[2]));
            return 0;
        case "client":
            BareClient.Run(rest[0], Number(rest[1]));
            return 0;
        case "receiver":
            await RoleChildren.ReceiverAsync(rest[0], rest[1]);
            return 0;
        case "dispatcher":
            await RoleChildren.DispatcherAsync(rest[0], rest[1], rest[2], Number(rest[3]), rest[4], rest[5], rest[6], rest[7]);
            return 0;
        default:
            Console.Error.WriteLine($"no such part: {part}");
            return 2;
    }
}

string[] all = ["filters", "receiver", "dispatcher", "fanout", "latency", "idle"];
var seconds = 8;
var names = new List<string>();
for (var i = 0; i < args.Length; i++)
{
    if (args[i] == "--seconds" && i + 1 < args.Length)
    {
        seconds = Number(args[++i]);
    }
    else if (all.Contains(args[i], StringComparer.Ordinal))
    {
        names.Add(args[i]);
    }
    else
    {
        Console.Error.WriteLine($"unknown: {args[i]}; benchmarks: {string.Join(' ', all)}; options: --seconds N");
        return 2;
    }
}

var wanted = names.Count == 0 ? all : [.. names];
if (wanted.Contains("filters", StringComparer.Ordinal))
{
    FilterScenario.Run();
}

if (wanted.All(name => name == "filters"))
{
    return 0;
}

if (KafkaCluster.SkipReason is { } reason)
{
    Console.Error.WriteLine($"The other benchmarks need a real Kafka: {reason}");
    return 1;
}

await using var kafka = await KafkaCluster.StartAsync();
var bench = new Bench(kafka, warmUp: TimeSpan.FromSeconds(seconds), time: TimeSpan.FromSeconds(seconds));
foreach (var name in wanted)
{
    Console.Error.WriteLine($"{name} ...");
    switch (name)
    {
        case "receiver":
            await ReceiverScenario.RunAsync(bench);
            break;
        case "dispatcher":
            await DispatcherScenario.RunAsync(bench);
            break;
        case "fanout":
            await FanOutScenario.RunAsync(bench);
            break;
        case "latency":
            await LatencyScenario.RunAsync(bench);
            break;
        case "idle":
            await IdleScenario.RunAsync(bench);
            break;
    }
}

return 0;

static int Number(string text) => int.Parse(text, CultureInfo.InvariantCulture);
