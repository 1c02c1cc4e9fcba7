using Brokkr.Dispatcher.Cursors;
using CsCheck;

namespace Brokkr.Dispatcher.Tests.Cursors;

/// <summary>OEG-13, OEG-14; the cases of dispatcher §15.1, OffsetManagerTest.</summary>
public class OffsetWindowTests
{
    [Fact]
    public void In_order_the_position_follows()
    {
        var window = new OffsetWindow(0);
        foreach (var record in Take(window, 0, 10))
        {
            window.Finish(record);
        }

        Assert.Equal(10, window.Position);
    }

    [Fact]
    public void Offsets_beyond_32_bits_are_exact()
    {
        const long start = 1L << 31;
        var window = new OffsetWindow(start - 50);
        foreach (var record in Take(window, start - 50, 99))
        {
            window.Finish(record);
        }

        Assert.Equal(start + 49, window.Position);
    }

    [Fact]
    public void Two_million_records_behind_a_hanging_one_keep_nothing()
    {
        var window = new OffsetWindow(0);
        var hanging = Record(0);
        window.Begin(hanging);
        for (var offset = 1L; offset < 2_000_051; offset++)
        {
            var record = Record(offset);
            window.Begin(record);
            window.Finish(record);
        }

        Assert.Equal(0, window.Position);
        Assert.Equal(1, window.Count);
        window.Finish(hanging);
        Assert.Equal(2_000_051, window.Position);
    }

    [Fact]
    public void A_gap_of_any_size_is_one_step()
    {
        var window = new OffsetWindow(5);
        window.SkipTo(long.MaxValue / 2);
        Assert.Equal(long.MaxValue / 2, window.Position);
    }

    [Fact]
    public void Skipping_back_changes_nothing()
    {
        var window = new OffsetWindow(5);
        window.SkipTo(3);
        Assert.Equal(5, window.Position);
    }

    [Fact]
    public void Only_even_offsets_finished_moves_nothing_beyond_the_first()
    {
        var window = new OffsetWindow(0);
        foreach (var record in Take(window, 0, 100).Where(r => r.Offset % 2 == 1))
        {
            window.Finish(record);
        }

        Assert.Equal(0, window.Position);
    }

    [Theory]
    [InlineData("5 2 0 7 1 3 4 6", 8)]
    [InlineData("5 2 0 7 1 3 4", 6)]
    [InlineData("5 2 0 1 3 4 7 8", 6)]
    [InlineData("1 0 3 2 5 4 7 6 9 8 11 10", 12)]
    [InlineData("64 65", 0)]
    public void Finished_in_another_order(string order, long position)
    {
        var window = new OffsetWindow(0);
        var records = Take(window, 0, 200);
        foreach (var offset in order.Split(' ').Select(int.Parse))
        {
            window.Finish(records[offset]);
        }

        Assert.Equal(position, window.Position);
    }

    [Fact]
    public void Finished_backwards()
    {
        var window = new OffsetWindow(0);
        var records = Take(window, 0, 8193);
        for (var i = records.Count - 1; i > 0; i--)
        {
            window.Finish(records[i]);
            Assert.Equal(0, window.Position);
        }

        window.Finish(records[0]);
        Assert.Equal(8193, window.Position);
    }

    [Fact]
    public void An_offset_that_was_taken_cannot_be_taken_again()
    {
        var window = new OffsetWindow(0);
        window.Begin(Record(4));
        Assert.Throws<ArgumentOutOfRangeException>(() => window.Begin(Record(4)));
    }

    [Fact]
    public void Behaves_like_a_set_of_unfinished_offsets() =>
        Gen.Select(Gen.Long[0, 1L << 40], Gen.Int[0, 9].Array[0, 200], Gen.Int[0, int.MaxValue].Array[200])
            .Sample(
                (start, steps, choices) =>
                {
                    var window = new OffsetWindow(start);
                    var open = new List<UnfinishedRecord>();
                    var next = start;
                    for (var i = 0; i < steps.Length; i++)
                    {
                        if (steps[i] < 5)
                        {
                            var record = Record(next + (choices[i] % 3));
                            window.Begin(record);
                            open.Add(record);
                            next = record.Offset + 1;
                        }
                        else if (steps[i] < 9 && open.Count > 0)
                        {
                            var record = open[choices[i] % open.Count];
                            window.Finish(record);
                            open.Remove(record);
                        }
                        else
                        {
                            next += choices[i] % 1000;
                            window.SkipTo(next);
                        }

                        Assert.Equal(open.Count == 0 ? next : open.Min(r => r.Offset), window.Position);
                        Assert.Equal(open.Count, window.Count);
                        Assert.Equal(next, window.Next);
                        Assert.Equal(open.Select(r => r.Offset).Order(), Offsets(window));
                    }
                }
            );

    internal static UnfinishedRecord Record(long offset, int failedAttempts = 0) =>
        new() { Offset = offset, FailedAttempts = failedAttempts };

    internal static List<UnfinishedRecord> Take(OffsetWindow window, long from, int count)
    {
        var records = new List<UnfinishedRecord>();
        for (var i = 0; i < count; i++)
        {
            records.Add(Record(from + i));
            window.Begin(records[^1]);
        }

        return records;
    }

    internal static IEnumerable<long> Offsets(OffsetWindow window)
    {
        for (var record = window.First; record is not null; record = record.Later)
        {
            yield return record.Offset;
        }
    }
}
