using System.Buffers;
using System.Buffers.Binary;
using System.Text;

namespace Brokkr.Receiver.Http;

/// <summary>W3C trace context on its way through the receiver (receiver-and-core §14.3).</summary>
internal static class TraceContext
{
    private static readonly SearchValues<char> LowerHex = SearchValues.Create("0123456789abcdef");

    /// <summary>Length of a <c>traceparent</c> of version 00.</summary>
    public const int Length = 55;

    /// <summary>
    /// Writes the <c>traceparent</c> of a record: trace id and flags of the request, a new span id.
    /// </summary>
    /// <param name="header">The request's <c>traceparent</c>.</param>
    /// <param name="output">Room for <see cref="Length"/> bytes.</param>
    /// <returns>False if the header is not valid; then nothing of the trace context is carried on.</returns>
    public static bool TryContinue(string header, Span<byte> output)
    {
        // Later versions may append fields after a dash; version 00 may not, and ff is forbidden.
        var text = header.AsSpan().Trim();
        if (
            text.Length < Length
            || text[2] != '-'
            || text[35] != '-'
            || text[52] != '-'
            || !IsHex(text[..2])
            || text[..2] is "ff"
            || (text.Length > Length && (text[..2] is "00" || text[Length] != '-'))
            || !IsHex(text[3..35])
            || !IsHex(text[36..52])
            || !IsHex(text[53..55])
            || text[3..35].IndexOfAnyExcept('0') < 0
            || text[36..52].IndexOfAnyExcept('0') < 0
        )
        {
            return false;
        }

        "00-"u8.CopyTo(output);
        Encoding.ASCII.GetBytes(text[3..36], output[3..]);
        Span<byte> span = stackalloc byte[8];
        BinaryPrimitives.WriteInt64BigEndian(span, Random.Shared.NextInt64(1, long.MaxValue));
        Convert.TryToHexStringLower(span, output[36..], out _);
        Encoding.ASCII.GetBytes(text[52..55], output[52..]);
        return true;
    }

    private static bool IsHex(ReadOnlySpan<char> text) => !text.ContainsAnyExcept(LowerHex);
}
