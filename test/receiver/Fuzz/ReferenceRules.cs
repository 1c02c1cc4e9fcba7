using System.Buffers;
using System.Globalization;
using System.Text;
using System.Text.RegularExpressions;

namespace Brokkr.Receiver.Tests.Fuzz;

/// <summary>Whether something is a valid event. What the specification leaves open, or is only a matter of limits, is open.</summary>
internal enum Verdict
{
    Valid,
    Open,
    Invalid,
}

/// <summary>The rules for single attributes, written down a second time.</summary>
internal static partial class ReferenceRules
{
    private static readonly SearchValues<char> NameCharacters = SearchValues.Create("abcdefghijklmnopqrstuvwxyz0123456789");
    private static readonly UTF8Encoding Strict = new(false, throwOnInvalidBytes: true);

    /// <summary>Text that is UTF-8; null if it is not.</summary>
    public static string? Utf8(byte[] bytes)
    {
        try
        {
            return Strict.GetString(bytes);
        }
        catch (DecoderFallbackException)
        {
            return null;
        }
    }

    public static bool IsName(string name) => name.Length > 0 && !name.AsSpan().ContainsAnyExcept(NameCharacters);

    /// <summary>A tab is forbidden by the specification, and let through as the original does.</summary>
    public static Verdict Text(string? text)
    {
        if (text is not null && !text.AsSpan().ContainsAnyExceptInRange(' ', '~'))
        {
            return Verdict.Valid;
        }

        var verdict = Verdict.Valid;
        foreach (var rune in (text ?? "\0").EnumerateRunes())
        {
            if (rune.Value == '\t')
            {
                verdict = Verdict.Open;
            }
            else if (
                rune.Value is < 0x20 or (>= 0x7F and <= 0x9F) or (>= 0xFDD0 and <= 0xFDEF)
                || (rune.Value & 0xFFFF) is 0xFFFE or 0xFFFF
            )
            {
                return Verdict.Invalid;
            }
        }

        return verdict;
    }

    /// <summary>Undoes a quoted string, then percent-encoding.</summary>
    public static byte[] Decode(string wire)
    {
        if (Quoted().Match(wire) is { Success: true } quoted)
        {
            wire = Escaped().Replace(quoted.Groups["text"].Value, static escape => escape.Groups["one"].Value);
        }

        if (!wire.Contains('%', StringComparison.Ordinal))
        {
            return Encoding.Latin1.GetBytes(wire);
        }

        return Encoding.Latin1.GetBytes(
            Percent().Replace(wire, static percent => ((char)Convert.ToByte(percent.Value[1..], 16)).ToString())
        );
    }

    /// <summary>A URI reference: what is certainly one and what is certainly none. Brackets, and where there is more than one '#', are left open.</summary>
    public static Verdict Uri(string? text)
    {
        if (text is null || NoUri().IsMatch(text) || Text(text) != Verdict.Valid)
        {
            return Verdict.Invalid;
        }

        return PlainUri().IsMatch(text) ? Verdict.Valid : Verdict.Open;
    }

    public static Verdict MediaType(string text) =>
        PlainMediaType().IsMatch(text) ? Verdict.Valid
        : text.Contains('/', StringComparison.Ordinal) ? Verdict.Open
        : Verdict.Invalid;

    public static bool IsJson(string mediaType) => JsonMediaType().IsMatch(mediaType);

    /// <summary>A timestamp in the form in which it is stored; null if it is none. A leap second is left open by giving it back as it is.</summary>
    public static string? Time(string text, out Verdict verdict)
    {
        verdict = Verdict.Invalid;
        if (Rfc3339().Match(text) is not { Success: true } match)
        {
            return null;
        }

        int Part(string group) => int.Parse(match.Groups[group].ValueSpan, CultureInfo.InvariantCulture);
        var (year, month, day, second) = (Part("year"), Part("month"), Part("day"), Part("second"));
        if (month is < 1 or > 12 || day < 1 || day > DateTime.DaysInMonth(year == 0 ? 2000 : year, month))
        {
            return null;
        }

        if (Part("hour") > 23 || Part("minute") > 59 || second > 60)
        {
            return null;
        }

        var offset = match.Groups["offset"].Value;
        var signless = offset.Length > 1 ? TimeSpan.ParseExact(offset[1..], "hh\\:mm", CultureInfo.InvariantCulture) : TimeSpan.Zero;
        verdict = second == 60 || signless > TimeSpan.FromHours(18) ? Verdict.Open : Verdict.Valid;
        var fraction = match.Groups["fraction"].Value.TrimEnd('0').TrimEnd('.');
        return $"{text[..10]}T{text[11..19]}{fraction}{(signless == TimeSpan.Zero ? "Z" : offset)}";
    }

