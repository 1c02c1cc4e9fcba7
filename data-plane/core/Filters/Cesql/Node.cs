using System.Buffers.Text;

namespace Brokkr.Core.Filters.Cesql;

/// <summary>
/// An operation, compiled. An operand is asked for the type that its operation needs, which is the implicit cast (SQL-28, SQL-29); false
/// from <c>Try...</c> says that the operand failed, its errors being noted. Immutable, thread-safe, hot path: no allocation.
/// </summary>
internal abstract class Node
{
    protected Node(CesqlType type, bool needsScratch, params ReadOnlySpan<Node> operands)
    {
        Type = type;
        NeedsScratch = needsScratch;
        Height = 1;
        IsFoldable = operands.Length > 0;
        foreach (var operand in operands)
        {
            IsFoldable &= operand is Constant;
            NeedsScratch |= operand.NeedsScratch;
            Height = Math.Max(Height, operand.Height + 1);
        }
    }

    /// <summary>Type of the value, as far as it is known without an event.</summary>
    public CesqlType Type { get; }

    /// <summary>Whether texts may have to be made, here or below.</summary>
    public bool NeedsScratch { get; }

    /// <summary>Whether the value is the same for every event, because that of all operands is.</summary>
    public bool IsFoldable { get; init; }

    /// <summary>How deep evaluation nests.</summary>
    public int Height { get; }

    public abstract Value Evaluate(scoped ref Evaluation evaluation);

    public virtual bool TryBoolean(scoped ref Evaluation evaluation, out bool value)
    {
        var result = Evaluate(ref evaluation);
        return Casts.TryBoolean(result, ref evaluation, out value);
    }

    public virtual bool TryInteger(scoped ref Evaluation evaluation, out int value)
    {
        var result = Evaluate(ref evaluation);
        return Casts.TryInteger(result, ref evaluation, out value);
    }

    public virtual bool TryText(scoped ref Evaluation evaluation, out ReadOnlySpan<byte> value)
    {
        var result = Evaluate(ref evaluation);
        return Casts.TryText(result, ref evaluation, out value);
    }
}

/// <summary>
/// A Boolean that is settled: where an operand fails, the answer is false and the operations above go on with that (dispatcher §6, observed).
/// </summary>
internal abstract class Predicate(bool needsScratch, params ReadOnlySpan<Node> operands) : Node(CesqlType.Boolean, needsScratch, operands)
{
    public abstract bool Test(scoped ref Evaluation evaluation);

    public sealed override Value Evaluate(scoped ref Evaluation evaluation) => Value.Of(Test(ref evaluation));

    public sealed override bool TryBoolean(scoped ref Evaluation evaluation, out bool value)
    {
        value = Test(ref evaluation);
        return true;
    }
}

/// <summary>An Integer.</summary>
internal abstract class IntegerNode(params ReadOnlySpan<Node> operands) : Node(CesqlType.Integer, needsScratch: true, operands)
{
    public abstract override bool TryInteger(scoped ref Evaluation evaluation, out int value);

    public sealed override Value Evaluate(scoped ref Evaluation evaluation)
    {
        var isFailed = !TryInteger(ref evaluation, out var value);
        return Value.Of(value, isFailed);
    }
}

/// <summary>A Boolean that can fail.</summary>
internal abstract class BooleanNode(params ReadOnlySpan<Node> operands) : Node(CesqlType.Boolean, needsScratch: false, operands)
{
    public abstract override bool TryBoolean(scoped ref Evaluation evaluation, out bool value);

    public sealed override Value Evaluate(scoped ref Evaluation evaluation)
    {
        var isFailed = !TryBoolean(ref evaluation, out var value);
        return Value.Of(value, isFailed);
    }
}

/// <summary>A String.</summary>
internal abstract class TextNode(params ReadOnlySpan<Node> operands) : Node(CesqlType.String, needsScratch: true, operands)
{
    public abstract override bool TryText(scoped ref Evaluation evaluation, out ReadOnlySpan<byte> value);

    public sealed override Value Evaluate(scoped ref Evaluation evaluation)
    {
        var isFailed = !TryText(ref evaluation, out var value);
        return Value.Of(value, isFailed);
    }
}

/// <summary>A literal, or what an operation on literals came to; with all its casts done.</summary>
internal sealed class Constant : Node
{
    private readonly bool _isFailed;
    private readonly int _number;
    private readonly byte[] _text;
    private readonly (bool IsGood, bool Value) _boolean;
    private readonly (bool IsGood, int Value) _integer;
    private readonly CesqlErrors _castErrors;

    public Constant(in Value value, CesqlErrors errors)
        : base(value.Type, needsScratch: false)
    {
        Errors = errors;
        _isFailed = value.IsFailed;
        _number = value.Number;
        _text = TextOf(value);
        _castErrors = errors | (_isFailed ? CesqlErrors.None : CesqlErrors.Cast);
        var evaluation = new Evaluation(default, default);
        _boolean.IsGood = Casts.TryBoolean(value, ref evaluation, out _boolean.Value);
        _integer.IsGood = Casts.TryInteger(value, ref evaluation, out _integer.Value);
    }

    /// <summary>Errors that every evaluation has.</summary>
    public CesqlErrors Errors { get; }

    public override Value Evaluate(scoped ref Evaluation evaluation)
    {
        evaluation.Fail(Errors);
        return Type switch
        {
            CesqlType.Boolean => Value.Of(_number != 0, _isFailed),
            CesqlType.Integer => Value.Of(_number, _isFailed, _text),
            _ => Value.Of(_text, _isFailed),
        };
    }

    public override bool TryBoolean(scoped ref Evaluation evaluation, out bool value)
    {
        (var isGood, value) = _boolean;
        evaluation.Fail(isGood ? Errors : _castErrors);
        return isGood;
    }

    public override bool TryInteger(scoped ref Evaluation evaluation, out int value)
    {
        (var isGood, value) = _integer;
        evaluation.Fail(isGood ? Errors : _castErrors);
        return isGood;
    }

    public override bool TryText(scoped ref Evaluation evaluation, out ReadOnlySpan<byte> value)
    {
        evaluation.Fail(Errors);
        value = _text;
        return !_isFailed;
    }

    private static byte[] TextOf(in Value value)
    {
        switch (value.Type)
        {
            case CesqlType.Boolean:
                return Casts.Text(value.Number != 0).ToArray();
            case CesqlType.Integer:
                Span<byte> text = stackalloc byte[16];
                Utf8Formatter.TryFormat(value.Number, text, out var written);
                return text[..written].ToArray();
            default:
                return value.Text.ToArray();
        }
    }
}
