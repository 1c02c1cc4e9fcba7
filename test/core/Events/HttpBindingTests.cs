using Brokkr.Core.Events;
using Brokkr.Core.Log;
using CsCheck;
using static Brokkr.Core.Tests.Events.EventTexts;

namespace Brokkr.Core.Tests.Events;

/// <summary>Requests in binary mode to records (receiver-and-core §7.1, §7.2, §8.2; conformance §11, §12).</summary>
public sealed class HttpBindingTests
{
    private static readonly (string, string?) PlainText = ("content-type", "text/plain");

    [Theory]
    [InlineData(null, ContentKind.Binary)]
    [InlineData("", ContentKind.Binary)]
    [InlineData("application/json", ContentKind.Binary)]
    [InlineData("application/cloudevent+json", ContentKind.Binary)]
    [InlineData("text/plain; x=application/cloudevents+json", ContentKind.Binary)]
    [InlineData("application/cloudevents+json", ContentKind.Structured)]
    [InlineData("application/cloudevents+json;", ContentKind.Structured)]
    [InlineData("application/cloudevents+json; charset=utf-8", ContentKind.Structured)]
    [InlineData("application/cloudevents+json ; charset=utf-8", ContentKind.Structured)]
    [InlineData("Application/CloudEvents+JSON", ContentKind.Structured)]
    [InlineData("application/cloudevents-batch+json", ContentKind.Batch)]
    [InlineData("Application/CloudEvents-Batch+JSON; charset=utf-8", ContentKind.Batch)]
    [InlineData("application/cloudevents", ContentKind.Unsupported)]
    [InlineData("application/cloudevents+xml", ContentKind.Unsupported)]
    [InlineData("application/cloudevents+protobuf", ContentKind.Unsupported)]
    [InlineData("application/cloudevents+jsonx", ContentKind.Unsupported)]
    [InlineData("application/cloudevents-batch+xml", ContentKind.Unsupported)]
    [InlineData("application/cloudeventsx", ContentKind.Unsupported)]
    public void CEH_02_CEH_04_the_content_type_tells_the_mode(string? contentType, ContentKind kind) =>
        Assert.Equal(kind, HttpBinding.ModeOf(contentType));

    [Fact]
    public void CEH_05_CEH_06_CEH_07_CEK_03_CEK_04_CEK_05_attributes_become_headers_and_the_body_the_value()
    {
        var stored = Stored(
            Headers(
                ("ce-ext", "v"),
                ("ce-time", "2024-01-02T03:04:05.120+01:00"),
                ("ce-subject", "s"),
                ("ce-dataschema", "http://s/x"),
                ("content-type", "Text/PLAIN; Charset=UTF-8")
            ),
            Utf8("a\r\nb\n")
        );
        Assert.Equal(
            """
            ce_specversion=1.0
            ce_id=i-1
            ce_source=/src
            ce_type=t.x
            content-type=Text/PLAIN; Charset=UTF-8
            ce_dataschema=http://s/x
            ce_subject=s
            ce_time=2024-01-02T03:04:05.12+01:00
            ce_ext=v
            value=
            """ + "a\r\nb\n",
            stored
        );
    }

    [Fact]
    public void CEH_06_CEK_06_no_body_is_a_null_value() => Assert.EndsWith("\nno value", Stored(Headers()));

    [Fact]
    public void CEC_13_a_content_type_without_data_stays() =>
        Assert.EndsWith("content-type=application/json\nno value", Stored(Headers(("content-type", "application/json"))));

    [Fact]
    public void CEH_07_names_are_case_insensitive()
    {
        var stored = Stored([("Ce-SpecVersion", "1.0"), ("cE-iD", "i"), ("CE-SOURCE", "/s"), ("Ce-Type", "t"), ("Ce-MyExt", "V")]);
        Assert.Equal("ce_specversion=1.0\nce_id=i\nce_source=/s\nce_type=t\nce_myext=V\nno value", stored);
    }

    [Fact]
    public void Other_headers_are_ignored() =>
        Assert.EndsWith(
            "ce_type=t.x\nno value",
            Stored(Headers(("x-custom", "1"), ("authorization", "Bearer x"), ("ce", "v"), ("ce-", "v"), ("cexid", "v")))
        );

