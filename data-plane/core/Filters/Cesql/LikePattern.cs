using System.Text;

namespace Brokkr.Core.Filters.Cesql;

/// <summary>
/// A pattern of <c>LIKE</c> (SQL-23, SQL-24): <c>%</c> any run, <c>_</c> one character, a backslash before them takes their meaning away.
/// The usual shapes compare bytes; the others go through the text once for each run, without recursion.
/// </summary>
internal sealed class LikePattern
{
    private const short AnyCharacter = 256;
    private const short AnyRun = 257;

    private readonly Shape _shape;
    private readonly byte[] _literal;
    private readonly short[] _tokens;

    private enum Shape
    {
        Exact,
        Prefix,
        Suffix,
        Contains,
        General,
    }

    public LikePattern(string pattern)
    {
        var tokens = new List<short>(pattern.Length);
        var utf8 = Encoding.UTF8.GetBytes(pattern);
        for (var i = 0; i < utf8.Length; i++)
        {
            if (utf8[i] == (byte)'\\' && i + 1 < utf8.Length && utf8[i + 1] is ((byte)'%' or (byte)'_'))
            {
                tokens.Add(utf8[++i]);
            }
            else if (utf8[i] == (byte)'_')
            {
                tokens.Add(AnyCharacter);
            }
            else if (utf8[i] != (byte)'%')
            {
                tokens.Add(utf8[i]);
            }
            else if (tokens.Count == 0 || tokens[^1] != AnyRun)
            {
                tokens.Add(AnyRun);
            }
        }

        _tokens = [.. tokens];
        var begins = _tokens.Length > 0 && _tokens[0] == AnyRun;
        var ends = _tokens.Length > 1 && _tokens[^1] == AnyRun;
        var middle = _tokens.AsSpan()[(begins ? 1 : 0)..(_tokens.Length - (ends ? 1 : 0))];
        if (middle.ContainsAny(AnyCharacter, AnyRun))
        {
            _shape = Shape.General;
            _literal = [];
            return;
        }

        _shape = (begins, ends) switch
        {
            (false, false) => Shape.Exact,
            (false, true) => Shape.Prefix,
            (true, false) => Shape.Suffix,
            _ => Shape.Contains,
        };
        _literal = Array.ConvertAll(middle.ToArray(), token => (byte)token);
    }

    /// <summary>Whether the whole of a text matches.</summary>
    public bool Matches(ReadOnlySpan<byte> text) =>
        _shape switch
        {
            Shape.Exact => text.SequenceEqual(_literal),
            Shape.Prefix => text.StartsWith(_literal),
            Shape.Suffix => text.EndsWith(_literal),
            Shape.Contains => text.IndexOf(_literal) >= 0,
            _ => MatchesGeneral(text),
        };

    private bool MatchesGeneral(ReadOnlySpan<byte> text)
    {
        var tokens = _tokens.AsSpan();
        int at = 0,
            token = 0,
            runToken = -1,
            runEnd = 0;
        while (at < text.Length)
        {
            var wanted = token < tokens.Length ? tokens[token] : (short)-1;
            if (wanted == AnyRun)
            {
                runToken = ++token;
                runEnd = at;
                if (runToken == tokens.Length)
                {
                    return true;
                }
            }
            else if (wanted == AnyCharacter)
            {
                at += Utf8Text.CharacterLength(text[at..]);
                token++;
            }
            else if (wanted == text[at])
            {
                at++;
                token++;
            }
            else if (runToken >= 0)
            {
                // The last run takes one character more; an earlier one need not, for what it could reach the last one reaches too.
                runEnd += Utf8Text.CharacterLength(text[runEnd..]);
                at = runEnd;
                token = runToken;
            }
            else
            {
                return false;
            }
        }

        return token == tokens.Length || (token == tokens.Length - 1 && tokens[token] == AnyRun);
    }
}
