using System.Globalization;
using Brokkr.Core.Log;
using Brokkr.Testing;
using Brokkr.Testing.Processes;
using Microsoft.Data.Sqlite;

namespace Brokkr.Embedded.Tests;

/// <summary>What was acknowledged outlives <c>kill -9</c>, and a folder belongs to one process.</summary>
public sealed class DurabilityTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task Everything_acknowledged_is_there_after_kill_9_at_random_moments()
    {
        var records = new Dictionary<(string Topic, int Partition, long Offset), long>();
        var cursors = new Dictionary<int, long>();
        var nextId = 1L;
        for (var round = 0; round < 6; round++)
        {
            var lines = await AppendUntilKilledAsync(nextId, Random.Shared.Next(1, 4000));
            var topics = new HashSet<string>(StringComparer.Ordinal);
            foreach (var line in lines)
            {
                switch (line.Split(' '))
                {
                    case ["record", var topic, var partition, var offset, var id, "."]:
                        var key = (topic, Int(partition), (long)Int(offset));
                        Assert.True(records.TryAdd(key, Int(id)), $"{key} was given twice");
                        nextId = Math.Max(nextId, Int(id) + 1);
                        break;
                    case ["cursor", var partition, var offset, "."]:
                        cursors[Int(partition)] = Int(offset);
                        break;
                    case ["created", var topic, "."]:
                        topics.Add(topic);
                        break;
                    case ["deleting", var topic, "."]:
                        topics.Remove(topic);
                        break;
                    default:
                        Assert.True(
                            line == lines[^1] || !line.EndsWith('.'),
                            $"the process says: {line}\n{string.Join('\n', lines.TakeLast(20))}"
                        );
                        break;
                }
            }

            // Ids beyond the last acknowledged one may be in the file too.
            nextId += 10_000;
            await CheckAsync(records, cursors, topics);
            // Stores begin again at offset 0 in the next process.
            cursors.Clear();
        }

        Assert.NotEmpty(records);
    }

    [Fact]
    public async Task A_second_process_is_told_that_the_folder_is_in_use_by_which_process_and_what_to_do()
    {
        await using var first = HoldingProcess.Start(_folder.Path);
        await first.LineAsync("^open$");
        var error = await Assert.ThrowsAsync<LogConfigurationException>(OpenAsync);
        Assert.Contains(_folder.Path, error.Message);
        Assert.Contains($"process {first.Id}", error.Message);
        Assert.Contains("stop that process, or choose another data folder", error.Message);
        await using (var second = HoldingProcess.Start(_folder.Path))
        {
            Assert.Equal(1, await second.ExitAsync());
            Assert.Contains(_folder.Path, second.Text);
        }

        first.CloseInput();
        Assert.Equal(0, await first.ExitAsync());
        await using var log = await OpenAsync();
    }

    [Fact]
    public async Task A_killed_process_leaves_no_lock_behind()
    {
        await using var first = HoldingProcess.Start(_folder.Path);
        await first.LineAsync("^open$");
        await first.KillAsync();
        await using var log = await OpenAsync();
        Assert.True(await log.IsReachableAsync(default));
    }

    [Fact]
    public async Task The_same_process_cannot_open_a_folder_twice_at_once_but_again()
    {
        await using (await OpenAsync())
        {
            await Assert.ThrowsAsync<LogConfigurationException>(OpenAsync);
        }

        await using var again = await OpenAsync();
    }

    private static int Int(string text) => int.Parse(text, CultureInfo.InvariantCulture);

    private Task<EmbeddedLog> OpenAsync() => EmbeddedLog.OpenAsync(new EmbeddedLogOptions { Folder = _folder.Path });

    private async Task<IReadOnlyList<string>> AppendUntilKilledAsync(long firstId, int lines)
    {
        await using var child = AppendingProcess.Start(_folder.Path);
        await child.Input.WriteLineAsync(firstId.ToString(CultureInfo.InvariantCulture));
        await child.Input.FlushAsync();
        await Eventually.True(() => child.HasExited || child.Lines.Count >= lines, $"{lines} lines of the appending process");
        child.Send(Signal.Kill);
        Assert.Equal(128 + (int)Signal.Kill, await child.ExitAsync());
        return child.Lines;
    }

    private async Task CheckAsync(
        Dictionary<(string Topic, int Partition, long Offset), long> records,
        Dictionary<int, long> cursors,
        HashSet<string> topics
    )
    {
        await using (var log = await OpenAsync())
        {
            for (var partition = 0; partition < AppendingProcess.Partitions; partition++)
            {
                await CheckPartitionAsync(log, new TopicPartition(AppendingProcess.Topic, partition), mayBeTrimmed: false, records);
            }

            await CheckPartitionAsync(log, new TopicPartition(AppendingProcess.TrimmedTopic, 0), mayBeTrimmed: true, records);
            var stored = await log.Cursors.LoadAsync(AppendingProcess.Group, AppendingProcess.Topic, default);
            foreach (var (partition, offset) in cursors)
            {
                // One more may have been stored without that the process could say so.
                Assert.True(stored[partition].Offset == offset || stored[partition].Offset == offset + AppendingProcess.Partitions);
                Assert.Equal($"at {stored[partition].Offset}", stored[partition].Metadata);
            }

            foreach (var topic in topics)
            {
                Assert.NotNull(await log.Topics.DescribeAsync(topic, default));
            }
        }

        await using var file = new SqliteConnection($"Data Source={_folder["brokkr.db"]};Pooling=False");
        await file.OpenAsync();
        await using var command = file.CreateCommand();
        command.CommandText = "PRAGMA integrity_check";
        Assert.Equal("ok", await command.ExecuteScalarAsync());
    }

    /// <summary>Every record is whole, none is missing between the first and the last, and every acknowledged one is where it was said to be.</summary>
    private static async Task CheckPartitionAsync(
        EmbeddedLog log,
        TopicPartition partition,
        bool mayBeTrimmed,
        Dictionary<(string Topic, int Partition, long Offset), long> records
    )
    {
        var (start, end) = (await log.Topics.BoundsAsync(partition.Topic, [partition.Partition], default))[partition.Partition];
        Assert.True(mayBeTrimmed || start == 0);
        await using var reader = await log.Readers.OpenAsync(partition, start, ReadPurpose.CatchUp, default);
        var batch = new List<StoredRecord>();
        var next = start;
        while (next < end)
        {
            await reader.ReadAsync(batch, 1024 * 1024, default);
            foreach (var record in batch)
            {
                if (mayBeTrimmed && record.Offset > next)
                {
                    // The sweep that runs since the log was opened got here.
                    next = record.Offset;
                }

                Assert.Equal(next++, record.Offset);
                var id = long.Parse(record.ValueOf(Assert.Single(record.Headers.ToArray())), CultureInfo.InvariantCulture);
                Assert.Equal(AppendingProcess.ValueOf(id), record.Value.ToArray());
                if (records.TryGetValue((partition.Topic, partition.Partition, record.Offset), out var acknowledged))
                {
                    Assert.Equal(acknowledged, id);
                }
            }
        }

        var beyond = records.Keys.Where(key => key.Topic == partition.Topic && key.Partition == partition.Partition && key.Offset >= end);
        Assert.Empty(beyond);
    }
}
