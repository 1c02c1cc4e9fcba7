using Brokkr.Core.Events;
using Brokkr.Core.Filters;
using Brokkr.Core.Filters.Cesql;
using static Brokkr.Core.Tests.Events.EventTexts;

namespace Brokkr.Core.Tests.Filters.Cesql;

/// <summary>The rules of CESQL 1.0 one by one (conformance §16), each with values that a break of it would change.</summary>
public sealed class LanguageRuleTests
{
    private static readonly CloudEvent Event = ReadEvent();

    [Theory]
    [InlineData("SQL-01", "true aNd nOt False", "true")]
    [InlineData("SQL-01", "n iN (7) xOr eXiStS nope oR fAlSe", "true")]
    [InlineData("SQL-01", "type lIkE 't%' AND lEnGtH(type) = 3", "true")]
    [InlineData("SQL-01", "\r\n1\t+\r2 \n", "3")]
    [InlineData("SQL-02", "EXISTS SOURCE AND SouRce = '/s' AND n2 = 5", "true")]
    [InlineData("SQL-03", "is_Int(n) AND CONCAT_WS('', 'a', 'b') = 'ab'", "true")]
    [InlineData("SQL-04", "2147483647", "2147483647")]
    [InlineData("SQL-05", "\"a\\\"b'c\"", "'a\"b'c'")]
    [InlineData("SQL-05", "'a\"b\\'c'", "'a\"b'c'")]
    [InlineData("SQL-11", "CONCAT(source, dataschema, time)", "'/shttp://x/s2024-01-02T03:04:05Z'")]
    [InlineData("SQL-11", "IS_INT(n) AND NOT IS_INT(type)", "true")]
    [InlineData("SQL-12", "INT('x')", "0 Cast")]
    [InlineData("SQL-12", "BOOL('x')", "false Cast")]
    [InlineData("SQL-12", "LOWER(missing)", "'' MissingAttribute")]
    [InlineData("SQL-15", "missing = 2", "false MissingAttribute")]
    [InlineData("SQL-15", "missing * 5", "0 MissingAttribute")]
    [InlineData("SQL-15", "1 / missing", "0 MissingAttribute")]
    [InlineData("SQL-15", "-missing", "0 MissingAttribute")]
    [InlineData("SQL-15", "NOT missing", "false MissingAttribute")]
    [InlineData("SQL-15", "missing LIKE 'missing'", "false MissingAttribute")]
    [InlineData("SQL-15", "true AND (missing = \"\")", "false MissingAttribute")]
    [InlineData("SQL-16", "missing", "false MissingAttribute")]
    [InlineData("SQL-16", "(missing)", "false MissingAttribute")]
    [InlineData("SQL-17", "NOT TRUE", "false")]
    [InlineData("SQL-17", "-n", "-7")]
    [InlineData("SQL-18", "TRUE = TRUE AND 1 != 2 AND 'a' <> 'A' AND NOT ('a' = 'A')", "true")]
    [InlineData("SQL-18", "'2' < '10' AND 3 >= '3' AND TRUE <= 1 AND '4' > 3", "true")]
    [InlineData("SQL-18", "'a' < 'b'", "false Cast")]
    [InlineData("SQL-19", "'5' + '3'", "8")]
    [InlineData("SQL-19", "'5' * 2 - TRUE", "9")]
    [InlineData("SQL-19", "'a' + 'b'", "0 Cast")]
    [InlineData("SQL-20", "n / 2 * 10 + n % 2", "31")]
    [InlineData("SQL-20", "n / 0", "0 Math")]
    [InlineData("SQL-20", "n % 0", "0 Math")]
    [InlineData("SQL-22", "FALSE AND 1 / 0 = 1", "false")]
    [InlineData("SQL-22", "TRUE OR FOO(n)", "true")]
    [InlineData("SQL-22", "FALSE XOR missing = 'x'", "false MissingAttribute")]
    [InlineData("SQL-23", "234 LIKE '23_'", "true")]
    [InlineData("SQL-23", "TRUE LIKE 'tr%'", "true")]
    [InlineData("SQL-23", "'aB' LIKE 'ab' OR 'a_b' LIKE 'a\\_c' OR 'axb' LIKE 'a\\_b'", "false")]
    [InlineData("SQL-24", "'abc' LIKE 'b' OR 'abc' LIKE 'a' OR 'abc' LIKE 'c'", "false")]
    [InlineData("SQL-25", "EXISTS id AND EXISTS source AND EXISTS type AND EXISTS specversion AND EXISTS n", "true")]
    [InlineData("SQL-25", "EXISTS missing", "false")]
    [InlineData("SQL-25", "NOT EXISTS missing", "true")]
    [InlineData("SQL-26", "'true' IN (TRUE)", "true")]
    [InlineData("SQL-26", "'TRUE' IN (TRUE, 'false')", "false")]
    [InlineData("SQL-26", "1 IN ('1')", "true")]
    [InlineData("SQL-26", "1 NOT IN ('2', 3)", "true")]
    [InlineData("SQL-27", "STRING(-5) = '-5' AND STRING(TRUE) = 'true' AND STRING(FALSE) = 'false'", "true")]
    [InlineData("SQL-27", "BOOL(-1) AND BOOL('tRuE') AND NOT BOOL(0) AND NOT BOOL('False')", "true")]
    [InlineData("SQL-27", "INT(TRUE) * 10 + INT(FALSE) + INT('+4')", "14")]
    [InlineData("SQL-27", "INT('4x')", "0 Cast")]
    [InlineData("SQL-28", "NOT 'false'", "true")]
    [InlineData("SQL-28", "ABS('-5') + LENGTH(TRUE)", "9")]
    [InlineData("SQL-29", "1 AND 'true'", "true")]
    [InlineData("SQL-29", "'7' - TRUE", "6")]
    [InlineData("SQL-30", "'TRUE' = true", "true")]
    [InlineData("SQL-30", "true = 'TRUE'", "false")]
    [InlineData("SQL-30", "n = 7", "true")]
    [InlineData("SQL-30", "type = 7", "false Cast")]
    [InlineData("SQL-31", "CONCAT()", "''")]
    [InlineData("SQL-31", "CONCAT_WS(', ')", "''")]
    [InlineData("SQL-31", "CONCAT_WS(', ', 1, 'b', TRUE)", "'1, b, true'")]
    [InlineData("SQL-31", "CONCAT(UPPER('äb'), LOWER('ÄB'), TRIM('  c '))", "'ÄBäbc'")]
    [InlineData("SQL-33", "LEFT('abc', 2)", "'ab'")]
    [InlineData("SQL-33", "RIGHT('abc', 2)", "'bc'")]
    [InlineData("SQL-33", "LEFT('abc', 9)", "'abc'")]
    [InlineData("SQL-33", "RIGHT('abc', 9)", "'abc'")]
    [InlineData("SQL-33", "CONCAT(LEFT('abc', 0), RIGHT('abc', 0))", "''")]
    [InlineData("SQL-33", "LEFT('abc', -2)", "'abc' FunctionEvaluation")]
    [InlineData("SQL-33", "RIGHT('abc', -2)", "'abc' FunctionEvaluation")]
    [InlineData("SQL-34", "SUBSTRING('abcdef', 2, 3)", "'bcd'")]
    [InlineData("SQL-34", "SUBSTRING('abcdef', 3)", "'cdef'")]
    [InlineData("SQL-34", "SUBSTRING('abcdef', -2)", "'ef'")]
    [InlineData("SQL-34", "SUBSTRING('abcdef', 0)", "''")]
    [InlineData("SQL-34", "SUBSTRING('abcdef', -7)", "'' FunctionEvaluation")]
    [InlineData("SQL-35", "ABS(-2147483648)", "2147483647 Math")]
    [InlineData("SQL-35", "ABS(-2147483647)", "2147483647")]
    [InlineData("SQL-36", "CONCAT_WS()", "false MissingFunction")]
    [InlineData("SQL-36", "NO_SUCH(1, 2)", "false MissingFunction")]
    [InlineData("SQL-45", "true and (1 != 1 / 0)", "false Math")]
    public void An_expression_has_a_value_and_errors(string rule, string expression, string value)
    {
        Assert.NotEmpty(rule);
        Assert.Equal(value, Shown(CesqlExpression.Compile(expression).Evaluate(new FilterInput(Event, EventOverlay.Empty))));
    }

