using System.Globalization;
using System.Text;

namespace Brokkr.Receiver.Tests.Fuzz;

/// <summary>A JSON value in a text: where it stands, what it is, its members or elements one level down.</summary>
internal sealed record ReferenceValue(int Start, int End, char Kind)
{
    /// <summary>What a string says; null if it holds half of a surrogate pair.</summary>
    public string? Text { get; init; }

    /// <summary>Members of an object, elements of an array. The name of an element is empty, that of a member null if it cannot be read.</summary>
    public List<(string? Name, ReferenceValue Value)> Inner { get; init; } = [];
}

/// <summary>Reads JSON by the grammar of RFC 8259 alone.</summary>
internal sealed class ReferenceJson
{
    /// <summary>Nesting that is certainly too deep for a receiver that says 1000, and nesting that certainly is not.</summary>
    public const int TooDeep = 1001,
        DeepEnough = 990;

    private readonly string _text;
    private int _at;
    private int _depth;

    private ReferenceJson(string text) => _text = text;

    /// <summary>How deep the nesting goes.</summary>
    private int Deepest { get; set; }

    /// <summary>The value that a text is; null if it is none.</summary>
    /// <param name="text">The text.</param>
    /// <param name="deepest">How deep it goes.</param>
    public static ReferenceValue? Read(string text, out int deepest)
    {
        var reader = new ReferenceJson(text);
        reader.Blanks();
        var value = reader.Value();
        reader.Blanks();
        deepest = reader.Deepest;
        return reader._at == text.Length ? value : null;
    }

    private ReferenceValue? Value()
    {
        var start = _at;
        switch (Peek())
        {
            case '{' or '[':
                return Deeper(start);
            case '"':
                return String() is var (isString, text) && isString ? new ReferenceValue(start, _at, '"') { Text = text } : null;
            case 't':
                return Word("true", start);
            case 'f':
                return Word("false", start);
            case 'n':
                return Word("null", start);
            default:
                return Number() ? new ReferenceValue(start, _at, '0') : null;
        }
    }

    private ReferenceValue? Deeper(int start)
    {
        Deepest = Math.Max(Deepest, ++_depth);
        var isObject = _text[_at++] == '{';
        var close = isObject ? '}' : ']';
        var inner = new List<(string?, ReferenceValue)>();
        Blanks();
        while (Peek() != close)
        {
            if (inner.Count > 0)
            {
                if (!Skip(','))
                {
                    return null;
                }

                Blanks();
            }

            string? name = "";
            if (isObject)
            {
                if (Peek() != '"' || String() is not (true, var read))
                {
                    return null;
                }

                name = read;
                Blanks();
                if (!Skip(':'))
                {
                    return null;
                }

                Blanks();
            }

            if (_depth > TooDeep || Value() is not { } value)
            {
                return null;
            }

            inner.Add((name, value));
            Blanks();
        }

        _at++;
        _depth--;
        return new ReferenceValue(start, _at, isObject ? '{' : '[') { Inner = inner };
    }

    private (bool IsString, string? Text) String()
    {
        var text = new StringBuilder();
        for (_at++; _at < _text.Length; _at++)
        {
            var c = _text[_at];
            if (c == '"')
            {
                _at++;
                return (true, IsPaired(text) ? text.ToString() : null);
            }

            if (c < ' ')
            {
                return default;
            }

            if (c != '\\')
            {
                text.Append(c);
                continue;
            }

            _at++;
            var escaped = Peek();
            if (escaped == 'u')
            {
                if (
                    _text.Length - _at < 5
                    || !_text.AsSpan(_at + 1, 4).ToString().All(char.IsAsciiHexDigit)
                    || !int.TryParse(_text.AsSpan(_at + 1, 4), NumberStyles.HexNumber, CultureInfo.InvariantCulture, out var unit)
                )
                {
                    return default;
                }

                text.Append((char)unit);
                _at += 4;
                continue;
            }

            var which = "\"\\/bfnrt".IndexOf(escaped, StringComparison.Ordinal);
            if (which < 0)
            {
                return default;
            }

            text.Append("\"\\/\b\f\n\r\t"[which]);
        }

        return default;
    }

    private static bool IsPaired(StringBuilder text)
    {
        for (var i = 0; i < text.Length; i++)
        {
            if (char.IsHighSurrogate(text[i]) && i + 1 < text.Length && char.IsLowSurrogate(text[i + 1]))
            {
                i++;
            }
            else if (char.IsSurrogate(text[i]))
            {
                return false;
            }
        }

        return true;
    }

    private bool Number()
    {
        Skip('-');
        if (!Skip('0') && !Digits())
        {
            return false;
        }

        if (Skip('.') && !Digits())
        {
            return false;
        }

        if (!Skip('e') && !Skip('E'))
        {
            return true;
        }

        _ = Skip('+') || Skip('-');
        return Digits();
    }

    private bool Digits()
    {
        var start = _at;
        while (char.IsAsciiDigit(Peek()))
        {
            _at++;
        }

        return _at > start;
    }

    private ReferenceValue? Word(string word, int start)
    {
        if (string.CompareOrdinal(_text, _at, word, 0, word.Length) != 0)
        {
            return null;
        }

        _at += word.Length;
        return new ReferenceValue(start, _at, word[0]);
    }

    private char Peek() => _at < _text.Length ? _text[_at] : '\0';

    private bool Skip(char c)
    {
        if (Peek() != c)
        {
            return false;
        }

        _at++;
        return true;
    }

    private void Blanks()
    {
        while (Peek() is ' ' or '\t' or '\r' or '\n')
        {
            _at++;
        }
    }
}
