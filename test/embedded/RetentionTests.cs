using Brokkr.Core.Log;
using Brokkr.Embedded.Writing;
using Brokkr.Testing;
using Microsoft.Extensions.Time.Testing;

namespace Brokkr.Embedded.Tests;

/// <summary>Old and superfluous records go, others stay, and deleted topics give their space back.</summary>
public sealed class RetentionTests : IDisposable
{
    private static readonly TimeSpan Sweep = TimeSpan.FromMinutes(1);
    private readonly TemporaryFolder _folder = new();
    private readonly FakeTimeProvider _time = new(new DateTimeOffset(2025, 3, 1, 0, 0, 0, TimeSpan.Zero));

    public void Dispose() => _folder.Dispose();

    private Task<EmbeddedLog> OpenAsync(Func<EmbeddedLogOptions, EmbeddedLogOptions>? change = null)
    {
        // The deadline is looked at so often that days of it would take seconds to pass.
        var options = new EmbeddedLogOptions
        {
            Folder = _folder.Path,
            SweepInterval = Sweep,
            Deadline = TimeSpan.FromDays(1),
        };
        return EmbeddedLog.OpenAsync(change?.Invoke(options) ?? options, _time);
    }

    [Fact]
    public async Task Records_go_when_they_are_older_than_the_topic_keeps_them()
    {
        await using var log = await OpenAsync();
        await log.CreateAsync("hour", 1, ("retention.ms", "3600000"));
        await log.CreateAsync("day", 1, ("retention.ms", "86400000"));
        foreach (var topic in (string[])["hour", "day"])
        {
            await log.AppendStoredAsync(topic, "first");
            await log.AppendStoredAsync(topic, "second");
        }

        _time.Advance(TimeSpan.FromMinutes(50));
        await log.AppendStoredAsync("hour", "third");
        _time.Advance(TimeSpan.FromMinutes(11));
        await Eventually.True(async () => (await log.BoundsAsync("hour")).Start == 2, "what is older than an hour is gone");
        Assert.Equal(["third"], await log.ReadToEndAsync("hour"));
        Assert.Equal(["first", "second"], await log.ReadToEndAsync("day"));
        _time.Advance(TimeSpan.FromHours(1));
        await Eventually.True(async () => (await log.BoundsAsync("hour")).Start == 3, "everything is gone");
        Assert.Equal(new PartitionBounds(3, 3), await log.BoundsAsync("hour"));
    }

    [Fact]
    public async Task A_partition_keeps_the_newest_records_that_fit_into_its_size()
    {
        await using var log = await OpenAsync();
        await log.CreateAsync("small", 1, ("retention.bytes", "10000"), ("retention.ms", "-1"));
        await log.CreateAsync("large", 1, ("retention.ms", "-1"));
        for (var i = 0; i < 100; i++)
        {
            await log.AppendStoredAsync("small", new string((char)('A' + (i % 26)), 996));
            await log.AppendStoredAsync("large", "value");
        }

        _time.Advance(Sweep);
        // Four bytes of framing make a thousand.
        await Eventually.True(async () => (await log.BoundsAsync("small")).Start > 0, "the oldest are gone");
        Assert.Equal(new PartitionBounds(90, 100), await log.BoundsAsync("small"));
        Assert.Equal(new PartitionBounds(0, 100), await log.BoundsAsync("large"));
        Assert.Equal(10, (await log.ReadToEndAsync("small")).Count);
    }

    [Fact]
    public async Task Without_settings_records_stay_seven_days_and_the_options_can_say_otherwise()
    {
        await using (var log = await OpenAsync())
        {
            await log.CreateAsync("plain");
            await log.CreateAsync("for-ever", 1, ("retention.ms", "-1"));
            await log.CreateAsync("compacted", 1, ("cleanup.policy", "compact"), ("retention.ms", "1"));
            foreach (var topic in (string[])["plain", "for-ever", "compacted"])
            {
                await log.AppendStoredAsync(topic, "old");
            }

            _time.Advance(TimeSpan.FromDays(7) - TimeSpan.FromSeconds(1));
            await log.WriterThread.WriteAsync(new Nothing(), default);
            Assert.Equal(["old"], await log.ReadToEndAsync("plain"));
            _time.Advance(Sweep + TimeSpan.FromSeconds(1));
            await Eventually.True(async () => (await log.BoundsAsync("plain")).Start == 1, "the record is gone after seven days");
            Assert.Equal(["old"], await log.ReadToEndAsync("for-ever"));
            Assert.Equal(["old"], await log.ReadToEndAsync("compacted"));
            await log.AppendStoredAsync("plain", "new");
        }

        await using (var log = await OpenAsync(options => options with { Retention = Timeout.InfiniteTimeSpan, RetentionBytes = 20_000 }))
        {
            _time.Advance(TimeSpan.FromDays(300));
            for (var i = 0; i < 40; i++)
            {
                await log.AppendStoredAsync("plain", new string('x', 996));
            }

            _time.Advance(Sweep);
            await Eventually.True(async () => (await log.BoundsAsync("plain")).Start == 22, "the size is kept");
        }
    }

