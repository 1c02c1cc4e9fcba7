using System.Collections.Concurrent;
using System.Globalization;
using System.Text;
using Brokkr.Core.Contract.Wire;
using Brokkr.Core.Events;
using Brokkr.Core.Log;
using Brokkr.Dispatcher.Tests.Stage;
using Brokkr.Testing;
using Brokkr.Testing.Http;

namespace Brokkr.Dispatcher.Tests;

/// <summary>What follows from replies: chains that end (RTE-08, design §4), and types that become known (dispatcher §8.4).</summary>
public class ReplyChainTests
{
    [Fact]
    public async Task A_Trigger_that_answers_itself_comes_to_an_end()
    {
        await using var stage = await DispatcherStage.SetAsync();
        stage.Options = stage.Options with { ReplyHopLimit = 5 };
        stage.Subscriber.OnPath("/sub", Reply("t"));
        await stage.AppendAsync("0");
        stage.Start(ToTopic(stage, "t", "/sub", type: null));
        await stage.CommittedAsync(6);
        var records = await stage.RecordsAsync(DispatcherStage.Topic);
        Assert.Equal(["", "1", "2", "3", "4", "5"], records.Select(HopsOf));
        // The last one is a dead letter: its reply was refused, once and for all.
        Assert.Equal(6, stage.Subscriber.At("/sub").Count);
        var letter = Assert.Single(stage.Subscriber.At("/dls"));
        Assert.Equal("5", letter["ce-knativekafkaoffset"]);
        Assert.All(
            stage.Subscriber.At("/sub"),
            r => Assert.DoesNotContain(r.Headers.Keys, name => name.Contains("hops", StringComparison.Ordinal))
        );
    }

    [Fact]
    public async Task Triggers_that_answer_each_other_come_to_an_end_whatever_the_partition()
    {
        await using var stage = await DispatcherStage.SetAsync(partitions: 4);
        stage.Options = stage.Options with { ReplyHopLimit = 8 };
        stage.Subscriber.OnPath("/ping", Reply("pong", key: "a"));
        stage.Subscriber.OnPath("/pong", Reply("ping", key: "b"));
        await stage.AppendAsync(["0"], type: "ping");
        stage.Start(ToTopic(stage, "ping", "/ping", "ping"), ToTopic(stage, "pong", "/pong", "pong"));
        await stage.Subscriber.CountAsync(1, "/dls");
        Assert.Equal(5, stage.Subscriber.At("/ping").Count);
        Assert.Equal(4, stage.Subscriber.At("/pong").Count);
    }

    [Fact]
    public async Task A_reply_that_nobody_wants_does_not_say_how_it_came_about()
    {
        await using var stage = await DispatcherStage.SetAsync();
        stage.Subscriber.OnPath("/sub", Reply("out"));
        await stage.AppendAsync("0");
        stage.Start(ToTopic(stage, "t", "/sub", "t"));
        await stage.CommittedAsync(2);
        Assert.Equal(["", ""], (await stage.RecordsAsync(DispatcherStage.Topic)).Select(HopsOf));
        Assert.Empty(stage.Subscriber.At("/dls"));
    }

    [Fact]
    public async Task Without_a_limit_chains_go_on()
    {
        await using var stage = await DispatcherStage.SetAsync();
        stage.Options = stage.Options with { ReplyHopLimit = 0 };
        stage.Subscriber.OnPath("/sub", [.. Enumerable.Repeat(Reply("t"), 300), Answer.Ok]);
        await stage.AppendAsync("0");
        stage.Start(ToTopic(stage, "t", "/sub", type: null));
        await stage.CommittedAsync(301);
        Assert.Empty(stage.Subscriber.At("/dls"));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task The_type_of_a_reply_becomes_known_where_the_resource_asks_for_it(bool isAsked)
    {
        var seen = new SeenTypes();
        await using var stage = await DispatcherStage.SetAsync();
        stage.EventTypes = seen;
        stage.Subscriber.OnPath("/sub", Reply("out"));
        await stage.AppendAsync("0");
        stage.Start();
        var toTopic = ToTopic(stage, "topic", "/sub", "t");
        var toUrl = ToTopic(stage, "url", "/sub", "t");
        toUrl.ReplyUrl = stage.Subscriber.Url + "/reply";
        var resource = DispatcherStage.ResourceOf(toTopic, toUrl);
        resource.FeatureFlags = new FeatureFlags { EnableEventTypeAutocreate = isAsked };
        stage.Publish(resource);
        await stage.CommittedAsync(2, "group-topic");
        await stage.CommittedAsync(2, "group-url");
        Assert.Equal(isAsked ? ["topic out /r", "url out /r"] : [], seen.All.Order(StringComparer.Ordinal));
    }

    private static Answer Reply(string type, string? key = null) =>
        Answer.Ok with
        {
            Headers =
            [
                ("ce-specversion", "1.0"),
                ("ce-id", "r"),
                ("ce-source", "/r"),
                ("ce-type", type),
                .. key is null ? Array.Empty<(string, string)>() : [("ce-partitionkey", key)],
            ],
        };

    private static Egress ToTopic(DispatcherStage stage, string uid, string path, string? type)
    {
        var egress = stage.Egress(uid, path, stage.Config(retry: 3));
        egress.ReplyToOriginalTopic = new Empty();
        if (type is not null)
        {
            egress.Filter = new Filter();
            egress.Filter.Attributes.Add("type", type);
        }

        return egress;
    }

    private static string HopsOf(StoredRecord record)
    {
        foreach (var header in record.Headers)
        {
            if (record.NameOf(header).SequenceEqual("brokkr_hops"u8))
            {
                return Encoding.UTF8.GetString(record.ValueOf(header));
            }
        }

        return "";
    }

    private sealed class SeenTypes : IEventTypeRegistry
    {
        private readonly ConcurrentQueue<string> _all = new();

        public IEnumerable<string> All => _all;

        public void Seen(Reference owner, EventBuffer @event) =>
            _all.Enqueue(
                string.Create(
                    CultureInfo.InvariantCulture,
                    $"{owner.Name} {Encoding.UTF8.GetString(@event.Get(CoreAttribute.Type))} {Encoding.UTF8.GetString(@event.Get(CoreAttribute.Source))}"
                )
            );
    }
}
