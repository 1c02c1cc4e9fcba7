using System.Buffers;
using System.Runtime.InteropServices;
using Brokkr.Core.Log;
using CsCheck;

namespace Brokkr.Core.Tests.Log;

public sealed class RecordBufferTests
{
    [Fact]
    public void A_rented_record_is_empty()
    {
        using var record = RecordBuffer.Rent();
        Assert.False(record.HasKey);
        Assert.False(record.HasValue);
        Assert.Equal(0, record.HeaderCount);
        Assert.Equal(0, record.SizeInBytes);
    }

    [Fact]
    public void Null_and_empty_differ_for_key_value_and_header()
    {
        using var record = RecordBuffer.Rent();
        record.SetKey([]);
        record.AppendValue([]);
        record.AddHeader("a"u8, []);
        record.AddNullHeader("b"u8);
        Assert.True(record.HasKey);
        Assert.True(record.HasValue);
        Assert.True(record.HeaderHasValue(0));
        Assert.False(record.HeaderHasValue(1));
        Assert.True(record.HeaderValue(1).IsEmpty);
    }

    [Fact]
    public void Header_names_end_in_a_NUL_for_C_clients()
    {
        using var record = RecordBuffer.Rent();
        record.AddHeader("ce_"u8, "id"u8, "value"u8);
        var name = record.HeaderName(0);
        Assert.Equal("ce_id"u8, name);
        var withNext = MemoryMarshal.CreateReadOnlySpan(ref MemoryMarshal.GetReference(name), name.Length + 1);
        Assert.Equal(0, withNext[^1]);
    }

    [Fact]
    public void Clearing_and_pooling_leave_nothing_behind()
    {
        using (var first = RecordBuffer.Rent())
        {
            first.SetKey("k"u8);
            first.AppendValue("v"u8);
            first.AddHeader("h"u8, "x"u8);
            first.Clear();
            Assert.False(first.HasKey || first.HasValue || first.HeaderCount != 0);
            first.SetKey("k"u8);
        }

        using var again = RecordBuffer.Rent();
        Assert.False(again.HasKey || again.HasValue || again.HeaderCount != 0);
    }

    [Fact]
    public void The_value_can_be_written_through_the_buffer_writer_interface()
    {
        using var record = RecordBuffer.Rent();
        IBufferWriter<byte> writer = record;
        writer.Write("one "u8);
        writer.GetSpan()[0] = (byte)'2';
        writer.Advance(1);
        "!"u8.CopyTo(writer.GetMemory(1).Span);
        writer.Advance(1);
        Assert.Equal("one 2!"u8, record.Value);
    }

    [Fact]
    public void Whatever_is_put_in_comes_out_also_after_it_is_stored()
    {
        var bytes = Gen.Byte.Array[0, 3000];
        var header = Gen.Select(Gen.Byte.Array[1, 40], Gen.OneOf(bytes.Select(b => (byte[]?)b), Gen.Const((byte[]?)null)));
        Gen.Select(
                Gen.OneOf(bytes.Select(b => (byte[]?)b), Gen.Const((byte[]?)null)),
                Gen.OneOf(bytes.Array[0, 5].Select(b => (byte[][]?)b), Gen.Const((byte[][]?)null)),
                header.Array[0, 30]
            )
            .Sample((key, parts, headers) => RoundTrips(key, parts, headers));
    }

    private static bool RoundTrips(byte[]? key, byte[][]? parts, (byte[], byte[]?)[] headers)
    {
        using var record = RecordBuffer.Rent();
        if (key is not null)
        {
            record.SetKey(key);
        }

        foreach (var part in parts ?? [])
        {
            record.AppendValue(part);
        }

        foreach (var (name, value) in headers)
        {
            if (value is null)
            {
                record.AddNullHeader(name);
            }
            else
            {
                record.AddHeader(name, value);
            }
        }

        var all = parts is { Length: > 0 } ? parts.SelectMany(p => p).ToArray() : null;
        var stored = StoredRecord.From(record, 7, 1234);
        Assert.Equal((7, 1234), (stored.Offset, stored.Timestamp));
        Assert.Equal(key is not null, stored.HasKey);
        Assert.Equal(key ?? [], stored.Key.ToArray());
        Assert.Equal(all is not null, stored.HasValue);
        Assert.Equal(all ?? [], stored.Value.ToArray());
        Assert.Equal(headers.Length, stored.Headers.Length);
        for (var i = 0; i < headers.Length; i++)
        {
            var slice = stored.Headers[i];
            Assert.Equal(headers[i].Item1, stored.NameOf(slice).ToArray());
            Assert.Equal(headers[i].Item2 is not null, slice.ValueLength >= 0);
            Assert.Equal(headers[i].Item2 ?? [], stored.ValueOf(slice).ToArray());
            Assert.Equal(headers[i].Item1, record.HeaderName(i).ToArray());
            Assert.Equal(headers[i].Item2 ?? [], record.HeaderValue(i).ToArray());
        }

        var size = (key?.Length ?? 0) + (all?.Length ?? 0) + headers.Sum(h => h.Item1.Length + (h.Item2?.Length ?? 0));
        return record.SizeInBytes == size && stored.SizeInMemory >= size;
    }
}
