using Brokkr.Core.Log;

namespace Brokkr.Testing;

public abstract partial class LogConformance
{
    [Fact]
    public async Task Reading_begins_at_any_offset()
    {
        var topic = await NewTopicAsync();
        await AppendNumbers(topic, 0, 60);
        var partition = new TopicPartition(topic, 0);
        var all = await ReadAsync(partition, 0, 60);
        foreach (var start in (int[])[1, 29, 58, 59])
        {
            var records = await ReadAsync(partition, all[start].Offset, 60 - start);
            Assert.Equal(
                all.Skip(start).Select(record => (record.Offset, Text(record))),
                records.Select(record => (record.Offset, Text(record)))
            );
        }
    }

    [Fact]
    public async Task A_read_at_the_end_waits_for_the_next_record()
    {
        var topic = await NewTopicAsync();
        await AppendNumbers(topic, 0, 3);
        var end = (await Log.Topics.BoundsAsync(topic, [0], Deadline))[0].End;
        await using var reader = await Log.Readers.OpenAsync(new TopicPartition(topic, 0), end, ReadPurpose.Feed, Deadline);
        var records = new List<StoredRecord>();
        var read = reader.ReadAsync(records, 1000, Deadline).AsTask();
        Assert.False(read.IsCompleted);
        await AppendStored(topic, "next");
        while (records.Count == 0)
        {
            await read;
            read = records.Count == 0 ? reader.ReadAsync(records, 1000, Deadline).AsTask() : read;
        }

        Assert.Equal("next", Text(Assert.Single(records)));
    }

    [Fact]
    public async Task An_offset_beyond_the_end_waits_at_the_end()
    {
        var topic = await NewTopicAsync();
        await AppendNumbers(topic, 0, 3);
        await using var reader = await Log.Readers.OpenAsync(new TopicPartition(topic, 0), 1_000_000, ReadPurpose.Feed, Deadline);
        // Where the end is is only known once the log was asked for it, so records are appended until one comes.
        var read = ReadAsync(reader, 1);
        var appended = new HashSet<string>(StringComparer.Ordinal);
        await Eventually(
            async () =>
            {
                await AppendStored(topic, $"later-{appended.Count}");
                appended.Add($"later-{appended.Count}");
                return read.IsCompleted;
            },
            "a record after the end is read"
        );
        Assert.All(await read, record => Assert.Contains(Text(record), appended));
    }

    [Fact]
    public async Task An_offset_below_the_oldest_record_starts_at_the_oldest()
    {
        var topic = await NewTopicAsync();
        await AppendNumbers(topic, 0, 3);
        Assert.Equal(["0", "1", "2"], (await ReadAsync(new TopicPartition(topic, 0), -5, 3)).Select(Text));
    }

    [Fact]
    public async Task A_read_stops_after_the_record_that_reaches_the_limit()
    {
        var topic = await NewTopicAsync();
        for (var i = 0; i < 20; i++)
        {
            await AppendStored(topic, new string((char)('a' + i), 1000));
        }

        await using var reader = await Log.Readers.OpenAsync(new TopicPartition(topic, 0), 0, ReadPurpose.CatchUp, Deadline);
        var seen = 0;
        var batch = new List<StoredRecord>();
        foreach (var limit in (int[])[1, 3000, 999_999])
        {
            await reader.ReadAsync(batch, limit, Deadline);
            Assert.NotEmpty(batch);
            Assert.True(batch.SkipLast(1).Sum(record => record.SizeInMemory) < limit, "all but the last record stay below the limit");
            Assert.All(batch, record => Assert.Equal((char)('a' + seen++), Text(record)[0]));
        }

        while (seen < 20)
        {
            await reader.ReadAsync(batch, 999_999, Deadline);
            Assert.All(batch, record => Assert.Equal((char)('a' + seen++), Text(record)[0]));
        }
    }

    [Fact]
    public async Task A_cancelled_read_loses_nothing()
    {
        var topic = await NewTopicAsync();
        await using var reader = await Log.Readers.OpenAsync(new TopicPartition(topic, 0), 0, ReadPurpose.Feed, Deadline);
        var records = new List<StoredRecord>();
        using (var cancellation = new CancellationTokenSource())
        {
            var read = reader.ReadAsync(records, 1000, cancellation.Token).AsTask();
            await cancellation.CancelAsync();
            await Assert.ThrowsAnyAsync<OperationCanceledException>(() => read);
        }

        await AppendStored(topic, "after");
        Assert.Equal("after", Text(Assert.Single(await ReadAsync(reader, 1))));
    }

