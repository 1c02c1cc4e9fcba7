using Brokkr.Core.Events;
using Brokkr.Core.Filters;
using Brokkr.Core.Filters.Cesql;
using static Brokkr.Core.Tests.Events.EventTexts;

namespace Brokkr.Core.Tests.Filters.Cesql;

/// <summary>What the compatibility kit leaves open: precedence, limits, characters, errors beside each other.</summary>
public sealed class ExpressionTests
{
    private static readonly CloudEvent Event = Events.EventTexts.Event(
        ("ce-ext", "v"),
        ("ce-n", "7"),
        ("ce-min", "-2147483648"),
        ("ce-text", "a\u00fc\U0001F600z"),
        ("ce-1a", "digit first"),
        ("ce-time", "2024-01-02T03:04:00.12+01:00")
    );

    /// <summary>Value and errors: <c>8</c>, <c>true Cast</c>.</summary>
    private static string Value(string expression)
    {
        var result = CesqlExpression.Compile(expression).Evaluate(new FilterInput(Event, EventOverlay.Empty));
        var value = result.Type switch
        {
            CesqlType.Boolean => result.Number != 0 ? "true" : "false",
            CesqlType.Integer => $"{result.Number}",
            _ => $"'{result.Text}'",
        };
        return result.Errors == CesqlErrors.None ? value : $"{value} {result.Errors}";
    }

