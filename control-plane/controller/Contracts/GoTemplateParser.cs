using System.Globalization;
using System.Text;

namespace Brokkr.Controller.Contracts;

/// <summary>Reads a <see cref="GoTemplate"/>.</summary>
internal sealed class GoTemplateParser(string text)
{
    private int _at;
    private bool _trimNext;

    // The tokens of the action being read.
    private List<string> _tokens = [];
    private int _token;

    public List<GoTemplate.Node> ReadAll()
    {
        var nodes = ReadNodes(out var end);
        return end is null ? nodes : throw new GoTemplateException($"has {{{{ {end} }}}} without {{{{ if }}}}");
    }

    /// <summary>Reads until the end or until an <c>else</c> or <c>end</c>, which it consumes.</summary>
    private List<GoTemplate.Node> ReadNodes(out string? end)
    {
        List<GoTemplate.Node> nodes = [];
        while (ReadAction(nodes))
        {
            switch (_tokens.Count == 0 ? null : _tokens[0])
            {
                case null:
                    // A comment.
                    break;
                case "if":
                    _token = 1;
                    nodes.Add(ReadBranch(ReadExpression()));
                    break;
                case "else" or "end":
                    end = _tokens[0];
                    return nodes;
                default:
                    nodes.Add(new GoTemplate.Print(ReadExpression()));
                    break;
            }
        }

        end = null;
        return nodes;
    }

    private GoTemplate.Branch ReadBranch(GoTemplate.Expression condition)
    {
        var then = ReadNodes(out var end);
        List<GoTemplate.Node> otherwise = [];
        if (end is "else")
        {
            if (_tokens.Count > 1 && _tokens[1] is "if")
            {
                _token = 2;
                return new GoTemplate.Branch(condition, then, [ReadBranch(ReadExpression())]);
            }

            otherwise = ReadNodes(out end);
        }

        return end is "end"
            ? new GoTemplate.Branch(condition, then, otherwise)
            : throw new GoTemplateException("has {{ if }} without {{ end }}");
    }

    /// <summary>Adds the text up to the next action and reads that one's tokens. False at the end.</summary>
    private bool ReadAction(List<GoTemplate.Node> nodes)
    {
        var open = text.IndexOf("{{", _at, StringComparison.Ordinal);
        var literal = open < 0 ? text[_at..] : text[_at..open];
        if (_trimNext)
        {
            literal = literal.TrimStart();
        }

        if (open < 0)
        {
            AddLiteral(nodes, literal);
            _at = text.Length;
            return false;
        }

        var start = open + 2;
        if (start + 1 < text.Length && text[start] == '-' && char.IsWhiteSpace(text[start + 1]))
        {
            literal = literal.TrimEnd();
            start++;
        }

        AddLiteral(nodes, literal);
        var close = FindClose(start);
        var action = text[start..close];
        _at = close + 2;
        _trimNext = action.Length > 1 && action[^1] == '-' && char.IsWhiteSpace(action[^2]);
        action = (_trimNext ? action[..^1] : action).Trim();
        _tokens =
            action.StartsWith("/*", StringComparison.Ordinal) && action.EndsWith("*/", StringComparison.Ordinal) ? [] : Tokens(action);
        _token = 0;
        return true;
    }

    private static void AddLiteral(List<GoTemplate.Node> nodes, string literal)
    {
        if (literal.Length > 0)
        {
            nodes.Add(new GoTemplate.Literal(literal));
        }
    }

    private int FindClose(int start)
    {
        var quote = '\0';
        for (var i = start; i < text.Length; i++)
        {
            if (quote != '\0')
            {
                if (text[i] == '\\' && quote == '"')
                {
                    i++;
                }
                else if (text[i] == quote)
                {
                    quote = '\0';
                }
            }
            else if (text[i] is '"' or '`')
            {
                quote = text[i];
            }
            else if (text[i] == '}' && i + 1 < text.Length && text[i + 1] == '}')
            {
                return i;
            }
        }

        throw new GoTemplateException("has {{ without }}");
    }