    [Theory] // CEC-01, CEH-19, DEV-17
    [InlineData("ce-id", null, "id")]
    [InlineData("ce-source", null, "source")]
    [InlineData("ce-type", null, "type")]
    [InlineData("ce-id", "", "id")]
    [InlineData("ce-source", "  ", "source")]
    [InlineData("ce-type", "", "type")]
    [InlineData("ce-specversion", "", "specversion")]
    [InlineData("ce-specversion", "1", "specversion")] // CEC-02
    [InlineData("ce-specversion", "1.0.0", "specversion")]
    [InlineData("ce-specversion", "0.2", "specversion")]
    [InlineData("ce-specversion", "2.0", "specversion")]
    [InlineData("ce-source", "/a b", "source")] // CEC-08
    [InlineData("ce-dataschema", "", "dataschema")] // CEC-09
    [InlineData("ce-dataschema", "http://[x", "dataschema")]
    [InlineData("ce-subject", "", "subject")] // CEC-10
    [InlineData("ce-time", "", "time")] // CEC-11
    [InlineData("ce-time", "yesterday", "time")]
    [InlineData("ce-time", "2024-01-02T03:04Z", "time")]
    [InlineData("content-type", "", "datacontenttype")] // CEC-12
    [InlineData("ce-my-ext", "v", "my-ext")] // CEC-03
    [InlineData("ce-my_ext", "v", "my_ext")]
    [InlineData("ce-a~b", "v", "a~b")]
    [InlineData("ce-data", "v", "data")]
    [InlineData("ce-data_base64", "v", "data_base64")]
    [InlineData("ce-datacontenttype", "text/plain", "ce-datacontenttype")] // CEH-05
    [InlineData("ce-ext", "%C0%A0", "ext")] // CEH-12
    [InlineData("ce-ext", "%FF", "ext")]
    [InlineData("ce-ext", "%E2%82", "ext")]
    [InlineData("ce-ext", "a%0Ab", "ext")] // CEC-07
    [InlineData("ce-ext", "a%C2%85b", "ext")]
    [InlineData("ce-ext", "%EF%BF%BE", "ext")]
    [InlineData("ce-ext", "%EF%B7%90", "ext")]
    [InlineData("ce-ext", "%F0%9F%BF%BF", "ext")]
    public void Is_refused_with_a_sentence_that_names_the_attribute(string name, string? value, string named)
    {
        var answer = Stored(Headers((name, value)));
        Assert.StartsWith("Invalid: ", answer);
        Assert.Contains(named, answer);
        Assert.EndsWith(".", answer);
    }

    [Fact]
    public void Without_specversion_it_is_no_event_at_all() =>
        Assert.StartsWith("NotAnEvent: ", Stored(Headers(("ce-specversion", null), ("content-type", "application/json"))));

    [Theory] // CEC-04
    [InlineData("ce-id", "i-2")]
    [InlineData("CE-ID", "i-1")]
    [InlineData("ce-specversion", "0.3")]
    public void CEC_04_an_attribute_may_stand_there_once(string name, string value) =>
        Assert.StartsWith("Invalid: ", Stored([.. Headers(), (name, value)]));

    [Fact]
    public void CEC_04_an_extension_may_stand_there_once_whatever_its_case() =>
        Assert.StartsWith("Invalid: ", Stored(Headers(("ce-ext", "1"), ("CE-EXT", "2"))));

    [Fact]
    public void Two_content_types_are_refused() =>
        Assert.StartsWith("Invalid: ", Stored(Headers(PlainText, ("Content-Type", "application/json"))));

    [Theory] // CEH-08 to CEH-12: values are decoded once
    [InlineData("%E2%82%AC", "€")]
    [InlineData("%2525", "%25")]
    [InlineData("\"a b\"", "a b")]
    [InlineData("100%", "100%")]
    [InlineData("   v w\t ", "v w")]
    [InlineData("a\tb", "a\tb")]
    [InlineData("grüß €😀", "grüß €😀")]
    [InlineData("", "")]
    [InlineData("a, b,c", "a, b,c")]
    public void A_value_is_stored_decoded(string raw, string stored) =>
        Assert.EndsWith($"\nce_ext={stored}\nno value", Stored(Headers(("ce-ext", raw))));

    [Theory]
    [InlineData("/a%2520b", "/a%20b")] // one round, as the binding says
    [InlineData("/a%2Fb", "/a/b")]
    [InlineData("/a%20b", "/a%20b")] // decoded it would be no URI: the sender did not encode
    [InlineData("/%C3%BC", "/ü")]
    [InlineData("#fragment", "#fragment")]
    public void A_source_that_was_sent_without_encoding_stays_a_URI(string raw, string stored) =>
        Assert.Contains($"\nce_source={stored}\n", Stored(Headers(("ce-source", raw))));

    [Theory]
    [InlineData("garbage")]
    [InlineData("text/plain;")]
    [InlineData("application/vnd.a.b+json")]
    public void A_content_type_header_is_kept_as_it_is(string value) =>
        Assert.Contains($"\ncontent-type={value}\n", Stored(Headers(("content-type", value))));