    [Theory]
    [InlineData("SQL-09", "NOT ext = 'false'", "true Cast")]
    [InlineData("SQL-09", "NOT (ext = 'v')", "false")]
    [InlineData("SQL-09", "NOT TRUE LIKE 'fal%'", "true")]
    [InlineData("SQL-09", "2 + 3 * 4 = 14 AND TRUE", "true")]
    [InlineData("SQL-09", "2 * 'x' LIKE 'x' + 1", "3")]
    [InlineData("SQL-09", "1 + 1 IN (2)", "1")]
    [InlineData("SQL-09", "1 = 1 = TRUE", "true")]
    [InlineData("SQL-10", "10 - 3 - 2", "5")]
    [InlineData("SQL-10", "100 / 10 / 5 * 3 % 4", "2")]
    [InlineData("DEV-14", "TRUE OR FALSE AND FALSE", "true")]
    [InlineData("DEV-14", "FALSE AND FALSE OR TRUE", "false")]
    [InlineData("DEV-14", "TRUE XOR TRUE OR TRUE", "false")]
    [InlineData("DEV-14", "TRUE XOR TRUE XOR TRUE AND FALSE", "false")]
    [InlineData("SQL-04", "-2147483648", "-2147483648")]
    [InlineData("SQL-04", "+5", "5")]
    [InlineData("SQL-06", "--10", "10")]
    [InlineData("SQL-06", "n--10", "17")]
    [InlineData("SQL-06", "n-1", "6")]
    [InlineData("SQL-06", "- -n", "7")]
    [InlineData("SQL-01", "\t1\r\n+ \n1 ", "2")]
    [InlineData("SQL-02", "EXT = 'v' AND ID = 'i-1'", "true")]
    [InlineData("SQL-02", "1a", "'digit first'")]
    [InlineData("SQL-05", "'it''s' = \"it's\" AND 'it\\'s' = \"it's\"", "true")]
    [InlineData("SQL-05", "'a\\b\\\\'", "'a\\b\\\\'")]
    [InlineData("SQL-05", "''", "''")]
    [InlineData("SQL-11", "time", "'2024-01-02T03:04:00.120+01:00'")]
    [InlineData("SQL-15", "missing + 0 = 0", "false MissingAttribute")]
    [InlineData("SQL-15", "LENGTH(missing)", "0 MissingAttribute")]
    [InlineData("SQL-15", "NOT (1 / 0)", "false Math")]
    [InlineData("SQL-15", "UPPER(missing) = ''", "false MissingAttribute")]
    [InlineData("SQL-18", "'10' > 9 AND ext < 5", "false Cast")]
    [InlineData("SQL-20", "-7 / 2", "-3")]
    [InlineData("SQL-20", "-7 % 4", "-3")]
    [InlineData("SQL-20", "7 % -4", "3")]
    [InlineData("SQL-20", "min % -1", "0")]
    [InlineData("SQL-21", "min / -1", "0 Math")]
    [InlineData("SQL-21", "-min", "0 Math")]
    [InlineData("SQL-21", "2147483647 + 1", "0 Math")]
    [InlineData("SQL-21", "min - 1", "0 Math")]
    [InlineData("SQL-21", "65536 * 65536", "0 Math")]
    [InlineData("SQL-22", "FALSE AND missing", "false")]
    [InlineData("SQL-22", "TRUE OR missing", "true")]
    [InlineData("SQL-22", "TRUE XOR missing", "true MissingAttribute")]
    [InlineData("SQL-23", "text LIKE 'a__z'", "true")]
    [InlineData("SQL-23", "text LIKE 'a_z'", "false")]
    [InlineData("SQL-23", "'' LIKE '%'", "true")]
    [InlineData("SQL-23", "'' LIKE ''", "true")]
    [InlineData("SQL-23", "'ab' LIKE '%%_%_%%'", "true")]
    [InlineData("SQL-23", "'a' LIKE '%_%_%'", "false")]
    [InlineData("SQL-23", "'xabxaby' LIKE '%ab_'", "true")]
    [InlineData("SQL-23", "'a%' LIKE 'a\\%' AND 'ab' NOT LIKE 'a\\%'", "true")]
    [InlineData("SQL-24", "'a.c' LIKE 'a.c' AND 'abc' NOT LIKE 'a.c' AND 'x[1]' LIKE '%[1]'", "true")]
    [InlineData("SQL-26", "n IN (ext, 7)", "true")]
    [InlineData("SQL-26", "n IN (missing, 7)", "true MissingAttribute")]
    [InlineData("SQL-26", "n NOT IN (missing, 8)", "false MissingAttribute")]
    [InlineData("SQL-26", "7 IN (ext)", "false Cast")]
    [InlineData("SQL-27", "INT('+7') + INT('-0')", "7")]
    [InlineData("SQL-27", "INT('2147483648')", "0 Cast")]
    [InlineData("SQL-27", "INT('99999999999999999999999999')", "0 Cast")]
    [InlineData("SQL-27", "INT(' 7')", "0 Cast")]
    [InlineData("SQL-27", "INT('')", "0 Cast")]
    [InlineData("SQL-27", "INT('-')", "0 Cast")]
    [InlineData("SQL-30", "TRUE = ext", "false")]
    [InlineData("SQL-30", "7 = n", "true")]
    [InlineData("SQL-31", "TRIM('\u2003 x\t\u00a0')", "'x'")]
    [InlineData("SQL-31", "UPPER('straße ÿ ı') ", "'STRAßE Ÿ ı'")]
    [InlineData("SQL-31", "LOWER('ÄÖÜ Σ')", "'äöü σ'")]
    [InlineData("SQL-31", "LENGTH(UPPER('ɐɐɐɐɐɐɐɐ'))", "8")]
    [InlineData("SQL-31", "CONCAT(1, TRUE, ext, n)", "'1truev7'")]
    [InlineData("SQL-31", "IS_INT(n) AND IS_INT(TRUE) AND NOT IS_INT(ext) AND IS_BOOL('FALSE')", "true")]
    [InlineData("SQL-32", "LENGTH(text)", "4")]
    [InlineData("SQL-32", "LEFT(text, 3)", "'a\u00fc\U0001F600'")]
    [InlineData("SQL-32", "RIGHT(text, 2)", "'\U0001F600z'")]
    [InlineData("SQL-32", "SUBSTRING(text, -3, 2)", "'\u00fc\U0001F600'")]
    [InlineData("SQL-34", "SUBSTRING('abc', 2, -1)", "'' FunctionEvaluation")]
    [InlineData("SQL-34", "SUBSTRING('abc', 2, 100)", "'bc'")]
    [InlineData("SQL-34", "SUBSTRING('abc', 4)", "'' FunctionEvaluation")]
    [InlineData("SQL-34", "SUBSTRING('abc', min)", "'' FunctionEvaluation")]
    [InlineData("SQL-36", "LENGTH()", "false MissingFunction")]
    [InlineData("SQL-36", "SUBSTRING('a', 1, 2, 3)", "false MissingFunction")]
    [InlineData("SQL-36", "NOT NO_SUCH(1)", "false MissingFunction")]
    public void A_rule_holds(string rule, string expression, string value)
    {
        Assert.NotEmpty(rule);
        Assert.Equal(value, Value(expression));
    }

