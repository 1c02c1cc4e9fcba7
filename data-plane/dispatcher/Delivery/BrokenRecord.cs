using System.Buffers.Text;
using System.Text;
using Brokkr.Core.Log;
using Brokkr.Dispatcher.Feed;

namespace Brokkr.Dispatcher.Delivery;

/// <summary>Writes a record that is no event as a dead letter: key, headers and value as they are, then why it was not delivered and where it lay.</summary>
internal static class BrokenRecord
{
    /// <summary>Writes it.</summary>
    /// <param name="broken">The record.</param>
    /// <param name="to">Gets it.</param>
    /// <param name="withValue">False leaves the value out.</param>
    public static void Write(FeedRecord broken, RecordBuffer to, bool withValue)
    {
        var record = broken.Record;
        foreach (ref readonly var header in record.Headers)
        {
            if (header.ValueLength < 0)
            {
                to.AddNullHeader(record.NameOf(header));
            }
            else
            {
                to.AddHeader(record.NameOf(header), record.ValueOf(header));
            }
        }

        to.AddHeader("brokkr_reason"u8, Encoding.UTF8.GetBytes(broken.Problem ?? ""));
        Add(to, "brokkr_partition"u8, broken.Partition.Partition.Partition);
        Add(to, "brokkr_offset"u8, record.Offset);
        if (record.HasKey)
        {
            to.SetKey(record.Key);
        }

        if (record.HasValue && withValue)
        {
            to.AppendValue(record.Value.Span);
        }
    }

    private static void Add(RecordBuffer to, ReadOnlySpan<byte> name, long number)
    {
        Span<byte> text = stackalloc byte[20];
        Utf8Formatter.TryFormat(number, text, out var length);
        to.AddHeader(name, text[..length]);
    }
}
