using System.Text;
using Brokkr.Core.Contract.Wire;
using Brokkr.Core.Log;
using Brokkr.Dispatcher.Tests.Stage;
using Brokkr.Testing.Http;

namespace Brokkr.Dispatcher.Tests;

/// <summary>What becomes of the answer (dispatcher §8, design §6).</summary>
public class ReplyTests
{
    private static readonly Answer Reply = Answer.Ok with
    {
        Headers =
        [
            ("ce-specversion", "1.0"),
            ("ce-id", "r1"),
            ("ce-source", "/r"),
            ("ce-type", "out"),
            ("ce-subject", "%E2%82%AC%20x"),
            ("ce-partitionkey", "k"),
            ("content-type", "text/plain"),
        ],
        Body = "reply"u8.ToArray(),
    };

    /// <summary>RTE-06, DP-10, DP-24, CEH-18.</summary>
    [Fact]
    public async Task A_binary_event_goes_to_the_topic()
    {
        await using var stage = await StageAsync(Reply, "1");
        stage.Start(ToTopic(stage));
        await stage.CommittedAsync(2);
        var record = (await stage.RecordsAsync(DispatcherStage.Topic))[1];
        Assert.Equal("r1", Header(record, "ce_id"));
        Assert.Equal("out", Header(record, "ce_type"));
        Assert.Equal("€ x", Header(record, "ce_subject"));
        Assert.Equal("text/plain", Header(record, "content-type"));
        Assert.Equal("k", Encoding.UTF8.GetString(record.Key));
        Assert.Equal("reply", Encoding.UTF8.GetString(record.Value.Span));
        Assert.DoesNotContain(record.Headers.ToArray(), h => record.NameOf(h).SequenceEqual("ce_knativekafkaoffset"u8));
    }

    /// <summary>DP-24, CEH-18.</summary>
    [Fact]
    public async Task A_structured_event_goes_to_the_topic_in_binary_form()
    {
        var answer = Answer.Ok with
        {
            Headers = [("content-type", "application/cloudevents+json; charset=utf-8")],
            Body = """{"specversion":"1.0","id":"r2","source":"/r","type":"out","data":{"a":[1,2.0]},"n":5}"""u8.ToArray(),
        };
        await using var stage = await StageAsync(answer, "1");
        stage.Start(ToTopic(stage));
        await stage.CommittedAsync(2);
        var record = (await stage.RecordsAsync(DispatcherStage.Topic))[1];
        Assert.Equal("r2", Header(record, "ce_id"));
        Assert.Equal("5", Header(record, "ce_n"));
        Assert.Equal("""{"a":[1,2.0]}""", Encoding.UTF8.GetString(record.Value.Span));
    }

    /// <summary>DP-12, DEV-01.</summary>
    [Fact]
    public async Task An_answer_of_202_is_never_a_reply()
    {
        await using var stage = await StageAsync(Reply with { Code = 202 }, "1");
        stage.Start(ToTopic(stage));
        await stage.CommittedAsync(1);
        Assert.Single(await stage.RecordsAsync(DispatcherStage.Topic));
        Assert.Empty(stage.Subscriber.At("/dls"));
    }

    /// <summary>DP-11, DP-13, RTE-12, CEH-03, CEH-19; OEG-05 is what we leave: a body that is no event is dropped.</summary>
    [Theory]
    [InlineData("", "")]
    [InlineData("application/json", "{\"ok\":true}")]
    [InlineData("text/html", "<p>ok")]
    [InlineData("", "ok")]
    [InlineData("application/cloudevents-batch+json", "[]")]
    [InlineData("application/cloudevents+avro", "x")]
    public async Task A_body_that_is_no_event_is_a_delivery(string contentType, string body)
    {
        var answer = Answer.Ok with
        {
            Headers = contentType.Length > 0 ? [("content-type", contentType)] : [],
            Body = Encoding.UTF8.GetBytes(body),
        };
        await using var stage = await StageAsync(answer, "1", "2");
        stage.Start(ToTopic(stage));
        await stage.CommittedAsync(2);
        Assert.Equal(2, stage.Subscriber.At("/sub").Count);
        Assert.Equal(2, (await stage.RecordsAsync(DispatcherStage.Topic)).Count);
        Assert.Empty(stage.Subscriber.At("/dls"));
    }

    /// <summary>DEV-05.</summary>
    [Fact]
    public async Task A_broken_event_with_a_body_fails_without_a_retry()
    {
        await using var stage = await StageAsync(Reply with { Headers = [("ce-specversion", "1.0"), ("ce-id", "r")] }, "1");
        stage.Start(ToTopic(stage, retry: 3));
        await stage.CommittedAsync(1);
        Assert.Single(stage.Subscriber.At("/sub"));
        var letter = Assert.Single(stage.Subscriber.At("/dls"));
        Assert.DoesNotContain("ce-knativeerrorcode", letter.Headers.Keys);
    }

