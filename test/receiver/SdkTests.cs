using System.Net;
using System.Text;
using Brokkr.Core.Log;
using CloudNative.CloudEvents;
using CloudNative.CloudEvents.Http;
using CloudNative.CloudEvents.SystemTextJson;
using CsCheck;
using static Brokkr.Receiver.Tests.TestReceiver;

namespace Brokkr.Receiver.Tests;

/// <summary>The official SDK as a sender that was not written here: whatever it encodes is stored as it was meant (DP-01).</summary>
public sealed class SdkTests
{
    private static readonly CloudEventAttribute Partitionkey = CloudEventAttribute.CreateExtension(
        "partitionkey",
        CloudEventAttributeType.String
    );
    private static readonly CloudEventAttribute Count = CloudEventAttribute.CreateExtension("count", CloudEventAttributeType.Integer);
    private static readonly CloudEventAttribute Flag = CloudEventAttribute.CreateExtension("flag", CloudEventAttributeType.Boolean);
    private static readonly JsonEventFormatter Formatter = new();

    /// <summary>Text that an attribute may hold: printable, of several scripts, with what HTTP headers cannot hold.</summary>
    private static readonly string[] Parts =
    [
        "a",
        "Z",
        "0",
        " ",
        "%",
        "\"",
        "\\",
        ",",
        ";",
        "=",
        "é",
        "ß",
        "€",
        "日",
        "😀",
        "-",
        ".",
        "/",
        "+",
    ];

    private static readonly Gen<string> Words = Gen.Int[0, Parts.Length - 1]
        .Select(i => Parts[i])
        .Array[1, 12]
        .Select(parts => string.Concat(parts))
        .Where(text => text.Trim().Length == text.Length);

    private static readonly Gen<CloudEvent> Events = Gen.Select(
        Words,
        Words,
        Words.Null(),
        Words.Null(),
        Gen.Int,
        Gen.Bool,
        Gen.Byte.Array[0, 300],
        (id, type, subject, key, count, flag, data) =>
        {
            var made = new CloudEvent(CloudEventsSpecVersion.V1_0, [Partitionkey, Count, Flag])
            {
                Id = id,
                Type = type,
                Source = new Uri("/source?a=b#c", UriKind.RelativeOrAbsolute),
                Subject = subject,
                Time = new DateTimeOffset(2024, 1, 2, 3, 4, 5, 678, TimeSpan.FromHours(2)),
                DataSchema = new Uri("http://schema.test/x"),
            };
            if (key is not null)
            {
                made[Partitionkey] = key;
            }

            made[Count] = count;
            made[Flag] = flag;
            if (data.Length > 0)
            {
                made.DataContentType = "application/octet-stream";
                made.Data = data;
            }

            return made;
        }
    );

    [Theory]
    [InlineData(ContentMode.Binary)]
    [InlineData(ContentMode.Structured)]
    public async Task DP_01_CEH_01_Events_of_the_SDK_are_stored_as_they_were_meant(ContentMode mode)
    {
        await using var receiver = await StartAsync(Broker("br"));
        using var client = new HttpClient();
        var sent = new List<CloudEvent>();
        await Events.SampleAsync(
            async made =>
            {
                using var content = made.ToHttpContent(mode, Formatter);
                using var answer = await client.PostAsync($"{receiver.Url}/ns/br", content);
                Assert.True(answer.StatusCode == HttpStatusCode.Accepted, await answer.Content.ReadAsStringAsync());
                sent.Add(made);
            },
            iter: 200,
            threads: 1
        );
        var records = await receiver.RecordsAsync("t-br");
        Assert.Equal(sent.Count, records.Count);
        foreach (var (made, record) in sent.Zip(records))
        {
            var headers = Headers(record);
            Assert.Equal("1.0", headers["ce_specversion"]);
            Assert.Equal(made.Id, headers["ce_id"]);
            Assert.Equal(made.Type, headers["ce_type"]);
            Assert.Equal(made.Source!.OriginalString, headers["ce_source"]);
            Assert.Equal(made.Subject, headers.GetValueOrDefault("ce_subject"));
            Assert.Equal("2024-01-02T03:04:05.678+02:00", headers["ce_time"]);
            Assert.Equal(made.DataSchema!.OriginalString, headers["ce_dataschema"]);
            Assert.Equal(made.DataContentType, headers.GetValueOrDefault("content-type"));
            Assert.Equal(Count.Format(made[Count]!), headers["ce_count"]);
            Assert.Equal(Flag.Format(made[Flag]!), headers["ce_flag"]);
            Assert.Equal((string?)made[Partitionkey], headers.GetValueOrDefault("ce_partitionkey"));
            Assert.Equal((string?)made[Partitionkey], record.HasKey ? Encoding.UTF8.GetString(record.Key) : null);
            Assert.Equal(made.Data is not null, record.HasValue);
            Assert.Equal((byte[]?)made.Data ?? [], record.Value.ToArray());
        }
    }

    [Fact]
    public async Task Batches_of_the_SDK_are_stored_in_order()
    {
        await using var receiver = await StartAsync(Broker("br"));
        using var client = new HttpClient();
        var batch = Enumerable
            .Range(0, 50)
            .Select(i => new CloudEvent
            {
                Id = $"i-{i}",
                Type = "t",
                Source = new Uri("/s", UriKind.Relative),
                DataContentType = "application/json",
                Data = new Dictionary<string, int>(StringComparer.Ordinal) { ["n"] = i },
            })
            .ToList();
        using var content = batch.ToHttpContent(Formatter);
        using var answer = await client.PostAsync($"{receiver.Url}/ns/br", content);
        Assert.Equal(HttpStatusCode.Accepted, answer.StatusCode);
        var records = await receiver.RecordsAsync("t-br");
        Assert.Equal(batch.Select(made => made.Id), records.Select(record => Headers(record)["ce_id"]));
        Assert.Equal("""{"n":49}""", Encoding.UTF8.GetString(records[^1].Value.Span));
    }

    private static Dictionary<string, string> Headers(StoredRecord record)
    {
        var headers = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (var header in record.Headers)
        {
            headers.Add(Encoding.UTF8.GetString(record.NameOf(header)), Encoding.UTF8.GetString(record.ValueOf(header)));
        }

        return headers;
    }
}
