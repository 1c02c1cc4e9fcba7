namespace Brokkr.Core.Filters.Cesql;

internal enum TokenKind
{
    End,

    /// <summary>Letters and digits, perhaps <c>_</c>: the name of an attribute or function.</summary>
    Name,

    /// <summary>Digits.</summary>
    Integer,

    /// <summary>With its quotes.</summary>
    String,
    Open,
    Close,
    Comma,
    Star,
    Slash,
    Percent,
    Plus,
    Minus,
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
    And,
    Or,
    Xor,
    Not,
    Like,
    Exists,
    In,
    True,
    False,
}

/// <summary>A token.</summary>
/// <param name="Kind">What it is.</param>
/// <param name="Start">Its first character, from 0.</param>
/// <param name="Length">Its characters; 0 at the end.</param>
internal readonly record struct Token(TokenKind Kind, int Start, int Length)
{
    public int End => Start + Length;
}

/// <summary>Cuts an expression into tokens (SQL-01 to SQL-05). Signs are tokens of their own; what they mean depends on where they stand.</summary>
internal static class Lexer
{
    /// <summary>The token at or after a place.</summary>
    /// <exception cref="CesqlSyntaxException">No token begins there.</exception>
    public static Token Next(string text, int at)
    {
        while (at < text.Length && text[at] is ' ' or '\t' or '\r' or '\n')
        {
            at++;
        }

        if (at == text.Length)
        {
            return new Token(TokenKind.End, at, 0);
        }

        var second = at + 1 < text.Length ? text[at + 1] : '\0';
        return (text[at], second) switch
        {
            ('(', _) => new Token(TokenKind.Open, at, 1),
            (')', _) => new Token(TokenKind.Close, at, 1),
            (',', _) => new Token(TokenKind.Comma, at, 1),
            ('*', _) => new Token(TokenKind.Star, at, 1),
            ('/', _) => new Token(TokenKind.Slash, at, 1),
            ('%', _) => new Token(TokenKind.Percent, at, 1),
            ('+', _) => new Token(TokenKind.Plus, at, 1),
            ('-', _) => new Token(TokenKind.Minus, at, 1),
            ('=', _) => new Token(TokenKind.Equal, at, 1),
            ('!', '=') or ('<', '>') => new Token(TokenKind.NotEqual, at, 2),
            ('<', '=') => new Token(TokenKind.LessOrEqual, at, 2),
            ('<', _) => new Token(TokenKind.Less, at, 1),
            ('>', '=') => new Token(TokenKind.GreaterOrEqual, at, 2),
            ('>', _) => new Token(TokenKind.Greater, at, 1),
            ('\'' or '"', _) => String(text, at),
            var (first, _) when char.IsAsciiLetterOrDigit(first) => Word(text, at),
            _ => throw new CesqlSyntaxException(at, $"{Quoted(text, at)} means nothing here"),
        };
    }

    /// <summary>The value of a String: the delimiter stands in it after a backslash or twice; all other backslashes are kept (SQL-05).</summary>
    public static string Unquote(ReadOnlySpan<char> token)
    {
        var delimiter = token[0];
        var inner = token[1..^1];
        if (!inner.Contains(delimiter))
        {
            return inner.ToString();
        }

        var value = new System.Text.StringBuilder(inner.Length);
        for (var i = 0; i < inner.Length; i++)
        {
            if (i + 1 < inner.Length && inner[i] is '\\')
            {
                if (inner[i + 1] != delimiter)
                {
                    value.Append(inner[i]);
                }

                i++;
            }
            else if (inner[i] == delimiter)
            {
                i++;
            }

            value.Append(inner[i]);
        }

        return value.ToString();
    }

    private static Token String(string text, int start)
    {
        var delimiter = text[start];
        for (var at = start + 1; at < text.Length; at++)
        {
            if (text[at] == '\\')
            {
                at++;
            }
            else if (text[at] == delimiter)
            {
                if (at + 1 == text.Length || text[at + 1] != delimiter)
                {
                    return new Token(TokenKind.String, start, at + 1 - start);
                }

                at++;
            }
        }

        throw new CesqlSyntaxException(start, $"the text that begins here has no closing {delimiter}");
    }

    private static Token Word(string text, int start)
    {
        var end = start;
        var hasLetter = false;
        while (end < text.Length && (char.IsAsciiLetterOrDigit(text[end]) || text[end] == '_'))
        {
            hasLetter |= !char.IsAsciiDigit(text[end]);
            end++;
        }

        var word = text.AsSpan(start, end - start);
        return new Token(hasLetter ? Keyword(word) : TokenKind.Integer, start, word.Length);
    }

    private static TokenKind Keyword(ReadOnlySpan<char> word)
    {
        ReadOnlySpan<(string Word, TokenKind Kind)> keywords =
        [
            ("AND", TokenKind.And),
            ("OR", TokenKind.Or),
            ("XOR", TokenKind.Xor),
            ("NOT", TokenKind.Not),
            ("LIKE", TokenKind.Like),
            ("EXISTS", TokenKind.Exists),
            ("IN", TokenKind.In),
            ("TRUE", TokenKind.True),
            ("FALSE", TokenKind.False),
        ];
        foreach (var (keyword, kind) in keywords)
        {
            if (word.Equals(keyword, StringComparison.OrdinalIgnoreCase))
            {
                return kind;
            }
        }

        return TokenKind.Name;
    }

    private static string Quoted(string text, int at) =>
        System.Text.Rune.TryGetRuneAt(text, at, out var rune) && !System.Text.Rune.IsControl(rune)
            ? $"'{rune}'"
            : $"the character U+{(int)text[at]:X4}";
}

/// <summary>An expression that does not parse.</summary>
internal sealed class CesqlSyntaxException(int position, string message) : Exception(message)
{
    /// <summary>Where, as a number of characters from 0.</summary>
    public int Position => position;
}
