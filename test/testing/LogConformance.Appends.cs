using Brokkr.Core.Log;

namespace Brokkr.Testing;

public abstract partial class LogConformance
{
    [Fact]
    public async Task Appends_one_after_the_other_get_growing_offsets_and_are_read_in_that_order()
    {
        var topic = await NewTopicAsync();
        var last = -1L;
        for (var i = 0; i < 50; i++)
        {
            var result = await AppendStored(topic, $"{i}");
            Assert.Equal(0, result.Partition);
            Assert.True(result.Offset > last);
            last = result.Offset;
        }

        var records = await ReadAsync(new TopicPartition(topic, 0), 0, 50);
        Assert.Equal(Enumerable.Range(0, 50).Select(i => $"{i}"), records.Select(Text));
    }

    [Fact]
    public async Task Appends_that_are_begun_before_the_earlier_ones_are_done_keep_their_order()
    {
        var topic = await NewTopicAsync();
        await AppendNumbers(topic, 0, 1000);
        var records = await ReadAsync(new TopicPartition(topic, 0), 0, 1000);
        Assert.Equal(Enumerable.Range(0, 1000).Select(i => $"{i}"), records.Select(Text));
    }

    [Fact]
    public async Task Every_append_of_many_at_once_is_found_exactly_where_its_result_says()
    {
        var topic = await NewTopicAsync(4);
        var results = await Task.WhenAll(
            Enumerable
                .Range(0, 16)
                .Select(writer =>
                    Task.Run(async () =>
                    {
                        var own = new List<(AppendResult Result, string Value)>();
                        for (var i = 0; i < 50; i++)
                        {
                            own.Add((await AppendStored(topic, $"{writer}/{i}"), $"{writer}/{i}"));
                        }

                        return own;
                    })
                )
        );
        var expected = results.SelectMany(own => own).ToLookup(append => append.Result.Partition);
        foreach (var partition in expected)
        {
            var records = await ReadAsync(new TopicPartition(topic, partition.Key), 0, partition.Count());
            Assert.Equal(
                partition.OrderBy(append => append.Result.Offset).Select(append => (append.Result.Offset, append.Value)),
                records.Select(record => (record.Offset, Text(record)))
            );
        }
    }

    [Fact]
    public async Task The_buffer_is_free_as_soon_as_the_append_has_begun()
    {
        var topic = await NewTopicAsync();
        using var record = RecordBuffer.Rent();
        var appends = new List<Task<AppendResult>>();
        for (var i = 0; i < 20; i++)
        {
            record.Clear();
            record.AddHeader(Bytes($"name-{i}"), Bytes($"header-{i}"));
            record.SetKey(Bytes($"key-{i}"));
            record.AppendValue(Bytes($"value-{i}"));
            appends.Add(Log.Writer.AppendAsync(topic, record).AsTask());
        }

        record.Clear();
        Assert.All(await Task.WhenAll(appends), result => Assert.Equal(AppendOutcome.Stored, result.Outcome));
        var records = await ReadAsync(new TopicPartition(topic, 0), 0, 20);
        for (var i = 0; i < 20; i++)
        {
            var header = Assert.Single(records[i].Headers.ToArray());
            Assert.Equal(Bytes($"name-{i}"), records[i].NameOf(header));
            Assert.Equal(Bytes($"header-{i}"), records[i].ValueOf(header));
            Assert.Equal(Bytes($"key-{i}"), records[i].Key);
            Assert.Equal($"value-{i}", Text(records[i]));
        }
    }

