using Brokkr.Dispatcher.Cursors;
using CsCheck;

namespace Brokkr.Dispatcher.Tests.Cursors;

public class CursorMetadataTests
{
    [Fact]
    public void A_position_that_says_it_all_has_none()
    {
        var window = new OffsetWindow(7);
        Assert.Equal("", CursorMetadata.Write(window));
        OffsetWindowTests.Take(window, 7, 1);
        Assert.Equal("", CursorMetadata.Write(window));
    }

    [Theory]
    [InlineData("")]
    [InlineData("someone's note {]")]
    [InlineData("brokkr1")]
    [InlineData("brokkr1:")]
    [InlineData("brokkr1:=")]
    [InlineData("brokkr1:§§")]
    [InlineData("brokkr2:AgA")]
    [InlineData("brokkr1:gICAgICAgICAgIA")]
    [InlineData("brokkr1:AQQ")]
    [InlineData("brokkr1:_____w")]
    public void Text_of_others_is_ignored(string metadata) => Assert.Null(CursorMetadata.Read(3, metadata));

    [Fact]
    public void What_is_unfinished_beyond_a_hanging_record_is_known_after_a_restart()
    {
        var window = new OffsetWindow(100);
        var records = OffsetWindowTests.Take(window, 100, 50);
        foreach (var record in records.Where(r => r.Offset is not (103 or 140)))
        {
            window.Finish(record);
        }

        records[40].FailedAttempts = 3;
        var read = CursorMetadata.Read(window.Position, CursorMetadata.Write(window));
        Assert.Equal(103, window.Position);
        Assert.NotNull(read);
        Assert.Equal(150, read.Frontier);
        Assert.Equal([new RememberedRecord(103, 0), new RememberedRecord(140, 3)], read.Unfinished);
    }

    [Fact]
    public void What_an_earlier_process_left_is_passed_on_until_it_is_reached()
    {
        var window = new OffsetWindow(10);
        var remembered = new CursorMetadata(
            1000,
            [new RememberedRecord(10, 2), new RememberedRecord(500, 1), new RememberedRecord(999, 0)]
        );
        window.Begin(OffsetWindowTests.Record(10, 2));
        var read = CursorMetadata.Read(10, CursorMetadata.Write(window, remembered));
        Assert.Equal(remembered.Frontier, read!.Frontier);
        Assert.Equal(remembered.Unfinished, read.Unfinished);
    }

    [Fact]
    public void Never_longer_than_Kafka_takes_and_never_claims_more_than_is_true()
    {
        var window = new OffsetWindow(0);
        for (var i = 0; i < 5000; i++)
        {
            window.Begin(OffsetWindowTests.Record((i * 7000L) + (i % 7 * 900), i % 3));
        }

        var text = CursorMetadata.Write(window);
        Assert.True(text.Length <= CursorMetadata.MaxLength);
        var read = CursorMetadata.Read(window.Position, text)!;
        Assert.True(read.Unfinished.Count > 500);
        Assert.Equal(OffsetWindowTests.Offsets(window).TakeWhile(o => o < read.Frontier), read.Unfinished.Select(r => r.Offset));
    }

    [Fact]
    public void Reading_gives_what_was_written() =>
        Gen.Select(Gen.Long[0, 1L << 50], Gen.Select(Gen.Long[0, 1L << 20], Gen.Int[0, 300]).Array[0, 100], Gen.Long[0, 1L << 30])
            .Sample(
                (start, records, rest) =>
                {
                    var window = new OffsetWindow(start);
                    foreach (var (gap, attempts) in records)
                    {
                        window.Begin(OffsetWindowTests.Record(window.Next + gap, attempts));
                    }

                    window.SkipTo(window.Next + rest);
                    var text = CursorMetadata.Write(window);
                    Assert.True(text.Length <= CursorMetadata.MaxLength);
                    if (text.Length == 0)
                    {
                        Assert.True(window.Count == 0 || (window.Count == 1 && window.Next == window.Position + 1));
                        return;
                    }

                    var read = CursorMetadata.Read(window.Position, text);
                    Assert.NotNull(read);
                    Assert.Equal(window.Next, read.Frontier);
                    Assert.Equal(OffsetWindowTests.Offsets(window), read.Unfinished.Select(r => r.Offset));
                    Assert.Equal(records.Select(r => r.Item2), read.Unfinished.Select(r => r.FailedAttempts));
                }
            );

    [Fact]
    public void Any_text_is_read_without_a_fault() =>
        Gen.Select(Gen.Long[0, long.MaxValue / 4], Gen.Char["ABCXYZabcxyz0189_-"].Array[0, 40])
            .Sample(
                (position, text) =>
                {
                    if (CursorMetadata.Read(position, "brokkr1:" + new string(text)) is { } read)
                    {
                        Assert.True(read.Frontier >= position);
                        Assert.All(read.Unfinished, r => Assert.InRange(r.Offset, position, read.Frontier - 1));
                    }
                }
            );
}