    [Fact]
    public void SQL_24_a_pattern_matches_across_line_breaks()
    {
        var e = Decoded(
            Record([], ("ce_specversion", "1.0"), ("ce_id", "1"), ("ce_source", "/s"), ("ce_type", "t"), ("ce_lines", "a\u2028b\u0085c"))
        );
        Assert.True(CesqlExpression.Compile("lines LIKE 'a%c'").Matches(new FilterInput(e, EventOverlay.Empty)));
    }

    [Theory]
    [InlineData("", 1, "expected a value, but the expression ends")]
    [InlineData("type = ", 8, "expected a value, but the expression ends")]
    [InlineData("type = = 'a'", 8, "expected a value, found =")]
    [InlineData("(type = 'a'", 12, "expected an operator or ')', but the expression ends")]
    [InlineData("type = 'a')", 11, "expected an operator or the end, found )")]
    [InlineData("type 'a'", 6, "expected an operator or the end, found 'a'")]
    [InlineData("type = 'a", 8, "the text that begins here has no closing '")]
    [InlineData("id = \"a\\\"", 6, "the text that begins here has no closing \"")]
    [InlineData("n IN ()", 7, "expected a value, found )")]
    [InlineData("n IN 5", 6, "expected '(', found 5")]
    [InlineData("n IN (1", 8, "expected an operator, ',' or ')', but the expression ends")]
    [InlineData("n LIKE 5", 8, "expected a text in quotes, found 5")]
    [InlineData("n LIKE ext", 8, "expected a text in quotes, found ext")]
    [InlineData("n NOT 5", 3, "expected an operator or the end, found NOT")]
    [InlineData("ABC(", 5, "expected a value, but the expression ends")]
    [InlineData("ABC(1,)", 7, "expected a value, found )")]
    [InlineData("my_ext = 1", 1, "expected the name of an attribute, which has letters and digits only, found my_ext")]
    [InlineData("F1(2)", 1, "expected the name of a function, which has letters and '_' only, found F1")]
    [InlineData("EXISTS (n)", 8, "expected the name of an attribute, which has letters and digits only, found (")]
    [InlineData("2147483648", 1, "2147483648 is no number within 32 bits")]
    [InlineData("1 + -2147483649", 5, "-2147483649 is no number within 32 bits")]
    [InlineData("type = 'a' && id = 'b'", 12, "'&' means nothing here")]
    [InlineData("type == 'a'", 7, "expected a value, found =")]
    [InlineData("a\0", 2, "the character U+0000 means nothing here")]
    [InlineData("a = \U0001F600", 5, "'\U0001F600' means nothing here")]
    [InlineData("+n", 1, "expected a value, found +")]
    public void ADM_08_a_mistake_is_told_with_its_place(string expression, int position, string message)
    {
        var problem = Assert.Single(CesqlExpression.Check(expression));
        Assert.Equal(new CesqlProblem(position, message), problem);
        Assert.Equal(
            $"The CESQL expression is not valid: at character {position}: {message}.",
            Assert.Throws<FilterException>(() => CesqlExpression.Compile(expression)).Message
        );
    }

    [Theory]
    [InlineData("type = 'a' AND NOT (n > 5)", null)]
    [InlineData("flag", null)]
    [InlineData("subject", null)]
    [InlineData("TRUE", null)]
    [InlineData("5", "at character 1: the expression yields a number, but a filter must yield true or false")]
    [InlineData("LENGTH(type)", "at character 1: the expression yields a number, but a filter must yield true or false")]
    [InlineData("'true'", "at character 1: the expression yields a text, but a filter must yield true or false")]
    [InlineData("id = 'a' OR FOO(id)", "at character 13: there is no function FOO")]
    [InlineData("length(type, 2) = 3", "at character 1: LENGTH takes 1 argument, not 2")]
    [InlineData("SUBSTRING(type) = ''", "at character 1: SUBSTRING takes 2 arguments or 3 arguments, not 1")]
    [InlineData("CONCAT_WS() = ''", "at character 1: CONCAT_WS takes 1 and more arguments, not 0")]
    public void SQL_41_what_needs_no_event_is_told_at_once(string expression, string? problem) =>
        Assert.Equal(problem, CesqlExpression.Check(expression).SingleOrDefault(p => !p.IsWarning)?.ToString());

