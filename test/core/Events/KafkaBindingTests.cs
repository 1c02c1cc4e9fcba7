using System.Text;
using Brokkr.Core.Events;
using Brokkr.Core.Log;
using CsCheck;
using static Brokkr.Core.Tests.Events.EventTexts;

namespace Brokkr.Core.Tests.Events;

/// <summary>Records to events (dispatcher §4.2, §4.3; conformance §13).</summary>
public sealed class KafkaBindingTests
{
    private const string Minimal = "specversion=1.0\nid=1\nsource=/s\ntype=t";

    private static StoredRecord Binary(byte[]? value, params (string, string?)[] more) =>
        Record(value, [("ce_specversion", "1.0"), ("ce_id", "1"), ("ce_source", "/s"), ("ce_type", "t"), .. more]);

    private static StoredRecord Binary(params (string, string?)[] more) => Binary(null, more);

    private static StoredRecord Structured(
        string json,
        string contentType = "application/cloudevents+json",
        params (string, string?)[] more
    ) => Record(Utf8(json), [("content-type", contentType), .. more]);

    private static Gen<string> OneOf(params string[] texts) => Gen.Int[0, texts.Length - 1].Select(i => texts[i]);

    private static EventErrorKind ErrorOf(StoredRecord record)
    {
        var error = KafkaBinding.Decode(record, out var e);
        Assert.True(error.IsError);
        Assert.Null(e);
        Assert.NotNull(error.Message);
        return error.Kind;
    }

    [Fact]
    public void CEK_02_CEK_03_CEK_04_CEK_05_a_binary_record_is_decoded_without_copying_it()
    {
        var record = Binary(
            Utf8("hello"),
            ("content-type", "text/plain"),
            ("ce_subject", "s"),
            ("ce_time", "2024-01-02T03:04:05.12+01:00"),
            ("ce_dataschema", "a/b"),
            ("ce_ext", "€ %25"),
            ("traceparent", "x")
        );
        var e = Decoded(record);
        Assert.Equal(
            "specversion=1.0\nid=1\nsource=/s\ntype=t\ndatacontenttype=text/plain\ndataschema=a/b\nsubject=s\ntime=2024-01-02T03:04:05.12+01:00\next=€ %25\nBytes: hello",
            Show(e)
        );
        Assert.True(record.Block.Span.Overlaps(e.Get(CoreAttribute.Id)));
        Assert.True(record.Block.Span.Overlaps(e.ExtensionValue(0)));
        Assert.True(record.Block.Span.Overlaps(e.Data.Span));
        Assert.True(e.TryGetExtension("ext"u8, out var value) && value.SequenceEqual("€ %25"u8));
        Assert.False(e.TryGetExtension("traceparent"u8, out _)); // CEK-14
    }

    [Fact]
    public void CEK_06_CEK_07_OEG_10_null_is_no_data_and_empty_is_data()
    {
        Assert.Equal(Minimal + "\nno data", Show(Decoded(Binary())));
        Assert.Equal(Minimal + "\nBytes: ", Show(Decoded(Binary(Array.Empty<byte>()))));
    }

    [Theory] // what the original accepts is delivered
    [InlineData("ce_id", "")]
    [InlineData("ce_type", "")]
    [InlineData("ce_source", "")]
    [InlineData("ce_subject", "")]
    [InlineData("ce_dataschema", "")]
    [InlineData("ce_ext", "")]
    [InlineData("ce_subject", "a\tb\u0001c")]
    [InlineData("ce_data", "v")]
    [InlineData("content-type", "")]
    [InlineData("ce_source", "/café")]
    public void Is_accepted_although_it_is_not_quite_an_event(string name, string value)
    {
        var headers = new[] { ("ce_specversion", "1.0"), ("ce_id", "1"), ("ce_source", "/s"), ("ce_type", "t") }.Where(h =>
            h.Item1 != name
        );
        var e = Decoded(Record(null, [.. headers.Select(h => (h.Item1, (string?)h.Item2)), (name, value)]));
        var attribute = name == "content-type" ? "datacontenttype" : name[3..];
        Assert.Contains($"{attribute}={value}\n", Show(e));
    }

