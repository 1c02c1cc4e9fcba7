using System.Globalization;
using Brokkr.Core.Events;
using Brokkr.Core.Filters;
using Brokkr.Core.Filters.Cesql;
using CsCheck;
using static Brokkr.Core.Tests.Events.EventTexts;

namespace Brokkr.Core.Tests.Filters.Cesql;

/// <summary>Random expressions against a model that works on strings, and random garbage.</summary>
public sealed class ExpressionModelTests
{
    private static readonly string[] Pieces =
    [
        "(",
        ")",
        ",",
        "'",
        "\"",
        "\\",
        " ",
        "NOT ",
        "AND",
        " OR ",
        " XOR ",
        " LIKE ",
        " IN ",
        "EXISTS ",
        "TRUE",
        "false",
        "-",
        "+",
        "*",
        "/",
        "%",
        "=",
        "!",
        "<",
        ">",
        "5",
        "2147483648",
        "type",
        "ext",
        "missing",
        "'a%_'",
        "LENGTH(",
        "CONCAT(",
        "SUBSTRING(ext,",
        "NO_SUCH(",
        "_",
        "ü",
        "\uD800",
        "\0",
        "\n",
    ];

    private static readonly CloudEvent Event = Events.EventTexts.Event(("ce-ext", "a_%ü"), ("ce-n", "3"));

    private static void CompilesOrSaysWhere(string text)
    {
        var problems = CesqlExpression.Check(text);
        Assert.All(problems, problem => Assert.InRange(problem.Position, 1, text.Length + 1));
        try
        {
            CesqlExpression.Compile(text).Matches(new FilterInput(Event, EventOverlay.Empty));
        }
        catch (FilterException)
        {
            Assert.Single(problems);
        }
    }

    [Fact]
    public void Any_text_compiles_or_says_where_it_does_not() => Gen.String.Sample(CompilesOrSaysWhere);

    [Fact]
    public void Any_tokens_compile_or_say_where_they_do_not() =>
        Gen.Int[0, Pieces.Length - 1].Array[0, 30].Select(parts => string.Concat(parts.Select(i => Pieces[i]))).Sample(CompilesOrSaysWhere);

    [Fact]
    public void Any_pattern_matches_as_the_naive_one_does() =>
        Gen.Select(Gen.String[Gen.Char["ab_%\\ü"], 0, 8], Gen.String[Gen.Char["ab_%ü\\"], 0, 12])
            .Sample((pattern, text) => new LikePattern(pattern).Matches(Utf8(text)) == IsLike(pattern, text));

    /// <summary>A Boolean, Integer or String, null where it failed; and whether it is a settled Boolean.</summary>
    private readonly record struct Expression(string Text, object? Value);

    private static readonly Gen<Expression> Leaf = Gen.OneOf(
        Gen.Bool.Select(value => new Expression(value ? "TRUE" : "false", value)),
        Gen.Int[-9, 9].Select(value => new Expression(value.ToString(CultureInfo.InvariantCulture), value)),
        Gen.Int.Select(value => new Expression(value.ToString(CultureInfo.InvariantCulture), value)),
        Gen.String[Gen.Char["ab%ü"], 0, 3].Select(value => new Expression($"'{value}'", value)),
        Gen.Int[0, 3].Select(i => new Expression(((string[])["n", "ext", "type", "EXT"])[i], ((string[])["3", "a_%ü", "t.x", "a_%ü"])[i])),
        Gen.Const(new Expression("missing", null))
    );

    private static readonly Gen<Expression> Expressions = Gen.Recursive<Expression>(
        (depth, self) =>
            depth > 4
                ? Leaf
                : Gen.OneOf(
                    Leaf,
                    self.Select(x => new Expression($"(NOT ({x.Text}))", Bool(x.Value) is false)),
                    self.Select(x => new Expression($"(-({x.Text}))", Integer(0, x.Value, (a, b) => a - b))),
                    Gen.Select(self, self, Gen.Int[0, 2]).Select((x, y, i) => Logic(x, y, i)),
                    Gen.Select(self, self, Gen.Bool).Select((x, y, equal) => Equal(x, y, equal)),
                    Gen.Select(self, self)
                        .Select(
                            (x, y) => new Expression($"(({x.Text})<=({y.Text}))", Int(x.Value) is { } a && Int(y.Value) is { } b && a <= b)
                        ),
                    Gen.Select(self, self, Gen.Int[0, 4]).Select((x, y, i) => Arithmetic(x, y, i)),
                    Gen.Select(self, self, self).Select((x, y, z) => In(x, y, z)),
                    self.Select(x => new Expression(
                        $"(LENGTH({x.Text}))",
                        Shown(x.Value) is { } text ? new StringInfo(text).LengthInTextElements : null
                    )),
                    Gen.Select(self, self)
                        .Select(
                            (x, y) =>
                                new Expression(
                                    $"CONCAT({x.Text}, {y.Text})",
                                    Shown(x.Value) is { } a && Shown(y.Value) is { } b ? a + b : null
                                )
                        )
                )
    );

