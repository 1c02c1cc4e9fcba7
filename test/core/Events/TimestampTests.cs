using System.Globalization;
using Brokkr.Core.Events;
using CsCheck;
using static Brokkr.Core.Tests.Events.EventTexts;

namespace Brokkr.Core.Tests.Events;

/// <summary>CEC-11, receiver-and-core §7.2, §8.3, §13.1.</summary>
public sealed class TimestampTests
{
    [Theory]
    [InlineData("2024-01-02T03:04:05Z", "2024-01-02T03:04:05Z")]
    [InlineData("2024-01-02t03:04:05z", "2024-01-02T03:04:05Z")]
    [InlineData("2024-01-02T03:04:05.1Z", "2024-01-02T03:04:05.1Z")]
    [InlineData("2024-01-02T03:04:05.100Z", "2024-01-02T03:04:05.1Z")]
    [InlineData("2024-01-02T03:04:05.000Z", "2024-01-02T03:04:05Z")]
    [InlineData("2024-01-02T03:04:05.123456789Z", "2024-01-02T03:04:05.123456789Z")]
    [InlineData("2024-01-02T03:04:05.1234567891Z", "2024-01-02T03:04:05.1234567891Z")]
    [InlineData("2024-01-02T03:04:05+02:30", "2024-01-02T03:04:05+02:30")]
    [InlineData("2024-01-02T03:04:05-11:00", "2024-01-02T03:04:05-11:00")]
    [InlineData("2024-01-02T03:04:05+00:00", "2024-01-02T03:04:05Z")]
    [InlineData("2024-01-02T03:04:05-00:00", "2024-01-02T03:04:05Z")]
    [InlineData("2024-01-02T03:04:05+18:00", "2024-01-02T03:04:05+18:00")]
    [InlineData("2024-02-29T00:00:00Z", "2024-02-29T00:00:00Z")]
    [InlineData("0000-02-29T00:00:00Z", "0000-02-29T00:00:00Z")]
    [InlineData("2000-02-29T23:59:59Z", "2000-02-29T23:59:59Z")]
    public void Is_accepted_and_rewritten(string text, string canonical)
    {
        Assert.Equal(canonical, Canonical(text, lenient: false));
        Assert.Equal(canonical, Canonical(text, lenient: true));
        Assert.Equal(canonical, Canonical(canonical, lenient: false));
    }

    [Theory]
    [InlineData("2024-01-02T03:04Z", "2024-01-02T03:04:00Z")]
    [InlineData("2024-01-02T03:04:05+02", "2024-01-02T03:04:05+02:00")]
    [InlineData("2024-01-02T03:04:05+02:30:15", "2024-01-02T03:04:05+02:30:15")]
    [InlineData("+12024-01-02T03:04:05Z", "+12024-01-02T03:04:05Z")]
    [InlineData("-0001-01-01T00:00:00Z", "-0001-01-01T00:00:00Z")]
    public void Is_accepted_in_stored_records_only(string text, string canonical)
    {
        Assert.Null(Canonical(text, lenient: false));
        Assert.Equal(canonical, Canonical(text, lenient: true));
    }

    [Theory]
    [InlineData("")]
    [InlineData("yesterday")]
    [InlineData("1704164645")]
    [InlineData("2024-01-02")]
    [InlineData("2024-01-02T03:04:05")]
    [InlineData("2024-01-02 03:04:05Z")]
    [InlineData("2024-01-02T03:04:05,5Z")]
    [InlineData("2024-01-02T03:04:05.Z")]
    [InlineData("2024-01-02T03:04:05Zx")]
    [InlineData("2024-01-02T03:04:05Z[UTC]")]
    [InlineData("2024-01-02T03:04:05+0230")]
    [InlineData("2024-01-02T03:04:05+19:00")]
    [InlineData("2024-01-02T03:04:05+18:01")]
    [InlineData("2024-01-02T03:04:05+02:60")]
    [InlineData("2024-01-02T03:04:05+xx:00")]
    [InlineData("2024-01-02T03:04:05X")]
    [InlineData("2016-12-31T23:59:60Z")]
    [InlineData("2024-01-02T24:00:00Z")]
    [InlineData("2024-01-02T03:60:00Z")]
    [InlineData("2024-02-30T00:00:00Z")]
    [InlineData("2023-02-29T00:00:00Z")]
    [InlineData("1900-02-29T00:00:00Z")]
    [InlineData("2024-13-01T00:00:00Z")]
    [InlineData("2024-00-01T00:00:00Z")]
    [InlineData("2024-01-00T00:00:00Z")]
    [InlineData("2024-04-31T00:00:00Z")]
    [InlineData("12024-01-02T03:04:05Z")]
    [InlineData("+2024-01-02T03:04:05Z")]
    [InlineData("-0000-01-02T03:04:05Z")]
    [InlineData("24-01-02T03:04:05Z")]
    [InlineData("2024-1-2T03:04:05Z")]
    public void Is_refused(string text)
    {
        Assert.Null(Canonical(text, lenient: false));
        Assert.Null(Canonical(text, lenient: true));
    }

