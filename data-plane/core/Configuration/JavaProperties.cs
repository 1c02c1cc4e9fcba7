using System.Globalization;
using System.Text;
using Microsoft.Extensions.Logging;

namespace Brokkr.Core.Configuration;

/// <summary>
/// Reads the <c>.properties</c> files that are mounted into the roles (receiver-and-core §6.7, §9.1; dispatcher §1.3): the whole syntax of
/// Java's <c>Properties.load</c> on UTF-8 text. Of two lines with one key the later wins.
/// </summary>
public static class JavaProperties
{
    /// <summary>Reads a file. One that does not exist or cannot be read is logged and taken as empty: it must not keep a role from starting.</summary>
    /// <exception cref="ConfigurationException">The file holds a malformed <c>\uXXXX</c> escape.</exception>
    public static IReadOnlyDictionary<string, string> Load(string path, ILogger logger)
    {
        string text;
        try
        {
            text = File.ReadAllText(path, Encoding.UTF8);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or ArgumentException or NotSupportedException)
        {
            logger.PropertiesUnreadable(path, e.Message);
            return new Dictionary<string, string>(StringComparer.Ordinal);
        }

        try
        {
            return Parse(text);
        }
        catch (FormatException e)
        {
            throw new ConfigurationException([$"{path}: {e.Message}"]);
        }
    }

    /// <summary>Reads properties from text.</summary>
    /// <exception cref="FormatException">A <c>\u</c> is not followed by four hexadecimal digits; the message names the line.</exception>
    public static Dictionary<string, string> Parse(string text)
    {
        var result = new Dictionary<string, string>(StringComparer.Ordinal);
        var reader = new LogicalLines(text);
        while (reader.Next() is { } line)
        {
            var keyEnd = 0;
            while (keyEnd < line.Length && line[keyEnd] is not ('=' or ':') && !IsBlank(line[keyEnd]))
            {
                keyEnd += line[keyEnd] == '\\' ? 2 : 1;
            }

            keyEnd = Math.Min(keyEnd, line.Length);
            var value = keyEnd;
            while (value < line.Length && IsBlank(line[value]))
            {
                value++;
            }

            if (value < line.Length && line[value] is '=' or ':')
            {
                do
                {
                    value++;
                } while (value < line.Length && IsBlank(line[value]));
            }

            result[Unescape(line.AsSpan(0, keyEnd), reader.LineNumber)] = Unescape(line.AsSpan(value), reader.LineNumber);
        }

        return result;
    }

    /// <summary>Writes properties so that <see cref="Parse"/> reads the same ones.</summary>
    public static string Format(IEnumerable<KeyValuePair<string, string>> properties)
    {
        var text = new StringBuilder();
        foreach (var (key, value) in properties)
        {
            Escape(text, key, isKey: true);
            text.Append('=');
            Escape(text, value, isKey: false);
            text.Append('\n');
        }

        return text.ToString();
    }

    private static bool IsBlank(char c) => c is ' ' or '\t' or '\f';

    private static string Unescape(ReadOnlySpan<char> escaped, int lineNumber)
    {
        if (!escaped.Contains('\\'))
        {
            return escaped.ToString();
        }

        var text = new StringBuilder(escaped.Length);
        for (var i = 0; i < escaped.Length; i++)
        {
            var c = escaped[i];
            if (c != '\\')
            {
                text.Append(c);
            }
            else if (++i < escaped.Length)
            {
                if (escaped[i] == 'u')
                {
                    var digits = escaped.Slice(i + 1, Math.Min(4, escaped.Length - i - 1));
                    if (
                        digits.Length < 4
                        || !ushort.TryParse(digits, NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out var unit)
                    )
                    {
                        throw new FormatException($"line {lineNumber}: \\u needs four hexadecimal digits");
                    }

                    text.Append((char)unit);
                    i += 4;
                }
                else
                {
                    text.Append(
                        escaped[i] switch
                        {
                            't' => '\t',
                            'n' => '\n',
                            'r' => '\r',
                            'f' => '\f',
                            var other => other,
                        }
                    );
                }
            }
        }

        return text.ToString();
    }

    private static void Escape(StringBuilder text, string plain, bool isKey)
    {
        for (var i = 0; i < plain.Length; i++)
        {
            switch (plain[i])
            {
                case '\t':
                    text.Append("\\t");
                    break;
                case '\n':
                    text.Append("\\n");
                    break;
                case '\r':
                    text.Append("\\r");
                    break;
                case '\f':
                    text.Append("\\f");
                    break;
                case '\\' or '#' or '!' or '=' or ':':
                case ' ' when isKey || i == 0:
                    text.Append('\\').Append(plain[i]);
                    break;
                case < ' ' or > '~':
                    text.Append("\\u").Append(((int)plain[i]).ToString("X4", CultureInfo.InvariantCulture));
                    break;
                default:
                    text.Append(plain[i]);
                    break;
            }
        }
    }

    /// <summary>Joins continued lines, drops blank lines and comments.</summary>
    private sealed class LogicalLines(string text)
    {
        private int _position;
        private int _naturalLines;

        /// <summary>Number of the natural line on which the current logical line starts, from 1.</summary>
        public int LineNumber { get; private set; }

        public string? Next()
        {
            var joined = new StringBuilder();
            var continued = false;
            while (NaturalLine() is { } line)
            {
                var start = 0;
                while (start < line.Length && IsBlank(line[start]))
                {
                    start++;
                }

                if (!continued)
                {
                    if (start == line.Length || line[start] is '#' or '!')
                    {
                        continue;
                    }

                    LineNumber = _naturalLines;
                }

                var backslashes = 0;
                while (line.Length - backslashes > start && line[line.Length - 1 - backslashes] == '\\')
                {
                    backslashes++;
                }

                continued = backslashes % 2 == 1;
                joined.Append(line, start, line.Length - start - (continued ? 1 : 0));
                if (!continued)
                {
                    return joined.ToString();
                }
            }

            return continued ? joined.ToString() : null;
        }

        private string? NaturalLine()
        {
            if (_position >= text.Length)
            {
                return null;
            }

            var start = _position;
            var end = text.AsSpan(start).IndexOfAny('\r', '\n');
            end = end < 0 ? text.Length : start + end;
            _position = end + 1;
            if (end + 1 < text.Length && text[end] == '\r' && text[end + 1] == '\n')
            {
                _position++;
            }

            _naturalLines++;
            return text[start..end];
        }
    }
}
