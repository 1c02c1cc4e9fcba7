using System.Globalization;
using System.Text;

namespace Brokkr.Core.Filters.Cesql;

/// <summary>
/// Reads an expression by precedence climbing (SQL-09), folding what needs no event. From the strongest: calls and parentheses; NOT and minus;
/// LIKE; IN; <c>* / %</c>; <c>+ -</c>; comparisons; AND, OR, XOR, which share one level and are right-associative (DEV-14).
/// </summary>
internal ref struct Parser
{
    /// <summary>How deep expressions nest at most, so that neither reading nor evaluating one can exhaust the stack.</summary>
    public const int MaxDepth = 200;

    private const int LogicLevel = 1;
    private const int ComparisonLevel = 2;
    private const int SumLevel = 3;
    private const int ProductLevel = 4;
    private const int InLevel = 5;
    private const int LikeLevel = 6;

    private readonly string _text;
    private readonly List<CesqlProblem> _problems;
    private Token _token;
    private int _depth;

    private Parser(string text, List<CesqlProblem> problems)
    {
        _text = text;
        _problems = problems;
        _token = Lexer.Next(text, 0);
    }

    /// <summary>Reads an expression.</summary>
    /// <param name="text">The expression.</param>
    /// <param name="problems">Takes what is wrong with it although it parses.</param>
    /// <exception cref="CesqlSyntaxException">It does not parse.</exception>
    public static Node Parse(string text, List<CesqlProblem> problems)
    {
        var parser = new Parser(text, problems);
        var root = parser.Expression(LogicLevel);
        return parser._token.Kind == TokenKind.End ? root : throw parser.Unexpected("an operator or the end");
    }

    private Node Expression(int level)
    {
        var left = Unary();
        while (true)
        {
            var start = _token.Start;
            var (at, isNegated) = Level();
            if (at < level)
            {
                return left;
            }

            switch (at)
            {
                case LogicLevel:
                    return Logic(left);
                case LikeLevel:
                    Skip(isNegated);
                    left = Done(
                        new LikeNode(left, new LikePattern(Lexer.Unquote(Take(TokenKind.String, "a text in quotes"))), isNegated),
                        start
                    );
                    break;
                case InLevel:
                    Skip(isNegated);
                    Take(TokenKind.Open, "'('");
                    left = Done(new InNode(left, List(TokenKind.End), isNegated), start);
                    break;
                default:
                    var kind = _token.Kind;
                    Advance();
                    left = Done(Binary(left, kind, Expression(at + 1)), start);
                    break;
            }
        }
    }

    /// <summary>Level of the operator that comes next, 0 if none does; whether a NOT stands before it.</summary>
    private readonly (int Level, bool IsNegated) Level()
    {
        switch (_token.Kind)
        {
            case TokenKind.And or TokenKind.Or or TokenKind.Xor:
                return (LogicLevel, false);
            case TokenKind.Equal or TokenKind.NotEqual:
            case TokenKind.Less or TokenKind.LessOrEqual or TokenKind.Greater or TokenKind.GreaterOrEqual:
                return (ComparisonLevel, false);
            case TokenKind.Plus or TokenKind.Minus:
                return (SumLevel, false);
            case TokenKind.Star or TokenKind.Slash or TokenKind.Percent:
                return (ProductLevel, false);
            case TokenKind.In:
                return (InLevel, false);
            case TokenKind.Like:
                return (LikeLevel, false);
            case TokenKind.Not:
                return Lexer.Next(_text, _token.End).Kind switch
                {
                    TokenKind.Like => (LikeLevel, true),
                    TokenKind.In => (InLevel, true),
                    _ => (0, false),
                };
            default:
                return (0, false);
        }
    }

    private Node Logic(Node first)
    {
        var start = _token.Start;
        List<Node> operands = [first];
        List<LogicOperator> operators = [];
        while (Level().Level == LogicLevel)
        {
            operators.Add(
                _token.Kind switch
                {
                    TokenKind.And => LogicOperator.And,
                    TokenKind.Or => LogicOperator.Or,
                    _ => LogicOperator.Xor,
                }
            );
            Advance();
            operands.Add(Expression(ComparisonLevel));
        }

        return Done(new LogicNode([.. operands], [.. operators]), start);
    }

    private static Node Binary(Node left, TokenKind kind, Node right) =>
        kind switch
        {
            TokenKind.Equal => Equality.Create(left, right, isNegated: false),
            TokenKind.NotEqual => Equality.Create(left, right, isNegated: true),
            TokenKind.Less => new OrderNode(left, Order.Less, right),
            TokenKind.LessOrEqual => new OrderNode(left, Order.LessOrEqual, right),
            TokenKind.Greater => new OrderNode(left, Order.Greater, right),
            TokenKind.GreaterOrEqual => new OrderNode(left, Order.GreaterOrEqual, right),
            TokenKind.Star => new ArithmeticNode(left, ArithmeticOperator.Multiply, right),
            TokenKind.Slash => new ArithmeticNode(left, ArithmeticOperator.Divide, right),
            TokenKind.Percent => new ArithmeticNode(left, ArithmeticOperator.Remainder, right),
            TokenKind.Plus => new ArithmeticNode(left, ArithmeticOperator.Add, right),
            _ => new ArithmeticNode(left, ArithmeticOperator.Subtract, right),
        };

    private Node Unary()
    {
        var start = _token.Start;
        switch (_token.Kind)
        {
            case TokenKind.Not:
                Advance();
                Enter(start);
                var negated = Done(new NotNode(Unary()), start);
                _depth--;
                return negated;
            case TokenKind.Plus or TokenKind.Minus when IsDigit(_token.End):
                Advance();
                return Integer(start);
            case TokenKind.Minus:
                Advance();
                Enter(start);
                var minus = Done(new NegateNode(Unary()), start);
                _depth--;
                return minus;
            default:
                return Primary();
        }
    }

    private Node Primary()
    {
        var token = _token;
        switch (token.Kind)
        {
            case TokenKind.True or TokenKind.False:
                Advance();
                return new Constant(Value.Of(token.Kind == TokenKind.True), CesqlErrors.None);
            case TokenKind.Integer:
                return Integer(token.Start);
            case TokenKind.String:
                Advance();
                return new Constant(Value.Of(Encoding.UTF8.GetBytes(Lexer.Unquote(TextOf(token)))), CesqlErrors.None);
            case TokenKind.Open:
                Advance();
                Enter(token.Start);
                var inner = Expression(LogicLevel);
                _depth--;
                Take(TokenKind.Close, "an operator or ')'");
                return inner;
            case TokenKind.Exists:
                Advance();
                return AttributeNode.Exists(Name(_token));
            case TokenKind.Name:
                return Lexer.Next(_text, token.End).Kind == TokenKind.Open ? Call() : AttributeNode.Create(Name(token));
            default:
                throw Unexpected("a value");
        }
    }

    /// <summary>An Integer whose sign, if it has one, has been passed.</summary>
    private Node Integer(int start)
    {
        var digits = _token;
        var text = _text.AsSpan(start, digits.End - start);
        if (
            digits.Kind != TokenKind.Integer
            || !int.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var value)
        )
        {
            throw new CesqlSyntaxException(start, $"{text} is no number within 32 bits");
        }

        Advance();
        return new Constant(Value.Of(value), CesqlErrors.None);
    }

    /// <summary>The lower-case name of an attribute (SQL-02), and passes it.</summary>
    private byte[] Name(in Token token)
    {
        var name = TextOf(token);
        if (token.Kind is not (TokenKind.Name or TokenKind.Integer) || name.Contains('_'))
        {
            throw Unexpected("the name of an attribute, which has letters and digits only");
        }

        Advance();
        return Encoding.ASCII.GetBytes(name.ToString().ToLowerInvariant());
    }

    private Node Call()
    {
        var start = _token.Start;
        var name = TextOf(_token).ToString().ToUpperInvariant();
        if (!char.IsAsciiLetter(name[0]) || name.AsSpan().ContainsAnyInRange('0', '9'))
        {
            throw Unexpected("the name of a function, which has letters and '_' only");
        }

        Advance();
        Take(TokenKind.Open, "'('");
        var arguments = List(TokenKind.Close);
        if (Functions.Find(name, arguments.Length, out var problem) is { } function)
        {
            return Done(function.Create(arguments), start);
        }

        _problems.Add(new CesqlProblem(start + 1, problem));
        return new MissingFunctionNode();
    }

    /// <summary>Expressions with commas between them, the closing parenthesis included.</summary>
    /// <param name="empty">What there may be instead of the first of them.</param>
    private Node[] List(TokenKind empty)
    {
        Enter(_token.Start);
        List<Node> items = [];
        if (_token.Kind == TokenKind.Close && empty == TokenKind.Close)
        {
            Advance();
        }
        else
        {
            while (true)
            {
                items.Add(Expression(LogicLevel));
                if (_token.Kind != TokenKind.Comma)
                {
                    break;
                }

                Advance();
            }

            Take(TokenKind.Close, "an operator, ',' or ')'");
        }

        _depth--;
        return [.. items];
    }

    /// <summary>An operation as it stands in the tree: folded where its operands are constants.</summary>
    private readonly Node Done(Node node, int position)
    {
        if (node.Height > MaxDepth)
        {
            throw TooDeep(position);
        }

        if (!node.IsFoldable)
        {
            return node;
        }

        var evaluation = new Evaluation(default, default);
        var value = node.Evaluate(ref evaluation);
        var constant = new Constant(value, evaluation.Errors);
        if (value.IsFailed || (evaluation.Errors != CesqlErrors.None && node is Predicate and not LogicNode))
        {
            _problems.Add(new CesqlProblem(position + 1, "fails for every event", IsWarning: true));
        }

        return constant;
    }

    private void Enter(int position)
    {
        if (++_depth > MaxDepth)
        {
            throw TooDeep(position);
        }
    }

    private void Skip(bool isNegated)
    {
        if (isNegated)
        {
            Advance();
        }

        Advance();
    }

    private void Advance() => _token = Lexer.Next(_text, _token.End);

    private ReadOnlySpan<char> Take(TokenKind kind, string expected)
    {
        if (_token.Kind != kind)
        {
            throw Unexpected(expected);
        }

        var text = TextOf(_token);
        Advance();
        return text;
    }

    private readonly bool IsDigit(int at) => at < _text.Length && char.IsAsciiDigit(_text[at]);

    private readonly ReadOnlySpan<char> TextOf(Token token) => _text.AsSpan(token.Start, token.Length);

    private readonly CesqlSyntaxException Unexpected(string expected)
    {
        var found = TextOf(_token);
        var shown = found.Length > 40 ? $"{found[..40]}..." : found.ToString();
        return new CesqlSyntaxException(
            _token.Start,
            _token.Kind == TokenKind.End ? $"expected {expected}, but the expression ends" : $"expected {expected}, found {shown}"
        );
    }

    private static CesqlSyntaxException TooDeep(int position) => new(position, $"operations are nested more than {MaxDepth} deep");
}
