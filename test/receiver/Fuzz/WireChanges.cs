using System.Globalization;
using System.Text;

namespace Brokkr.Receiver.Tests.Fuzz;

/// <summary>
/// Requests that may not end where they say, or be none: after them nothing can be sent on the connection, so each is its last. What is still a
/// request is for the reference to say.
/// </summary>
/// <param name="Name">What it does, for people.</param>
/// <param name="Apply">Changes a request before it is written down.</param>
/// <param name="Bytes">Changes its bytes.</param>
internal sealed record WireChange(string Name, Action<Dice, Plan>? Apply, Func<Dice, byte[], byte[]>? Bytes = null)
{
    private static readonly byte[] Hello = [0x16, 3, 1, 0, 0x2F, 1, 0, 0, 0x2B, 3, 3, .. new byte[32], 0, 0, 2, 0x13, 1, 1, 0];

    public static WireChange[] All { get; } =
    [
        new("scrambled", null, Fuzz.Scramble.Bytes),
        new("scrambled", null, Fuzz.Scramble.Bytes),
        new("scrambled", null, Fuzz.Scramble.Bytes),
        new(
            "a scrambled head",
            null,
            static (dice, bytes) =>
            {
                var end = bytes.AsSpan().IndexOf("\r\n\r\n"u8);
                return [.. Fuzz.Scramble.Bytes(dice, bytes[..end]), .. bytes[end..]];
            }
        ),
        new(
            "a scrambled request line",
            null,
            static (dice, bytes) =>
            {
                var end = bytes.AsSpan().IndexOf((byte)'\n');
                return [.. Fuzz.Scramble.Bytes(dice, bytes[..end]), .. bytes[end..]];
            }
        ),
        new(
            "scrambled chunks",
            static (_, plan) => plan.IsChunked = true,
            static (dice, bytes) =>
            {
                var end = bytes.AsSpan().IndexOf("\r\n\r\n"u8) + 4;
                return [.. bytes[..end], .. Fuzz.Scramble.Bytes(dice, bytes[end..])];
            }
        ),
        new("cut off", null, static (dice, bytes) => bytes[..dice.Below(bytes.Length)]),
        new(
            "two spliced",
            null,
            static (dice, bytes) => [.. bytes[..dice.Below(bytes.Length)], .. bytes[dice.Below(bytes.Length)..], .. bytes]
        ),
        new("length and chunks", Both, null),
        new("two lengths", static (dice, plan) => plan.Framing = TwoLengths(dice, plan.Body.Length), null),
        new("an odd length", static (dice, plan) => plan.Framing = ["Content-Length: " + OddLength(dice, plan.Body.Length)], null),
        new("an odd coding", OddCoding, null),
        new("an odd chunk size", OddChunks, null),
        new(
            "a folded line",
            static (dice, plan) => plan.Lines.Add("X-Fold: a\r\n" + dice.Pick(" ", "\t", " ce-id: ", "\tContent-Length: ") + "0"),
            null
        ),
        new(
            "a blank before the colon",
            static (dice, plan) =>
                plan.LastLines.Add(
                    dice.Pick("X-A : b", "X-A\t: b", " X-A: b", "Content-Length : 3", "Transfer-Encoding : chunked", "ce-id : y")
                ),
            null
        ),
        new(
            "a line that is none",
            static (dice, plan) =>
                plan.LastLines.Add(
                    dice.Pick("X-A", ":", ": b", "X A: b", "X(A): b", "X\0A: b", "X-\xE9: b", "=", "ce-id", "\x7F: b", "X-A;: b")
                ),
            null
        ),
        new("a bare CR", static (dice, plan) => plan.LastLines.Add("X-A: b" + dice.Pick("\r", "\rX-B: c", "\r\rce-id: z", "\r \n")), null),
        new("a NUL", static (dice, plan) => plan.LastLines.Add(dice.Pick("X-A: a\0b", "ce-ext: a\0b", "ce-ext: \0", "X\0: b")), null),
        new(
            "controls in values",
            static (dice, plan) =>
                plan.LastLines.Add(
                    $"{dice.Pick("X-A", "ce-ext", "Content-Type", "traceparent", "Host")}: a{(char)dice.Pick(1, 8, 11, 12, 27, 31, 127, 128, 159)}b"
                ),
            null
        ),
        new("line feeds alone", static (_, plan) => plan.LineEnd = "\n", null),
        new("carriage returns alone", static (_, plan) => plan.LineEnd = "\r", null),
        new("lines that end twice", static (_, plan) => plan.LineEnd = "\r\r\n", null),
        new(
            "empty lines before",
            null,
            static (dice, bytes) => [.. Encoding.ASCII.GetBytes(dice.Pick("\r\n", "\r\n\r\n\r\n", "\n", "\r", " \r\n")), .. bytes]
        ),
        new("a large head", static (dice, plan) => plan.Lines.Add("X-Large: " + new string('x', dice.Between(8100, 40_000))), null),
        new(
            "many headers",
            static (dice, plan) =>
            {
                for (var i = dice.Between(500, 4000); i > 0; i--)
                {
                    plan.Lines.Add(dice.Pick("a:", "ce-a:", ":"));
                }
            },
            null
        ),
        new("a long request line", static (dice, plan) => plan.Target += "?" + new string('q', dice.Between(4000, 20_000)), null),
        new(
            "another version",
            static (dice, plan) =>
                plan.Version = dice.Pick(
                    "HTTP/1.0",
                    "HTTP/0.9",
                    "HTTP/2.0",
                    "HTTP/1.2",
                    "http/1.1",
                    "HTTP/1.1 ",
                    "HTTP/11",
                    "",
                    "HTTP/1.1x",
                    "HTP/1.1",
                    "HTTP/9.9"
                ),
            null
        ),
        new(
            "HTTP/1.0",
            static (dice, plan) =>
            {
                plan.Version = "HTTP/1.0";
                plan.IsChunked = false;
                plan.Lines.Add("Connection: " + dice.Pick("keep-alive", "close", "x"));
            },
            null
        ),
        new(
            "an odd method",
            static (dice, plan) =>
                plan.Method = dice.Pick(
                    "",
                    " POST",
                    "PO ST",
                    "POST\t",
                    "P\0ST",
                    "\xE9",
                    "CONNECT",
                    "PRI",
                    "GET/",
                    new string('M', 5000),
                    "POST "
                ),
            null
        ),
        new(
            "an odd target",
            static (dice, plan) =>
                plan.Target = dice.Pick(
                    "*",
                    "",
                    "x",
                    "//",
                    "http://",
                    "http://other.test" + plan.Target,
                    "fuzz.test:80",
                    "/\0",
                    "/%",
                    "/%zz",
                    "/é",
                    "/ x",
                    "\\",
                    plan.Target + "#f",
                    "http://fuzz.test:99999/",
                    "http:///x",
                    "/../.." + plan.Target,
                    plan.Target + "\t"
                ),
            null
        ),
        new(
            "no host",
            static (dice, plan) =>
                plan.Lines[0] = dice.Pick(
                    "X-No: host",
                    "Host:",
                    "Host: a b",
                    "Host: a,b",
                    "Host: \xE9",
                    "Host: a\r\nHost: b",
                    "Host: [",
                    "Host: a:b:c",
                    "Host: a/b",
                    "Host : a"
                ),
            null
        ),
        new(
            "an upgrade",
            static (dice, plan) =>
                plan.Lines.Add(
                    dice.Pick(
                        "Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__",
                        "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=="
                    )
                ),
            null
        ),
        new(
            "the end announced",
            static (dice, plan) => plan.Lines.Add("Connection: " + dice.Pick("close", "Close", "keep-alive, close", "close, x")),
            static (_, bytes) => [.. bytes, .. bytes]
        ),
        new(
            "something expected",
            static (dice, plan) => plan.Lines.Add("Expect: " + dice.Pick("100-continue", "100-Continue, x", "200-ok", "")),
            static (dice, bytes) => bytes[..^dice.Below(20)]
        ),
        new(
            "a length that is too large",
            static (dice, plan) =>
                plan.Framing = ["Content-Length: " + dice.Pick("16385", "1000000000", "9223372036854775807", "2147483648")],
            null
        ),
        new(
            "another protocol",
            null,
            static (dice, bytes) =>
                [
                    .. dice.Pick(
                        Hello,
                        "SSH-2.0-x\r\n"u8.ToArray(),
                        [5, 1, 0],
                        [4, 1, 0, 80, 127, 0, 0, 1, 0],
                        "PROXY TCP4 1.1.1.1 2.2.2.2 1 2\r\n"u8.ToArray(),
                        "\0"u8.ToArray(),
                        [0x80, 0x2E, 1, 0, 2],
                        "GET /healthz\r\n"u8.ToArray()
                    ),
                    .. dice.OneIn(2) ? bytes : [],
                ]
        ),
        new("half of another preface", null, static (dice, bytes) => [.. "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"u8[..dice.Below(24)], .. bytes]),
        new("noise", null, static (dice, _) => dice.Bytes(dice.Between(1, 600))),
    ];

