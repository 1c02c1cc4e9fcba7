using System.Globalization;
using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;
using Brokkr.EndToEnd.Tests.Parts;
using Brokkr.Testing;
using Brokkr.Testing.Http;

namespace Brokkr.EndToEnd.Tests;

/// <summary>Attributes keep every character and data every byte, from HTTP through the log to HTTP, in both content modes on both sides (CEC-06, CEH-13, CEJ-02, RTE-04).</summary>
public sealed class ExactBytesTests
{
    private const int Events = 300;
    private static readonly string[] ContentTypes =
    [
        "text/plain",
        "text/plain; charset=ISO-8859-1",
        "application/octet-stream",
        "application/json",
        "application/vnd.x+json",
    ];

    [Fact]
    public async Task Any_text_and_any_bytes_arrive_as_they_were_sent()
    {
        var seed = Random.Shared.Next();
        var random = new Random(seed);
        var sent = Enumerable.Range(0, Events).Select(i => Event(i, random)).ToDictionary(e => e.Id, StringComparer.Ordinal);
        await using var subscriber = await Subscriber.StartAsync();
        using var folder = new TemporaryFolder();
        folder
            .Broker("exact")
            .Trigger("binary", "exact", subscriber.Url + "/binary")
            .Trigger("structured", "exact", subscriber.Url + "/structured", delivery: "{format: json}");
        await using var dev = new Dev(folder);
        await dev.StartAsync("exact");
        using var client = new HttpClient();
        foreach (var e in sent.Values)
        {
            using var request = random.Next(2) == 0 ? Binary(e) : Structured(e);
            request.RequestUri = new Uri(dev.Url("exact"));
            using var response = await client.SendAsync(request, TestContext.Current.CancellationToken);
            Assert.True(
                (int)response.StatusCode == 202,
                $"seed {seed}: {await response.Content.ReadAsStringAsync(TestContext.Current.CancellationToken)}"
            );
        }

        var binary = await subscriber.CountAsync(Events, "/binary");
        var structured = await subscriber.CountAsync(Events, "/structured");
        foreach (var received in binary.Select(FromHeaders).Concat(structured.Select(FromJson)))
        {
            var expected = sent[received.Id];
            Assert.True(
                received.Subject == expected.Subject
                    && received.Extension == expected.Extension
                    && received.ContentType == expected.ContentType
                    && received.Data.AsSpan().SequenceEqual(expected.Data),
                $"seed {seed}, event {expected.Id}: {JsonSerializer.Serialize(expected)} became {JsonSerializer.Serialize(received)}"
            );
        }
    }

    private static Sent Event(int number, Random random)
    {
        var data = new byte[random.Next(1, 80)];
        random.NextBytes(data);
        if (random.Next(3) == 0)
        {
            data = JsonSerializer.SerializeToUtf8Bytes(new { a = Text(random), b = 1.50m });
        }

        return new Sent(
            number.ToString(CultureInfo.InvariantCulture),
            Text(random),
            Text(random),
            ContentTypes[random.Next(ContentTypes.Length)],
            data
        );
    }

    /// <summary>Any characters that an attribute may have: no controls, no noncharacters.</summary>
    private static string Text(Random random)
    {
        var text = new StringBuilder();
        for (var length = random.Next(1, 30); length > 0; )
        {
            // Most scripts are in the lower planes, and so are the characters that need quoting.
            var value = random.Next(
                random.Next(3) switch
                {
                    0 => 0x80,
                    1 => 0x10000,
                    _ => 0x110000,
                }
            );
            if (
                Rune.TryCreate(value, out var rune)
                && !Rune.IsControl(rune)
                && (value & 0xFFFE) != 0xFFFE
                && value is not (>= 0xFDD0 and <= 0xFDEF)
            )
            {
                text.Append(rune);
                length--;
            }
        }

        return text.ToString();
    }

    private static HttpRequestMessage Binary(Sent e)
    {
        var request = new HttpRequestMessage(HttpMethod.Post, (Uri?)null) { Content = new ByteArrayContent(e.Data) };
        request.Content.Headers.ContentType = MediaTypeHeaderValue.Parse(e.ContentType);
        request.Headers.Add("ce-specversion", "1.0");
        request.Headers.Add("ce-id", e.Id);
        request.Headers.Add("ce-source", "/s");
        request.Headers.Add("ce-type", "t");
        request.Headers.TryAddWithoutValidation("ce-subject", Encode(e.Subject));
        request.Headers.TryAddWithoutValidation("ce-ext", Encode(e.Extension));
        return request;
    }

    private static HttpRequestMessage Structured(Sent e)
    {
        var json = JsonSerializer.SerializeToUtf8Bytes(
            new Dictionary<string, string>
            {
                ["specversion"] = "1.0",
                ["id"] = e.Id,
                ["source"] = "/s",
                ["type"] = "t",
                ["subject"] = e.Subject,
                ["ext"] = e.Extension,
                ["datacontenttype"] = e.ContentType,
                ["data_base64"] = Convert.ToBase64String(e.Data),
            }
        );
        var request = new HttpRequestMessage(HttpMethod.Post, (Uri?)null) { Content = new ByteArrayContent(json) };
        request.Content.Headers.ContentType = new MediaTypeHeaderValue("application/cloudevents+json");
        return request;
    }

    private static Sent FromHeaders(ReceivedRequest request) =>
        new(
            request.EventId,
            Uri.UnescapeDataString(request["ce-subject"]!),
            Uri.UnescapeDataString(request["ce-ext"]!),
            request["content-type"]!,
            request.Body.ToArray()
        );

    private static Sent FromJson(ReceivedRequest request)
    {
        using var document = JsonDocument.Parse(request.Body);
        var json = document.RootElement;
        byte[] data =
            json.TryGetProperty("data_base64", out var base64) ? base64.GetBytesFromBase64()
            : json.GetProperty("datacontenttype").GetString()!.Contains("json", StringComparison.Ordinal)
                ? Encoding.UTF8.GetBytes(json.GetProperty("data").GetRawText())
            : Encoding.UTF8.GetBytes(json.GetProperty("data").GetString()!);
        return new Sent(
            json.GetProperty("id").GetString()!,
            json.GetProperty("subject").GetString()!,
            json.GetProperty("ext").GetString()!,
            json.GetProperty("datacontenttype").GetString()!,
            data
        );
    }

    /// <summary>The percent-encoding of the HTTP binding, for every byte but letters and digits.</summary>
    private static string Encode(string text) =>
        string.Concat(Encoding.UTF8.GetBytes(text).Select(b => char.IsAsciiLetterOrDigit((char)b) ? ((char)b).ToString() : $"%{b:X2}"));

    private sealed record Sent(string Id, string Subject, string Extension, string ContentType, byte[] Data);
}
