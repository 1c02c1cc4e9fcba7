using System.Net;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Brokkr.EndToEnd.Tests.Parts;
using Brokkr.Testing;
using Brokkr.Testing.Http;
using Brokkr.Testing.Kafka;
using Brokkr.Testing.Processes;

namespace Brokkr.EndToEnd.Tests;

/// <summary>Peers that know nothing of this project: kcat on the side of Kafka, the JavaScript SDK of CloudEvents on the side of HTTP.</summary>
public sealed class ForeignPeerTests
{
    /// <summary>CEK-15.</summary>
    [Fact]
    public async Task Kcat_reads_what_was_posted_and_what_it_writes_is_delivered()
    {
        Needs.Program("kcat");
        var kafka = await KafkaCluster.SharedAsync();
        await using var subscriber = await Subscriber.StartAsync();
        using var folder = new TemporaryFolder();
        folder.Broker("kcat").Trigger("all", "kcat", subscriber.Url + "/all");
        await using var dev = new Dev(folder, kafka.BootstrapServers);
        await dev.StartAsync("kcat");
        using var sender = new Sender(dev.Url("kcat"));
        const string Topic = "knative-broker-shop-kcat";

        await sender.SendAsync("posted", partitionKey: "customer-7", data: """{"text":"Füße"}""");
        var record = Assert.Single(await Kcat.ReadAsync(kafka.BootstrapServers, Topic));
        Assert.Equal("customer-7", record.Key);
        Assert.Equal("""{"text":"Füße"}""", record.Value);
        Assert.Equal("posted", record["ce_id"]);
        Assert.Equal("1.0", record["ce_specversion"]);
        Assert.Equal("/e2e", record["ce_source"]);
        Assert.Equal(Sender.EventType, record["ce_type"]);
        Assert.StartsWith("application/json", record["content-type"]);

        await Kcat.ProduceAsync(
            kafka.BootstrapServers,
            Topic,
            "plain text",
            [
                ("ce_specversion", "1.0"),
                ("ce_id", "binary"),
                ("ce_source", "/kcat"),
                ("ce_type", "t"),
                ("ce_note", "50% Füße"),
                ("content-type", "text/plain"),
            ]
        );
        await Kcat.ProduceAsync(
            kafka.BootstrapServers,
            Topic,
            """{"specversion":"1.0","id":"structured","source":"/kcat","type":"t","datacontenttype":"application/json","data":{"n":[1,2]}}""",
            [("content-type", "application/cloudevents+json")]
        );

        var received = (await subscriber.CountAsync(3)).ToDictionary(request => request.EventId, StringComparer.Ordinal);
        Assert.Equal("""{"text":"Füße"}""", received["posted"].Text);
        Assert.Equal("plain text", received["binary"].Text);
        Assert.Equal("50%25%20F%C3%BC%C3%9Fe", received["binary"]["ce-note"], ignoreCase: true);
        Assert.Equal("text/plain", received["binary"]["content-type"]);
        Assert.Equal("""{"n":[1,2]}""", received["structured"].Text);
        Assert.Equal("/kcat", received["structured"]["ce-source"]);
    }

