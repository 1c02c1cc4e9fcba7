using System.Globalization;
using System.Text;
using Brokkr.Core.Events;
using CsCheck;

namespace Brokkr.Core.Tests.Events;

/// <summary>Numbers as Java writes them (dispatcher §4.7). The expected texts are those of <c>Double.toString</c> and <c>Float.toString</c> of JDK 21.</summary>
public sealed class JavaNumbersTests
{
    [Theory]
    [InlineData(0.0, "0.0")]
    [InlineData(-0.0, "-0.0")]
    [InlineData(1.0, "1.0")]
    [InlineData(-2.5, "-2.5")]
    [InlineData(3.141592653589793, "3.141592653589793")]
    [InlineData(0.1, "0.1")]
    [InlineData(0.001, "0.001")]
    [InlineData(0.0015, "0.0015")]
    [InlineData(0.0009, "9.0E-4")]
    [InlineData(123456.75, "123456.75")]
    [InlineData(9999999, "9999999.0")]
    [InlineData(1e7, "1.0E7")]
    [InlineData(1e10, "1.0E10")]
    [InlineData(12345678.9, "1.23456789E7")]
    [InlineData(1e23, "1.0E23")]
    [InlineData(2e23, "2.0E23")]
    [InlineData(9007199254740993.0, "9.007199254740992E15")]
    [InlineData(double.MaxValue, "1.7976931348623157E308")]
    [InlineData(double.Epsilon, "4.9E-324")]
    [InlineData(double.NaN, "NaN")]
    [InlineData(double.PositiveInfinity, "Infinity")]
    [InlineData(double.NegativeInfinity, "-Infinity")]
    public void A_double(double number, string text) => Assert.Equal(text, Write(number));

    [Theory]
    [InlineData(1.5f, "1.5")]
    [InlineData(0.1f, "0.1")]
    [InlineData(16777216f, "1.6777216E7")]
    [InlineData(float.MaxValue, "3.4028235E38")]
    [InlineData(float.Epsilon, "1.4E-45")]
    public void A_float(float number, string text)
    {
        Span<byte> to = stackalloc byte[JavaNumbers.MaxLength];
        Assert.Equal(text, Encoding.ASCII.GetString(to[..JavaNumbers.Write(number, to)]));
    }

    [Fact]
    public void Every_double_is_read_back_the_same()
    {
        Gen.Double.Where(double.IsFinite).Sample(number => double.Parse(Write(number), CultureInfo.InvariantCulture).Equals(number));
        Gen.Long.Select(BitConverter.Int64BitsToDouble)
            .Where(double.IsFinite)
            .Sample(number => double.Parse(Write(number), CultureInfo.InvariantCulture).Equals(number));
    }

    private static string Write(double number)
    {
        Span<byte> to = stackalloc byte[JavaNumbers.MaxLength];
        return Encoding.ASCII.GetString(to[..JavaNumbers.Write(number, to)]);
    }
}
