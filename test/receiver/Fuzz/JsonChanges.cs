using System.Text;

namespace Brokkr.Receiver.Tests.Fuzz;

/// <summary>A change to an event in the JSON format.</summary>
/// <param name="Name">What it does, for people.</param>
/// <param name="Makes">What a valid event is afterwards.</param>
/// <param name="Members">Changes what stands in it.</param>
/// <param name="Body">Changes its text.</param>
internal sealed record JsonChange(string Name, Verdict Makes, Action<Dice, JsonDraft>? Members, Func<Dice, byte[], byte[]>? Body = null);

/// <summary>Changes to events in the JSON format.</summary>
internal static class JsonChanges
{
    private static readonly string[] Required = ["specversion", "id", "source", "type"];

    public static JsonChange[] All { get; } =
    [
        new("nothing", Verdict.Valid, null),
        new("a mark", Verdict.Valid, null, static (_, body) => [0xEF, 0xBB, 0xBF, .. body]),
        new("blanks around", Verdict.Valid, null, static (_, body) => [.. " \r\n\t"u8, .. body, .. " \n"u8]),
        new(
            "deep data",
            Verdict.Valid,
            static (dice, draft) =>
            {
                draft.Drop("data_base64");
                draft.Set("datacontenttype", "\"application/json\"");
                draft.Set("data", JsonDraft.Deep(dice.Between(1, 900)));
            }
        ),
        new(
            "many extensions",
            Verdict.Valid,
            static (dice, draft) =>
            {
                for (var i = dice.Between(10, 200); i > 0; i--)
                {
                    draft.Members.Add(($"\"m{i}\"", "1"));
                }
            }
        ),
        new("a long value", Verdict.Valid, static (dice, draft) => draft.Set("long", $"\"{new string('v', dice.Between(1000, 6000))}\"")),
        new(
            "too many extensions",
            Verdict.Invalid,
            static (dice, draft) =>
            {
                // They take long, so they are rare; else there is one and its name is bad.
                for (var i = dice.OneIn(20) ? 1100 : 0; i > 0; i--)
                {
                    draft.Members.Add(($"\"m{i}\"", "1"));
                }

                draft.Members.Add(("\"M\"", "1"));
            }
        ),
        new("a required attribute away", Verdict.Invalid, static (dice, draft) => draft.Drop(dice.Pick(Required))),
        new("a required attribute null", Verdict.Invalid, static (dice, draft) => draft.Set(dice.Pick(Required), "null")),
        new(
            "an empty attribute",
            Verdict.Invalid,
            static (dice, draft) => draft.Set(dice.Pick("id", "source", "type", "specversion", "subject", "datacontenttype"), "\"\"")
        ),
        new(
            "an attribute of another type",
            Verdict.Invalid,
            static (dice, draft) =>
                draft.Set(
                    dice.Pick("id", "source", "type", "specversion", "subject", "time", "datacontenttype"),
                    dice.Pick("1", "1.0", "true", "{}", "[]", "[\"x\"]")
                )
        ),
        new(
            "an unknown version",
            Verdict.Invalid,
            static (dice, draft) => draft.Set("specversion", dice.Pick("\"1\"", "\"1.1\"", "\"1.0 \"", "\"\\u0000\"", "1.0"))
        ),
        new(
            "an attribute twice",
            Verdict.Invalid,
            static (dice, draft) => draft.Members.Add((JsonDraft.Text(dice, dice.Pick(Required)), dice.Pick("\"1.0\"", "\"x\"")))
        ),
        new(
            "an attribute twice, once null",
            Verdict.Invalid,
            static (dice, draft) =>
                draft.Members.Insert(dice.Below(2) * draft.Members.Count, (JsonDraft.Text(dice, dice.Pick(Required)), "null"))
        ),
        new(
            "nothing twice",
            Verdict.Invalid,
            static (dice, draft) => draft.Members.AddRange([("\"twice\"", "null"), ("\"twice\"", dice.Pick("null", "\"x\"", "1"))])
        ),
        new(
            "an extension twice",
            Verdict.Invalid,
            static (dice, draft) => draft.Members.AddRange([("\"twice\"", "1"), ("\"twi\\u0063e\"", "1")])
        ),
        new(
            "data twice",
            Verdict.Invalid,
            static (dice, draft) =>
                draft.Members.AddRange([
                    ("\"data\"", "1"),
                    (dice.Pick("\"data\"", "\"\\u0064ata\"", "\"data_base64\""), dice.Pick("1", "null", "\"aGk=\"")),
                ])
        ),
        new(
            "no base64",
            Verdict.Invalid,
            static (dice, draft) =>
            {
                draft.Drop("data");
                draft.Set(
                    "data_base64",
                    JsonDraft
                        .Text(dice, Garbled.Base64(dice))
                        .Replace("\0", "\\u0000", StringComparison.Ordinal)
                        .Replace("\n", "\\n", StringComparison.Ordinal)
                        .Replace("\t", "\\t", StringComparison.Ordinal)
                );
            }
        ),
        new(
            "base64 of another type",
            Verdict.Invalid,
            static (dice, draft) =>
            {
                draft.Drop("data");
                draft.Set("data_base64", dice.Pick("1", "null", "true", "{}", "[]", "\"\\ud800\""));
            }
        ),
        new(
            "data that is no text",
            Verdict.Invalid,
            static (dice, draft) =>
            {
                draft.Drop("data_base64");
                draft.Drop("datacontentencoding");
                draft.Set("datacontenttype", "\"text/plain\"");
                draft.Set("data", dice.Pick("1", "{}", "[]", "null", "true", "\"\\ud800\""));
            }
        ),
        new(
            "half a surrogate pair",
            Verdict.Invalid,
            static (dice, draft) =>
                draft.Set(
                    dice.Pick("id", "type", "subject", "ext"),
                    dice.Pick("\"\\ud800\"", "\"\\udc00\"", "\"\\ud83d\\ud83d\"", "\"a\\uDFFFb\"")
                )
        ),
        new(
            "half a pair in a name",
            Verdict.Invalid,
            static (dice, draft) => draft.Members.Add((dice.Pick("\"\\ud800\"", "\"a\\udc00\""), "1"))
        ),
        new(
            "a control character",
            Verdict.Invalid,
            static (dice, draft) =>
                draft.Set(
                    dice.Pick("id", "type", "subject", "ext"),
                    dice.Pick(
                        "\"\\u0000\"",
                        "\"a\\nb\"",
                        "\"\\u001f\"",
                        "\"\\u007f\"",
                        "\"\\u0085\"",
                        "\"\\ufffe\"",
                        "\"\\ufdd0\"",
                        "\"\\ud83f\\udfff\""
                    )
                )
        ),
        new(
            "a bad name",
            Verdict.Invalid,
            static (dice, draft) =>
                draft.Members.Add(
                    (
                        dice.Pick(
                            "\"\"",
                            "\"Ext\"",
                            "\"my-ext\"",
                            "\"my_ext\"",
                            "\"a b\"",
                            "\"é\"",
                            "\"ID\"",
                            "\"data_\"",
                            "\"\\u0000\"",
                            "\"data_base6\""
                        ),
                        dice.Pick("\"v\"", "null", "1")
                    )
                )
        ),
        new(
            "a number that is no integer",
            Verdict.Invalid,
            static (dice, draft) =>
                draft.Set("ext", dice.Pick("1.0", "1e2", "2147483648", "-2147483649", "1e999999999", "0.5", new string('9', 500)))
        ),
        new(
            "an extension that is a tree",
            Verdict.Invalid,
            static (dice, draft) => draft.Set("ext", dice.Pick("{}", "[]", "{\"a\":1}", JsonDraft.Deep(500)))
        ),
        new("no time", Verdict.Invalid, static (dice, draft) => draft.Set("time", $"\"{Garbled.Time(dice)}\"")),
        new("no URI", Verdict.Invalid, static (dice, draft) => draft.Set("source", JsonDraft.Text(dice, Garbled.Source(dice)))),
        new(
            "no media type",
            Verdict.Invalid,
            static (dice, draft) => draft.Set("datacontenttype", dice.Pick("\"x\"", "\"/\"", "\"a/\"", "\"/a\"", "\"a b/c\"", "\" \""))
        ),
        new(
            "too deep",
            Verdict.Invalid,
            static (dice, draft) =>
            {
                draft.Drop("data_base64");
                draft.Set("data", JsonDraft.Deep(dice.Between(1001, 8000)));
            }
        ),
        new(
            "too deep, and never closed",
            Verdict.Invalid,
            null,
            static (dice, _) =>
                Encoding.ASCII.GetBytes(string.Concat(Enumerable.Repeat(dice.Pick("[", "{\"a\":", "[{\"a\":"), dice.Between(1, 1500))))
        ),
        new(
            "more after the end",
            Verdict.Invalid,
            null,
            static (dice, body) => [.. body, .. Encoding.UTF8.GetBytes(dice.Pick("{}", ",", "x", "\0", "]", "null", "\uFEFF"))]
        ),
        new("cut off", Verdict.Invalid, null, static (dice, body) => body[..dice.Below(body.Length)]),
        new(
            "another dialect",
            Verdict.Invalid,
            static (dice, draft) =>
                draft.Members.Add(
                    (
                        dice.Pick("\"n\"", "n", "'n'"),
                        dice.Pick(
                            "NaN",
                            "01",
                            "+1",
                            "1.",
                            ".5",
                            "0x1",
                            "'v'",
                            "True",
                            "nul",
                            "\"\\x\"",
                            "\"\t\"",
                            "1,",
                            "Infinity",
                            "\"\\u12g4\"",
                            "//\n1",
                            "/**/1"
                        )
                    )
                )
        ),
        new(
            "no UTF-8",
            Verdict.Invalid,
            null,
            static (dice, body) =>
                [
                    .. body[..^1],
                    .. ",\"bad\":\""u8,
                    .. dice.Pick<byte[]>([0xFF], [0xC0, 0xAF], [0xED, 0xA0, 0x80], [0xF5, 0x80, 0x80, 0x80], [0xE2, 0x82]),
                    .. "\"}"u8,
                ]
        ),
        new(
            "another encoding",
            Verdict.Invalid,
            null,
            static (dice, body) =>
                dice.Pick(Encoding.Unicode, Encoding.BigEndianUnicode, Encoding.UTF32) is var other
                    ? [.. other.GetPreamble(), .. other.GetBytes(Encoding.UTF8.GetString(body))]
                    : body
        ),
        new(
            "no object",
            Verdict.Invalid,
            null,
            static (dice, _) =>
                Encoding.UTF8.GetBytes(dice.Pick("", " ", "null", "1", "\"x\"", "[]", "{}", "true", "{", "}", "\uFEFF", "[[]]", "[1]"))
        ),
        new("scrambled", Verdict.Open, null, static (dice, body) => Scramble.Bytes(dice, body)),
        new("scrambled", Verdict.Open, null, static (dice, body) => Scramble.Bytes(dice, body)),
        new("scrambled", Verdict.Open, null, static (dice, body) => Scramble.Bytes(dice, body)),
    ];