    [Theory]
    [InlineData("2024-01-02t03:04:05z", "2024-01-02T03:04:05Z")]
    [InlineData("2024-01-02T03:04Z", "2024-01-02T03:04:00Z")]
    [InlineData("2024-01-02T03:04:05.120000Z", "2024-01-02T03:04:05.12Z")]
    [InlineData("2024-01-02T03:04:05+00:00", "2024-01-02T03:04:05Z")]
    [InlineData("2024-01-02T03:04:05+02:00", "2024-01-02T03:04:05+02:00")]
    [InlineData("2024-01-02T03:04:05.123456789Z", "2024-01-02T03:04:05.123456789Z")]
    [InlineData("2024-01-02T03:04:05.1234567891Z", "2024-01-02T03:04:05.1234567891Z")] // CEC-11: what we accepted we deliver
    public void CEC_11_times_come_out_in_canonical_form(string stored, string delivered) =>
        Assert.Equal($"{Minimal}\ntime={delivered}\nno data", Show(Decoded(Binary(("ce_time", stored)))));

    [Theory]
    [InlineData("ce_time", "2024-01-02T03:04:05")]
    [InlineData("ce_time", "2024-01-02 03:04:05Z")]
    [InlineData("ce_time", "2016-12-31T23:59:60Z")]
    [InlineData("ce_time", "yesterday")]
    [InlineData("ce_time", "")]
    [InlineData("ce_dataschema", "a b")]
    [InlineData("ce_source", "http://a b")]
    [InlineData("ce_specversion", "2.0")]
    [InlineData("ce_my-ext", "v")]
    [InlineData("ce_my_ext", "v")]
    [InlineData("ce_ext", null)]
    public void OEG_09_is_no_valid_event(string name, string? value) =>
        Assert.Equal(EventErrorKind.Invalid, ErrorOf(Binary((name, value))));

    [Theory]
    [InlineData("ce_id")]
    [InlineData("ce_source")]
    [InlineData("ce_type")]
    public void Without_a_required_attribute_it_is_no_valid_event(string name)
    {
        var others = new[] { ("ce_specversion", "1.0"), ("ce_id", "1"), ("ce_source", "/s"), ("ce_type", "t") }.Where(h => h.Item1 != name);
        (string, string?)[] headers = [.. others.Select(h => (h.Item1, (string?)h.Item2))];
        Assert.Equal(EventErrorKind.Invalid, ErrorOf(Record(null, headers)));
        Assert.Equal(EventErrorKind.Invalid, ErrorOf(Record(null, [.. headers, (name, null)])));
    }

    [Fact]
    public void A_record_that_does_not_mean_to_be_an_event_is_told_apart()
    {
        Assert.Equal(EventErrorKind.NotAnEvent, ErrorOf(Record(Utf8("plain"), ("content-type", "text/plain"), ("x", "y"))));
        Assert.Equal(EventErrorKind.NotAnEvent, ErrorOf(Record(null)));
        Assert.Equal(EventErrorKind.NotAnEvent, ErrorOf(Record(null, ("ce_id", "1"), ("ce_source", "/s"), ("ce_type", "t"))));
        Assert.Equal(EventErrorKind.NotAnEvent, ErrorOf(Record(null, ("CE_SPECVERSION", "1.0"), ("ce_id", "1"))));
    }

    [Fact]
    public void The_last_of_equal_headers_counts()
    {
        var record = Binary(("ce_id", "2"), ("content-type", "a/b"), ("content-type", "c/d"), ("ce_ext", "1"), ("ce_ext", "2"));
        Assert.Equal("specversion=1.0\nid=2\nsource=/s\ntype=t\ndatacontenttype=c/d\next=2\nno data", Show(Decoded(record)));
    }

    [Fact]
    public void Names_are_lowered_after_the_prefix_and_the_prefix_is_case_sensitive()
    {
        Assert.Equal(
            Minimal + "\nsubject=s\nmyext=v\nno data",
            Show(Decoded(Binary(("ce_Subject", "s"), ("ce_MyExt", "v"), ("CE_OTHER", "x"), ("Ce_Other", "x"), ("ce_", "x"))))
        );
        Assert.Equal(Minimal + "\nno data", Show(Decoded(Binary(("Content-Type", "text/plain")))));
        Assert.Equal(
            "specversion=1.0\nid=1\nsource=/s\ntype=t\ndatacontenttype=text/css\nno data",
            Show(Decoded(Binary(("ce_datacontenttype", "text/css"))))
        );
    }