    /// <summary>What base64 text stands for; null if it is none. Bits that are left over are left open.</summary>
    public static byte[]? Base64(string text, out Verdict verdict)
    {
        verdict = Verdict.Invalid;
        if (text.Length % 4 != 0 || !Base64Text().IsMatch(text))
        {
            return null;
        }

        var bytes = Convert.FromBase64String(text);
        verdict = Convert.ToBase64String(bytes) == text ? Verdict.Valid : Verdict.Open;
        return bytes;
    }

    [GeneratedRegex(
        """^"(?<text>([^"\\]|\\.)*)"\z""",
        RegexOptions.ExplicitCapture | RegexOptions.Singleline | RegexOptions.CultureInvariant
    )]
    private static partial Regex Quoted();

    [GeneratedRegex("""\\(?<one>.)""", RegexOptions.ExplicitCapture | RegexOptions.Singleline | RegexOptions.CultureInvariant)]
    private static partial Regex Escaped();

    [GeneratedRegex("%[0-9A-Fa-f]{2}", RegexOptions.CultureInvariant)]
    private static partial Regex Percent();

    [GeneratedRegex("""[ "<>\\^`{|}]|%(?![0-9A-Fa-f]{2})|#.*#""", RegexOptions.Singleline | RegexOptions.CultureInvariant)]
    private static partial Regex NoUri();

    // Relative paths, http URLs with a plain host, and URNs.
    [GeneratedRegex(
        """^(?:(?:https?://[A-Za-z0-9.-]+)?/(?!/)|urn:[a-z0-9]+:|[A-Za-z0-9._~-]+(?=[/?#]|\z))(?:[A-Za-z0-9._~!$&'()*+,;=@/-]|%[0-9A-Fa-f]{2})*(?:\?(?:[A-Za-z0-9._~!$&'()*+,;=@/?:-]|%[0-9A-Fa-f]{2})*)?(?:#(?:[A-Za-z0-9._~!$&'()*+,;=@/?:-]|%[0-9A-Fa-f]{2})*)?\z""",
        RegexOptions.CultureInvariant
    )]
    private static partial Regex PlainUri();

    [GeneratedRegex(
        """^[A-Za-z0-9!#$&^_.+-]+/[A-Za-z0-9!#$&^_.+-]+(?:; ?[A-Za-z0-9-]+=[A-Za-z0-9_.-]+)*\z""",
        RegexOptions.CultureInvariant
    )]
    private static partial Regex PlainMediaType();

    [GeneratedRegex("""^[^;/]+/(?:json|[^;]+\+json)[ \t]*(?:;|\z)""", RegexOptions.IgnoreCase | RegexOptions.CultureInvariant)]
    private static partial Regex JsonMediaType();

    [GeneratedRegex(
        """^(?<year>[0-9]{4})-(?<month>[0-9]{2})-(?<day>[0-9]{2})[Tt](?<hour>[0-9]{2}):(?<minute>[0-9]{2}):(?<second>[0-9]{2})(?<fraction>\.[0-9]+)?(?<offset>[Zz]|[+-]([01][0-9]|2[0-3]):[0-5][0-9])\z""",
        RegexOptions.ExplicitCapture | RegexOptions.CultureInvariant
    )]
    private static partial Regex Rfc3339();

    [GeneratedRegex("""^[A-Za-z0-9+/]*={0,2}\z""", RegexOptions.CultureInvariant)]
    private static partial Regex Base64Text();
}
