using System.Text;
using System.Text.Json;
using Brokkr.Core.Events;
using CsCheck;
using static Brokkr.Core.Tests.Events.EventTexts;

namespace Brokkr.Core.Tests.Events;

/// <summary>Structured requests and batches (receiver-and-core §7.3; conformance §14).</summary>
public sealed class JsonEventFormatReadTests
{
    private const string Required = "ce_specversion=1.0\nce_id=i-1\nce_source=/src\nce_type=t.x\n";

    private static string Json(string more) => "{\"specversion\":\"1.0\",\"id\":\"i-1\",\"source\":\"/src\",\"type\":\"t.x\"" + more + "}";

    private static string With(string member, string? value)
    {
        var members = new Dictionary<string, string>
        {
            ["specversion"] = "\"1.0\"",
            ["id"] = "\"i-1\"",
            ["source"] = "\"/src\"",
            ["type"] = "\"t.x\"",
        };
        members.Remove(member);
        if (value is not null)
        {
            members.Add(member, value);
        }

        return "{" + string.Join(',', members.Select(m => $"\"{m.Key}\":{m.Value}")) + "}";
    }

    [Fact]
    public void CEJ_02_every_attribute_is_a_member()
    {
        var stored = StoredJson(
            """
             {"data":"hi","ext":"v","type":"t.x","source":"/src","id":"i-1","datacontenttype":"text/plain","dataschema":"http://s/x","subject":"s",
              "time":"2024-01-02t03:04:05.120z","specversion":"1.0"}
            """
        );
        Assert.Equal(
            Required
                + "content-type=text/plain\nce_dataschema=http://s/x\nce_subject=s\nce_time=2024-01-02T03:04:05.12Z\nce_ext=v\nvalue=hi",
            stored
        );
    }

    [Theory] // CEC-14, CEJ-08, CEJ-09, CEJ-11, CEJ-12, CEJ-14: the text of the value, nothing else
    [InlineData("""{ "b" : 1.0, "a":[1,null,"x"] }""")]
    [InlineData("""{"n":12345678901234567890123,"f":1.10,"e":1E400,"z":-0}""")]
    [InlineData("\"I'm just a string\"")]
    [InlineData("\"{\\\"a\\\":1}\"")]
    [InlineData("\"\\u00fc\\n\\/\\u0000\\ud800\"")]
    [InlineData("12.50")]
    [InlineData("true")]
    [InlineData("null")]
    [InlineData("\"\"")]
    [InlineData("{\"a\":1,\"a\":2}")]
    public void JSON_data_is_kept_as_it_is_and_its_type_made_explicit(string data) =>
        Assert.Equal(Required + $"content-type=application/json\nvalue={data}", StoredJson(Json($",\"data\": {data} ")));

    [Theory]
    [InlineData("application/json; charset=utf-8")]
    [InlineData("Application/JSON")]
    [InlineData("text/json")]
    [InlineData("application/vnd.api+json")]
    public void CEJ_08_JSON_types_are_told_by_their_subtype(string type) =>
        Assert.EndsWith(
            $"content-type={type}\nvalue={{\"a\":1}}",
            StoredJson(Json($",\"datacontenttype\":\"{type}\",\"data\":{{\"a\":1}}"))
        );

    [Theory] // CEJ-10
    [InlineData("text/plain", "\"a\\u00fc\\n\"", "a\u00fc\n")]
    [InlineData("application/xml", "\"<a/>\"", "<a/>")]
    [InlineData("text/plain", "\"\"", "")]
    public void Other_data_is_the_text_of_a_JSON_string(string type, string data, string value) =>
        Assert.EndsWith($"content-type={type}\nvalue={value}", StoredJson(Json($",\"data\":{data},\"datacontenttype\":\"{type}\"")));