    /// <summary>RTE-07, DEV-04.</summary>
    [Fact]
    public async Task A_reply_that_cannot_be_stored_is_a_failed_attempt()
    {
        await using var stage = await StageAsync(Reply, "1");
        stage.Store.RefusedAppends[DispatcherStage.Topic] = AppendOutcome.RetryLater;
        stage.Start(ToTopic(stage, retry: 2));
        await stage.CommittedAsync(1);
        Assert.Equal(3, stage.Subscriber.At("/sub").Count);
        Assert.Single(stage.Subscriber.At("/dls"));
    }

    [Fact]
    public async Task A_reply_beyond_the_limit_is_not_read_to_the_end()
    {
        await using var stage = await StageAsync(Reply with { Body = new byte[200_000] }, "1");
        stage.Options = stage.Options with { ReplyLimit = 100_000 };
        stage.Start(ToTopic(stage));
        await stage.CommittedAsync(1);
        Assert.Single(stage.Subscriber.At("/dls"));
    }

    [Fact]
    public async Task A_reply_goes_to_a_url_with_retries_of_its_own()
    {
        await using var stage = await StageAsync(Reply, "1");
        stage.Subscriber.OnPath("/reply", Answer.Status(503), Answer.Ok);
        stage.Start(ToUrl(stage, retry: 1));
        await stage.CommittedAsync(1);
        Assert.Single(stage.Subscriber.At("/sub"));
        var requests = stage.Subscriber.At("/reply");
        Assert.Equal(2, requests.Count);
        Assert.Equal("r1", requests[1].Headers["ce-id"]);
        Assert.Equal("%E2%82%AC%20x", requests[1].Headers["ce-subject"]);
        Assert.Equal("reply", Encoding.UTF8.GetString(requests[1].Body.Span));
        Assert.DoesNotContain("ce-knativekafkaoffset", requests[1].Headers.Keys);
        Assert.Empty(stage.Subscriber.At("/dls"));
    }

    /// <summary>Dispatcher §8.5.</summary>
    [Fact]
    public async Task A_reply_url_that_refuses_makes_the_event_a_dead_letter()
    {
        await using var stage = await StageAsync(Reply, "1");
        stage.Subscriber.OnPath("/reply", Answer.Status(400) with { Body = "no"u8.ToArray() });
        stage.Start(ToUrl(stage, retry: 1));
        await stage.CommittedAsync(1);
        Assert.Single(stage.Subscriber.At("/sub"));
        var letter = Assert.Single(stage.Subscriber.At("/dls"));
        Assert.Equal("400", letter.Headers["ce-knativeerrorcode"]);
        Assert.Equal(stage.Subscriber.Url + "/sub", letter.Headers["ce-knativeerrordest"]);
        Assert.Equal("1", letter.Headers["ce-id"]);
    }

    /// <summary>DP-23.</summary>
    [Fact]
    public async Task A_discarded_reply_goes_nowhere()
    {
        await using var stage = await StageAsync(Reply, "1");
        stage.Start(stage.Egress(config: stage.Config()));
        await stage.CommittedAsync(1);
        Assert.Single(await stage.RecordsAsync(DispatcherStage.Topic));
        Assert.Empty(stage.Subscriber.At("/dls"));
    }

    /// <summary>Design §6 against DEV-06.</summary>
    [Fact]
    public async Task An_answer_of_the_dead_letter_sink_is_never_a_reply()
    {
        await using var stage = await StageAsync(Answer.Status(400), "1");
        stage.Subscriber.OnPath("/dls", Reply);
        stage.Start(ToTopic(stage));
        await stage.CommittedAsync(1);
        Assert.Single(stage.Subscriber.At("/dls"));
        Assert.Single(await stage.RecordsAsync(DispatcherStage.Topic));
    }

    [Fact]
    public async Task A_reply_belongs_to_the_trace_of_its_event()
    {
        await using var stage = await StageAsync(Reply);
        await stage.Append("1", headers: [("traceparent", "00-aa-bb-01")]);
        stage.Start(ToTopic(stage));
        await stage.CommittedAsync(2);
        Assert.Equal("00-aa-bb-01", Header((await stage.RecordsAsync(DispatcherStage.Topic))[1], "traceparent"));
    }

    private static async Task<DispatcherStage> StageAsync(Answer answer, params string[] ids)
    {
        var stage = await DispatcherStage.SetAsync();
        stage.Subscriber.OnPath("/sub", answer);
        await stage.AppendAsync(ids);
        return stage;
    }

    /// <summary>Only takes what is no reply, so that nothing loops.</summary>
    private static Egress ToTopic(DispatcherStage stage, uint retry = 0)
    {
        var egress = stage.Egress(config: stage.Config(retry));
        egress.ReplyToOriginalTopic = new Empty();
        egress.Filter = new Filter();
        egress.Filter.Attributes.Add("type", "t");
        return egress;
    }

    private static Egress ToUrl(DispatcherStage stage, uint retry)
    {
        var egress = ToTopic(stage, retry);
        egress.ReplyUrl = stage.Subscriber.Url + "/reply";
        return egress;
    }

    private static string? Header(StoredRecord record, string name)
    {
        foreach (var header in record.Headers)
        {
            if (record.NameOf(header).SequenceEqual(Encoding.UTF8.GetBytes(name)))
            {
                return Encoding.UTF8.GetString(record.ValueOf(header));
            }
        }

        return null;
    }
}
