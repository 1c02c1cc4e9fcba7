using System.Buffers;
using System.Globalization;
using System.Text;

namespace Brokkr.Receiver.Tests.Fuzz;

/// <summary>A request as the reference reads it. Bytes are characters of the same number.</summary>
internal sealed record ReferenceRequest(
    string Method,
    string Target,
    string Version,
    List<(string Name, string Value)> Headers,
    byte[] Body
)
{
    /// <summary>Whether nothing after it is to be read.</summary>
    public bool IsLast { get; init; }

    public IEnumerable<string> All(string name) =>
        Headers.Where(header => header.Name.Equals(name, StringComparison.OrdinalIgnoreCase)).Select(header => header.Value);

    public bool Has(string name) => Headers.Exists(header => header.Name.Equals(name, StringComparison.OrdinalIgnoreCase));
}

/// <summary>
/// Reads HTTP/1.1 by the letter of RFC 9112 and nothing more, except that a line may end in LF alone (§2.2), that carriage returns may
/// come before a request, and that names of headers may have anything but blanks, as the web server lets them. It is slow and plain and shares
/// nothing with the server, so that one can be held against the other.
/// </summary>
internal static class ReferenceHttp
{
    private static readonly SearchValues<char> TokenCharacters = SearchValues.Create(
        "!#$%&'*+-.^_`|~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
    );

    /// <summary>Every request up to the first that is broken or incomplete, or that ends the connection.</summary>
    public static List<ReferenceRequest> ReadAll(ReadOnlySpan<byte> bytes)
    {
        var all = new List<ReferenceRequest>();
        var text = Encoding.Latin1.GetString(bytes);
        var at = 0;
        while (at < text.Length && Read(text, ref at) is { } request)
        {
            all.Add(request);
            if (request.IsLast)
            {
                break;
            }
        }

        return all;
    }

    private static ReferenceRequest? Read(string text, ref int at)
    {
        while (at < text.Length && text[at] is '\r' or '\n')
        {
            at++;
        }

        var line = Line(text, ref at);
        var parts = line?.Split(' ');
        if (
            parts is not [var method, var target, "HTTP/1.1" or "HTTP/1.0"]
            || !IsToken(method)
            || target.Length == 0
            || target.AsSpan().ContainsAnyExceptInRange('!', '~')
        )
        {
            return null;
        }

        var headers = new List<(string, string)>();
        if (!ReadFields(text, ref at, headers))
        {
            return null;
        }

        var request = new ReferenceRequest(method, target, parts[2], headers, []);
        var is10 = parts[2] is "HTTP/1.0";
        var hosts = request.All("host").Count();
        if (hosts > 1 || (hosts == 0 && !is10) || ReadBody(text, ref at, request) is not { } body)
        {
            return null;
        }

        var connection = string.Join(',', request.All("connection")).Split(',', StringSplitOptions.TrimEntries);
        return request with
        {
            Body = body,
            IsLast =
                (request.Has("transfer-encoding") && request.Has("content-length"))
                || connection.Contains("close", StringComparer.OrdinalIgnoreCase)
                || (is10 && !connection.Contains("keep-alive", StringComparer.OrdinalIgnoreCase)),
        };
    }

    private static byte[]? ReadBody(string text, ref int at, ReferenceRequest request)
    {
        string[] codings = [.. request.All("transfer-encoding")];
        string[] lengths = [.. request.All("content-length")];
        if (codings.Length > 0)
        {
            // A length beside it does not count, but ends the connection (§6.3).
            return codings is [var coding] && coding.Equals("chunked", StringComparison.OrdinalIgnoreCase) && request.Version is "HTTP/1.1"
                ? ReadChunks(text, ref at)
                : null;
        }

        if (lengths.Length == 0)
        {
            return [];
        }

        if (lengths is not [{ Length: > 0 and < 10 } digits] || !digits.All(char.IsAsciiDigit))
        {
            return null;
        }

        var length = int.Parse(digits, CultureInfo.InvariantCulture);
        if (text.Length - at < length)
        {
            return null;
        }

        at += length;
        return Encoding.Latin1.GetBytes(text, at - length, length);
    }

    private static byte[]? ReadChunks(string text, ref int at)
    {
        var body = new StringBuilder();
        while (true)
        {
            var line = Line(text, ref at, strict: true);
            var size = line?.Split(';')[0].TrimEnd(' ', '\t');
            if (size is not { Length: > 0 and < 8 } || !size.All(char.IsAsciiHexDigit))
            {
                return null;
            }

            var length = int.Parse(size, NumberStyles.HexNumber, CultureInfo.InvariantCulture);
            if (length == 0)
            {
                return ReadFields(text, ref at, []) ? Encoding.Latin1.GetBytes(body.ToString()) : null;
            }

            if (text.Length - at < length + 2 || text[at + length] != '\r' || text[at + length + 1] != '\n')
            {
                return null;
            }

            body.Append(text, at, length);
            at += length + 2;
        }
    }

    private static bool ReadFields(string text, ref int at, List<(string Name, string Value)> fields)
    {
        while (true)
        {
            var line = Line(text, ref at);
            if (line is null or "")
            {
                return line is not null;
            }

            var colon = line.IndexOf(':', StringComparison.Ordinal);
            if (colon <= 0 || line.AsSpan(0, colon).ContainsAny(' ', '\t') || line.AsSpan().ContainsAny('\0', '\r'))
            {
                return false;
            }

            fields.Add((line[..colon], line[(colon + 1)..].Trim(' ', '\t')));
        }
    }

    private static string? Line(string text, ref int at, bool strict = false)
    {
        var end = text.IndexOf('\n', at);
        if (end < 0)
        {
            return null;
        }

        var hasReturn = end > at && text[end - 1] == '\r';
        var line = text[at..(hasReturn ? end - 1 : end)];
        at = end + 1;
        return strict && (!hasReturn || line.Contains('\r', StringComparison.Ordinal)) ? null : line;
    }

    private static bool IsToken(string text) => text.Length > 0 && !text.AsSpan().ContainsAnyExcept(TokenCharacters);
}