    [Theory]
    [InlineData(false, false, false, false)]
    [InlineData(true, false, false, false)]
    [InlineData(true, true, false, false)]
    [InlineData(false, false, true, false)]
    [InlineData(false, false, true, true)]
    [InlineData(true, false, true, false)]
    [InlineData(true, true, true, true)]
    public async Task Null_and_empty_are_different_for_key_and_value(bool hasKey, bool keyBytes, bool hasValue, bool valueBytes)
    {
        var topic = await NewTopicAsync();
        using var record = RecordBuffer.Rent();
        if (hasKey)
        {
            record.SetKey(keyBytes ? "k"u8 : []);
        }

        if (hasValue)
        {
            record.AppendValue(valueBytes ? "v"u8 : []);
        }

        Assert.Equal(AppendOutcome.Stored, (await Log.Writer.AppendAsync(topic, record)).Outcome);
        var stored = Assert.Single(await ReadAsync(new TopicPartition(topic, 0), 0, 1));
        Assert.Equal(hasKey, stored.HasKey);
        Assert.Equal(keyBytes ? 1 : 0, stored.Key.Length);
        Assert.Equal(hasValue, stored.HasValue);
        Assert.Equal(valueBytes ? 1 : 0, stored.Value.Length);
        Assert.Equal(0, stored.Headers.Length);
    }

    [Fact]
    public async Task Headers_keep_their_bytes_order_duplicates_and_nulls()
    {
        var topic = await NewTopicAsync();
        var random = new Random(7);
        var wanted = new List<(byte[] Name, byte[]? Value)[]>();
        var appends = new List<Task<AppendResult>>();
        string[] names = ["ce_id", "ce_type", "content-type", "X", "größe", "日本", "a.b_c-d"];
        for (var i = 0; i < 60; i++)
        {
            var headers = new (byte[] Name, byte[]? Value)[random.Next(0, 40)];
            using var record = RecordBuffer.Rent();
            for (var h = 0; h < headers.Length; h++)
            {
                var value = random.Next(8) == 0 ? null : new byte[random.Next(0, 90)];
                random.NextBytes(value ?? []);
                headers[h] = (Bytes(names[random.Next(names.Length)]), value);
                if (value is null)
                {
                    record.AddNullHeader(headers[h].Name);
                }
                else
                {
                    record.AddHeader(headers[h].Name, value);
                }
            }

            record.AppendValue(Bytes($"{i}"));
            wanted.Add(headers);
            appends.Add(Log.Writer.AppendAsync(topic, record).AsTask());
        }

        Assert.All(await Task.WhenAll(appends), result => Assert.Equal(AppendOutcome.Stored, result.Outcome));
        var records = await ReadAsync(new TopicPartition(topic, 0), 0, wanted.Count);
        for (var i = 0; i < wanted.Count; i++)
        {
            var stored = records[i];
            Assert.Equal(wanted[i].Length, stored.Headers.Length);
            for (var h = 0; h < stored.Headers.Length; h++)
            {
                var header = stored.Headers[h];
                Assert.Equal(wanted[i][h].Name, stored.NameOf(header));
                Assert.Equal(wanted[i][h].Value is null, header.ValueLength < 0);
                Assert.Equal(wanted[i][h].Value ?? [], stored.ValueOf(header));
            }

            Assert.Equal($"{i}", Text(stored));
        }
    }

    [Fact]
    public async Task A_record_close_to_the_limit_is_stored_whole()
    {
        var topic = await NewTopicAsync();
        var value = new byte[fixture.AcceptedRecordBytes];
        new Random(1).NextBytes(value);
        using var record = RecordBuffer.Rent();
        record.AppendValue(value);
        var result = await Log.Writer.AppendAsync(topic, record);
        Assert.True(result.Outcome == AppendOutcome.Stored, $"{result.Outcome}: {result.Error}");
        var stored = Assert.Single(await ReadAsync(new TopicPartition(topic, 0), 0, 1));
        Assert.True(value.AsSpan().SequenceEqual(stored.Value.Span));
    }