    [Theory]
    [InlineData("""data":{"a":1},"datacontenttype":"text/plain""")]
    [InlineData("""data":5,"datacontenttype":"text/plain""")]
    [InlineData("""data":null,"datacontenttype":"text/plain""")]
    [InlineData("""data":"\ud800","datacontenttype":"text/plain""")]
    [InlineData("""data":1,"data":"2""")] // CEJ-15
    [InlineData("""data_base64":"aGk=","data_base64":"aGk=""")]
    [InlineData("""data":"x","data_base64":"aGk=""")] // CEJ-05
    [InlineData("""data":null,"data_base64":"aGk=""")]
    [InlineData("""data_base64":"!!!""")]
    [InlineData("""data_base64":"aGk""")]
    [InlineData("""data_base64":"aG k=""")]
    [InlineData("""data_base64":" aGk=""")]
    [InlineData("""data_base64":"aGk=\n""")]
    [InlineData("""data_base64":"aG\u0009k=""")]
    [InlineData("""data_base64":"__8=""")]
    [InlineData("""data_base64":5,"x":"y""")]
    [InlineData("""data_base64":null,"x":"y""")]
    public void Data_is_refused(string members) => Assert.StartsWith("Invalid: ", StoredJson(Json($",\"{members}\"")));

    [Theory]
    [InlineData("\"eyAieHl6IjogMTIzIH0=\"", "{ \"xyz\": 123 }")] // CEJ-13
    [InlineData("\"aGk\\u003d\"", "hi")]
    [InlineData("\"\"", "")] // CEK-07: present and empty
    public void CEJ_06_CEJ_07_CEJ_13_base64_is_decoded_and_no_type_is_made_up(string base64, string value) =>
        Assert.Equal(Required + $"value={value}", StoredJson(Json($",\"data_base64\":{base64}")));

    [Fact]
    public void CEC_13_a_content_type_without_data_stays() =>
        Assert.Equal(Required + "content-type=application/json\nno value", StoredJson(Json(",\"datacontenttype\":\"application/json\"")));

    [Theory] // CEC-01, CEC-02, CEC-08, CEC-10 to CEC-12
    [InlineData("specversion", null)]
    [InlineData("specversion", "null")]
    [InlineData("specversion", "1.0")]
    [InlineData("specversion", "\"0.2\"")]
    [InlineData("id", null)]
    [InlineData("id", "null")]
    [InlineData("id", "1")]
    [InlineData("id", "true")]
    [InlineData("id", "\"\"")]
    [InlineData("id", "{}")]
    [InlineData("source", null)]
    [InlineData("source", "\"a b\"")]
    [InlineData("type", null)]
    [InlineData("type", "\"\"")]
    [InlineData("subject", "5")]
    [InlineData("subject", "\"\"")]
    [InlineData("subject", "\"a\\nb\"")]
    [InlineData("subject", "\"\\ud800\"")]
    [InlineData("time", "5")]
    [InlineData("time", "\"\"")]
    [InlineData("time", "\"yesterday\"")]
    [InlineData("dataschema", "\"a b\"")]
    [InlineData("datacontenttype", "5")]
    [InlineData("datacontenttype", "\"\"")]
    [InlineData("datacontenttype", "\"xyz\"")]
    public void An_attribute_is_refused(string member, string? value) => Assert.StartsWith("Invalid: ", StoredJson(With(member, value)));

    [Theory]
    [InlineData("subject")]
    [InlineData("time")]
    [InlineData("dataschema")]
    [InlineData("datacontenttype")]
    [InlineData("ext")]
    [InlineData("partitionkey")]
    public void CEJ_04_null_is_absent(string member) => Assert.Equal(Required + "no value", StoredJson(With(member, "null")));

    [Theory]
    [InlineData(""" "subject":null,"subject":"s" """)]
    [InlineData(""" "subject":"s","subject":null """)]
    [InlineData(""" "subject":null,"subject":null """)]
    [InlineData(""" "id":null """)]
    [InlineData(""" "ext":null,"ext":1 """)]
    [InlineData(""" "ext":true,"\u0065xt":null """)]
    [InlineData(""" "\u0065xt":null,"ext":"v" """)]
    public void CEJ_15_a_name_that_is_null_once_must_not_come_again(string members) =>
        Assert.Contains("more than once", StoredJson(Json("," + members)), StringComparison.Ordinal);