    [Fact]
    public void Malformed_UTF8_is_repaired_so_that_the_event_can_be_sent_on()
    {
        using var record = RecordBuffer.Rent();
        foreach (var (name, value) in new[] { ("ce_specversion", "1.0"), ("ce_id", "1"), ("ce_source", "/s"), ("ce_type", "t") })
        {
            record.AddHeader(Utf8(name), Utf8(value));
        }

        record.AddHeader("ce_subject"u8, [(byte)'a', 0xFF]);
        record.AppendValue("data"u8);
        Assert.Equal(Minimal + "\nsubject=a\uFFFD\nBytes: data", Show(Decoded(StoredRecord.From(record, 0, 0))));
    }

    [Fact]
    public void CEC_02_version_03_keeps_its_version_and_its_schema()
    {
        var record = Record(
            Utf8("x"),
            ("ce_schemaurl", "http://x/y"),
            ("ce_dataschema", "ext"),
            ("ce_datacontentencoding", "base64"),
            ("ce_specversion", "0.3"),
            ("ce_id", "1"),
            ("ce_source", "/s"),
            ("ce_type", "t")
        );
        var e = Decoded(record);
        Assert.Equal("specversion=0.3\nid=1\nsource=/s\ntype=t\nschemaurl=http://x/y\ndataschema=ext\nBytes: x", Show(e));
        Assert.Equal("specversion=1.0\nid=1\nsource=/s\ntype=t\ndataschema=http://x/y\nBytes: x", Show(e.ToVersion10()));
        var one = Event();
        Assert.Same(one, one.ToVersion10());
    }

    [Theory]
    [InlineData("application/cloudevents+json")]
    [InlineData("application/cloudevents+json; charset=UTF-8")]
    [InlineData("application/CloudEvents+JSON ; charset=utf-8")]
    public void CEK_01_CEK_02_CEK_08_CEK_09_structured_records(string contentType)
    {
        var record = Structured(
            """{"specversion":"1.0","id":"1","source":"/s","type":"t","i":7,"b":true,"o":{"a" : [1, "x y"]},"n":null,"empty":"","data":{ "a" : 1.10 }}""",
            contentType,
            ("ce_specversion", "1.0"),
            ("ce_id", "header")
        );
        Assert.Equal(
            """
            specversion=1.0
            id=1
            source=/s
            type=t
            datacontenttype=application/json
            i=7 (Integer)
            b=true (Boolean)
            o={"a":[1,"x y"]}
            empty=
            Json: { "a" : 1.10 }
            """,
            Show(Decoded(record))
        );
    }

    [Theory]
    [InlineData("""{"specversion":"1.0","id":"","source":"","type":""}""")]
    [InlineData("""{"specversion":"1.0","id":"0","id":"1","source":"/s","type":"t"}""")]
    [InlineData("""{"specversion":"1.0","id":"1","source":"/s","type":"t","subject":"a\nb"}""")]
    [InlineData("""{"specversion":"1.0","id":"1","source":"/s","type":"t","time":"2024-01-02T03:04Z"}""")]
    public void Structured_records_that_the_original_accepts(string json) => Decoded(Structured(json));

    [Theory]
    [InlineData("")]
    [InlineData("[1]")]
    [InlineData("""{"specversion":"1.0","id":""")]
    [InlineData("""{"specversion":"1.0","source":"/s","type":"t"}""")]
    [InlineData("""{"id":"1","source":"/s","type":"t"}""")]
    [InlineData("""{"specversion":"1.1","id":"1","source":"/s","type":"t"}""")]
    [InlineData("""{"specversion":"1.0","id":5,"source":"/s","type":"t"}""")]
    [InlineData("""{"specversion":"1.0","id":"1","source":"/s","type":"t","Ext":"v"}""")]
    [InlineData("""{"specversion":"1.0","id":"1","source":"/s","type":"t","my_ext":"v"}""")]
    [InlineData("""{"specversion":"1.0","id":"1","source":"/s","type":"t","ext":2147483648}""")]
    [InlineData("""{"specversion":"1.0","id":"1","source":"/s","type":"t","ext":1.5}""")]
    [InlineData("""{"specversion":"1.0","id":"1","source":"/s","type":"t","data":"x","data_base64":"AAEC"}""")]
    [InlineData("""{"specversion":"1.0","id":"1","source":"/s","type":"t","data_base64":"***"}""")]
    [InlineData("""{"specversion":"1.0","id":"1","source":"/s","type":"t","datacontenttype":"text/plain","data":{"a":1}}""")]
    public void OEG_09_structured_records_that_are_no_valid_event(string json) =>
        Assert.Equal(EventErrorKind.Invalid, ErrorOf(Structured(json)));

