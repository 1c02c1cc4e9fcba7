using System.Globalization;
using System.Text;

namespace Brokkr.Receiver.Tests.Fuzz;

/// <summary>A change to a request whose frame stays whole.</summary>
/// <param name="Name">What it does, for people.</param>
/// <param name="Makes">What a valid event is afterwards.</param>
/// <param name="Apply">Does it.</param>
internal sealed record Change(string Name, Verdict Makes, Action<Dice, Plan> Apply);

/// <summary>Changes to requests in binary mode.</summary>
internal static class BinaryChanges
{
    private static readonly string[] Required = ["specversion", "id", "source", "type"];

    public static Change[] All { get; } =
    [
        new("nothing", Verdict.Valid, static (_, _) => { }),
        new("other headers", Verdict.Valid, static (dice, plan) => plan.Lines.Add("X-Junk: " + Junk(dice))),
        new("trace", Verdict.Valid, Trace),
        new("a query", Verdict.Valid, static (dice, plan) => plan.Target += dice.Pick("?", "?a=b", "?%00", "?/../", "/?x", "/")),
        new("an absolute target", Verdict.Valid, static (_, plan) => plan.Target = "http://fuzz.test" + plan.Target),
        new("a name of nothing", Verdict.Valid, static (_, plan) => plan.Attributes.Add(("", "v"))),
        new("many extensions", Verdict.Valid, ManyExtensions),
        new("a long value", Verdict.Valid, static (dice, plan) => plan.Attributes.Add(("long", new string('v', dice.Between(500, 3000))))),
        new("a long name", Verdict.Valid, static (dice, plan) => plan.Attributes.Add((new string('n', dice.Between(21, 1000)), "v"))),
        new("expects to go on", Verdict.Valid, static (_, plan) => plan.Lines.Add("Expect: 100-continue")),
        new("an identity coding", Verdict.Valid, static (_, plan) => plan.Lines.Add("Content-Encoding: identity")),
        new("the most data", Verdict.Valid, static (_, plan) => plan.Body = new byte[Session.BodyLimit]),
        new("probe headers", Verdict.Valid, static (_, plan) => plan.Lines.Add("K-Network-Probe: probe\r\nK-Network-Hash: x")),
        new(
            "an odd key",
            Verdict.Open,
            static (dice, plan) => Set(plan, "partitionkey", dice.Pick("", "%20", "%F0%9F%98%80", "a%2Cb", "\"\"", "%E2%80%AE"))
        ),
        new("keep-alive", Verdict.Valid, static (_, plan) => plan.Lines.Add("Connection: keep-alive")),
        new("scrambled data", Verdict.Valid, static (dice, plan) => plan.Body = Scramble.Bytes(dice, plan.Body)),
        new("a required attribute away", Verdict.Invalid, static (dice, plan) => Drop(plan, dice.Pick(Required))),
        new(
            "an empty attribute",
            Verdict.Invalid,
            static (dice, plan) => Set(plan, dice.Pick("id", "type", "source", "specversion", "subject"), dice.Pick("", "\"\"", " ", "\t"))
        ),
        new(
            "an unknown version",
            Verdict.Invalid,
            static (dice, plan) =>
                Set(plan, "specversion", dice.Pick("1", "1.1", "2.0", "01.0", "1.0.0", "1,0", "0.2", "%31.0%20", "1.0 1.0"))
        ),
        new(
            "a control character",
            Verdict.Invalid,
            static (dice, plan) => Set(plan, Any(dice), "a" + Percent(dice, dice.Pick(0, 1, 8, 10, 13, 27, 31, 127)) + "b")
        ),
        new(
            "a C1 control or noncharacter",
            Verdict.Invalid,
            static (dice, plan) =>
                Set(plan, Any(dice), "a" + dice.Pick("%C2%80", "%C2%9F", "%EF%BF%BE", "%EF%BF%BF", "%EF%B7%90", "%F4%8F%BF%BF"))
        ),
        new(
            "no UTF-8",
            Verdict.Invalid,
            static (dice, plan) =>
                Set(
                    plan,
                    Any(dice),
                    "a"
                        + dice.Pick(
                            "%C0%A0",
                            "%FF",
                            "%E2%82",
                            "%ED%A0%80",
                            "%F4%90%80%80",
                            "%80",
                            "\xC0\xA0",
                            "\xFF",
                            "\xE2\x82",
                            "\xED\xA0\x80"
                        )
                )
        ),
        new(
            "a header injected",
            Verdict.Invalid,
            static (dice, plan) => Set(plan, Any(dice), "a%0D%0Ace-id:%20other" + dice.Pick("", "%0d%0a%0d%0a"))
        ),
        new(
            "an attribute twice",
            Verdict.Invalid,
            static (dice, plan) =>
                plan.Attributes.Add((dice.Pick("id", "ID", "Source", "tYpe", "specversion"), dice.Pick("1.0", "other", "")))
        ),
        new(
            "an extension twice",
            Verdict.Invalid,
            static (dice, plan) => plan.Attributes.AddRange([("twice", "1"), (dice.Pick("twice", "TWICE"), dice.Pick("1", "2"))])
        ),
        new(
            "a bad name",
            Verdict.Invalid,
            static (dice, plan) => plan.Attributes.Add((dice.Pick("my-ext", "my_ext", "a.b", "a!", "~", "-", "a'b", "ce-x", "|"), "v"))
        ),
        new(
            "ce-data",
            Verdict.Invalid,
            static (dice, plan) => plan.Attributes.Add((dice.Pick("data", "Data", "datacontenttype", "DataContentType"), "text/plain"))
        ),
        new("no time", Verdict.Invalid, static (dice, plan) => Set(plan, "time", Garbled.Time(dice))),
        new("no URI", Verdict.Invalid, static (dice, plan) => Set(plan, "source", Garbled.Source(dice))),
        new(
            "no schema",
            Verdict.Invalid,
            static (dice, plan) =>
                Set(
                    plan,
                    plan.Attributes.Exists(a => a is ("specversion", "0.3" or "%30%2E%33" or "\"0.3\"")) ? "schemaurl" : "dataschema",
                    Garbled.Source(dice)
                )
        ),
        new(
            "two content types",
            Verdict.Invalid,
            static (dice, plan) =>
                plan.Lines.AddRange([
                    "Content-Type: text/plain",
                    "content-type: " + dice.Pick("text/plain", "text/html", "application/cloudevents+json"),
                ])
        ),
        new("an empty content type", Verdict.Invalid, static (dice, plan) => ContentType(plan, dice.Pick("", " "))),
        new(
            "a content type without UTF-8",
            Verdict.Invalid,
            static (dice, plan) => ContentType(plan, "text/plain; x=\"" + dice.Pick("\xE9", "\xC3", "\xFF") + "\"")
        ),
        new(
            "another format",
            Verdict.Invalid,
            static (dice, plan) =>
                ContentType(plan, "application/cloudevents" + dice.Pick("", "+xml", "+protobuf", "-batch+xml", "+jsonx", "-batch", "/json"))
        ),
        new(
            "a coding",
            Verdict.Invalid,
            static (dice, plan) =>
                plan.Lines.Add(
                    "Content-Encoding: " + dice.Pick("gzip", "br", "zstd", "identity, gzip", "gzip\r\nContent-Encoding: identity", "x")
                )
        ),
        new("too much data", Verdict.Invalid, static (dice, plan) => plan.Body = new byte[Session.BodyLimit + dice.Between(1, 2000)]),
        new("another path", Verdict.Invalid, OtherPath),
        new(
            "another method",
            Verdict.Invalid,
            static (dice, plan) =>
                plan.Method = dice.Pick(
                    "GET",
                    "PUT",
                    "DELETE",
                    "PATCH",
                    "OPTIONS",
                    "HEAD",
                    "TRACE",
                    "post",
                    "Post",
                    "POSTT",
                    "P",
                    "QUERY",
                    "!"
                )
        ),
        new(
            "a probe",
            Verdict.Invalid,
            static (dice, plan) =>
            {
                plan.Method = "GET";
                plan.Lines.Add("K-Network-Probe: probe\r\nK-Network-Hash: " + Junk(dice));
            }
        ),
        new(
            "a handshake",
            Verdict.Invalid,
            static (dice, plan) =>
            {
                plan.Method = "OPTIONS";
                plan.Lines.Add($"WebHook-Request-Origin: {Junk(dice)}\r\nWebHook-Request-Rate: {Junk(dice)}");
            }
        ),
        new(
            "health",
            Verdict.Invalid,
            static (dice, plan) =>
            {
                plan.Method = dice.Pick("GET", "POST", "HEAD");
                plan.Target = dice.Pick("/healthz", "/readyz", "/healthz/", "/healthz?x");
            }
        ),
        new("a scrambled value", Verdict.Open, ScrambledValue),
        new("a scrambled name", Verdict.Open, ScrambledName),
        new(
            "a scrambled content type",
            Verdict.Open,
            static (dice, plan) => ContentType(plan, Line(Scramble.Bytes(dice, "application/cloudevents+json; charset=utf-8"u8.ToArray())))
        ),
        new("no attributes", Verdict.Invalid, static (_, plan) => plan.Attributes.Clear()),
        new(
            "a JSON event as data",
            Verdict.Open,
            static (dice, plan) => ContentType(plan, dice.Pick("application/cloudevents+json", "application/cloudevents-batch+json"))
        ),
    ];

