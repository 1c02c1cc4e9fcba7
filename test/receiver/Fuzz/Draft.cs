using System.Globalization;
using System.Text;

namespace Brokkr.Receiver.Tests.Fuzz;

/// <summary>Makes valid events, and the pieces they consist of.</summary>
internal static class Draft
{
    private static readonly string[] Parts =
    [
        "a",
        "Z",
        "0",
        "-",
        ".",
        "/",
        "_",
        "~",
        " ",
        "%",
        "\"",
        "\\",
        ",",
        ";",
        "=",
        "+",
        "{",
        "}",
        "é",
        "ß",
        "€",
        "日本",
        "😀",
        "\u00A0",
        "\u202E",
        "%41",
        "%zz",
        "null",
    ];

    private static readonly string[] Sources =
    [
        "/",
        "/src",
        "/a/b?c=d&e=f#g",
        "x",
        "a.b-c/d",
        "http://h.test/x",
        "https://h.test/a%20b?c=%C3%A9",
        "urn:uuid:1b9d6bcd",
        "/a(b)!*'",
        "/%25",
        "/100%25%41",
    ];

    private static readonly string[] Times =
    [
        "2024-01-02T03:04:05Z",
        "2024-02-29T23:59:59.123456789012+02:00",
        "2024-01-02t03:04:05.100z",
        "0000-01-01T00:00:00-00:00",
        "9999-12-31T00:00:00.0+18:00",
    ];

    private static readonly string[] Types =
    [
        "text/plain",
        "application/json",
        "application/vnd.x+json; charset=utf-8",
        "application/octet-stream",
        "APPLICATION/JSON",
        "image/svg+xml;a=b",
    ];

    /// <summary>Attributes of an event and their values, in no encoding. In every event the required ones; others now and then.</summary>
    public static List<(string Name, string Value)> Attributes(Dice dice, string version)
    {
        var attributes = new List<(string, string)>
        {
            ("specversion", version),
            ("id", Text(dice)),
            ("source", dice.Pick(Sources)),
            ("type", Text(dice)),
        };
        if (dice.OneIn(3))
        {
            attributes.Add(("subject", Text(dice)));
        }

        if (dice.OneIn(3))
        {
            attributes.Add(("time", dice.Pick(Times)));
        }

        if (dice.OneIn(4))
        {
            attributes.Add((version is "0.3" ? "schemaurl" : "dataschema", dice.Pick(Sources)));
        }

        if (dice.OneIn(5))
        {
            attributes.Add(("partitionkey", dice.OneIn(4) ? new string('k', dice.Between(1, 300)) : Text(dice)));
        }

        for (var i = dice.Below(4); i > 0; i--)
        {
            attributes.Add(("x" + i.ToString(CultureInfo.InvariantCulture) + Name(dice), Text(dice)));
        }

        return attributes;
    }

    public static string MediaType(Dice dice) => dice.Pick(Types);

    public static string Version(Dice dice) => dice.OneIn(12) ? "0.3" : "1.0";

    /// <summary>Text that an attribute may have, without blanks around.</summary>
    public static string Text(Dice dice)
    {
        var text = new StringBuilder();
        for (var i = dice.Between(1, 8); i > 0; i--)
        {
            text.Append(dice.Pick(Parts));
        }

        return text.ToString().Trim() is { Length: > 0 } some ? some : "t";
    }

    public static string Name(Dice dice)
    {
        Span<char> name = stackalloc char[dice.Between(1, 12)];
        for (var i = 0; i < name.Length; i++)
        {
            name[i] = "abcdefghijklmnopqrstuvwxyz0123456789"[dice.Below(36)];
        }

        return new string(name);
    }

    /// <summary>A value on its way into a header: as it is where that says the same, quoted, or percent-encoded where needed or everywhere.</summary>
    public static string Wire(Dice dice, string value)
    {
        var plain = !value.AsSpan().ContainsAny('%', '"');
        var way = dice.Below(8);
        if (plain && way < 3 && value == value.Trim())
        {
            return Latin1(value);
        }

        if (way == 3)
        {
            var escaped = value.Replace("%", "%25", StringComparison.Ordinal).Replace("\\", "\\\\", StringComparison.Ordinal);
            return Latin1($"\"{escaped.Replace("\"", "\\\"", StringComparison.Ordinal)}\"");
        }

        var wire = new StringBuilder();
        foreach (var b in Encoding.UTF8.GetBytes(value))
        {
            if (b is <= 0x20 or >= 0x7F or (byte)'%' or (byte)'"' || way == 4)
            {
                wire.Append(CultureInfo.InvariantCulture, $"%{b:X2}");
            }
            else
            {
                wire.Append((char)b);
            }
        }

        return wire.ToString();
    }

    /// <summary>The UTF-8 of a text, a character for every byte.</summary>
    public static string Latin1(string text) => Encoding.Latin1.GetString(Encoding.UTF8.GetBytes(text));

    /// <summary>Bytes as data: now and then none, sometimes ones that look like a request.</summary>
    public static byte[] Data(Dice dice, string target) =>
        dice.Below(8) switch
        {
            0 => [],
            1 => Encoding.ASCII.GetBytes(
                $"0\r\n\r\nPOST {target} HTTP/1.1\r\nHost: fuzz.test\r\nce-specversion: 1.0\r\nce-id: smuggled\r\nce-source: /s\r\nce-type: t\r\nContent-Length: 0\r\n\r\n"
            ),
            2 => dice.Bytes(dice.Between(1, 3000)),
            3 => "{\"a\":[1,2.50,null]}"u8.ToArray(),
            _ => dice.Bytes(dice.Between(1, 60)),
        };

    /// <summary>A request with a valid event in binary mode.</summary>
    public static Plan Binary(Dice dice, string target)
    {
        var plan = new Plan
        {
            Target = target,
            Body = Data(dice, target),
            IsChunked = dice.OneIn(4),
        };
        foreach (var (name, value) in Attributes(dice, Version(dice)))
        {
            plan.Attributes.Add((name, Wire(dice, value)));
        }

        if (!dice.OneIn(4))
        {
            plan.Lines.Add("Content-Type: " + MediaType(dice));
        }

        return plan;
    }
}