    private static void Both(Dice dice, Plan plan)
    {
        var chunks = new MemoryStream();
        Plan.WriteChunks(dice, chunks, plan.Body);
        plan.Rest = chunks.ToArray();
        var length = "Content-Length: " + dice.Pick(plan.Rest.Length, plan.Body.Length, 0, 4).ToString(CultureInfo.InvariantCulture);
        var coding = dice.Pick("Transfer-Encoding: chunked", "transfer-encoding:chunked", "Transfer-Encoding: Chunked");
        plan.Framing = dice.OneIn(2) ? [length, coding] : [coding, length];
    }

    private static string[] TwoLengths(Dice dice, int length) =>
        dice.Below(4) switch
        {
            0 => [$"Content-Length: {length}", $"Content-Length: {length}"],
            1 => [$"Content-Length: {length}", "content-length: 0"],
            2 => [$"Content-Length: {length}, {length}"],
            _ => ["Content-Length: 3", $"Content-Length: {length}"],
        };

    private static string OddLength(Dice dice, int length) =>
        dice.Pick("+", "-", "0x", "0", " ", "1_", "\"", "", "00000000000000000000", "１", "99999999999999999999")
        + length.ToString(CultureInfo.InvariantCulture)
        + dice.Pick("", "", ".0", "e0", " ", ";", ",", " 1", "\"", "L");

