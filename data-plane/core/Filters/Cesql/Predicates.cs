namespace Brokkr.Core.Filters.Cesql;

/// <summary>Negation; of a failed operand false (SQL-15).</summary>
internal sealed class NotNode(Node operand) : Predicate(needsScratch: false, operand)
{
    public override bool Test(scoped ref Evaluation evaluation) => operand.TryBoolean(ref evaluation, out var value) && !value;
}

/// <summary>The operators that share the weakest level of precedence.</summary>
internal enum LogicOperator
{
    And,
    Or,
    Xor,
}

/// <summary>
/// <c>a AND b OR c</c>, of one level and right-associative: <c>a AND (b OR c)</c> (DEV-14). A chain, so that its length costs no stack. An operand
/// that fails counts as false where it stands (dispatcher §6, observed).
/// </summary>
/// <param name="operands">Two and more.</param>
/// <param name="operators">What stands between them.</param>
internal sealed class LogicNode(Node[] operands, LogicOperator[] operators) : Predicate(needsScratch: false, operands)
{
    public override bool Test(scoped ref Evaluation evaluation)
    {
        // XOR turns the value of all that follows around, so it is enough to remember whether to.
        var isTurned = false;
        for (var i = 0; i < operators.Length; i++)
        {
            var value = operands[i].TryBoolean(ref evaluation, out var boolean) && boolean;
            switch (operators[i])
            {
                case LogicOperator.And when !value:
                case LogicOperator.Or when value:
                    return value != isTurned;
                case LogicOperator.Xor:
                    isTurned ^= value;
                    break;
            }
        }

        return (operands[^1].TryBoolean(ref evaluation, out var last) && last) != isTurned;
    }
}

/// <summary><c>=</c> and its negation: the right operand's type picks the comparison, the left one is cast (SQL-30).</summary>
internal static class Equality
{
    public static Predicate Create(Node left, Node right, bool isNegated) =>
        right.Type switch
        {
            CesqlType.Boolean => new Booleans(left, right, isNegated),
            CesqlType.Integer => new Integers(left, right, isNegated),
            CesqlType.String => new Texts(left, right, isNegated),
            _ => new Dynamic(left, right, isNegated),
        };

    private sealed class Booleans(Node left, Node right, bool isNegated) : Predicate(needsScratch: false, left, right)
    {
        public override bool Test(scoped ref Evaluation evaluation) =>
            left.TryBoolean(ref evaluation, out var x) && right.TryBoolean(ref evaluation, out var y) && x == y != isNegated;
    }

    private sealed class Integers(Node left, Node right, bool isNegated) : Predicate(needsScratch: false, left, right)
    {
        public override bool Test(scoped ref Evaluation evaluation) =>
            left.TryInteger(ref evaluation, out var x) && right.TryInteger(ref evaluation, out var y) && x == y != isNegated;
    }

    private sealed class Texts(Node left, Node right, bool isNegated) : Predicate(needsScratch: false, left, right)
    {
        public override bool Test(scoped ref Evaluation evaluation) =>
            left.TryText(ref evaluation, out var x) && right.TryText(ref evaluation, out var y) && x.SequenceEqual(y) != isNegated;
    }

    private sealed class Dynamic(Node left, Node right, bool isNegated) : Predicate(needsScratch: false, left, right)
    {
        public override bool Test(scoped ref Evaluation evaluation)
        {
            var value = right.Evaluate(ref evaluation);
            if (value.IsFailed)
            {
                return false;
            }

            return value.Type switch
            {
                CesqlType.Boolean => left.TryBoolean(ref evaluation, out var x) && x == (value.Number != 0) != isNegated,
                CesqlType.Integer => left.TryInteger(ref evaluation, out var x) && x == value.Number != isNegated,
                _ => left.TryText(ref evaluation, out var x) && x.SequenceEqual(value.Text) != isNegated,
            };
        }
    }
}

/// <summary>How two Integers are compared.</summary>
internal enum Order
{
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

/// <summary>Comparison of Integers (SQL-18).</summary>
internal sealed class OrderNode(Node left, Order order, Node right) : Predicate(needsScratch: false, left, right)
{
    public override bool Test(scoped ref Evaluation evaluation) =>
        left.TryInteger(ref evaluation, out var x)
        && right.TryInteger(ref evaluation, out var y)
        && order switch
        {
            Order.Less => x < y,
            Order.LessOrEqual => x <= y,
            Order.Greater => x > y,
            _ => x >= y,
        };
}

/// <summary>
/// Whether a value equals one of a set, each cast to the value's type (SQL-26). An element that fails equals nothing; <c>NOT IN</c> is then false,
/// for nothing is known of it.
/// </summary>
internal sealed class InNode(Node operand, Node[] set, bool isNegated) : Predicate(needsScratch: false, [operand, .. set])
{
    public override bool Test(scoped ref Evaluation evaluation)
    {
        var value = operand.Evaluate(ref evaluation);
        if (value.IsFailed)
        {
            return false;
        }

        var isKnown = true;
        foreach (var element in set)
        {
            bool isGood,
                isEqual;
            switch (value.Type)
            {
                case CesqlType.Boolean:
                    isGood = element.TryBoolean(ref evaluation, out var boolean);
                    isEqual = boolean == (value.Number != 0);
                    break;
                case CesqlType.Integer:
                    isGood = element.TryInteger(ref evaluation, out var number);
                    isEqual = number == value.Number;
                    break;
                default:
                    isGood = element.TryText(ref evaluation, out var text);
                    isEqual = text.SequenceEqual(value.Text);
                    break;
            }

            if (isGood && isEqual)
            {
                return !isNegated;
            }

            isKnown &= isGood;
        }

        return isNegated && isKnown;
    }
}

/// <summary>Whether a text is like a pattern; where the operand fails, neither <c>LIKE</c> nor <c>NOT LIKE</c> is true.</summary>
internal sealed class LikeNode(Node operand, LikePattern pattern, bool isNegated) : Predicate(needsScratch: false, operand)
{
    public override bool Test(scoped ref Evaluation evaluation) =>
        operand.TryText(ref evaluation, out var text) && pattern.Matches(text) != isNegated;
}