    [Theory]
    [InlineData("n = INT('x')", "at character 5: fails for every event")]
    [InlineData("NOT (1 / 0 = n)", "at character 8: fails for every event")]
    [InlineData("n = 1 / 2", null)]
    public void SQL_41_what_always_fails_is_a_warning(string expression, string? warning)
    {
        var problems = CesqlExpression.Check(expression);
        Assert.All(problems, problem => Assert.True(problem.IsWarning));
        Assert.Equal(warning, problems is [var first, ..] ? first.ToString() : null);
    }

    [Fact]
    public void Long_chains_are_no_deep_ones()
    {
        var chain = string.Join(" OR ", Enumerable.Range(0, 100_000).Select(i => $"id = '{i}'"));
        Assert.False(CesqlExpression.Compile(chain).Matches(new FilterInput(Event, EventOverlay.Empty)));
        Assert.Equal("100000", Value(string.Join('+', Enumerable.Repeat("1", 100_000))));
    }

    [Theory]
    [InlineData("(", "TRUE", ")")]
    [InlineData("NOT ", "TRUE", "")]
    [InlineData("- ", "n", "")]
    [InlineData("ABS(", "n", ")")]
    [InlineData("1 IN (", "n", ")")]
    [InlineData("", "n", " + n")]
    [InlineData("", "n", " = n")]
    [InlineData("", "n", " LIKE 'x'")]
    [InlineData("", "n", " NOT IN (n)")]
    public void Nesting_is_bounded(string before, string inner, string after)
    {
        string Nested(int depth) =>
            string.Concat(Enumerable.Repeat(before, depth)) + inner + string.Concat(Enumerable.Repeat(after, depth));
        CesqlExpression.Compile(Nested(150)).Matches(new FilterInput(Event, EventOverlay.Empty));
        foreach (var depth in (int[])[250, 200_000])
        {
            Assert.Contains(
                "nested more than 200 deep",
                Assert.Throws<FilterException>(() => CesqlExpression.Compile(Nested(depth))).Message
            );
        }
    }

    [Fact]
    public void A_text_that_grows_beyond_its_bound_is_an_error()
    {
        var e = Decoded(
            Record(
                [],
                ("ce_specversion", "1.0"),
                ("ce_id", "1"),
                ("ce_source", "/s"),
                ("ce_type", "t"),
                ("ce_big", new string('x', 600_000))
            )
        );
        var input = new FilterInput(e, EventOverlay.Empty);
        Assert.Equal(600_001, CesqlExpression.Compile("LENGTH(CONCAT(big, 'y'))").Evaluate(input).Number);
        Assert.Equal(CesqlErrors.FunctionEvaluation, CesqlExpression.Compile("CONCAT(big, big)").Evaluate(input).Errors);
    }

    [Fact]
    public void SQL_42_evaluation_allocates_nothing()
    {
        var input = Event;
        foreach (
            var expression in (string[])
                [
                    "type = 't.x' AND source LIKE '/s%'",
                    "type = 'other'",
                    "missing = 'x' OR ext IN ('a', 'b', 'c')",
                    "n > 5 AND n NOT IN (1, 2, 3) AND EXISTS subject",
                    "type LIKE '%a_b%' XOR NOT (ext = 'v')",
                    "UPPER(ext) = 'W' OR CONCAT_WS('-', type, ext, n) = 't.x-v-8' OR TRIM(ext) = ''",
                    "time = '2024-01-02T03:04:00Z' OR LENGTH(text) LIKE '5%'",
                    "SUBSTRING(type, 1, 2) = 'x' OR LEFT(type, 1) = 'x' OR ABS(n) = 8 OR n / 0 = 1",
                ]
        )
        {
            var filter = CesqlExpression.Compile(expression);
            Assert.Equal(0, Allocated(() => filter.Matches(new FilterInput(input, EventOverlay.Empty))));
        }
    }
}
