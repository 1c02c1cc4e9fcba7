using System.Text;
using System.Text.Json;
using Brokkr.Core.Contract.Wire;
using Brokkr.Core.Log;
using Brokkr.Dispatcher.Tests.Stage;
using Brokkr.Testing.Http;

namespace Brokkr.Dispatcher.Tests;

/// <summary>KafkaSources: records that are no events become some (dispatcher §4.4, KSR-01, KSR-02).</summary>
public class SourceTests
{
    [Fact]
    public async Task A_plain_record_is_delivered_as_an_event()
    {
        await using var stage = await SourceAsync();
        await AppendAsync(stage, "{\"a\": 1}", "k", ("Content-Type", "application/JSON"), ("X-Trace", "é"), ("null", null));
        stage.Start();
        stage.Publish(Resource(stage.Egress()));
        var request = (await stage.Subscriber.CountAsync(1, "/sub"))[0];
        Assert.Equal("{\"a\": 1}", request.Text);
        Assert.Equal("application/json", request["content-type"]);
        Assert.Equal("1.0", request["ce-specversion"]);
        Assert.Equal("dev.knative.kafka.event", request["ce-type"]);
        Assert.Equal("partition:0/offset:0", request.EventId);
        Assert.Equal("partition:0#0", request["ce-subject"]);
        Assert.Equal("/apis/v1/namespaces/ns/kafkasources/src#events", request["ce-source"]);
        Assert.NotNull(request["ce-time"]);
        Assert.Equal("k", request["ce-key"]);
        Assert.Equal("k", request["ce-partitionkey"]);
        Assert.Equal("%C3%A9", request["ce-kafkaheaderxtrace"]);
        Assert.Equal("", request["ce-kafkaheadernull"]);
        Assert.Equal("0", request["ce-knativekafkaoffset"]);
        await stage.CommittedAsync(1);
    }

    [Fact]
    public async Task Events_pass_as_they_are_and_overrides_are_laid_over_both()
    {
        await using var stage = await SourceAsync();
        await stage.Append("1", key: "k", headers: [("ce_over", "own")]);
        await AppendAsync(stage, "plain", null);
        var resource = Resource(stage.Egress());
        resource.CloudEventOverrides = new CloudEventOverrides();
        resource.CloudEventOverrides.Extensions.Add("over", "v");
        stage.Start();
        stage.Publish(resource);
        var requests = (await stage.Subscriber.CountAsync(2, "/sub"))
            .OrderBy(r => r["ce-knativekafkaoffset"], StringComparer.Ordinal)
            .ToArray();
        Assert.Equal("1", requests[0].EventId);
        Assert.Null(requests[0]["ce-key"]);
        Assert.Equal("partition:0/offset:1", requests[1].EventId);
        Assert.All(requests, r => Assert.Equal("v", r["ce-over"]));
    }

    [Fact]
    public async Task The_key_type_is_that_of_the_egress_and_filters_see_it()
    {
        await using var stage = await SourceAsync();
        await AppendAsync(stage, "x", "\0\0\0\u0007");
        await AppendAsync(stage, "y", "\0\0\0\u0008");
        var number = stage.Egress("number", "/number");
        number.KeyType = KeyType.Integer;
        number.Filter = new Filter();
        number.Filter.Attributes.Add("key", "8");
        var bytes = stage.Egress("bytes", "/bytes", new EgressConfig { Format = "json" });
        bytes.KeyType = KeyType.ByteArray;
        bytes.DeliveryOrder = DeliveryOrder.Ordered;
        stage.Start();
        stage.Publish(Resource(number, bytes));
        await stage.CommittedAsync(2, "group-number");
        await stage.CommittedAsync(2, "group-bytes");
        Assert.Equal("y", Assert.Single(stage.Subscriber.At("/number")).Text);
        using var json = JsonDocument.Parse(stage.Subscriber.At("/bytes")[0].Body);
        Assert.Equal("AAAABw==", json.RootElement.GetProperty("key").GetString());
        Assert.Equal("eA==", json.RootElement.GetProperty("data_base64").GetString());
    }

    [Fact]
    public async Task A_number_is_a_number_in_JSON()
    {
        await using var stage = await SourceAsync();
        await AppendAsync(stage, "x", "\0\0\0\u0007");
        var egress = stage.Egress(config: new EgressConfig { Format = "json" });
        egress.KeyType = KeyType.Integer;
        stage.Start();
        stage.Publish(Resource(egress));
        using var json = JsonDocument.Parse((await stage.Subscriber.CountAsync(1, "/sub"))[0].Body);
        Assert.Equal(7, json.RootElement.GetProperty("key").GetInt32());
    }

    [Fact]
    public async Task What_fails_goes_to_the_dead_letter_sink_as_an_event()
    {
        await using var stage = await SourceAsync();
        stage.Subscriber.OnPath("/sub", Answer.Status(400));
        await AppendAsync(stage, "x", "k");
        stage.Start();
        stage.Publish(Resource(stage.Egress(config: stage.Config())));
        var letter = (await stage.Subscriber.CountAsync(1, "/dls"))[0];
        Assert.Equal("partition:0/offset:0", letter.EventId);
        Assert.Equal("k", letter["ce-key"]);
        Assert.Equal("400", letter["ce-knativeerrorcode"]);
    }

    [Theory]
    [InlineData("", "src")]
    [InlineData("ns", " ")]
    public async Task Without_a_name_nothing_is_made_of_plain_records(string namespaceName, string name)
    {
        await using var stage = await SourceAsync();
        await AppendAsync(stage, "x", null);
        await stage.AppendAsync("1");
        var resource = Resource(stage.Egress());
        resource.Reference = new Reference { Namespace = namespaceName, Name = name };
        stage.Start();
        stage.Publish(resource);
        await stage.CommittedAsync(2);
        Assert.Equal(["1"], stage.IdsAt("/sub"));
    }

    private static async Task<DispatcherStage> SourceAsync()
    {
        var stage = await DispatcherStage.SetAsync();
        stage.Options = stage.Options with { SynthesizedKind = "kafkasources" };
        return stage;
    }

    private static Resource Resource(params Egress[] egresses)
    {
        var resource = DispatcherStage.ResourceOf(egresses);
        resource.Reference = new Reference
        {
            Namespace = "ns",
            Name = "src",
            Kind = "KafkaSource",
        };
        return resource;
    }

    private static async Task AppendAsync(DispatcherStage stage, string value, string? key, params (string Name, string? Value)[] headers)
    {
        using var record = RecordBuffer.Rent();
        foreach (var (name, text) in headers)
        {
            if (text is null)
            {
                record.AddNullHeader(Encoding.UTF8.GetBytes(name));
            }
            else
            {
                record.AddHeader(Encoding.UTF8.GetBytes(name), Encoding.UTF8.GetBytes(text));
            }
        }

        if (key is not null)
        {
            record.SetKey(Encoding.UTF8.GetBytes(key));
        }

        record.AppendValue(Encoding.UTF8.GetBytes(value));
        Assert.Equal(AppendOutcome.Stored, (await stage.Store.AppendAsync(DispatcherStage.Topic, record)).Outcome);
    }
}