    [Theory]
    [InlineData("SQL-02", "my_ext = 1")]
    [InlineData("SQL-03", "F1(2)")]
    [InlineData("SQL-03", "_F(2)")]
    [InlineData("SQL-04", "2147483648")]
    [InlineData("SQL-04", "-2147483649")]
    [InlineData("SQL-05", "'a\"")]
    [InlineData("SQL-07", "n IN ()")]
    [InlineData("SQL-07", "ABC(")]
    [InlineData("SQL-08", "n LIKE 5")]
    [InlineData("SQL-08", "n LIKE ext")]
    [InlineData("SQL-08", "n LIKE CONCAT('a', 'b')")]
    [InlineData("SQL-11", "(1, 2)")]
    public void An_expression_does_not_parse(string rule, string expression)
    {
        Assert.NotEmpty(rule);
        Assert.Throws<FilterException>(() => CesqlExpression.Compile(expression));
        Assert.False(Assert.Single(CesqlExpression.Check(expression)).IsWarning);
    }

    /// <summary>
    /// SQL-39, DEV-09; and where it yields to what was observed on the original (dispatcher §6): a failure below a comparison makes that comparison false
    /// and nothing else, and a text that says <c>true</c> passes, since extensions in headers are texts.
    /// </summary>
    [Theory]
    [InlineData("TRUE", true)]
    [InlineData("n = 7", true)]
    [InlineData("5", false)]
    [InlineData("n", false)]
    [InlineData("LENGTH(type)", false)]
    [InlineData("'yes'", false)]
    [InlineData("type", false)]
    [InlineData("missing", false)]
    [InlineData("1 / 0 = 0", false)]
    [InlineData("ABS(-2147483648) = 2147483647", false)]
    [InlineData("LEFT('abc', -2) = 'abc'", false)]
    [InlineData("INT('x') = 0", false)]
    [InlineData("BOOL('x') = FALSE", false)]
    [InlineData("NO_SUCH(n)", false)]
    [InlineData("NOT NO_SUCH(n)", false)]
    [InlineData("missing = ''", false)]
    [InlineData("NOT (missing = '')", true)]
    [InlineData("'true'", true)]
    public void SQL_39_What_failed_or_is_no_Boolean_does_not_pass(string expression, bool passes) =>
        Assert.Equal(passes, CesqlExpression.Compile(expression).Matches(new FilterInput(Event, EventOverlay.Empty)));