    [Fact]
    public async Task A_record_above_the_limit_is_too_large_and_harms_nobody()
    {
        var topic = await NewTopicAsync();
        var before = Append(topic, "before").AsTask();
        using var record = RecordBuffer.Rent();
        record.AppendValue(new byte[fixture.RefusedRecordBytes]);
        var result = await Log.Writer.AppendAsync(topic, record);
        Assert.Equal((AppendOutcome.TooLarge, -1, -1L), (result.Outcome, result.Partition, result.Offset));
        Assert.False(string.IsNullOrEmpty(result.Error));
        Assert.Equal(AppendOutcome.Stored, (await before).Outcome);
        await AppendStored(topic, "after");
        Assert.Equal(["before", "after"], (await ReadAsync(new TopicPartition(topic, 0), 0, 2)).Select(Text));
    }

    [Fact]
    public async Task A_topic_may_have_a_lower_limit_of_its_own()
    {
        Needs(LogCapability.TopicAdministration, LogCapability.TopicSettings);
        var topic = Unique("small-records");
        var settings = new Dictionary<string, string>(StringComparer.Ordinal) { ["max.message.bytes"] = "20000" };
        Assert.True(await Log.Topics.CreateAsync(new TopicSpecification(topic, 1, 1, settings), Deadline));
        await AppendStored(topic, new string('x', 18_000));
        Assert.Equal(AppendOutcome.TooLarge, (await Append(topic, new string('x', 22_000))).Outcome);
        await AppendStored(topic, "small");
    }

    // Known answers of the Java client's hash; a record with the key must be in hash & 0x7fffffff modulo the number of partitions.
    [Theory]
    [InlineData("21", -973932308)]
    [InlineData("foobar", -790332482)]
    [InlineData("a-little-bit-long-string", -985981536)]
    [InlineData("a-little-bit-longer-string", -1486304829)]
    [InlineData("lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8", -58897971)]
    [InlineData("abc", 479470107)]
    [InlineData("", 275646681)]
    public async Task A_keyed_record_goes_where_the_Java_client_puts_it(string key, int hash)
    {
        var topic = await NewTopicAsync(11);
        var result = await AppendStored(topic, "value", key);
        Assert.Equal((hash & 0x7fffffff) % 11, result.Partition);
    }

    [Fact]
    public async Task Records_of_one_key_share_a_partition_and_stay_in_order()
    {
        var topic = await NewTopicAsync(5);
        string[] keys = ["a", "b", "c", "d", "e", "f", "g"];
        var appends = Enumerable.Range(0, 210).Select(i => Append(topic, $"{i}", keys[i % keys.Length]).AsTask()).ToList();
        var results = await Task.WhenAll(appends);
        for (var i = 0; i < results.Length; i++)
        {
            Assert.Equal(AppendOutcome.Stored, results[i].Outcome);
            Assert.Equal(Murmur2.PartitionOf(Bytes(keys[i % keys.Length]), 5), results[i].Partition);
            Assert.True(i < keys.Length || results[i].Offset > results[i - keys.Length].Offset);
        }
    }

    [Fact]
    public async Task Records_without_a_key_go_to_partitions_that_exist()
    {
        var topic = await NewTopicAsync(3);
        var results = await Task.WhenAll(Enumerable.Range(0, 300).Select(i => Append(topic, $"{i}").AsTask()));
        Assert.All(results, result => Assert.InRange(result.Partition, 0, 2));
    }

    [Fact]
    public async Task An_unknown_topic_is_an_outcome_and_is_not_created()
    {
        Needs(LogCapability.TopicAdministration);
        var topic = Unique("nowhere");
        var result = await Append(topic, "value");
        Assert.Equal((AppendOutcome.UnknownTopic, -1, -1L), (result.Outcome, result.Partition, result.Offset));
        Assert.False(string.IsNullOrEmpty(result.Error));
        Assert.Null(await Log.Topics.DescribeAsync(topic, Deadline));
    }

    [Fact]
    public async Task A_topic_name_that_cannot_be_is_fatal()
    {
        Needs(LogCapability.TopicAdministration);
        var result = await Append("no topic, for sure!", "value");
        Assert.Equal(AppendOutcome.Fatal, result.Outcome);
        Assert.False(string.IsNullOrEmpty(result.Error));
    }
}