    /// <summary>Splits an action. Texts keep a <c>"</c> in front, without the one behind.</summary>
    private static List<string> Tokens(string action)
    {
        List<string> tokens = [];
        for (var i = 0; i < action.Length; )
        {
            var c = action[i];
            if (char.IsWhiteSpace(c))
            {
                i++;
            }
            else if (c is '(' or ')')
            {
                tokens.Add(c.ToString());
                i++;
            }
            else if (c is '"' or '`')
            {
                tokens.Add(ReadText(action, ref i));
            }
            else
            {
                var start = i;
                while (i < action.Length && !char.IsWhiteSpace(action[i]) && action[i] is not ('(' or ')' or '"' or '`'))
                {
                    i++;
                }

                tokens.Add(action[start..i]);
            }
        }

        return tokens.Count > 0 ? tokens : throw new GoTemplateException("has an empty {{ }}");
    }

    private static string ReadText(string action, ref int i)
    {
        var quote = action[i++];
        var result = new StringBuilder("\"");
        for (; i < action.Length && action[i] != quote; i++)
        {
            if (action[i] == '\\' && quote == '"' && i + 1 < action.Length)
            {
                i++;
                result.Append(
                    action[i] switch
                    {
                        'n' => '\n',
                        't' => '\t',
                        '\\' or '"' => action[i],
                        _ => throw new GoTemplateException($"has \\{action[i]} in a text; only \\n, \\t, \\\\ and \\\" are supported"),
                    }
                );
            }
            else
            {
                result.Append(action[i]);
            }
        }

        i++;
        return result.ToString();
    }

    /// <summary>Reads what is left of the action as one expression.</summary>
    private GoTemplate.Expression ReadExpression()
    {
        var expression = ReadCall();
        return _token == _tokens.Count
            ? expression
            : throw new GoTemplateException($"has {_tokens[_token].TrimStart('"')} where {{{{ ... }}}} should end; it is not supported");
    }

    private GoTemplate.Expression ReadCall()
    {
        if (_token >= _tokens.Count)
        {
            throw new GoTemplateException("has an action without a value");
        }

        if (GoTemplate.Call.ArgumentsOf(_tokens[_token]) is not { } count)
        {
            return ReadOperand();
        }

        var function = _tokens[_token++];
        List<GoTemplate.Expression> arguments = [];
        while (_token < _tokens.Count && _tokens[_token] is not ")")
        {
            arguments.Add(ReadOperand());
        }

        return arguments.Count >= count.Least && arguments.Count <= count.Most
            ? new GoTemplate.Call(function, arguments)
            : throw new GoTemplateException($"gives {arguments.Count} arguments to {function}");
    }

    private GoTemplate.Expression ReadOperand()
    {
        var token = _tokens[_token++];
        switch (token[0])
        {
            case '(':
                var inner = ReadCall();
                if (_token == _tokens.Count || _tokens[_token++] is not ")")
                {
                    throw new GoTemplateException("has ( without )");
                }

                return inner;
            case '"':
                return new GoTemplate.Constant(token[1..]);
            case '.':
                return ReadField(token);
            default:
                if (token is "true" or "false")
                {
                    return new GoTemplate.Constant(token is "true");
                }

                return long.TryParse(token, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var number)
                    ? new GoTemplate.Constant(number)
                    : throw new GoTemplateException($"uses {token}, which is not supported");
        }
    }

    private static GoTemplate.Field ReadField(string token)
    {
        var parts = token[1..].Split('.');
        var isMap = parts[0] is "Labels" or "Annotations";
        if (!GoTemplate.Field.Exists(parts[0]) || parts.Length > (isMap ? 2 : 1) || (parts.Length == 2 && parts[1].Length == 0))
        {
            throw new GoTemplateException(
                $"uses {token}; there are .Name, .Namespace, .UID, .ResourceVersion, .Generation, .Labels and .Annotations"
            );
        }

        return new GoTemplate.Field(parts[0], parts.Length == 2 ? parts[1] : null);
    }
}