    /// <summary>Those that go with any other.</summary>
    public static Change[] Harmless { get; } = All[1..3];

    /// <summary>Anything that may stand in a header, but does not say anything.</summary>
    private static string Junk(Dice dice) => Line(dice.Bytes(dice.Between(0, 30)));

    /// <summary>Bytes as the value of a header: without what ends or breaks a line.</summary>
    private static string Line(byte[] bytes)
    {
        for (var i = 0; i < bytes.Length; i++)
        {
            bytes[i] = bytes[i] is 0 or (byte)'\r' or (byte)'\n' ? (byte)'.' : bytes[i];
        }

        return Encoding.Latin1.GetString(bytes);
    }

    private static string Percent(Dice dice, int b) => "%" + b.ToString(dice.Pick("X2", "x2"), CultureInfo.InvariantCulture);

    private static string Any(Dice dice) => dice.Pick("id", "type", "subject", "x0", "partitionkey");

    private static void Set(Plan plan, string name, string wire)
    {
        Drop(plan, name);
        plan.Attributes.Add((name, wire));
    }

    private static void Drop(Plan plan, string name) => plan.Attributes.RemoveAll(attribute => attribute.Name == name);

    private static void ContentType(Plan plan, string value)
    {
        plan.Lines.RemoveAll(line => line.StartsWith("Content-Type", StringComparison.Ordinal));
        plan.Lines.Add("Content-Type: " + value);
    }

