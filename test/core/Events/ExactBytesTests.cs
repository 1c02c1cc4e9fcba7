using Brokkr.Core.Events;
using Brokkr.Core.Log;
using CsCheck;
using static Brokkr.Core.Tests.Events.EventTexts;

namespace Brokkr.Core.Tests.Events;

/// <summary>
/// HTTP to log to HTTP, in both content modes on either side and in the log: attributes keep every character, those that nobody knows too, and data
/// every byte (CEC-06, CEC-16, CEJ-02).
/// </summary>
public sealed class ExactBytesTests
{
    private static readonly Gen<string> Texts = PercentCodingTests.UnicodeText.Where(t =>
        t.Length > 0 && AttributeText.Fault(Utf8(t)) is null
    );

    private static readonly Gen<Dictionary<string, string>> Extensions = Gen.Dictionary(
        Gen.Char["abcdefghijklmnopqrstuvwxyz0123456789"].Array[1, 12].Select(c => "x" + new string(c)),
        Texts
    )[0, 6];

    private static readonly string?[] ContentTypes =
    [
        null,
        "text/plain",
        "text/plain; charset=ISO-8859-1",
        "application/octet-stream",
        "application/json",
        "application/vnd.x+json",
        "Application/PDF; x=\"é\"",
    ];

    /// <summary>An event in HTTP: its attributes in headers or in JSON, and its data.</summary>
    private static readonly Gen<Sent> Events = Gen.Select(
        Gen.Select(Texts, Texts, Texts),
        Extensions,
        Gen.Int[0, ContentTypes.Length - 1].Select(i => ContentTypes[i]),
        Gen.Byte.Array[1, 60],
        (core, extensions, contentType, data) => new Sent(core.Item1, core.Item2, core.Item3, extensions, contentType, data)
    );

    [Fact]
    public void Binary_in_binary_stored_binary_out() =>
        Events.Sample(sent =>
        {
            using var buffer = FromHeaders(sent);
            using var record = RecordBuffer.Rent();
            buffer.WriteBinary(record);
            sent.AssertSame(FromHeaders(ToHeaders(Decoded(StoredRecord.From(record, 0, 0)))));
        });

    [Fact]
    public void Binary_in_binary_stored_structured_out() =>
        Events.Sample(sent =>
        {
            using var buffer = FromHeaders(sent);
            using var record = RecordBuffer.Rent();
            buffer.WriteBinary(record);
            Assert.False(ReadJson(Written(Decoded(StoredRecord.From(record, 0, 0))), out var received).IsError);
            sent.AssertSame(received!);
        });

    [Fact]
    public void Structured_in_structured_stored_binary_out() =>
        Events.Sample(sent =>
        {
            using var first = FromHeaders(sent);
            using var buffer = EventBuffer.Rent();
            Assert.False(JsonEventFormat.Read(Utf8(Written(first.ToCloudEvent())), buffer).IsError);
            using var record = RecordBuffer.Rent();
            if (buffer.WriteStructured(record).IsError)
            {
                // A type that promises JSON and data that is none: refused, never changed.
                Assert.True(MediaType.IsJson(Utf8(sent.ContentType!)));
                return;
            }

            sent.AssertSame(FromHeaders(ToHeaders(Decoded(StoredRecord.From(record, 0, 0)))));
        });

    [Fact]
    public void Structured_in_binary_stored_structured_out() =>
        Events.Sample(sent =>
        {
            using var first = FromHeaders(sent);
            using var buffer = EventBuffer.Rent();
            Assert.False(JsonEventFormat.Read(Utf8(Written(first.ToCloudEvent())), buffer).IsError);
            using var record = RecordBuffer.Rent();
            buffer.WriteBinary(record);
            Assert.False(ReadJson(Written(Decoded(StoredRecord.From(record, 0, 0))), out var received).IsError);
            sent.AssertSame(received!);
        });

    private static EventBuffer FromHeaders(Sent sent) =>
        FromHeaders(
            (
                [
                    ("ce-specversion", "1.0"),
                    ("ce-id", Encode(sent.Id)),
                    ("ce-source", "/s"),
                    ("ce-type", Encode(sent.Type)),
                    ("ce-subject", Encode(sent.Subject)),
                    .. sent.Extensions.Select(e => ("ce-" + e.Key, Encode(e.Value))),
                    .. sent.ContentType is { } type ? [("content-type", type)] : Array.Empty<(string, string)>(),
                ],
                sent.Data
            )
        );

    private static EventBuffer FromHeaders((List<(string, string)> Headers, byte[] Data) request)
    {
        var buffer = EventBuffer.Rent();
        var error = Accept(buffer, request.Headers, request.Data);
        Assert.False(error.IsError, error.Message);
        return buffer;
    }

    private static string Encode(string text) => HttpBinding.EncodeValue(Utf8(text));

    private static (List<(string, string)> Headers, byte[] Data) ToHeaders(CloudEvent e)
    {
        var headers = new List<(string, string)>();
        foreach (var attribute in Enum.GetValues<CoreAttribute>())
        {
            if (attribute == CoreAttribute.DataContentType && e.Has(attribute))
            {
                headers.Add(("content-type", Text(e.Get(attribute))));
            }
            else if (e.Has(attribute))
            {
                headers.Add(
                    (
                        "ce-" + Text(AttributeNames.Of(attribute, e.Get(CoreAttribute.SpecVersion))),
                        HttpBinding.EncodeValue(e.Get(attribute))
                    )
                );
            }
        }

        for (var i = 0; i < e.ExtensionCount; i++)
        {
            headers.Add(("ce-" + Text(e.ExtensionName(i)), HttpBinding.EncodeValue(e.ExtensionValue(i))));
        }

        return (headers, e.Data.ToArray());
    }

    private sealed record Sent(
        string Id,
        string Type,
        string Subject,
        Dictionary<string, string> Extensions,
        string? ContentType,
        byte[] Data
    )
    {
        public void AssertSame(EventBuffer received)
        {
            using (received)
            {
                AssertSame(received.ToCloudEvent());
            }
        }

        public void AssertSame(CloudEvent received)
        {
            Assert.Equal(Id, Text(received.Get(CoreAttribute.Id)));
            Assert.Equal(Type, Text(received.Get(CoreAttribute.Type)));
            Assert.Equal(Subject, Text(received.Get(CoreAttribute.Subject)));
            Assert.Equal(ContentType ?? "", Text(received.Get(CoreAttribute.DataContentType)));
            Assert.Equal(Extensions.Count, received.ExtensionCount);
            foreach (var (name, value) in Extensions)
            {
                Assert.True(received.TryGetExtension(Utf8(name), out var kept));
                Assert.Equal(value, Text(kept));
            }

            Assert.Equal(Data, received.Data.ToArray());
        }
    }
}