    [Fact]
    public void CEC_02_in_version_03_the_schema_is_called_schemaurl()
    {
        var stored = Stored(
            Headers(
                ("ce-schemaurl", "http://s/x"),
                ("ce-dataschema", "other"),
                ("ce-datacontentencoding", "base64"),
                ("ce-specversion", "0.3")
            )
        );
        Assert.Equal(
            "ce_specversion=0.3\nce_id=i-1\nce_source=/src\nce_type=t.x\nce_schemaurl=http://s/x\nce_dataschema=other\nno value",
            stored
        );
    }

    [Fact]
    public void CEC_16_in_version_10_schemaurl_and_datacontentencoding_are_extensions() =>
        Assert.EndsWith(
            "ce_schemaurl=a b\nce_datacontentencoding=base64\nno value",
            Stored(Headers(("ce-schemaurl", "a b"), ("ce-datacontentencoding", "base64")))
        );

    [Fact]
    public void A_schemaurl_of_version_03_must_be_a_URI() =>
        Assert.Contains("'schemaurl'", Stored(Headers(("ce-specversion", "0.3"), ("ce-schemaurl", "a b"))));

    [Theory] // CEX-01, CEK-10, CEK-11, CEK-12, OIN-11
    [InlineData("k", "k")]
    [InlineData("a%20b", "a b")]
    [InlineData("ü", "ü")]
    [InlineData("", "")]
    public void The_partition_key_becomes_the_record_key_and_stays_an_extension(string raw, string key) =>
        Assert.EndsWith($"ce_partitionkey={key}\nno value\nkey={key}", Stored(Headers(("ce-partitionkey", raw))));

    [Fact]
    public void OIN_11_without_partition_key_the_record_key_is_null() => Assert.DoesNotContain("key=", Stored(Headers()));

    [Fact]
    public void OIN_12_record_headers_come_first()
    {
        using var buffer = EventBuffer.Rent();
        Assert.False(Accept(buffer, Headers(("ce-traceparent", "theirs"))).IsError);
        buffer.AddRecordHeader("traceparent"u8, "00-1-2-01"u8);
        buffer.AddRecordHeader("tracestate"u8, "a=b"u8);
        using var record = RecordBuffer.Rent();
        buffer.WriteBinary(record);
        Assert.StartsWith("traceparent=00-1-2-01\ntracestate=a=b\nce_specversion=1.0\n", Show(record));
        Assert.Contains("\nce_traceparent=theirs\n", Show(record)); // CEX-02: a separate thing
    }

    [Fact]
    public void CEC_03_long_names_and_many_extensions_are_accepted()
    {
        var headers = Headers((string.Concat("ce-", new string('e', 64)), "v"));
        headers.AddRange(Enumerable.Range(0, 200).Select(i => ($"ce-e{i}", $"{i}")));
        Assert.Contains("\nce_e199=199\n", Stored(headers));
        headers.AddRange(Enumerable.Range(200, EventBuffer.MaxExtensions).Select(i => ($"ce-e{i}", $"{i}")));
        Assert.StartsWith("Invalid: The event has more than 1024 extensions.", Stored(headers));
    }

    [Fact]
    public void A_hostile_name_is_printable_in_the_answer()
    {
        var answer = Stored(Headers(("ce-a\u001b[31m" + new string('x', 500), "v")));
        Assert.Contains("a?[31mxxx", answer);
        Assert.True(answer.Length < 200);
    }

    [Fact]
    public void Headers_as_strings_are_taken_as_headers_in_bytes_are()
    {
        var headers = Headers(
            PlainText,
            ("Ce-Ext", "%C3%BC \U0001F600"),
            ("CE-LONG", new string('€', 3000)),
            ("ce-other", new string('%', 1000)),
            ("x", "y")
        );
        using var buffer = EventBuffer.Rent();
        foreach (var (name, value) in headers)
        {
            var error =
                name == "content-type" ? HttpBinding.SetContentType(buffer, value.AsSpan()) : HttpBinding.AddHeader(buffer, name, value);
            Assert.False(error.IsError, error.Message);
        }

        Assert.False(buffer.Validate().IsError);
        using var record = RecordBuffer.Rent();
        buffer.WriteBinary(record);
        Assert.Equal(Stored(headers), Show(record));
        Assert.True(HttpBinding.AddHeader(buffer, "ce-b\u00fc", "v").IsError);
    }