    private static void Trace(Dice dice, Plan plan) =>
        plan.Lines.Add(
            $"traceparent: {dice.Pick("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01", "00-0-0-0", Junk(dice))}\r\n"
                + $"tracestate: {dice.Pick("a=b", Junk(dice))}\r\nbaggage: {Junk(dice)}"
        );

    private static void ManyExtensions(Dice dice, Plan plan)
    {
        for (var i = dice.Between(20, 150); i > 0; i--)
        {
            plan.Attributes.Add(($"m{i}", "1"));
        }
    }

    private static void OtherPath(Dice dice, Plan plan) =>
        plan.Target = dice.Below(8) switch
        {
            0 => "/",
            1 => plan.Target + "x",
            2 => plan.Target + "//",
            3 => "/" + plan.Target,
            4 => plan.Target.ToUpperInvariant(),
            5 => plan.Target.Replace("/", "%2F", StringComparison.Ordinal).Insert(0, "/"),
            6 => "/." + plan.Target,
            _ => plan.Target[..^1],
        };

    private static void ScrambledValue(Dice dice, Plan plan)
    {
        var at = dice.Below(plan.Attributes.Count);
        var (name, wire) = plan.Attributes[at];
        plan.Attributes[at] = (name, Line(Scramble.Bytes(dice, Encoding.Latin1.GetBytes(wire))));
    }

    private static void ScrambledName(Dice dice, Plan plan)
    {
        var at = dice.Below(plan.Attributes.Count);
        var (name, wire) = plan.Attributes[at];
        var scrambled = Encoding.Latin1.GetString(Scramble.Bytes(dice, Encoding.Latin1.GetBytes(name)));
        var token = scrambled.Where(c => char.IsAsciiLetterOrDigit(c) || "!#$%&'*+-.^_`|~".Contains(c, StringComparison.Ordinal));
        plan.Attributes[at] = (string.Concat(token), wire);
    }
}