    [Theory] // CEJ-03, CEC-05
    [InlineData("5", "5", AttributeType.Integer)]
    [InlineData("-0", "0", AttributeType.Integer)]
    [InlineData("2147483647", "2147483647", AttributeType.Integer)]
    [InlineData("-2147483648", "-2147483648", AttributeType.Integer)]
    [InlineData("true", "true", AttributeType.Boolean)]
    [InlineData("false", "false", AttributeType.Boolean)]
    [InlineData("\"v\"", "v", AttributeType.String)]
    [InlineData("\"\"", "", AttributeType.String)]
    [InlineData("\"a%20b\"", "a%20b", AttributeType.String)]
    [InlineData("\"gr\\u00fc\\u00df \\uD83D\\uDE00\"", "grüß 😀", AttributeType.String)]
    public void An_extension_has_the_type_that_JSON_gives_it(string json, string text, AttributeType type)
    {
        Assert.False(ReadJson(Json($",\"ext\":{json}"), out var e).IsError);
        Assert.Equal((text, type), (Text(e!.ExtensionValue(0)), e.ExtensionType(0)));
        Assert.EndsWith($"\nce_ext={text}\nno value", StoredJson(Json($",\"ext\":{json}")));
    }

    [Theory]
    [InlineData("\"ext\":2147483648")]
    [InlineData("\"ext\":1.5")]
    [InlineData("\"ext\":1.0")]
    [InlineData("\"ext\":1e2")]
    [InlineData("\"ext\":{\"a\":1}")]
    [InlineData("\"ext\":[1,2]")]
    [InlineData("\"ext\":\"a\\u0085b\"")]
    [InlineData("\"ext\":\"\\uFFFF\"")]
    [InlineData("\"Ext\":\"v\"")]
    [InlineData("\"ID\":\"v\"")]
    [InlineData("\"my-ext\":\"v\"")]
    [InlineData("\"my_ext\":null")]
    [InlineData("\"e.x\":\"v\"")]
    [InlineData("\"\":\"v\"")]
    [InlineData("\"ü\":\"v\"")]
    [InlineData("\"\\ud800\":\"v\"")]
    [InlineData("\"id\":\"i-2\"")] // CEJ-15
    [InlineData("\"ext\":\"1\",\"\\u0065xt\":\"2\"")]
    public void An_extension_is_refused(string member) => Assert.StartsWith("Invalid: ", StoredJson(Json("," + member)));

    [Theory]
    [InlineData("\"123\":\"v\"", "ce_123=v")]
    [InlineData("\"\\u0061b\":\"v\"", "ce_ab=v")]
    [InlineData("\"partitionkey\":true", "ce_partitionkey=true")]
    public void An_extension_is_accepted(string member, string header) => Assert.Contains(header, StoredJson(Json("," + member)));

    [Theory]
    [InlineData("true", "true")]
    [InlineData("5", "5")]
    [InlineData("\"kü\"", "kü")]
    public void The_key_is_the_string_form_of_the_partition_key(string json, string key) =>
        Assert.EndsWith($"\nkey={key}", StoredJson(Json($",\"partitionkey\":{json}")));

    [Theory] // CEC-02
    [InlineData(""","datacontentencoding":"base64","data":"aGk=","datacontenttype":"text/plain" """, "content-type=text/plain\nvalue=hi")]
    [InlineData(""","data_base64":"aGk=","datacontenttype":"text/plain" """, "content-type=text/plain\nvalue=hi")]
    [InlineData(""","schemaurl":"http://s/x" """, "ce_schemaurl=http://s/x\nno value")]
    [InlineData(""","data":{"a":1} """, "content-type=application/json\nvalue={\"a\":1}")]
    public void Version_03_is_read_by_its_own_rules(string members, string stored) =>
        Assert.Equal(
            Required.Replace("1.0", "0.3") + stored,
            StoredJson("{\"id\":\"i-1\",\"source\":\"/src\",\"type\":\"t.x\"" + members + ",\"specversion\":\"0.3\"}")
        );

