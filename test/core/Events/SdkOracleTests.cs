using System.Net.Http.Headers;
using Brokkr.Core.Events;
using CloudNative.CloudEvents;
using CloudNative.CloudEvents.Http;
using CloudNative.CloudEvents.SystemTextJson;
using CsCheck;
using static Brokkr.Core.Tests.Events.EventTexts;
using SdkEvent = CloudNative.CloudEvents.CloudEvent;

namespace Brokkr.Core.Tests.Events;

/// <summary>The official .NET SDK as an oracle: what it encodes we decode, and the reverse (CEK-15, CEH-18, CEJ-02).</summary>
public sealed class SdkOracleTests
{
    private static readonly JsonEventFormatter Formatter = new();

    private static readonly Gen<string> Texts = PercentCodingTests.UnicodeText.Where(t =>
        t.Length > 0 && AttributeText.Fault(Utf8(t)) is null && !t.Contains('\t')
    );

    private static readonly Gen<SdkEvent> Events = Gen.Select(
            Texts,
            Texts,
            Gen.OneOf(Gen.Const((string?)null), Texts.Select(t => (string?)t)),
            Gen.Long[0, new DateTime(2200, 1, 1, 0, 0, 0, DateTimeKind.Utc).Ticks],
            Gen.Dictionary(Gen.Char["abcdefghijklmnopqrstuvwxyz"].Array[1, 8].Select(c => "x" + new string(c)), Texts)[0, 5]
        )
        .Select(
            (id, type, subject, ticks, extensions) =>
            {
                var e = new SdkEvent
                {
                    Id = id,
                    Type = type,
                    Subject = subject,
                    Source = new Uri("/src?a=1#f", UriKind.Relative),
                    Time = ticks % 3 == 0 ? null : new DateTimeOffset(ticks, TimeSpan.Zero),
                    DataContentType = "text/plain",
                    Data = type,
                };
                foreach (var (name, value) in extensions)
                {
                    e[name] = value;
                }

                e["xint"] = "5";
                return e;
            }
        );

    [Fact]
    public void The_SDK_writes_JSON_and_we_read_it()
    {
        Events.Sample(sdk =>
        {
            var error = ReadJson(Formatter.EncodeStructuredModeMessage(sdk, out _).ToArray(), out var e);
            Assert.False(error.IsError, error.Message);
            AssertSame(sdk, e!);
            return Text(e!.Data.Span) == (string)sdk.Data!;
        });
    }

    [Fact]
    public void The_SDK_writes_batches_and_we_read_them()
    {
        Events
            .Array[0, 5]
            .Sample(sdk =>
            {
                var events = new List<EventBuffer>();
                var error = JsonEventFormat.ReadBatch(Formatter.EncodeBatchModeMessage(sdk, out _).Span, events);
                Assert.False(error.IsError, error.Message);
                Assert.Equal(sdk.Length, events.Count);
                foreach (var (expected, actual) in sdk.Zip(events))
                {
                    AssertSame(expected, actual.ToCloudEvent());
                    actual.Dispose();
                }
            });
    }

    [Fact]
    public void We_write_JSON_and_the_SDK_reads_it()
    {
        Events.Sample(sdk =>
        {
            Assert.False(ReadJson(Formatter.EncodeStructuredModeMessage(sdk, out _).ToArray(), out var e).IsError);
            var back = Formatter.DecodeStructuredModeMessage(Utf8(Written(e!)), null, null);
            AssertSame(back, e!);
            Assert.Equal(sdk.GetPopulatedAttributes().Count(), back.GetPopulatedAttributes().Count());
            return (string)back.Data! == (string)sdk.Data!;
        });
    }

    [Fact]
    public void The_SDK_writes_HTTP_headers_and_we_read_them()
    {
        Events.Sample(sdk =>
        {
            using var content = sdk.ToHttpContent(ContentMode.Binary, Formatter);
            using var buffer = EventBuffer.Rent();
            var error = Accept(buffer, content.Headers.Select(h => (h.Key, h.Value.Single())));
            Assert.False(error.IsError, error.Message);
            AssertSame(sdk, buffer.ToCloudEvent());
        });
    }

    [Fact]
    public async Task We_write_HTTP_headers_and_the_SDK_reads_them()
    {
        await Events.SampleAsync(async sdk =>
        {
            Assert.False(ReadJson(Formatter.EncodeStructuredModeMessage(sdk, out _).ToArray(), out var e).IsError);
            using var request = new HttpRequestMessage(HttpMethod.Post, "http://subscriber.test/");
            request.Content = new ByteArrayContent(e!.Data.ToArray());
            request.Content.Headers.ContentType = MediaTypeHeaderValue.Parse(Text(e.Get(CoreAttribute.DataContentType)));
            foreach (var attribute in Enum.GetValues<CoreAttribute>().Where(a => a != CoreAttribute.DataContentType && e.Has(a)))
            {
                var name = Text(AttributeNames.Of(attribute, e.Get(CoreAttribute.SpecVersion)));
                Assert.True(request.Headers.TryAddWithoutValidation("ce-" + name, HttpBinding.EncodeValue(e.Get(attribute))));
            }

            for (var i = 0; i < e.ExtensionCount; i++)
            {
                Assert.True(
                    request.Headers.TryAddWithoutValidation("ce-" + Text(e.ExtensionName(i)), HttpBinding.EncodeValue(e.ExtensionValue(i)))
                );
            }

            var back = await request.ToCloudEventAsync(Formatter);
            AssertSame(back, e);
            Assert.Equal(sdk.GetPopulatedAttributes().Count(), back.GetPopulatedAttributes().Count());
        });
    }

    private static void AssertSame(SdkEvent sdk, Core.Events.CloudEvent ours)
    {
        var shown = "\n" + Show(ours) + "\n";
        foreach (var (attribute, value) in sdk.GetPopulatedAttributes())
        {
            if (value is DateTimeOffset time)
            {
                Assert.Equal(
                    time,
                    DateTimeOffset.Parse(Text(ours.Get(CoreAttribute.Time)), System.Globalization.CultureInfo.InvariantCulture)
                );
                continue;
            }

            Assert.Contains($"\n{attribute.Name}={attribute.Format(value)}\n", shown);
        }

        Assert.Equal(sdk.SpecVersion.VersionId, Text(ours.Get(CoreAttribute.SpecVersion)));
    }
}
