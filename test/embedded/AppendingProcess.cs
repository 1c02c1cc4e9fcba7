using System.Globalization;
using System.Text;
using Brokkr.Core.Log;
using Brokkr.Testing.Processes;

namespace Brokkr.Embedded.Tests;

/// <summary>
/// A process that uses the log as hard as it can until it is killed, and prints a line for everything that the log has confirmed:
/// <code>
/// record TOPIC PARTITION OFFSET ID .      appended
/// cursor PARTITION OFFSET .               stored for the group
/// created TOPIC .    deleting TOPIC .     a topic came, is about to go
/// </code>
/// A line without the dot was cut off by the kill.
/// </summary>
internal static class AppendingProcess
{
    public const string Verb = "append-until-killed";
    public const string Topic = "kept";
    public const string TrimmedTopic = "trimmed";
    public const string Group = "group";
    public const int Partitions = 3;
    private const int Appenders = 24;

    public static ChildProcess Start(string folder) => TestProgram.Start(Verb, folder);

    /// <summary>The value of the record with an id: sometimes nothing much, sometimes many pages.</summary>
    public static byte[] ValueOf(long id)
    {
        var random = new Random((int)id);
        var value = new byte[random.Next(20) == 0 ? random.Next(60_000) : random.Next(2_000)];
        random.NextBytes(value);
        return [.. Encoding.ASCII.GetBytes(id.ToString(CultureInfo.InvariantCulture)), (byte)' ', .. value];
    }

    public static async Task<int> RunAsync(string folder)
    {
        await using var log = await EmbeddedLog.OpenAsync(
            new EmbeddedLogOptions { Folder = folder, SweepInterval = TimeSpan.FromMilliseconds(20) }
        );
        await log.Topics.CreateAsync(new TopicSpecification(Topic, Partitions, 1, new Dictionary<string, string>()), default);
        await log.Topics.CreateAsync(
            new TopicSpecification(TrimmedTopic, 1, 1, new Dictionary<string, string> { ["retention.bytes"] = "200000" }),
            default
        );
        using var ended = new CancellationTokenSource();
        var id = long.Parse((await Console.In.ReadLineAsync())!, CultureInfo.InvariantCulture);
        var work = new List<Task>();
        for (var i = 0; i < Appenders; i++)
        {
            var topic = i % 4 == 0 ? TrimmedTopic : Topic;
            work.Add(Task.Run(() => AppendAsync(log, topic, () => Interlocked.Increment(ref id), ended.Token), ended.Token));
        }

        work.Add(Task.Run(() => StoreCursorsAsync(log, ended.Token), ended.Token));
        work.Add(Task.Run(() => CreateAndDeleteAsync(log, () => Interlocked.Increment(ref id), ended.Token), ended.Token));
        // Ends with the test that started it, if that does not come to kill it.
        await Console.In.ReadToEndAsync(ended.Token);
        await ended.CancelAsync();
        await Task.WhenAll(work);
        return 0;
    }

    private static async Task AppendAsync(EmbeddedLog log, string topic, Func<long> nextId, CancellationToken ended)
    {
        while (!ended.IsCancellationRequested)
        {
            var id = nextId();
            using var record = RecordBuffer.Rent();
            record.AddHeader("id"u8, Encoding.ASCII.GetBytes(id.ToString(CultureInfo.InvariantCulture)));
            record.AppendValue(ValueOf(id));
            var result = await log.Writer.AppendAsync(topic, record);
            if (result.Outcome == AppendOutcome.Stored)
            {
                Print($"record {topic} {result.Partition} {result.Offset} {id} .");
            }
        }
    }

    private static async Task StoreCursorsAsync(EmbeddedLog log, CancellationToken ended)
    {
        for (var offset = 0; !ended.IsCancellationRequested; offset++)
        {
            var partition = new TopicPartition(Topic, offset % Partitions);
            await log.Cursors.StoreAsync(Group, [new(partition, new CursorPosition(offset, $"at {offset}"))], default);
            Print($"cursor {partition.Partition} {offset} .");
        }
    }

    private static async Task CreateAndDeleteAsync(EmbeddedLog log, Func<long> nextId, CancellationToken ended)
    {
        while (!ended.IsCancellationRequested)
        {
            var topic = $"passing-{nextId()}";
            await log.Topics.CreateAsync(new TopicSpecification(topic, 2, 1, new Dictionary<string, string>()), default);
            Print($"created {topic} .");
            using var record = RecordBuffer.Rent();
            record.AppendValue(ValueOf(nextId()));
            await log.Writer.AppendAsync(topic, record);
            Print($"deleting {topic} .");
            await log.Topics.DeleteAsync(topic, default);
        }
    }

    private static void Print(string line)
    {
        lock (Console.Out)
        {
            Console.Out.WriteLine(line);
            Console.Out.Flush();
        }
    }
}