    [Fact]
    public async Task Many_readers_follow_one_partition_from_different_offsets_while_it_grows()
    {
        const int Total = 2000;
        var topic = await NewTopicAsync();
        var partition = new TopicPartition(topic, 0);
        await AppendNumbers(topic, 0, Total / 2);
        var readers = Enumerable
            .Range(0, 24)
            .Select(i =>
                Task.Run(async () =>
                {
                    var start = i * Total / 2 / 24;
                    var records = await ReadAsync(partition, start, Total - start, i == 0 ? ReadPurpose.Feed : ReadPurpose.CatchUp);
                    Assert.Equal(Enumerable.Range(start, Total - start).Select(value => $"{value}"), records.Select(Text));
                })
            )
            .ToList();
        for (var from = Total / 2; from < Total; from += 100)
        {
            await AppendNumbers(topic, from, 100);
        }

        await Task.WhenAll(readers);
    }

    [Fact]
    public async Task Partitions_are_independent()
    {
        var topic = await NewTopicAsync(3);
        string[] keys = ["a", "b", "c", "d", "e", "f", "g", "h"];
        var wanted = new List<string>[] { [], [], [] };
        for (var i = 0; i < 80; i++)
        {
            var result = await AppendStored(topic, $"{i}", keys[i % keys.Length]);
            wanted[result.Partition].Add($"{i}");
        }

        for (var partition = 0; partition < 3; partition++)
        {
            var records = await ReadAsync(new TopicPartition(topic, partition), 0, wanted[partition].Count);
            Assert.Equal(wanted[partition], records.Select(Text));
        }
    }

    [Fact]
    public async Task A_record_knows_when_it_was_stored()
    {
        var topic = await NewTopicAsync();
        var before = TimeProvider.System.GetUtcNow().ToUnixTimeMilliseconds();
        await AppendStored(topic, "value");
        var record = Assert.Single(await ReadAsync(new TopicPartition(topic, 0), 0, 1));
        // A second either way: the log may run on another machine.
        Assert.InRange(record.Timestamp, before - 1000, TimeProvider.System.GetUtcNow().ToUnixTimeMilliseconds() + 1000);
    }

    [Fact]
    public async Task A_reader_of_a_deleted_topic_is_told()
    {
        Needs(LogCapability.TopicAdministration);
        var topic = await NewTopicAsync();
        await AppendNumbers(topic, 0, 3);
        await using var reader = await Log.Readers.OpenAsync(new TopicPartition(topic, 0), 0, ReadPurpose.Feed, Deadline);
        await ReadAsync(reader, 3);
        var read = ReadAsync(reader, 1);
        Assert.True(await Log.Topics.DeleteAsync(topic, Deadline));
        await Assert.ThrowsAsync<PartitionGoneException>(() => read);
    }

    [Fact]
    public async Task Everything_is_there_after_a_restart()
    {
        Needs(LogCapability.Restart, LogCapability.Description);
        var topic = await NewTopicAsync(2);
        var group = Unique("group");
        var values = new List<string>[] { [], [] };
        for (var i = 0; i < 40; i++)
        {
            values[(await AppendStored(topic, $"{i}", $"{i}")).Partition].Add($"{i}");
        }

        await Log.Cursors.StoreAsync(
            group,
            [new(new TopicPartition(topic, 0), new CursorPosition(3, "3:5")), new(new TopicPartition(topic, 1), new CursorPosition(1, ""))],
            Deadline
        );
        await ReopenAsync();
        for (var partition = 0; partition < 2; partition++)
        {
            values[partition].Add("after");
        }

        Assert.Equal(2, (await Log.Topics.DescribeAsync(topic, Deadline))?.Partitions);
        var cursors = await Log.Cursors.LoadAsync(group, topic, Deadline);
        Assert.Equal(new CursorPosition(3, "3:5"), cursors[0]);
        Assert.Equal(new CursorPosition(1, ""), cursors[1]);
        string[] keys =
        [
            .. Enumerable
                .Range(0, 2)
                .Select(p => Enumerable.Range(0, 99).Select(k => $"{k}").First(k => Murmur2.PartitionOf(Bytes(k), 2) == p)),
        ];
        for (var partition = 0; partition < 2; partition++)
        {
            Assert.Equal(partition, (await AppendStored(topic, "after", keys[partition])).Partition);
            var records = await ReadAsync(new TopicPartition(topic, partition), 0, values[partition].Count);
            Assert.Equal(values[partition], records.Select(Text));
        }
    }
}
