namespace Brokkr.Core.Filters.Cesql;

/// <summary>A function under one of its arities (SQL-37).</summary>
/// <param name="Name">Name in upper case.</param>
/// <param name="MinArguments">Fewest arguments.</param>
/// <param name="MaxArguments">Most arguments; <see cref="int.MaxValue"/> for any number.</param>
/// <param name="Create">Makes the operation of its arguments.</param>
internal sealed record Function(string Name, int MinArguments, int MaxArguments, Func<Node[], Node> Create);

/// <summary>The functions there are (SQL-31, and <c>IS_BOOL</c>, <c>IS_INT</c> and <c>KN_VERIFY_CORRELATION_ID</c> of the original). Arguments are cast to what the function takes.</summary>
internal static class Functions
{
    /// <summary>Every function under each of its arities.</summary>
    public static readonly Function[] All =
    [
        new("ABS", 1, 1, a => new AbsNode(a[0])),
        new("BOOL", 1, 1, a => new ToBooleanNode(a[0])),
        new("CONCAT", 0, int.MaxValue, a => new ConcatNode(delimiter: null, a)),
        new("CONCAT_WS", 1, int.MaxValue, a => new ConcatNode(a[0], a[1..])),
        new("INT", 1, 1, a => new ToIntegerNode(a[0])),
        new("IS_BOOL", 1, 1, a => new IsNode(CesqlType.Boolean, a[0])),
        new("IS_INT", 1, 1, a => new IsNode(CesqlType.Integer, a[0])),
        new("KN_VERIFY_CORRELATION_ID", 6, 6, a => new VerifyCorrelationNode(a) { IsFoldable = false }),
        new("LEFT", 2, 2, a => new EndNode(a[0], a[1], isLeft: true)),
        new("LENGTH", 1, 1, a => new LengthNode(a[0])),
        new("LOWER", 1, 1, a => new CaseNode(a[0], isUpper: false)),
        new("RIGHT", 2, 2, a => new EndNode(a[0], a[1], isLeft: false)),
        new("STRING", 1, 1, a => new ToTextNode(a[0])),
        new("SUBSTRING", 2, 2, a => new SubstringNode(a[0], a[1], length: null)),
        new("SUBSTRING", 3, 3, a => new SubstringNode(a[0], a[1], a[2])),
        new("TRIM", 1, 1, a => new TrimNode(a[0])),
        new("UPPER", 1, 1, a => new CaseNode(a[0], isUpper: true)),
    ];

    private static readonly Lookup<string, Function> ByName =
        (Lookup<string, Function>)All.ToLookup(function => function.Name, StringComparer.OrdinalIgnoreCase);

    /// <summary>The overload for a number of arguments; null with what is wrong where there is none (SQL-36).</summary>
    public static Function? Find(string name, int arguments, out string problem)
    {
        problem = "";
        foreach (var function in ByName[name])
        {
            if (arguments >= function.MinArguments && arguments <= function.MaxArguments)
            {
                return function;
            }
        }

        problem = ByName.Contains(name)
            ? $"{name} takes {string.Join(" or ", ByName[name].Select(Arity))}, not {arguments}"
            : $"there is no function {name}";
        return null;
    }

    private static string Arity(Function function) =>
        function switch
        {
            { MaxArguments: int.MaxValue } => $"{function.MinArguments} and more arguments",
            { MinArguments: 1 } => "1 argument",
            _ => $"{function.MinArguments} arguments",
        };
}

/// <summary>A call of what is not there: false and an error (SQL-36).</summary>
internal sealed class MissingFunctionNode() : BooleanNode
{
    public override bool TryBoolean(scoped ref Evaluation evaluation, out bool value)
    {
        evaluation.Fail(CesqlErrors.MissingFunction);
        value = false;
        return false;
    }
}

/// <summary><c>ABS</c> (SQL-35).</summary>
internal sealed class AbsNode(Node operand) : IntegerNode(operand)
{
    public override bool TryInteger(scoped ref Evaluation evaluation, out int value)
    {
        if (!operand.TryInteger(ref evaluation, out value))
        {
            return false;
        }

        if (value == int.MinValue)
        {
            evaluation.Fail(CesqlErrors.Math);
            value = int.MaxValue;
            return false;
        }

        value = Math.Abs(value);
        return true;
    }
}

/// <summary><c>INT</c>.</summary>
internal sealed class ToIntegerNode(Node operand) : IntegerNode(operand)
{
    public override bool TryInteger(scoped ref Evaluation evaluation, out int value) => operand.TryInteger(ref evaluation, out value);
}

/// <summary><c>BOOL</c>.</summary>
internal sealed class ToBooleanNode(Node operand) : BooleanNode(operand)
{
    public override bool TryBoolean(scoped ref Evaluation evaluation, out bool value) => operand.TryBoolean(ref evaluation, out value);
}

/// <summary><c>IS_BOOL</c> and <c>IS_INT</c>: whether the value can be cast.</summary>
internal sealed class IsNode(CesqlType type, Node operand) : BooleanNode(operand)
{
    public override bool TryBoolean(scoped ref Evaluation evaluation, out bool value)
    {
        var operandValue = operand.Evaluate(ref evaluation);
        value =
            !operandValue.IsFailed
            && (
                operandValue.Type != CesqlType.String
                || (
                    type == CesqlType.Boolean ? Casts.TryParse(operandValue.Text, out bool _) : Casts.TryParse(operandValue.Text, out int _)
                )
            );
        return !operandValue.IsFailed;
    }
}

/// <summary><c>LENGTH</c>, in characters (SQL-32).</summary>
internal sealed class LengthNode(Node operand) : IntegerNode(operand)
{
    public override bool TryInteger(scoped ref Evaluation evaluation, out int value)
    {
        value = 0;
        if (!operand.TryText(ref evaluation, out var text))
        {
            return false;
        }

        value = Utf8Text.Length(text);
        return true;
    }
}