    [Fact]
    public void SQL_13_Data_is_out_of_reach_and_the_event_stays_as_it_is()
    {
        var before = Written(Event);
        foreach (var expression in (string[])["data", "EXISTS data", "EXISTS secret", "data LIKE '%'"])
        {
            Assert.False(CesqlExpression.Compile(expression).Matches(new FilterInput(Event, EventOverlay.Empty)));
        }

        foreach (var expression in (string[])["UPPER(type) = TRIM(source)", "CONCAT(id, n) = LEFT(type, n)", "-n = ABS(n) + 1 / 0"])
        {
            CesqlExpression.Compile(expression).Evaluate(new FilterInput(Event, EventOverlay.Empty));
        }

        Assert.Equal(before, Written(Event));
    }

    /// <summary>SQL-14; a ParseError is a <see cref="FilterException"/>, and nothing is a GenericError, since each failure has a name.</summary>
    [Fact]
    public void SQL_14_Errors_of_different_kinds_stand_beside_each_other()
    {
        var result = CesqlExpression
            .Compile("CONCAT(1 / 0 = 1, INT('x') = 1, missing = 1, NO_SUCH() = 1, LEFT('a', -1) = 'a')")
            .Evaluate(new FilterInput(Event, EventOverlay.Empty));
        Assert.Equal(
            CesqlErrors.Math
                | CesqlErrors.Cast
                | CesqlErrors.MissingAttribute
                | CesqlErrors.MissingFunction
                | CesqlErrors.FunctionEvaluation,
            result.Errors
        );
    }

    [Fact]
    public void SQL_37_Overloads_differ_in_the_number_of_arguments()
    {
        foreach (var overloads in Functions.All.GroupBy(function => function.Name, StringComparer.OrdinalIgnoreCase))
        {
            var variadic = overloads.Where(function => function.MaxArguments == int.MaxValue).ToArray();
            Assert.InRange(variadic.Length, 0, 1);
            Assert.All(overloads.Except(variadic), function => Assert.Equal(function.MinArguments, function.MaxArguments));
            Assert.Equal(overloads.Count(), overloads.Select(function => function.MinArguments).Distinct().Count());
            Assert.All(variadic, function => Assert.Equal(overloads.Max(other => other.MinArguments), function.MinArguments));
        }
    }

    private static string Shown(CesqlResult result)
    {
        var value = result.Type switch
        {
            CesqlType.Boolean => result.Number != 0 ? "true" : "false",
            CesqlType.Integer => $"{result.Number}",
            _ => $"'{result.Text}'",
        };
        return result.Errors == CesqlErrors.None ? value : $"{value} {result.Errors}";
    }

    private static CloudEvent ReadEvent()
    {
        var error = ReadJson(
            """
            {"specversion":"1.0","id":"i","source":"/s","type":"t.x","n":"7","n2":5,"dataschema":"http://x/s","time":"2024-01-02T03:04:05Z",
             "data":{"secret":1}}
            """,
            out var e
        );
        Assert.False(error.IsError, error.Message);
        return e!;
    }
}
