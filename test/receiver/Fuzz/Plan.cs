using System.Globalization;
using System.Text;

namespace Brokkr.Receiver.Tests.Fuzz;

/// <summary>A request before it is written down. Texts are on their way to the wire: every character is one byte.</summary>
internal sealed class Plan
{
    public string Method { get; set; } = "POST";

    public required string Target { get; set; }

    public string Version { get; set; } = "HTTP/1.1";

    /// <summary>The <c>ce-</c> headers of an event in binary mode, their names without the prefix.</summary>
    public List<(string Name, string Wire)> Attributes { get; } = [];

    /// <summary>All other lines of the head, but for those that frame the body.</summary>
    public List<string> Lines { get; } = ["Host: fuzz.test"];

    /// <summary>Lines that must come last, in their order.</summary>
    public List<string> LastLines { get; } = [];

    public byte[] Body { get; set; } = [];

    /// <summary>The lines that frame the body, instead of the right ones.</summary>
    public string[]? Framing { get; set; }

    /// <summary>What stands after the head, instead of the body.</summary>
    public byte[]? Rest { get; set; }

    /// <summary>Whether the body comes in chunks.</summary>
    public bool IsChunked { get; set; }

    /// <summary>Ends lines of the head.</summary>
    public string LineEnd { get; set; } = "\r\n";

    public void Write(Dice dice, MemoryStream to)
    {
        var lines = new List<string>(Lines);
        foreach (var (name, wire) in Attributes)
        {
            lines.Add(
                $"{dice.Pick("ce-", "ce-", "Ce-", "CE-", "cE-")}{name}:{dice.Pick(" ", " ", "", "\t ")}{wire}{dice.Pick("", "", "", " ")}"
            );
        }

        if (dice.OneIn(3))
        {
            dice.Shuffle(lines);
        }

        var head = new StringBuilder().Append(Method).Append(' ').Append(Target).Append(' ').Append(Version).Append(LineEnd);
        foreach (var line in lines)
        {
            head.Append(line).Append(LineEnd);
        }

        foreach (var line in LastLines)
        {
            head.Append(line).Append(LineEnd);
        }

        var rest = Rest ?? Body;
        foreach (var line in Framing ?? (IsChunked ? ["Transfer-Encoding: chunked"] : [$"Content-Length: {rest.Length}"]))
        {
            head.Append(line).Append(LineEnd);
        }

        to.Write(Encoding.Latin1.GetBytes(head.Append(LineEnd).ToString()));
        if (IsChunked && Rest is null)
        {
            WriteChunks(dice, to, Body);
        }
        else
        {
            to.Write(rest);
        }
    }

    public static void WriteChunks(Dice dice, MemoryStream to, byte[] body)
    {
        for (var at = 0; at < body.Length; )
        {
            var size = Math.Min(body.Length - at, dice.Pick(1, 2, 7, 100, 100_000));
            var digits = size.ToString(dice.Pick("x", "X", "x4"), CultureInfo.InvariantCulture);
            to.Write(Encoding.ASCII.GetBytes(digits + dice.Pick("", "", "", ";a=b", ";x") + "\r\n"));
            to.Write(body, at, size);
            to.Write("\r\n"u8);
            at += size;
        }

        to.Write(
            Encoding.ASCII.GetBytes(dice.Pick("0\r\n\r\n", "0\r\n\r\n", "000\r\n\r\n", "0\r\nX-Trailer: x\r\nce-id: trailer\r\n\r\n"))
        );
    }
}
