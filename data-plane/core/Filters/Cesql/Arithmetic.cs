namespace Brokkr.Core.Filters.Cesql;

/// <summary>Operators on Integers.</summary>
internal enum ArithmeticOperator
{
    Multiply,
    Divide,
    Remainder,
    Add,
    Subtract,
}

/// <summary>Arithmetic (SQL-19 to SQL-21): what has no result within 32 bits is 0 and an error.</summary>
internal sealed class ArithmeticNode(Node left, ArithmeticOperator @operator, Node right) : IntegerNode(left, right)
{
    public override bool TryInteger(scoped ref Evaluation evaluation, out int value)
    {
        value = 0;
        if (!left.TryInteger(ref evaluation, out var x) || !right.TryInteger(ref evaluation, out var y))
        {
            return false;
        }

        if (y == 0 && @operator is (ArithmeticOperator.Divide or ArithmeticOperator.Remainder))
        {
            evaluation.Fail(CesqlErrors.Math);
            return false;
        }

        var result = @operator switch
        {
            ArithmeticOperator.Multiply => (long)x * y,
            ArithmeticOperator.Divide => (long)x / y,
            ArithmeticOperator.Remainder => (long)x % y,
            ArithmeticOperator.Add => (long)x + y,
            _ => (long)x - y,
        };
        return InRange(result, ref evaluation, out value);
    }

    public static bool InRange(long result, scoped ref Evaluation evaluation, out int value)
    {
        value = unchecked((int)result);
        if (value == result)
        {
            return true;
        }

        value = 0;
        evaluation.Fail(CesqlErrors.Math);
        return false;
    }
}

/// <summary>Minus.</summary>
internal sealed class NegateNode(Node operand) : IntegerNode(operand)
{
    public override bool TryInteger(scoped ref Evaluation evaluation, out int value)
    {
        value = 0;
        return operand.TryInteger(ref evaluation, out var x) && ArithmeticNode.InRange(-(long)x, ref evaluation, out value);
    }
}