    /// <summary>Changes to the text of a batch. One that is empty is valid, as is one where events stand alone.</summary>
    public static JsonChange[] Batches { get; } =
    [
        new("nothing", Verdict.Valid, null),
        new(
            "an element that is no event",
            Verdict.Invalid,
            null,
            static (dice, body) => [.. body[..^1], .. Encoding.ASCII.GetBytes(dice.Pick(",1]", ",null]", ",[]]", ",{}]", ",\"x\"]"))]
        ),
        new("a comma too many", Verdict.Invalid, null, static (dice, body) => [.. body[..^1], .. ",]"u8]),
        new("no end", Verdict.Invalid, null, static (dice, body) => body[..^1]),
        new(
            "more after the end",
            Verdict.Invalid,
            null,
            static (dice, body) => [.. body, .. Encoding.ASCII.GetBytes(dice.Pick("[]", ",", "]", "{}"))]
        ),
        new(
            "no array",
            Verdict.Invalid,
            null,
            static (dice, body) => Encoding.ASCII.GetBytes(dice.Pick("{}", "null", "", "\"x\"", "[", "]"))
        ),
        new("too deep", Verdict.Invalid, null, static (dice, body) => Encoding.ASCII.GetBytes(JsonDraft.Deep(dice.Between(2, 5000)))),
        new("scrambled", Verdict.Open, null, static (dice, body) => Scramble.Bytes(dice, body)),
    ];
}