    [Fact]
    public void Any_expression_yields_what_the_model_says() =>
        Expressions.Sample(expression =>
        {
            var compiled = CesqlExpression.Compile(expression.Text);
            var input = new FilterInput(Event, EventOverlay.Empty);
            var result = compiled.Evaluate(input);
            Assert.Equal(expression.Value is null, result.IsFailed);
            if (!result.IsFailed)
            {
                Assert.Equal(
                    expression.Value,
                    result.Type switch
                    {
                        CesqlType.Boolean => result.Number != 0,
                        CesqlType.Integer => result.Number,
                        _ => (object)result.Text,
                    }
                );
            }

            Assert.Equal(expression.Value is not int && Bool(expression.Value) is true, compiled.Matches(input));
        });

    private static bool? Bool(object? value) =>
        value switch
        {
            bool boolean => boolean,
            int number => number != 0,
            string text when bool.TryParse(text, out var boolean) => boolean,
            _ => null,
        };

    private static int? Int(object? value) =>
        value switch
        {
            bool boolean => boolean ? 1 : 0,
            int number => number,
            string text when int.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var number) => number,
            _ => null,
        };

    private static string? Shown(object? value) =>
        value switch
        {
            bool boolean => boolean ? "true" : "false",
            int number => number.ToString(CultureInfo.InvariantCulture),
            _ => (string?)value,
        };

    private static object? Integer(object? x, object? y, Func<long, long, long> operation) =>
        Int(x) is { } a && Int(y) is { } b && operation(a, b) is >= int.MinValue and <= int.MaxValue and var result ? (int)result : null;

    private static Expression Logic(Expression x, Expression y, int i)
    {
        var (a, b) = (Bool(x.Value) is true, Bool(y.Value) is true);
        return i switch
        {
            0 => new($"(({x.Text}) AND ({y.Text}))", a && b),
            1 => new($"(({x.Text}) or ({y.Text}))", a || b),
            _ => new($"(({x.Text}) Xor ({y.Text}))", a ^ b),
        };
    }

    private static object? CastLike(object? type, object? value) =>
        type switch
        {
            bool => Bool(value),
            int => Int(value),
            _ => Shown(value),
        };

    private static Expression Equal(Expression x, Expression y, bool equal) =>
        new(
            $"(({x.Text}) {(equal ? "=" : "<>")} ({y.Text}))",
            x.Value is not null && y.Value is not null && CastLike(y.Value, x.Value) is { } left && left.Equals(y.Value) == equal
        );

    private static Expression In(Expression x, Expression y, Expression z) =>
        new(
            $"({x.Text} IN ({y.Text}, {z.Text}))",
            x.Value is not null
                && new[] { y, z }.Any(e => e.Value is not null && CastLike(x.Value, e.Value) is { } element && element.Equals(x.Value))
        );

    private static Expression Arithmetic(Expression x, Expression y, int i)
    {
        Func<long, long, long> operation = i switch
        {
            0 => (a, b) => a + b,
            1 => (a, b) => a - b,
            2 => (a, b) => a * b,
            3 => (a, b) => b == 0 ? long.MaxValue : a / b,
            _ => (a, b) => b == 0 ? long.MaxValue : a % b,
        };
        return new($"(({x.Text}){"+-*/%"[i]}({y.Text}))", Integer(x.Value, y.Value, operation));
    }

    private static bool IsLike(string pattern, string text)
    {
        if (pattern.Length == 0)
        {
            return text.Length == 0;
        }

        if (pattern[0] == '%')
        {
            return Enumerable.Range(0, text.Length + 1).Any(i => IsLike(pattern[1..], text[i..]));
        }

        if (pattern[0] == '_')
        {
            return text.Length > 0 && IsLike(pattern[1..], text[1..]);
        }

        var escaped = pattern is ['\\', '%' or '_', ..];
        return text.Length > 0 && text[0] == pattern[escaped ? 1 : 0] && IsLike(pattern[(escaped ? 2 : 1)..], text[1..]);
    }
}