    [Theory]
    [InlineData("")]
    [InlineData("{}")]
    [InlineData("null")]
    [InlineData("\"x\"")]
    [InlineData("[]")]
    [InlineData("{\"specversion\":\"1.0\",")]
    [InlineData("hello")]
    [InlineData("{'specversion':'1.0'}")]
    public void Is_no_event(string json) => Assert.StartsWith("Invalid: ", StoredJson(json));

    [Fact]
    public void Only_one_JSON_text_is_accepted()
    {
        Assert.StartsWith("Invalid: ", StoredJson(Json("") + Json("")));
        Assert.StartsWith("Invalid: ", StoredJson(Json("") + "x"));
        Assert.StartsWith("Invalid: ", StoredJson(Json(",")));
        Assert.StartsWith("Invalid: ", StoredJson("/* x */" + Json("")));
        Assert.StartsWith("Invalid: ", StoredJson(Json(",\"data\":NaN")));
        Assert.Equal(Required + "no value", StoredJson("\n \t" + Json("") + " \r\n"));
    }

    [Fact]
    public void CEJ_01_the_text_is_UTF8()
    {
        Assert.Equal(Required + "no value", StoredJson("\uFEFF" + Json("")));
        Assert.True(ReadJson(Encoding.Unicode.GetBytes(Json("")), out _).IsError);
        Assert.True(ReadJson(Encoding.Latin1.GetBytes(Json(",\"ext\":\"ü\"")), out _).IsError);
        Assert.True(ReadJson(Encoding.Latin1.GetBytes(Json(",\"data\":\"ü\"")), out _).IsError);
    }

    [Fact]
    public void Nesting_is_bounded()
    {
        Assert.EndsWith("]", StoredJson(Json(",\"data\":" + new string('[', 900) + new string(']', 900))));
        Assert.StartsWith("Invalid: ", StoredJson(Json(",\"data\":" + new string('[', 2000) + new string(']', 2000))));
    }

    [Fact]
    public void CEC_17_an_error_never_quotes_the_data()
    {
        var answer = StoredJson(Json(",\"data\":\"secret\" oops"));
        Assert.Contains("line 1, byte", answer);
        Assert.DoesNotContain("secret", answer);
        Assert.DoesNotContain("oops", answer);
    }