    /// <summary>CEK-15: by its Kafka binding the SDK makes the same event of our records as we make of its.</summary>
    [Fact]
    public async Task The_JavaScript_SDK_understands_records_and_its_records_are_understood()
    {
        var peer = JavaScript();
        var kafka = await KafkaCluster.SharedAsync();
        await using var subscriber = await Subscriber.StartAsync();
        using var folder = new TemporaryFolder();
        folder.Broker("records").Trigger("all", "records", subscriber.Url + "/all");
        folder.Write(
            "sink.yaml",
            $$"""
            apiVersion: eventing.knative.dev/v1alpha1
            kind: KafkaSink
            metadata: {name: documents, namespace: {{Manifests.Namespace}}}
            spec:
              topic: js-documents
              contentMode: structured
              numPartitions: 1
              replicationFactor: 1
              bootstrapServers: ["{{kafka.BootstrapServers}}"]
            """
        );
        await using var dev = new Dev(folder, kafka.BootstrapServers);
        await dev.StartAsync("records", "documents");
        const string Topic = "knative-broker-shop-records";

        foreach (var (name, topic) in ((string, string)[])[("records", Topic), ("documents", "js-documents")])
        {
            using var request = new HttpRequestMessage(HttpMethod.Post, dev.Url(name));
            foreach (
                var (header, value) in ((string, string)[])
                    [
                        ("ce-specversion", "1.0"),
                        ("ce-id", "ours"),
                        ("ce-source", "/e2e"),
                        ("ce-type", "com.example.ours"),
                        ("ce-time", "2024-01-02T03:04:05Z"),
                        ("ce-subject", "gr%C3%BC%C3%9Fe"),
                        ("ce-partitionkey", "customer-7"),
                        ("ce-comexampleextension", "50%25"),
                    ]
            )
            {
                request.Headers.Add(header, value);
            }

            request.Content = new StringContent("""{"text":"Füße"}""", Encoding.UTF8, "application/json");
            using var http = new HttpClient();
            using var answer = await http.SendAsync(request, TestContext.Current.CancellationToken);
            Assert.Equal(HttpStatusCode.Accepted, answer.StatusCode);

            var record = Assert.Single(await Kcat.ReadAsync(kafka.BootstrapServers, topic));
            var message = new JsonObject
            {
                ["headers"] = new JsonObject(record.Headers.Select(header => KeyValuePair.Create(header.Name, (JsonNode?)header.Value))),
                ["key"] = record.Key,
                ["value"] = record.Value,
            };
            var printed = await ChildProcess.RunAsync("node", ["peer.mjs", "decode", message.ToJsonString()], folder: peer);
            using var json = JsonDocument.Parse(printed[(printed.IndexOf("event ", StringComparison.Ordinal) + 6)..]);
            Assert.Equal("ours", json.RootElement.GetProperty("id").GetString());
            Assert.Equal("com.example.ours", json.RootElement.GetProperty("type").GetString());
            Assert.Equal("grüße", json.RootElement.GetProperty("subject").GetString());
            Assert.Equal("customer-7", json.RootElement.GetProperty("partitionkey").GetString());
            Assert.Equal("50%", json.RootElement.GetProperty("comexampleextension").GetString());
            Assert.Equal("Füße", json.RootElement.GetProperty("data").GetProperty("text").GetString());
        }

        foreach (var mode in (string[])["binary", "structured"])
        {
            var printed = await ChildProcess.RunAsync("node", ["peer.mjs", "encode", mode, mode], folder: peer);
            using var json = JsonDocument.Parse(printed[(printed.IndexOf("message ", StringComparison.Ordinal) + 8)..]);
            await Kcat.ProduceAsync(
                kafka.BootstrapServers,
                Topic,
                json.RootElement.GetProperty("value").GetString()!,
                json.RootElement.GetProperty("headers").EnumerateObject().Select(header => (header.Name, header.Value.ToString())),
                json.RootElement.GetProperty("key").GetString()
            );
        }

        var received = (await subscriber.CountAsync(3)).ToDictionary(request => request.EventId, StringComparer.Ordinal);
        foreach (var id in (string[])["binary", "structured"])
        {
            Assert.Equal("/js-sdk", received[id]["ce-source"]);
            Assert.Equal("gr%C3%BC%C3%9Fe", received[id]["ce-subject"]);
            Assert.Equal("customer-7", received[id]["ce-partitionkey"]);
            Assert.Equal("application/json", received[id]["content-type"]);
            Assert.Equal("""{"text":"Füße"}""", received[id].Text);
        }
    }

    /// <summary>The folder of the peer, where it is installed.</summary>
    private static string JavaScript()
    {
        var peer = Path.Combine(Repository.Root, "test", "e2e", "node");
        Needs.Program("node");
        Needs.Present(Directory.Exists(Path.Combine(peer, "node_modules", "cloudevents")) ? null : "Run: npm ci --prefix test/e2e/node");
        return peer;
    }

    [Fact]
    public async Task The_JavaScript_SDK_sends_receives_and_replies()
    {
        var peer = JavaScript();
        await using var subscriber = await Subscriber.StartAsync();
        await using var receiving = ChildProcess.Start("node", ["peer.mjs", "receive", "com.example.reply"], folder: peer);
        var port = (await receiving.LineAsync("^port (\\d+)$")).Groups[1].Value;
        using var folder = new TemporaryFolder();
        folder
            .Broker("peers")
            .Trigger("javascript", "peers", $"http://127.0.0.1:{port}/", type: "com.example.peer")
            .Trigger("replies", "peers", subscriber.Url + "/replies", type: "com.example.reply");
        await using var dev = new Dev(folder);
        await dev.StartAsync("peers");

        foreach (var mode in (string[])["binary", "structured"])
        {
            await ChildProcess.RunAsync("node", ["peer.mjs", "send", dev.Url("peers"), mode, "3", mode], folder: peer);
            for (var i = 0; i < 3; i++)
            {
                var line = await receiving.LineAsync($"^event (.*\"id\":\"{mode}-{i}\".*)$");
                using var json = JsonDocument.Parse(line.Groups[1].Value);
                var received = json.RootElement;
                Assert.Equal("/js-sdk", received.GetProperty("source").GetString());
                Assert.Equal($"value-{i}", received.GetProperty("comexampleextension").GetString());
                Assert.Equal(i, received.GetProperty("data").GetProperty("number").GetInt32());
                Assert.Equal("Füße", received.GetProperty("data").GetProperty("text").GetString());
            }
        }

        var replies = await subscriber.CountAsync(6, at: "/replies");
        Assert.Equal(
            ["reply-binary-0", "reply-binary-1", "reply-binary-2", "reply-structured-0", "reply-structured-1", "reply-structured-2"],
            replies.Select(request => request.EventId).Order(StringComparer.Ordinal)
        );
        Assert.DoesNotContain(receiving.Lines, line => line.StartsWith("error", StringComparison.Ordinal));
    }
}