    [Theory]
    [InlineData("2024-01-02T03:04:05Z", "2024-01-02T03:04:05Z")]
    [InlineData("2024-01-02T05:04:05+02:00", "2024-01-02T03:04:05Z")]
    [InlineData("2024-01-02T03:04:05.5Z", "2024-01-02T03:04:05.500Z")]
    [InlineData("2024-01-02T03:04:05.1234Z", "2024-01-02T03:04:05.123400Z")]
    [InlineData("2024-01-02T03:04:05.1234567Z", "2024-01-02T03:04:05.123456700Z")]
    [InlineData("2024-01-02T03:04:05.1234567891Z", "2024-01-02T03:04:05.1234567891Z")]
    [InlineData("2024-03-01T00:30:00+01:00", "2024-02-29T23:30:00Z")]
    [InlineData("2023-12-31T23:30:00-01:00", "2024-01-01T00:30:00Z")]
    [InlineData("0000-01-01T00:00:00+00:01", "-0001-12-31T23:59:00Z")]
    [InlineData("9999-12-31T23:59:59-00:01", "+10000-01-01T00:00:59Z")]
    public void Is_compared_in_UTC(string text, string utc)
    {
        Assert.True(Timestamp.TryParse(Utf8(text), lenient: false, out var time));
        Span<byte> to = stackalloc byte[time.MaxLength];
        Assert.Equal(utc, Text(to[..time.WriteUtc(to)]));
    }

    [Fact]
    public void Agrees_with_DateTimeOffset_where_that_is_precise_enough()
    {
        Gen.Select(Gen.Long[0, DateTime.MaxValue.Ticks], Gen.Int[-14 * 60, 14 * 60])
            .Where((ticks, offset) => ticks - (offset * TimeSpan.TicksPerMinute) is >= 0 and var t && t <= DateTime.MaxValue.Ticks)
            .Sample(
                (ticks, offset) =>
                {
                    var expected = new DateTimeOffset(ticks, TimeSpan.FromMinutes(offset));
                    var text = expected.ToString("yyyy-MM-dd'T'HH:mm:ss.fffffffzzz", CultureInfo.InvariantCulture);
                    Assert.True(Timestamp.TryParse(Utf8(text), lenient: false, out var time));
                    Span<byte> to = stackalloc byte[time.MaxLength];
                    var canonical = Text(to[..time.WriteCanonical(to)]);
                    Assert.Equal(expected, Parsed(canonical));
                    Assert.Equal(expected.Offset, Parsed(canonical).Offset);
                    var utc = Text(to[..time.WriteUtc(to)]);
                    Assert.EndsWith("Z", utc);
                    Assert.Equal(expected, Parsed(utc));
                    Assert.True(utc.Length is 20 or 24 or 27 or 30, utc);
                }
            );
    }

    [Fact]
    public void Random_text_never_fails_and_what_is_accepted_is_stable()
    {
        var near = Gen.Select(Gen.Char["0123456789-+:.TtZz "].Array[0, 30], Gen.Int[0, 20]);
        near.Sample(
            (characters, keep) =>
            {
                var text = "2024-01-02T03:04:05.5+01:00"[..keep] + new string(characters);
                var strict = Canonical(text, lenient: false);
                var lenient = Canonical(text, lenient: true);
                return (strict is null || strict == lenient) && (lenient is null || Canonical(lenient, lenient: true) == lenient);
            }
        );
    }

    private static DateTimeOffset Parsed(string text) =>
        DateTimeOffset.Parse(text, CultureInfo.InvariantCulture, DateTimeStyles.RoundtripKind);

    private static string? Canonical(string text, bool lenient)
    {
        if (!Timestamp.TryParse(Utf8(text), lenient, out var time))
        {
            return null;
        }

        Span<byte> to = stackalloc byte[time.MaxLength];
        return Text(to[..time.WriteCanonical(to)]);
    }
}