    [Fact]
    public void CEJ_16_a_batch_is_an_array_of_events()
    {
        var events = new List<EventBuffer>();
        var error = JsonEventFormat.ReadBatch(Utf8($" [ {Json("")} , {Json(",\"data\":[1]")} ] "), events);
        Assert.False(error.IsError, error.Message);
        Assert.Equal(2, events.Count);
        Assert.Equal("[1]"u8, events[1].Data);
        events.ForEach(e => e.Dispose());
        events.Clear();
        Assert.False(JsonEventFormat.ReadBatch("[]"u8, events).IsError);
        Assert.Empty(events);
    }

    [Theory]
    [InlineData("", "")]
    [InlineData("x", "")]
    [InlineData("{}", "")]
    [InlineData("[", "")]
    [InlineData("[@]", "Event 1 of the batch: ")]
    [InlineData("[$,@]", "Event 2 of the batch: ")]
    [InlineData("[$,5]", "Event 2 of the batch: ")]
    [InlineData("[$,3]", "Event 2 of the batch: ")]
    [InlineData("[$,$]]", "")]
    [InlineData("[$,$],", "")]
    [InlineData("[$,]", "")]
    public void A_bad_batch_gives_no_events(string template, string named)
    {
        var json = template.Replace("3", Json("").Replace("1.0", "0.3")).Replace("$", Json("")).Replace("@", Json(",\"id\":\"\""));
        var before = EventBuffer.Rent();
        var events = new List<EventBuffer> { before };
        var error = JsonEventFormat.ReadBatch(Utf8(json), events);
        Assert.True(error.IsError);
        Assert.StartsWith(named, error.Message);
        Assert.Equal([before], events);
        before.Dispose();
    }

    [Fact]
    public void A_batch_is_bounded()
    {
        string Batch(int count) => $"[{string.Join(',', Enumerable.Repeat(Json(""), count))}]";
        var events = new List<EventBuffer>();
        Assert.False(JsonEventFormat.ReadBatch(Utf8(Batch(JsonEventFormat.MaxBatch)), events).IsError);
        Assert.Equal(JsonEventFormat.MaxBatch, events.Count);
        events.ForEach(e => e.Dispose());
        events.Clear();
        Assert.True(JsonEventFormat.ReadBatch(Utf8(Batch(JsonEventFormat.MaxBatch + 1)), events).IsError);
        Assert.Empty(events);
    }

    [Fact]
    public void Any_bytes_are_read_or_refused_but_never_fail()
    {
        var pieces = Gen.Int[0, Pieces.Length - 1].Select(i => Pieces[i]).Array[0, 25].Select(string.Concat);
        pieces.Sample(text => ReadJson(text, out var e).IsError == (e is null));
        Gen.Byte.Array[0, 60].Sample(bytes => ReadJson(bytes, out var e).IsError == (e is null));
        var source = Utf8(Json(",\"ext\":5,\"data\":{\"a\":[1,\"\\u00e9\"]}"));
        Gen.Select(Gen.Int[0, source.Length - 1], Gen.Byte)
            .Sample(
                (at, b) =>
                {
                    var changed = (byte[])source.Clone();
                    changed[at] = b;
                    return ReadJson(changed, out var e).IsError == (e is null);
                }
            );
    }

    private static readonly string[] Pieces =
    [
        "{",
        "}",
        "[",
        "]",
        ",",
        ":",
        "\"id\"",
        "\"specversion\":\"1.0\"",
        "\"source\":\"/s\"",
        "\"type\":\"t\"",
        "\"data\"",
        "\"data_base64\"",
        "1",
        "-0.5e3",
        "true",
        "null",
        "\"\\ud800\"",
        "\"\\u0061\"",
        "\"datacontenttype\"",
        "\"text/plain\"",
        " ",
        "\n",
        "\"",
        "\\",
    ];

    [Fact]
    public void A_structured_request_becomes_a_record_without_allocating()
    {
        var json = Utf8(Json(",\"ext\":5,\"flag\":true,\"time\":\"2024-01-02T03:04:05.10Z\",\"e2\":\"\\u00e9\",\"data\":{\"a\":[1,2.50]}"));
        Assert.Equal(0, Allocated(Build));

        void Build()
        {
            using var buffer = EventBuffer.Rent();
            Assert.False(JsonEventFormat.Read(json, buffer).IsError);
            using var record = Core.Log.RecordBuffer.Rent();
            buffer.WriteBinary(record);
            record.Clear();
            Assert.False(buffer.WriteStructured(record).IsError);
        }
    }

    [Fact]
    public void JSON_data_has_the_same_value_after_the_way_through_the_record()
    {
        Gen.Recursive<string>(
                (depth, self) =>
                    depth > 4
                        ? Gen.Int.Select(i => $"{i}")
                        : Gen.OneOf(
                            Gen.Double.Where(double.IsFinite).Select(d => JsonSerializer.Serialize(d)),
                            PercentCodingTests.UnicodeText.Select(t => JsonSerializer.Serialize(t)),
                            self.Array[0, 4].Select(a => $"[{string.Join(" ,", a)}]"),
                            Gen.Select(PercentCodingTests.UnicodeText, self)
                                .Array[0, 4]
                                .Select(a =>
                                    $"{{{string.Join(",", a.DistinctBy(m => m.Item1).Select(m => $"{JsonSerializer.Serialize(m.Item1)}: {m.Item2}"))}}}"
                                )
                        )
            )
            .Sample(data =>
            {
                Assert.False(ReadJson(Json($",\"data\":{data}"), out var e).IsError);
                using var written = JsonDocument.Parse(Written(e!));
                using var expected = JsonDocument.Parse(data);
                return Text(e!.Data.Span) == data.Trim()
                    && JsonElement.DeepEquals(expected.RootElement, written.RootElement.GetProperty("data"));
            });
    }
}
