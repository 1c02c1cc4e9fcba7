using Brokkr.Core.Configuration;
using Brokkr.Testing;
using CsCheck;
using Microsoft.Extensions.Logging.Abstractions;

namespace Brokkr.Core.Tests.Configuration;

/// <summary>receiver-and-core §6.7 and §9.1, dispatcher §1.3: the syntax of Java's properties.</summary>
public sealed class JavaPropertiesTests
{
    [Theory]
    [InlineData("a=b", "a", "b")]
    [InlineData("a:b", "a", "b")]
    [InlineData("a b", "a", "b")]
    [InlineData("a\tb", "a", "b")]
    [InlineData("  a  =  b c ", "a", "b c ")]
    [InlineData("a = = b", "a", "= b")]
    [InlineData("a  :b", "a", "b")]
    [InlineData("a", "a", "")]
    [InlineData("a=", "a", "")]
    [InlineData("=b", "", "b")]
    [InlineData("a\\=b=c", "a=b", "c")]
    [InlineData("a\\:b c", "a:b", "c")]
    [InlineData("a\\ b=c", "a b", "c")]
    [InlineData("a=\\u00fc\\t\\n\\r\\f\\\\\\z", "a", "ü\t\n\r\f\\z")]
    [InlineData("a=ü", "a", "ü")]
    [InlineData("a=b\\\n   c", "a", "bc")]
    [InlineData("a=b\\\r\n   c", "a", "bc")]
    [InlineData("a\\\n=b", "a", "b")]
    [InlineData("a=b\\\\\n", "a", "b\\")]
    [InlineData("a=b\\\n# no comment", "a", "b# no comment")]
    [InlineData("a=b\\", "a", "b")]
    [InlineData("a=b\\\n\n", "a", "b")]
    [InlineData("a=1\na=2", "a", "2")]
    [InlineData("a=b # no comment", "a", "b # no comment")]
    [InlineData("\\#a=b", "#a", "b")]
    [InlineData("sasl.jaas.config=x required \\\n  user=\"u\";", "sasl.jaas.config", "x required user=\"u\";")]
    public void One_property(string text, string key, string value) =>
        Assert.Equal([new KeyValuePair<string, string>(key, value)], JavaProperties.Parse(text));

    [Theory]
    [InlineData("")]
    [InlineData("\n \t\f\r\n")]
    [InlineData("# a=b\n  ! c=d")]
    [InlineData("# a\\\n")]
    public void Blank_lines_and_comments_are_nothing(string text) => Assert.Empty(JavaProperties.Parse(text));

    [Fact]
    public void A_comment_is_not_continued() => Assert.Equal("b", JavaProperties.Parse("# x\\\na=b")["a"]);

    [Fact]
    public void All_line_ends_count() =>
        Assert.Equal(["a", "b", "c", "d"], JavaProperties.Parse("a=1\nb=2\rc=3\r\nd=4").Keys.Order(StringComparer.Ordinal));

    [Theory]
    [InlineData("x=1\na=\\u12")]
    [InlineData("x=1\na=\\uzzzz")]
    [InlineData("x=1\na\\u=b")]
    public void A_malformed_unicode_escape_names_its_line(string text) =>
        Assert.Contains("line 2", Assert.Throws<FormatException>(() => JavaProperties.Parse(text)).Message, StringComparison.Ordinal);

    [Fact]
    public void What_is_written_is_read_back() =>
        Gen.Dictionary(Gen.String[Gen.Char, 0, 12], Gen.String[Gen.Char, 0, 30])[0, 6]
            .Sample(properties => Assert.Equal(properties, JavaProperties.Parse(JavaProperties.Format(properties))));

    [Fact]
    public void Special_characters_are_read_back() =>
        Gen.Dictionary(Gen.String[Gen.Char[" \t\n\r\f\\#!=:uün0"], 0, 8], Gen.String[Gen.Char[" \t\n\r\f\\#!=:uün0"], 0, 8])[0, 4]
            .Sample(properties => Assert.Equal(properties, JavaProperties.Parse(JavaProperties.Format(properties))));

    [Fact]
    public void Any_text_is_read_or_refused_but_never_breaks_the_reader() =>
        Gen.String[Gen.Char[" \t\n\r\f\\#!=:uab0"], 0, 40]
            .Sample(text =>
            {
                try
                {
                    JavaProperties.Parse(text);
                }
                catch (FormatException e)
                {
                    Assert.Contains("\\u", e.Message, StringComparison.Ordinal);
                }
            });

    [Fact]
    public void A_missing_file_is_empty() => Assert.Empty(JavaProperties.Load("/nonexistent/file.properties", NullLogger.Instance));

    [Fact]
    public void A_file_is_UTF8()
    {
        using var folder = new TemporaryFolder();
        Assert.Equal("日本", JavaProperties.Load(folder.Write("x.properties", "a=日本"), NullLogger.Instance)["a"]);
    }

    [Fact]
    public void A_file_with_a_malformed_escape_is_a_configuration_error_that_names_it()
    {
        using var folder = new TemporaryFolder();
        var file = folder.Write("x.properties", "a=\\u1");
        var error = Assert.Throws<ConfigurationException>(() => JavaProperties.Load(file, NullLogger.Instance));
        Assert.Equal($"{file}: line 1: \\u needs four hexadecimal digits", error.Message);
    }

    [Fact]
    public void Values_are_typed_as_in_the_original()
    {
        var properties = JavaProperties.Parse("a=TRUE\nb=false\nc=1\nd=2.0\ne=x\nf=1.5\ng=NaN\nh=1e30");
        Assert.True(properties.Flag("a", false));
        Assert.False(properties.Flag("b", true));
        Assert.True(properties.Flag("c", true));
        Assert.Equal(1, properties.WholeNumber("c", 7));
        Assert.Equal(2, properties.WholeNumber("d", 7));
        Assert.Equal(7, properties.WholeNumber("e", 7));
        Assert.Equal(7, properties.WholeNumber("f", 7));
        Assert.Equal(1.5, properties.Number("f", 7));
        Assert.Equal(7, properties.Number("g", 7));
        Assert.Equal(7, properties.WholeNumber("h", 7));
        Assert.Equal(7, properties.WholeNumber("absent", 7));
    }
}
