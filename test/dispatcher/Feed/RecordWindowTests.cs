using Brokkr.Core.Log;
using Brokkr.Dispatcher.Feed;
using CsCheck;

namespace Brokkr.Dispatcher.Tests.Feed;

public class RecordWindowTests
{
    private static readonly PartitionName Partition = new(new TopicPartition("t", 0));

    [Fact]
    public void Records_are_found_by_offset_also_across_gaps()
    {
        var window = new RecordWindow(10);
        window.Add(Records(10, 11, 20, 30), 40, 1 << 20, 100, 0);
        Assert.True(window.TryFind(15, out var number, out _));
        Assert.Equal([20, 30], Read(window, number));
        Assert.True(window.TryFind(40, out number, out _));
        Assert.Empty(Read(window, number));
        Assert.False(window.TryFind(9, out _, out _));
    }

    [Fact]
    public void The_oldest_go_when_room_is_needed_but_never_what_the_fastest_has_not_had()
    {
        var window = new RecordWindow(0);
        window.Add(Records(0, 1, 2, 3), 4, 1 << 20, 4, 0);
        window.Add(Records(4, 5), 6, 1 << 20, 4, keepFrom: 1);
        Assert.Equal(1, window.Tail);
        Assert.Equal(5, window.Count);
        window.Add(Records(6), 7, 1 << 20, 4, keepFrom: 100);
        Assert.Equal(3, window.Tail);
        Assert.Equal(4, window.Count);
        Assert.Equal(-1, window.Read(2, new FeedRecord?[1], out _));
    }

    [Fact]
    public void What_all_have_had_goes_down_to_the_rest()
    {
        var window = new RecordWindow(0);
        window.Add(Records(0, 1, 2, 3), 4, 1 << 20, 100, 0);
        window.Trim(2, long.MaxValue);
        Assert.Equal(4, window.Count);
        window.Trim(2, 0);
        Assert.Equal(2, window.Count);
        window.Trim(long.MaxValue, 0);
        Assert.Equal(0, window.Count);
        Assert.Equal(0, window.Bytes);
        Assert.Equal(4, window.Tail);
    }

    [Fact]
    public void Behaves_like_a_list_of_the_latest_records() =>
        Gen.Select(Gen.Int[1, 20].Array[1, 60], Gen.Int[1, 12])
            .Sample(
                (batches, limit) =>
                {
                    var window = new RecordWindow(0);
                    var all = new List<long>();
                    foreach (var size in batches)
                    {
                        var next = window.Head;
                        var offsets = Enumerable.Range(0, size).Select(i => next + (i * 2)).ToArray();
                        window.Add(Records(offsets), offsets[^1] + 1, long.MaxValue, limit, long.MaxValue);
                        all.AddRange(offsets);
                        Assert.True(window.Count <= Math.Max(limit, size));
                        Assert.True(window.TryFind(window.Tail, out var number, out _));
                        Assert.Equal(all.TakeLast(window.Count), Read(window, number));
                    }
                }
            );

    private static List<FeedRecord> Records(params long[] offsets)
    {
        using var buffer = RecordBuffer.Rent();
        buffer.AppendValue("value"u8);
        return [.. offsets.Select(offset => new FeedRecord(StoredRecord.From(buffer, offset, 0), null, Partition, 0))];
    }

    private static List<long> Read(RecordWindow window, long number)
    {
        var found = new List<long>();
        var batch = new FeedRecord?[3];
        int count;
        while ((count = window.Read(number, batch, out var head)) > 0)
        {
            found.AddRange(batch[..count].Select(r => r!.Record.Offset));
            number += count;
            Assert.Equal(head >= 0, number == window.End);
        }

        return found;
    }
}