    [Theory]
    [InlineData("application/cloudevents-batch+json")]
    [InlineData("application/cloudevents+avro")]
    [InlineData("application/cloudevents")]
    public void CEK_13_other_formats_and_batches_are_not_taken(string contentType)
    {
        Assert.Equal(EventErrorKind.UnsupportedMediaType, ErrorOf(Structured("[]", contentType, ("ce_specversion", "1.0"))));
    }

    [Fact]
    public void A_record_with_too_many_attributes_is_refused()
    {
        (string, string?)[] many = [.. Enumerable.Range(0, 2000).Select(i => ($"ce_e{i}", (string?)"v"))];
        Assert.Equal(EventErrorKind.Invalid, ErrorOf(Binary(many)));
        Assert.Equal(1000, Decoded(Binary(many[..1000])).ExtensionCount);
    }

    [Fact]
    public void What_the_receiver_stores_is_what_the_dispatcher_reads()
    {
        var name = Gen.Char["abcdefghijklmnopqrstuvwxyz0123456789"].Array[1, 12].Select(c => "x" + new string(c));
        var text = PercentCodingTests.UnicodeText.Where(t => AttributeText.Fault(Utf8(t)) is null);
        Gen.Select(Gen.Dictionary(name, text)[0, 40], text, Gen.Byte.Array[0, 200], Gen.Bool)
            .Sample(
                (extensions, subject, data, isVersion03) =>
                {
                    using var buffer = EventBuffer.Rent();
                    var headers = Headers(
                        ("ce-specversion", isVersion03 ? "0.3" : "1.0"),
                        ("ce-subject", subject.Length == 0 ? null : HttpBinding.EncodeValue(Utf8(subject)))
                    );
                    headers.AddRange(extensions.Select(e => ("ce-" + e.Key, HttpBinding.EncodeValue(Utf8(e.Value)))));
                    Assert.False(Accept(buffer, headers, data).IsError);
                    using var record = RecordBuffer.Rent();
                    buffer.WriteBinary(record);
                    return Show(Decoded(StoredRecord.From(record, 0, 0))) == Show(buffer.ToCloudEvent());
                }
            );
    }

    [Fact]
    public void Any_record_is_decoded_or_refused_but_never_fails()
    {
        var names = Gen.OneOf(
            OneOf("ce_specversion", "ce_id", "ce_source", "ce_type", "ce_time", "ce_dataschema", "content-type", "ce_x"),
            Gen.String[0, 8]
        );
        var values = Gen.OneOf(
            OneOf("1.0", "0.3", "/s", "t", "2024-01-02T03:04:05Z", "application/cloudevents+json").Select(Utf8),
            Gen.Byte.Array[0, 12]
        );
        Gen.Select(Gen.Select(names, values).Array[0, 10], Gen.OneOf(Gen.Byte.Array[0, 20], Gen.Const(Utf8("""{"specversion":"1.0"}"""))))
            .Sample(
                (headers, value) =>
                {
                    using var record = RecordBuffer.Rent();
                    foreach (var (name, bytes) in headers)
                    {
                        record.AddHeader(Encoding.UTF8.GetBytes(name), bytes);
                    }

                    record.AppendValue(value);
                    return KafkaBinding.Decode(StoredRecord.From(record, 0, 0), out var e).IsError == (e is null);
                }
            );
    }

    [Fact]
    public void Decoding_allocates_the_event_and_its_slices_and_nothing_else()
    {
        var record = Binary(
            Utf8("hello"),
            ("content-type", "text/plain"),
            ("ce_time", "2024-01-02T03:04:05Z"),
            ("ce_a", "1"),
            ("ce_b", "2")
        );
        var perEvent = Allocated(() => KafkaBinding.Decode(record, out _));
        Assert.InRange(perEvent, 1, 64 + (24 + (8 * 20)) + (24 + (2 * 20)) + 16);
    }
}