    [Fact]
    public void CEC_06_every_text_that_a_string_may_hold_arrives_in_the_record()
    {
        PercentCodingTests.UnicodeText.Sample(text =>
        {
            var stored = Stored(Headers(("ce-ext", HttpBinding.EncodeValue(Utf8(text)))));
            return AttributeText.Fault(Utf8(text)) is null
                ? stored.EndsWith($"\nce_ext={text}\nno value", StringComparison.Ordinal)
                : stored.StartsWith("Invalid: ", StringComparison.Ordinal);
        });
    }

    [Fact]
    public void A_binary_request_becomes_a_record_without_allocating()
    {
        byte[][] names =
        [
            .. new[] { "ce-specversion", "ce-id", "ce-source", "ce-type", "ce-time", "ce-subject", "ce-myext", "Host" }.Select(Utf8),
        ];
        byte[][] values =
        [
            .. new[] { "1.0", "0cf7", "/shop/eu", "order.created", "2024-01-02T03:04:05.120Z", "a%20b", "v", "x" }.Select(Utf8),
        ];
        string[] nameTexts = [.. names.Select(n => Text(n))];
        string[] valueTexts = [.. values.Select(v => Text(v))];
        var body = new byte[900];
        Assert.Equal(0, Allocated(Build));

        void Build()
        {
            using var buffer = EventBuffer.Rent();
            for (var i = 0; i < names.Length; i++)
            {
                HttpBinding.AddHeader(buffer, names[i], values[i]);
            }

            HttpBinding.SetContentType(buffer, "application/json"u8);
            buffer.AppendData(body);
            buffer.Validate();
            using var record = RecordBuffer.Rent();
            buffer.WriteBinary(record);

            buffer.Clear();
            for (var i = 0; i < names.Length; i++)
            {
                HttpBinding.AddHeader(buffer, nameTexts[i], valueTexts[i]);
            }

            buffer.Validate();
            record.Clear();
            buffer.WriteHeaders(record);
            record.AppendValue(body);
        }
    }

    [Fact]
    public void A_buffer_from_the_pool_is_empty()
    {
        using (var first = EventBuffer.Rent())
        {
            Assert.False(Accept(first, Headers(("ce-specversion", "0.3"), ("ce-ext", "v")), Utf8("data")).IsError);
            first.AddRecordHeader("a"u8, "b"u8);
            first.Lenient = true;
        }

        using var again = EventBuffer.Rent();
        Assert.Equal((DataForm.None, 0, false), (again.Form, again.ExtensionCount, again.Lenient));
        Assert.False(again.Has(CoreAttribute.Id) || again.TryGetExtension("ext"u8, out _));
        Assert.False(Accept(again, Headers(("ce-dataschema", "x"))).IsError);
        using var record = RecordBuffer.Rent();
        again.WriteBinary(record);
        Assert.EndsWith("ce_dataschema=x\nno value", Show(record));
    }

    [Fact]
    public void The_pool_recovers_after_it_was_full()
    {
        var many = Enumerable.Range(0, 2000).Select(_ => EventBuffer.Rent()).ToList();
        many.ForEach(b => b.Dispose());
        var again = Enumerable.Range(0, 2000).Select(_ => EventBuffer.Rent()).ToList();
        Assert.Equal(2000, again.Distinct().Count());
        again.ForEach(b => b.Dispose());
        var one = EventBuffer.Rent();
        one.Dispose();
        using var same = EventBuffer.Rent();
        Assert.Contains(same, again.Append(one));
    }

    [Fact]
    public void Validating_twice_changes_nothing()
    {
        using var buffer = EventBuffer.Rent();
        var headers = Headers(
            ("ce-specversion", "0.3"),
            ("ce-schemaurl", "u"),
            ("ce-dataschema", "d"),
            ("ce-time", "2024-01-02T03:04:05.10Z")
        );
        Assert.False(Accept(buffer, headers).IsError);
        Assert.False(buffer.Validate().IsError);
        Assert.Equal("u"u8, buffer.Get(CoreAttribute.DataSchema));
        Assert.Equal("2024-01-02T03:04:05.1Z"u8, buffer.Get(CoreAttribute.Time));
    }

    [Fact]
    public void Large_events_outgrow_the_buffer_and_stay_whole()
    {
        var value = new string('x', 100_000);
        var body = new byte[3_000_000];
        Random.Shared.NextBytes(body);
        using var buffer = EventBuffer.Rent();
        Assert.False(Accept(buffer, Headers(("ce-ext", value))).IsError);
        foreach (var part in body.Chunk(10_000))
        {
            buffer.AppendData(part);
        }

        Assert.Equal(body, buffer.Data);
        Assert.Equal(value, Text(buffer.ExtensionValue(0)));
        Assert.Equal("i-1"u8, buffer.Get(CoreAttribute.Id));
    }
}
