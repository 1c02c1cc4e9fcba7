using System.Globalization;
using System.Text;

namespace Brokkr.Receiver.Tests.Fuzz;

/// <summary>An answer: its status, whether it is a problem document, whether the connection ends with it.</summary>
internal sealed record Answer(int Status, bool IsProblem, bool Closes, string Text);

/// <summary>Takes answers apart as they come. Anything that is not an answer as the receiver gives it is a fault.</summary>
/// <param name="isHead">Whether the request of that number asked for no body.</param>
internal sealed class Answers(Func<int, bool> isHead)
{
    private static ReadOnlySpan<byte> GoAway => [0, 0, 8, 7];

    private byte[] _bytes = new byte[32 * 1024];
    private int _length;
    private int _read;

    /// <summary>The answers so far.</summary>
    public List<Answer> All { get; } = [];

    /// <summary>What is no answer.</summary>
    public string? Fault { get; private set; }

    /// <summary>What has come of an answer that is not whole.</summary>
    public string Rest => Encoding.Latin1.GetString(_bytes, _read, _length - _read);

    /// <summary>Room for what comes next.</summary>
    public Memory<byte> Room()
    {
        if (_length == _bytes.Length)
        {
            Array.Resize(ref _bytes, _length * 2);
        }

        return _bytes.AsMemory(_length);
    }

    /// <summary>Counts what has come.</summary>
    public void Came(int bytes)
    {
        _length += bytes;
        while (Fault is null && Next()) { }
    }

    private bool Next()
    {
        var bytes = _bytes.AsSpan(_read, _length - _read);
        if (bytes.StartsWith(GoAway))
        {
            // The web server says so to who speaks half of HTTP/2 where HTTP/1.1 was spoken before.
            return false;
        }

        if (bytes.IsEmpty)
        {
            return false;
        }

        if (!bytes.StartsWith("HTTP/1.1 "u8[..Math.Min(9, bytes.Length)]))
        {
            Fault = "no answer: " + Rest;
            return false;
        }

        var end = bytes.IndexOf("\r\n\r\n"u8);
        if (end < 0)
        {
            return false;
        }

        var head = Encoding.Latin1.GetString(bytes[..(end + 2)]);
        var status = int.Parse(head.AsSpan(9, 3), CultureInfo.InvariantCulture);
        if (status == 100)
        {
            _read += end + 4;
            return true;
        }

        var length = isHead(All.Count) ? 0 : Length(head);
        if (length < 0)
        {
            Fault = "an answer without a length: " + head;
            return false;
        }

        if (bytes.Length < end + 4 + length)
        {
            return false;
        }

        var body = length == 0 ? "" : Encoding.UTF8.GetString(bytes.Slice(end + 4, length));
        var isProblem = head.Contains("\r\nContent-Type: application/problem+json\r\n", StringComparison.Ordinal);
        if (isProblem && length > 0 && !body.StartsWith("{\"type\":\"https://brokkr.dev/problems/", StringComparison.Ordinal))
        {
            Fault = "no problem document: " + body;
        }

        All.Add(new Answer(status, isProblem, head.Contains("\r\nConnection: close\r\n", StringComparison.Ordinal), head + body));
        _read += end + 4 + length;
        return true;
    }

    private static int Length(string head)
    {
        const string name = "\r\nContent-Length: ";
        var at = head.IndexOf(name, StringComparison.Ordinal);
        if (at < 0)
        {
            return -1;
        }

        at += name.Length;
        return int.Parse(head.AsSpan(at, head.IndexOf('\r', at) - at), CultureInfo.InvariantCulture);
    }
}
