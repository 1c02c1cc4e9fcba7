using System.Text;
using Brokkr.Core.Contract.Wire;
using Brokkr.Core.Events;
using Brokkr.Core.Log;
using CsCheck;
using static Brokkr.Core.Tests.Events.EventTexts;

namespace Brokkr.Core.Tests.Events;

/// <summary>Events made of records that are none (dispatcher §4.1, §4.4; KSR-02).</summary>
public sealed class EventSynthesizerTests
{
    private const long Stamp = 1700000000123;
    private const string Made =
        "specversion=1.0\nid=partition:3/offset:42\nsource=/apis/v1/namespaces/ns/kafkasources/src#orders\ntype=dev.knative.kafka.event\n";
    private const string Place = "subject=partition:3#42\n";
    private const string Time = "time=2023-11-14T22:13:20.123Z\n";

    [Fact]
    public void A_plain_value() => Assert.Equal(Made + Place + Time + "Bytes: plain", Show(Make(Utf8("plain"))));

    [Fact]
    public void No_value_is_no_data_and_an_empty_one_is_data()
    {
        Assert.EndsWith("\nno data", Show(Make(value: null)), StringComparison.Ordinal);
        Assert.EndsWith("\nBytes: ", Show(Make([])), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("application/json", "content-type", "application/json")]
    [InlineData("text/plain; charset=utf-8", "content-type", "Text/PLAIN; Charset=UTF-8")]
    [InlineData("text/plain", "Content-Type", "text/plain")]
    [InlineData("text/css", "content-type", "text/plain", "Content-Type", "text/css")]
    [InlineData(null, "content-type", "")]
    public void The_content_type_is_lower_case_and_the_last_one(string? expected, params string[] headers)
    {
        var made = Make(Utf8("x"), headers: [.. headers.Chunk(2).Select(h => (h[0], (string?)h[1]))]);
        Assert.Equal(expected, made.Has(CoreAttribute.DataContentType) ? Text(made.Get(CoreAttribute.DataContentType)) : null);
        Assert.Equal(0, made.ExtensionCount);
    }

    [Theory]
    [InlineData("hello", "world", "kafkaheaderhello=world")]
    [InlineData("X-Custom_Header.1", "v", "kafkaheaderxcustomheader1=v")]
    [InlineData("empty", "", "kafkaheaderempty=")]
    [InlineData("null", null, "kafkaheadernull=")]
    [InlineData("---", "v", "kafkaheader=v")]
    [InlineData("h", "é\u0001", "kafkaheaderh=é\u0001")]
    [InlineData("ce_id", "v", "kafkaheaderceid=v")]
    public void Other_headers_are_extensions(string name, string? value, string expected) =>
        Assert.Contains(expected + "\n", Show(Make(Utf8("x"), headers: [(name, value)])), StringComparison.Ordinal);

    [Fact]
    public void Of_headers_that_collide_the_last_wins()
    {
        var made = Make(Utf8("x"), headers: [("a-b", "1"), ("ab", "2"), ("A_B", "3")]);
        Assert.Equal(1, made.ExtensionCount);
        Assert.Equal("3", Text(made.ExtensionValue(0)));
    }

    [Fact]
    public void A_header_that_is_no_UTF_8_is_repaired()
    {
        using var record = RecordBuffer.Rent();
        record.AddHeader("h"u8, [0x61, 0xFF]);
        Assert.Contains("kafkaheaderh=a\uFFFD\n", Show(Make(record)), StringComparison.Ordinal);
    }

    [Fact]
    public void Headers_beyond_what_an_event_can_have_are_left_out_and_the_key_is_not()
    {
        var made = Make(Utf8("x"), KeyType.String, [1], [.. Enumerable.Range(0, 3000).Select(i => ($"h{i}", (string?)"v"))]);
        Assert.Equal(EventBuffer.MaxExtensions, made.ExtensionCount);
        Assert.True(made.TryGetExtension("key"u8, out _));
    }

    [Theory]
    [InlineData(KeyType.String, "6b", "k")]
    [InlineData(KeyType.String, "313233", "123")]
    [InlineData(KeyType.String, "fffe", "\uFFFD\uFFFD")]
    [InlineData(KeyType.Integer, "00000007", "7")]
    [InlineData(KeyType.Integer, "fffffffe", "-2")]
    [InlineData(KeyType.Integer, "6162", "ab")]
    [InlineData(KeyType.Integer, "0000000000000007", "\0\0\0\0\0\0\0\u0007")]
    [InlineData(KeyType.Double, "400921fb54442d18", "3.141592653589793")]
    [InlineData(KeyType.Double, "4202a05f20000000", "1.0E10")]
    [InlineData(KeyType.Double, "3fc00000", "1.5")]
    [InlineData(KeyType.Double, "616263", "abc")]
    [InlineData(KeyType.ByteArray, "ff0001", "/wAB")]
    [InlineData(KeyType.ByteArray, "616263", "YWJj")]
    [InlineData((KeyType)77, "6b", "k")]
    public void The_key_is_read_by_its_type(KeyType type, string hex, string expected)
    {
        var made = Make(Utf8("x"), type, Convert.FromHexString(hex));
        foreach (var name in new[] { "partitionkey", "key" })
        {
            Assert.True(made.TryGetExtension(Utf8(name), out var value));
            Assert.Equal(expected, Text(value));
        }

        var isInteger = type == KeyType.Integer && hex.Length == 8;
        Assert.Equal(isInteger ? AttributeType.Integer : AttributeType.String, made.ExtensionType(0));
    }

    [Theory]
    [InlineData(KeyType.Integer)]
    [InlineData(KeyType.ByteArray)]
    public void No_key_and_an_empty_one_are_left_out(KeyType type)
    {
        Assert.Equal(0, Make(Utf8("x"), type).ExtensionCount);
        Assert.Equal(0, Make(Utf8("x"), type, []).ExtensionCount);
    }

    [Theory]
    [InlineData(0, "1970-01-01T00:00:00Z")]
    [InlineData(1700000000000, "2023-11-14T22:13:20Z")]
    [InlineData(1700000000120, "2023-11-14T22:13:20.12Z")]
    [InlineData(-1, "1969-12-31T23:59:59.999Z")]
    [InlineData(long.MaxValue, null)]
    [InlineData(long.MinValue, null)]
    public void The_time_is_that_of_the_record(long stamp, string? expected)
    {
        using var record = RecordBuffer.Rent();
        var made = Synthesizer(KeyType.String).Make(StoredRecord.From(record, 42, stamp), "orders"u8, 3);
        Assert.Equal(expected, made.Has(CoreAttribute.Time) ? Text(made.Get(CoreAttribute.Time)) : null);
    }

    [Fact]
    public void Every_record_becomes_an_event_that_can_be_sent()
    {
        Gen.Select(
                Gen.Byte.Array[0, 20],
                Gen.Byte.Array[0, 20],
                Gen.Select(Gen.String[0, 10], Gen.Byte.Array[0, 10]).Array[0, 5],
                Gen.Enum<KeyType>(),
                Gen.Long
            )
            .Sample(
                (value, key, headers, type, stamp) =>
                {
                    using var record = RecordBuffer.Rent();
                    record.AppendValue(value);
                    record.SetKey(key);
                    foreach (var (name, content) in headers)
                    {
                        record.AddHeader(Encoding.UTF8.GetBytes(name), content);
                    }

                    var made = Synthesizer(type).Make(StoredRecord.From(record, 42, stamp), "orders"u8, 3);
                    for (var i = 0; i < made.ExtensionCount; i++)
                    {
                        Assert.All(HttpBinding.EncodeValue(made.ExtensionValue(i)), c => Assert.InRange(c, '!', '~'));
                    }

                    using var json = System.Text.Json.JsonDocument.Parse(Written(made));
                    return made.Data.Span.SequenceEqual(value) && json.RootElement.GetProperty("id").GetString() == "partition:3/offset:42";
                }
            );
    }

    private static EventSynthesizer Synthesizer(KeyType type) => new("ns", "kafkasources", "src", type);

    private static CloudEvent Make(
        byte[]? value,
        KeyType type = KeyType.String,
        byte[]? key = null,
        params (string Name, string? Value)[] headers
    )
    {
        using var record = RecordBuffer.Rent();
        Fill(record, value, headers);
        if (key is not null)
        {
            record.SetKey(key);
        }

        return Make(record, type);
    }

    private static CloudEvent Make(RecordBuffer record, KeyType type = KeyType.String) =>
        Synthesizer(type).Make(StoredRecord.From(record, 42, Stamp), "orders"u8, 3);
}
