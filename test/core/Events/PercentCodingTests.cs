using System.Text;
using Brokkr.Core.Events;
using CsCheck;
using static Brokkr.Core.Tests.Events.EventTexts;

namespace Brokkr.Core.Tests.Events;

/// <summary>CEH-08 to CEH-15.</summary>
public sealed class PercentCodingTests
{
    internal static readonly Gen<string> UnicodeText = Gen.Int[0, 0x10FFFF]
        .Where(Rune.IsValid)
        .Select(v => new Rune(v).ToString())
        .Array[0, 40]
        .Select(string.Concat);

    [Fact]
    public void CEH_13_the_vector_of_the_specification()
    {
        const string text = "Euro € 😀";
        const string encoded = "Euro%20%E2%82%AC%20%F0%9F%98%80";
        Assert.Equal(encoded, HttpBinding.EncodeValue(Utf8(text)));
        Assert.Equal(text, Decode(encoded));
    }

    [Theory]
    [InlineData("plain", "plain")]
    [InlineData("", "")]
    [InlineData("a b", "a%20b")]
    [InlineData("\"", "%22")]
    [InlineData("100%", "100%25")]
    [InlineData("a\tb\u0001c\u007f", "a%09b%01c%7F")]
    [InlineData("\u0085", "%C2%85")]
    [InlineData("  x  ", "%20%20x%20%20")]
    [InlineData("a+b~!#$&'()*,/:;=?@[\\]^_`{|}", "a+b~!#$&'()*,/:;=?@[\\]^_`{|}")]
    public void CEH_08_CEH_09_CEH_15_encodes(string text, string encoded) => Assert.Equal(encoded, HttpBinding.EncodeValue(Utf8(text)));

    [Theory]
    [InlineData("%e2%82%ac", "€")] // CEH-09
    [InlineData("%41", "A")] // CEH-11
    [InlineData("%2525", "%25")] // CEH-10, CEH-14: one round
    [InlineData("a+b", "a+b")]
    [InlineData("\"a b\"", "a b")] // CEH-10: quoted string
    [InlineData("\"a\\\"b\\\\c\"", "a\"b\\c")]
    [InlineData("\"a%20b\"", "a b")]
    [InlineData("\"\"", "")]
    [InlineData("\"\\%41\"", "A")]
    [InlineData("a\"b", "a\"b")]
    [InlineData("\"ab", "\"ab")]
    [InlineData("\"a\"b\"", "\"a\"b\"")]
    [InlineData("\"a\\\"", "\"a\\\"")]
    [InlineData("\"", "\"")]
    [InlineData("100%", "100%")]
    [InlineData("%4", "%4")]
    [InlineData("%zz%", "%zz%")]
    public void Decodes(string raw, string text) => Assert.Equal(text, Decode(raw));

    [Fact]
    public void Any_text_survives_the_way_through_a_header()
    {
        UnicodeText.Sample(text =>
        {
            var sent = HttpBinding.EncodeValue(Utf8(text));
            Assert.All(sent, c => Assert.InRange(c, '!', '~'));
            return Decode(sent) == text;
        });
    }

    [Fact]
    public void Encoding_equals_a_naive_model()
    {
        UnicodeText.Sample(text =>
        {
            var expected = string.Concat(
                text.EnumerateRunes()
                    .Select(r =>
                        r.Value is >= 0x21 and <= 0x7E and not '"' and not '%'
                            ? r.ToString()
                            : string.Concat(Utf8(r.ToString()).Select(b => $"%{b:X2}"))
                    )
            );
            return HttpBinding.EncodeValue(Utf8(text)) == expected;
        });
    }

    [Fact]
    public void Decoding_never_fails_and_never_grows()
    {
        Gen.Char["%\"\\09afAFzé "].Array[0, 30].Sample(c => Decode(new string(c)).Length <= c.Length);
    }

    private static string Decode(string raw)
    {
        var bytes = Utf8(raw);
        var to = new byte[bytes.Length];
        return Text(to.AsSpan(0, PercentCoding.Decode(bytes, to)));
    }
}