    private static void OddCoding(Dice dice, Plan plan)
    {
        var chunks = new MemoryStream();
        Plan.WriteChunks(dice, chunks, plan.Body);
        plan.Rest = chunks.ToArray();
        plan.Version = dice.Pick("HTTP/1.1", "HTTP/1.1", "HTTP/1.1", "HTTP/1.0");
        plan.Framing =
        [
            "Transfer-Encoding: "
                + dice.Pick(
                    "chunked",
                    "chunked, chunked",
                    "chunked, identity",
                    "identity, chunked",
                    "gzip, chunked",
                    "identity",
                    "xchunked",
                    "chunked;q=1",
                    "chunk",
                    "\"chunked\"",
                    "",
                    "chunked,",
                    ",chunked",
                    "chunked\r\nTransfer-Encoding: identity",
                    "chunked\r\nTransfer-Encoding: chunked",
                    "\x0Bchunked",
                    "chunked\x0B",
                    "cow"
                ),
        ];
    }

    private static void OddChunks(Dice dice, Plan plan)
    {
        plan.IsChunked = true;
        var size = dice.Pick(
            "+5",
            "-5",
            "0x5",
            "5 ",
            " 5",
            "5;",
            "5;a",
            "5;a=\"b\r\n\"",
            "5;a\nb",
            "",
            "g",
            "5\t",
            "05",
            "00000000000000005",
            "ffffffffffffffff",
            "80000000",
            "7fffffff",
            "5\r",
            "5 5",
            "5,",
            "5\0"
        );
        var end = dice.Pick("\r\n", "\r\n", "\r\n", "\n", "\r", "");
        plan.Rest = Encoding.Latin1.GetBytes(
            $"{size}{end}hello{dice.Pick("\r\n", "\r\n", "\n", "", "x\r\n", "\r\n\r\n")}{dice.Pick("0\r\n\r\n", "0\r\n", "0\n\n", "", "0\r\n: \r\n\r\n", "0\r\nX: y\r\n\r\n", "-0\r\n\r\n", "0\r\nContent-Length: 9\r\n\r\n")}"
        );
    }
}