    [Fact]
    public async Task What_is_dropped_is_forgotten_for_good_but_offsets_go_on()
    {
        await using (var log = await OpenAsync())
        {
            await log.CreateAsync("topic", 1, ("retention.ms", "1000"));
            for (var i = 0; i < 10; i++)
            {
                await log.AppendStoredAsync("topic", $"{i}");
            }

            await log.Cursors.StoreAsync("group", [new(new TopicPartition("topic", 0), new CursorPosition(4, ""))], default);
            _time.Advance(Sweep);
            await Eventually.True(async () => (await log.BoundsAsync("topic")).Start == 10, "everything is gone");
        }

        await using (var log = await OpenAsync())
        {
            Assert.Equal(new PartitionBounds(10, 10), await log.BoundsAsync("topic"));
            Assert.Equal(4, (await log.Cursors.LoadAsync("group", "topic", default))[0].Offset);
            Assert.Equal(10, (await log.AppendStoredAsync("topic", "next")).Offset);
            // Who comes back to a position that is gone goes on with the oldest record.
            Assert.Equal(["next"], await log.ReadToEndAsync("topic", offset: 4));
        }
    }

    [Fact]
    public async Task A_reader_whose_next_records_are_dropped_goes_on_with_the_oldest()
    {
        await using var log = await OpenAsync();
        await log.CreateAsync("topic", 1, ("retention.ms", "3600000"));
        for (var i = 0; i < 20; i++)
        {
            await log.AppendStoredAsync("topic", $"{i}");
        }

        await using var reader = await log.Readers.OpenAsync(new TopicPartition("topic", 0), 0, ReadPurpose.CatchUp, default);
        var records = new List<StoredRecord>();
        Assert.Equal(1, await reader.ReadAsync(records, 1, default));
        _time.Advance(TimeSpan.FromMinutes(59));
        await log.AppendStoredAsync("topic", "young");
        _time.Advance(TimeSpan.FromMinutes(2));
        await Eventually.True(async () => (await log.BoundsAsync("topic")).Start == 20, "the old ones are gone");
        Assert.Equal(21, await reader.ReadAsync(records, 1000, default));
        Assert.Equal("young"u8, Assert.Single(records).Value.Span);
    }

    [Fact]
    public async Task A_chunk_is_small_so_that_appends_go_in_between()
    {
        await using var log = await OpenAsync();
        await log.CreateAsync("topic", 1, ("retention.ms", "1000"));
        var appends = Enumerable.Range(0, (2 * TrimPartition.Chunk) + 7).Select(i => log.AppendAsync("topic", $"{i}"));
        Assert.All(await Task.WhenAll(appends), result => Assert.Equal(AppendOutcome.Stored, result.Outcome));
        var later = _time.GetUtcNow().ToUnixTimeMilliseconds() + 2000;
        Assert.True(log.WriterThread.Topics.TryGet("topic", out var topic));
        var dropped = new List<(int Dropped, bool More)>();
        do
        {
            dropped.Add(await log.WriterThread.WriteAsync(new TrimPartition(topic.Partitions[0], later), default));
        } while (dropped[^1].More);

        Assert.Equal([(TrimPartition.Chunk, true), (TrimPartition.Chunk, true), (7, false)], dropped);
    }

    [Fact]
    public async Task Deleting_a_topic_gives_its_space_back()
    {
        await using var log = await OpenAsync();
        await log.CreateAsync("kept");
        await log.CreateAsync("topic", 3);
        var value = new string('x', 20_000);
        for (var round = 0; round < 15; round++)
        {
            await Task.WhenAll(Enumerable.Range(0, 60).Select(_ => log.AppendStoredAsync("topic", value)));
            await log.AppendStoredAsync("kept", value);
        }

        Assert.True(await log.Topics.DeleteAsync("topic", default));
        var file = new FileInfo(_folder["brokkr.db"]);
        await Eventually.True(
            () =>
            {
                file.Refresh();
                return file.Length is > 0 and < 1_000_000;
            },
            () => $"18 MB are given back; the file has {file.Length}"
        );
        Assert.Equal(15, (await log.ReadToEndAsync("kept")).Count);
    }

    [Fact]
    public async Task Records_of_a_deleted_topic_go_even_if_the_process_ended_in_between()
    {
        await using (var log = await OpenAsync())
        {
            await log.CreateAsync("topic");
            await Task.WhenAll(Enumerable.Range(0, 100).Select(_ => log.AppendStoredAsync("topic", new string('x', 50_000))));
            // The deletion as such, without the sweep that follows it.
            Assert.True(await log.WriterThread.WriteAsync(new DeleteTopic("topic"), default));
        }

        await using (await OpenAsync())
        {
            var file = new FileInfo(_folder["brokkr.db"]);
            await Eventually.True(
                () =>
                {
                    file.Refresh();
                    return file.Length is > 0 and < 1_000_000;
                },
                () => $"5 MB are given back; the file has {file.Length}"
            );
        }
    }

    /// <summary>An empty transaction: what was asked for before it has been done after it.</summary>
    private sealed class Nothing : PendingWork<bool>
    {
        public override void Apply(WriteSession session) { }

        protected override bool Show() => true;
    }
}
