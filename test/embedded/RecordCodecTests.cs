using Brokkr.Core.Log;
using Brokkr.Embedded.Storage;
using CsCheck;

namespace Brokkr.Embedded.Tests;

/// <summary>Any record is the same after it was stored, and no block of bytes does more harm than to be called damaged.</summary>
public sealed class RecordCodecTests
{
    private static readonly Gen<byte[]> Bytes = Gen.Byte.Array[0, 300];
    private static readonly Gen<byte[]?> BytesOrNull = Gen.OneOf(Gen.Const((byte[]?)null), Bytes.Select(bytes => (byte[]?)bytes));

    private static readonly Gen<(byte[]? Key, byte[]? Value, (byte[] Name, byte[]? Value)[] Headers)> Records = Gen.Select(
        BytesOrNull,
        BytesOrNull,
        Gen.Select(Bytes, BytesOrNull).Array[0, 20]
    );

    [Fact]
    public void A_record_comes_back_as_it_was() =>
        Records.Sample(
            (key, value, headers) =>
            {
                using var record = RecordBuffer.Rent();
                if (key is not null)
                {
                    record.SetKey(key);
                }

                if (value is not null)
                {
                    record.AppendValue(value);
                }

                foreach (var (name, content) in headers)
                {
                    if (content is null)
                    {
                        record.AddNullHeader(name);
                    }
                    else
                    {
                        record.AddHeader(name, content);
                    }
                }

                var block = new byte[RecordCodec.BoundOf(record)];
                var length = RecordCodec.Encode(record, block);
                var stored = RecordCodec.Decode(5, 7, block[..length]);
                Assert.Equal((5L, 7L), (stored.Offset, stored.Timestamp));
                Assert.Equal((key is not null, value is not null), (stored.HasKey, stored.HasValue));
                Assert.Equal(key ?? [], stored.Key);
                Assert.Equal(value ?? [], stored.Value.Span);
                Assert.Equal(headers.Length, stored.Headers.Length);
                for (var i = 0; i < headers.Length; i++)
                {
                    Assert.Equal(headers[i].Name, stored.NameOf(stored.Headers[i]));
                    Assert.Equal(headers[i].Value is null, stored.Headers[i].ValueLength < 0);
                    Assert.Equal(headers[i].Value ?? [], stored.ValueOf(stored.Headers[i]));
                }
            }
        );

    [Fact]
    public void Damaged_blocks_are_recognized_or_harmless() =>
        Gen.OneOf(Gen.Byte.Array[0, 60], Gen.Byte[0, 6].Array[0, 30], Gen.OneOf<byte>(0xff, 0x7f, 0, 1, 2).Array[0, 40])
            .Sample(block =>
            {
                try
                {
                    var record = RecordCodec.Decode(0, 0, block);
                    var size = record.Key.Length + record.Value.Length;
                    foreach (var header in record.Headers)
                    {
                        size += record.NameOf(header).Length + record.ValueOf(header).Length;
                    }

                    Assert.True(size <= block.Length);
                }
                catch (InvalidDataException e)
                {
                    Assert.Contains("damaged", e.Message);
                }
            });
}
