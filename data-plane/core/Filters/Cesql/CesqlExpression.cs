using System.Text;
using Brokkr.Core.Events;

namespace Brokkr.Core.Filters.Cesql;

/// <summary>What is wrong with an expression.</summary>
/// <param name="Position">The character that it is about, from 1.</param>
/// <param name="Message">What is wrong, without the position.</param>
/// <param name="IsWarning">Whether the expression can be used all the same.</param>
public sealed record CesqlProblem(int Position, string Message, bool IsWarning = false)
{
    /// <summary><c>at character 8: expected a value, but the expression ends</c>.</summary>
    public override string ToString() => $"at character {Position}: {Message}";
}

/// <summary>What an expression came to: a value and the errors that occurred on the way.</summary>
internal readonly record struct CesqlResult(CesqlType Type, int Number, string Text, bool IsFailed, CesqlErrors Errors);

/// <summary>
/// An expression of CloudEvents SQL 1.0 as a filter. Lets an event pass whose value is true, or a text that says so, as extensions in headers do; no
/// Integer passes, nor what failed (DEV-09, SQL-39). Errors below a comparison make that comparison false and nothing else (dispatcher §6, observed).
/// </summary>
public sealed class CesqlExpression : EventFilter
{
    // Suffices for some dozens of usual attributes; what is longer goes to the heap.
    private const int ScratchSize = 1024;

    private readonly Node _root;
    private readonly ICorrelationKeys? _keys;

    private CesqlExpression(Node root, ICorrelationKeys? keys)
    {
        _root = root;
        _keys = keys;
    }

    /// <summary>
    /// Compiles an expression. One that calls a function that does not exist compiles: the call fails for each event, but what stands beside it may pass.
    /// </summary>
    /// <param name="expression">The expression.</param>
    /// <param name="keys">For <c>KN_VERIFY_CORRELATION_ID</c>; null where there are none, then the function fails.</param>
    /// <exception cref="FilterException">The expression does not parse; the message says where.</exception>
    public static CesqlExpression Compile(string expression, ICorrelationKeys? keys = null)
    {
        try
        {
            return new CesqlExpression(Parser.Parse(expression, []), keys);
        }
        catch (CesqlSyntaxException failure)
        {
            throw new FilterException($"The CESQL expression is not valid: {ProblemOf(failure)}.", failure);
        }
    }

    /// <summary>All that can be told of an expression without an event (SQL-41): that it does not parse, calls functions that do not exist, can let no
    /// event pass because its value is no Boolean (DEV-09); and, as warnings, operations that always fail.</summary>
    public static IReadOnlyList<CesqlProblem> Check(string expression)
    {
        var problems = new List<CesqlProblem>();
        try
        {
            var root = Parser.Parse(expression, problems);
            if (root.Type is CesqlType.Integer or CesqlType.String && root is not AttributeNode)
            {
                var what = root.Type == CesqlType.Integer ? "a number" : "a text";
                problems.Add(new CesqlProblem(1, $"the expression yields {what}, but a filter must yield true or false"));
            }
        }
        catch (CesqlSyntaxException failure)
        {
            return [ProblemOf(failure)];
        }

        return problems;
    }

    /// <inheritdoc/>
    public override bool Matches(in FilterInput input)
    {
        if (_root.NeedsScratch)
        {
            return MatchesWithScratch(input);
        }

        var evaluation = new Evaluation(input, default, _keys);
        return Passes(ref evaluation);
    }

    /// <summary>The value, for who wants to see it.</summary>
    internal CesqlResult Evaluate(in FilterInput input)
    {
        var evaluation = new Evaluation(input, default, _keys);
        var value = _root.Evaluate(ref evaluation);
        return new CesqlResult(value.Type, value.Number, Encoding.UTF8.GetString(value.Text), value.IsFailed, evaluation.Errors);
    }

    private bool MatchesWithScratch(in FilterInput input)
    {
        var evaluation = new Evaluation(input, stackalloc byte[ScratchSize], _keys);
        return Passes(ref evaluation);
    }

    private bool Passes(ref Evaluation evaluation)
    {
        if (_root is Predicate predicate)
        {
            return predicate.Test(ref evaluation);
        }

        var value = _root.Evaluate(ref evaluation);
        return value.Type != CesqlType.Integer && Casts.TryBoolean(value, ref evaluation, out var passes) && passes;
    }

    private static CesqlProblem ProblemOf(CesqlSyntaxException failure) => new(failure.Position + 1, failure.Message);
}
