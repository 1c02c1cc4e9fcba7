using System.Buffers.Text;
using Brokkr.Core.Events;
using Brokkr.Core.Log;

namespace Brokkr.Dispatcher.Delivery;

/// <summary>
/// How many replies led to an event, in the record header <c>brokkr_hops</c>, so that Triggers that answer each other come to an end (RTE-08). Subscribers
/// do not see it. A reply that no Trigger here wants does not carry it: nothing follows from it.
/// </summary>
internal static class ReplyHops
{
    private static ReadOnlySpan<byte> Header => "brokkr_hops"u8;

    /// <summary>Replies that led to a record; 0 for one that is no reply.</summary>
    public static int Of(StoredRecord record)
    {
        foreach (ref readonly var header in record.Headers)
        {
            if (record.NameOf(header).SequenceEqual(Header))
            {
                return Utf8Parser.TryParse(record.ValueOf(header), out int hops, out _) ? Math.Max(0, hops) : 0;
            }
        }

        return 0;
    }

    /// <summary>Says how many replies, this one included, led to it.</summary>
    public static void Mark(EventBuffer reply, int hops)
    {
        Span<byte> text = stackalloc byte[11];
        Utf8Formatter.TryFormat(hops, text, out var length);
        reply.AddRecordHeader(Header, text[..length]);
    }
}
