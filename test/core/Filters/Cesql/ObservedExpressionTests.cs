using Brokkr.Core.Filters;
using static Brokkr.Core.Tests.Filters.FilterTexts;

namespace Brokkr.Core.Tests.Filters.Cesql;

/// <summary>Expressions and the events that the original let pass (dispatcher §6), and where we differ, why.</summary>
public sealed class ObservedExpressionTests
{
    [Theory]
    [InlineData("type = 'order.created'", "afh")]
    [InlineData("type != 'order.created'", "bcdeg")]
    [InlineData("subject LIKE 'item-%'", "abh")]
    [InlineData("source LIKE '/shop/__'", "abc")]
    [InlineData("type NOT LIKE 'order%'", "cdeg")]
    [InlineData("EXISTS subject", "abgh")]
    [InlineData("NOT EXISTS color", "e")]
    [InlineData("EXISTS time", "abf")]
    [InlineData("n = 5", "af")]
    [InlineData("n + 1 = 6", "af")]
    [InlineData("n > 5", "b")]
    [InlineData("missing = 'x'", "")]
    [InlineData("NOT (missing = 'x')", "abcdefgh")]
    [InlineData("missing = 'x' OR color = 'red'", "af")]
    [InlineData("color = 'red' OR missing = 'x'", "af")]
    [InlineData("color = 'red' AND missing = 'x'", "")]
    [InlineData("UPPER(color) = 'RED'", "acf")]
    [InlineData("1 / 0 = 1", "")]
    [InlineData("NOT (1 / 0 = 1)", "abcdefgh")]
    [InlineData("flag", "bf")]
    [InlineData("TRUE", "abcdefgh")]
    [InlineData("'true'", "abcdefgh")]
    [InlineData("'yes'", "")]
    [InlineData("INT(n) > 5", "b")]
    [InlineData("id = 'a' XOR color = 'red'", "f")]
    [InlineData("FOO(id)", "")]
    [InlineData("FOO(id) OR id = 'a'", "a")]
    [InlineData("color = ''", "d")]
    [InlineData("type = 'Order.Created'", "")]
    [InlineData("type = \"order.created\"", "afh")]
    [InlineData("type like 'order%' and not (color = 'red')", "bh")]
    [InlineData("time = '2024-01-02T03:04:05Z'", "a")]
    [InlineData("time = '2024-01-02T03:04:05.500Z'", "b")]
    [InlineData("time = '2024-01-02T05:04:05+02:00'", "f")]
    [InlineData("specversion = '0.3'", "h")]
    [InlineData("knativekafkaoffset < 2", "ab")]
    [InlineData("SUBSTRING(type, 1, 5) = 'order'", "abfh")]
    [InlineData("CONCAT(color, id) = 'reda'", "a")]
    [InlineData("EXISTS data", "")]
    [InlineData("FALSE AND (1 / 0 = 1) OR id = 'a'", "")]
    [InlineData("id = 'a' OR 1 / 0 = 1", "a")]
    [InlineData("dataschema LIKE 'http://x/%'", "ah")]
    [InlineData("schemaurl = 'http://x/schema'", "a")]
    public void Lets_the_events_pass_that_the_original_let_pass(string expression, string passing) =>
        Assert.Equal(passing, ObservedEvents.PassingOf(FilterCompiler.Compile(Sql(expression))));

    // The original takes an absent attribute for the text "false", and lets Integers pass (receiver-and-core §13.3; SQL-15, DEV-09).
    [Theory]
    [InlineData("color IN ('red', 'blue')", "abf")]
    [InlineData("color NOT IN ('red', 'blue')", "cdgh")]
    [InlineData("LENGTH(color) > 3", "bh")]
    [InlineData("IS_BOOL(flag)", "bf")]
    [InlineData("5", "")]
    [InlineData("n", "")]
    [InlineData("missing LIKE 'fal%'", "")]
    [InlineData("missing NOT LIKE 'x'", "")]
    public void An_absent_attribute_makes_the_whole_predicate_false(string expression, string passing) =>
        Assert.Equal(passing, ObservedEvents.PassingOf(FilterCompiler.Compile(Sql(expression))));

    [Fact]
    public void Stands_inside_other_filters()
    {
        Assert.Equal("ab", ObservedEvents.PassingOf(FilterCompiler.Compile(Any(Sql("id = 'a'"), Exact(("id", "b"))))));
        Assert.Equal("f", ObservedEvents.PassingOf(FilterCompiler.Compile(All(Sql("n = 5"), Not(Sql("source = '/shop/eu'"))))));
        Assert.Equal("bcdegh", ObservedEvents.PassingOf(FilterCompiler.Compile([Sql("TRUE"), Not(Sql("color = 'red'"))])));
    }
}
