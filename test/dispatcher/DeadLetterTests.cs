using System.Text;
using Brokkr.Core.Contract.Wire;
using Brokkr.Core.Log;
using Brokkr.Dispatcher.Tests.Stage;
using Brokkr.Testing;
using Brokkr.Testing.Http;

namespace Brokkr.Dispatcher.Tests;

/// <summary>What happens when no attempt succeeds (dispatcher §9, design §4 "Nothing disappears").</summary>
public class DeadLetterTests
{
    private const string Letters = DispatcherStage.Topic + ".dead-letters";

    /// <summary>OEG-06, RTE-13, RTE-15.</summary>
    [Fact]
    public async Task The_sink_gets_the_event_with_error_attributes()
    {
        await using var stage = await DispatcherStage.SetAsync();
        stage.Subscriber.OnPath(
            "/sub",
            Answer.Status(422) with
            {
                Headers =
                [
                    ("Kne-Test", "Bar baz"),
                    ("KNE-TWICE", "a"),
                    ("kne-twice", "b"),
                    ("kne-foo-bar", "x"),
                    ("kne-id", "changed"),
                    ("kne-", "x"),
                    ("x-test", "no"),
                ],
                Body = Encoding.UTF8.GetBytes(new string('x', 1500)),
            }
        );
        await stage.Append("1", headers: [("ce_ext", "v")]);
        stage.Start(stage.Egress(config: stage.Config()));
        var letter = (await stage.Subscriber.CountAsync(1, "/dls"))[0];
        Assert.Equal(stage.Subscriber.Url + "/sub", letter.Headers["ce-knativeerrordest"]);
        Assert.Equal("422", letter.Headers["ce-knativeerrorcode"]);
        Assert.Equal(Convert.ToBase64String(Encoding.UTF8.GetBytes(new string('x', 1024))), letter.Headers["ce-knativeerrordata"]);
        Assert.Equal("Bar%20baz", letter.Headers["ce-test"]);
        Assert.Equal("b", letter.Headers["ce-twice"]);
        Assert.Equal("1", letter.Headers["ce-id"]);
        Assert.Equal("v", letter.Headers["ce-ext"]);
        Assert.Equal("0", letter.Headers["ce-knativekafkaoffset"]);
        Assert.Equal("hello", Encoding.UTF8.GetString(letter.Body.Span));
        Assert.Equal("reply", letter.Headers["prefer"]);
        Assert.DoesNotContain(letter.Headers.Keys, name => name is "ce-foo-bar" or "ce-" or "x-test");
        await stage.CommittedAsync(1);
    }

    [Fact]
    public async Task Who_reads_dead_letters_does_not_learn_the_password_of_the_subscriber()
    {
        await using var stage = await DispatcherStage.SetAsync();
        stage.Subscriber.OnPath("/sub?a=b", Answer.Status(400));
        await stage.AppendAsync("1");
        var egress = stage.Egress(path: "/sub?a=b", config: stage.Config());
        var plain = egress.Destination;
        egress.Destination = plain.Replace("http://", "http://user:secret@", StringComparison.Ordinal);
        stage.Start(egress);
        var letter = (await stage.Subscriber.CountAsync(1, "/dls"))[0];
        Assert.Equal(plain, letter.Headers["ce-knativeerrordest"]);
    }

    /// <summary>Error headers may replace the code, not the data (dispatcher §9).</summary>
    [Fact]
    public async Task Error_headers_may_replace_error_attributes()
    {
        await using var stage = await DispatcherStage.SetAsync();
        stage.Subscriber.OnPath(
            "/sub",
            Answer.Status(500) with
            {
                Headers = [("kne-knativeerrorcode", "999"), ("kne-knativeerrordata", "mine")],
                Body = "b"u8.ToArray(),
            }
        );
        await stage.Append("1", headers: [("ce_knativeerrordest", "old"), ("ce_knativeerrordata", "old")]);
        stage.Start(stage.Egress(config: stage.Config()));
        var letter = (await stage.Subscriber.CountAsync(1, "/dls"))[0];
        Assert.Equal("999", letter.Headers["ce-knativeerrorcode"]);
        Assert.Equal("Yg==", letter.Headers["ce-knativeerrordata"]);
        Assert.Equal(stage.Subscriber.Url + "/sub", letter.Headers["ce-knativeerrordest"]);
    }

    [Fact]
    public async Task An_event_of_specversion_03_becomes_one_of_10()
    {
        await using var stage = await DispatcherStage.SetAsync();
        stage.Subscriber.OnPath("/sub", Answer.Status(400));
        using (var record = RecordBuffer.Rent())
        {
            foreach (
                var (name, value) in new[]
                {
                    ("ce_specversion", "0.3"),
                    ("ce_id", "1"),
                    ("ce_source", "/s"),
                    ("ce_type", "t"),
                    ("ce_schemaurl", "http://x/y"),
                }
            )
            {
                record.AddHeader(Encoding.UTF8.GetBytes(name), Encoding.UTF8.GetBytes(value));
            }

            await stage.Store.AppendAsync(DispatcherStage.Topic, record);
        }

        stage.Start(stage.Egress(config: stage.Config()));
        var letter = (await stage.Subscriber.CountAsync(1, "/dls"))[0];
        Assert.Equal("http://x/y", stage.Subscriber.At("/sub")[0].Headers["ce-schemaurl"]);
        Assert.Equal("0.3", stage.Subscriber.At("/sub")[0].Headers["ce-specversion"]);
        Assert.Equal("http://x/y", letter.Headers["ce-dataschema"]);
        Assert.Equal("1.0", letter.Headers["ce-specversion"]);
    }

    /// <summary>RTE-14.</summary>
    [Fact]
    public async Task The_sink_has_retries_of_its_own()
    {
        await using var stage = await DispatcherStage.SetAsync();
        stage.Subscriber.OnPath("/sub", Answer.Status(400));
        stage.Subscriber.OnPath("/dls", Answer.Status(500), Answer.Close, Answer.Ok);
        await stage.AppendAsync("1");
        stage.Start(stage.Egress(config: stage.Config(retry: 2)));
        await stage.CommittedAsync(1);
        Assert.Equal(3, stage.Subscriber.At("/dls").Count);
        Assert.Null(await stage.Store.DescribeAsync(Letters, CancellationToken.None));
    }

    /// <summary>DEV-13; what we leave of OEG-07.</summary>
    [Fact]
    public async Task Without_a_sink_the_topic_takes_the_event_and_is_made_like_its_own()
    {
        await using var stage = await DispatcherStage.SetAsync(partitions: 3);
        stage.Subscriber.OnPath("/sub", Answer.Status(400) with { Body = "why"u8.ToArray() });
        var place = await stage.Append("1", key: "k");
        stage.Start(stage.Egress());
        await stage.CommittedAsync(1, partition: place.Partition);
        Assert.Equal(3, (await stage.Store.DescribeAsync(Letters, CancellationToken.None))!.Partitions);
        var letter = Assert.Single(await stage.RecordsAsync(Letters, place.Partition));
        Assert.Equal("1", Header(letter, "ce_id"));
        Assert.Equal("400", Header(letter, "ce_knativeerrorcode"));
        Assert.Equal(stage.Subscriber.Url + "/sub", Header(letter, "ce_knativeerrordest"));
        Assert.Equal("d2h5", Header(letter, "ce_knativeerrordata"));
        Assert.Equal("0", Header(letter, "ce_knativekafkaoffset"));
        Assert.Equal("group-t", Header(letter, "brokkr_group"));
        Assert.Equal("t", Header(letter, "brokkr_trigger_name"));
        Assert.Equal("k", Encoding.UTF8.GetString(letter.Key));
        Assert.Equal("hello", Encoding.UTF8.GetString(letter.Value.Span));
    }

    [Fact]
    public async Task When_the_sink_fails_too_the_topic_takes_the_event()
    {
        await using var stage = await DispatcherStage.SetAsync();
        stage.Subscriber.Otherwise(_ => Answer.Status(500));
        await stage.AppendAsync("1", "2");
        stage.Start(stage.Egress(config: stage.Config(retry: 1)));
        await stage.CommittedAsync(2);
        Assert.Equal(4, stage.Subscriber.At("/dls").Count);
        Assert.Equal(2, (await stage.RecordsAsync(Letters)).Count);
    }

    [Fact]
    public async Task While_the_topic_cannot_be_made_the_record_is_held_and_others_go_on()
    {
        await using var stage = await DispatcherStage.SetAsync();
        stage.Store.RefusedTopics[Letters] = true;
        stage.Subscriber.OnEvent("bad", Answer.Status(400));
        await stage.AppendAsync("0", "bad", "2", "3");
        stage.Start(stage.Egress());
        await stage.Subscriber.CountAsync(4);
        await stage.CommittedAsync(1);
        await Eventually.True(() => stage.Log.Of(5018).Any(), "the log says that the record is held");
        stage.Store.RefusedTopics.Clear();
        await stage.CommittedAsync(4);
        Assert.Equal("bad", Header(Assert.Single(await stage.RecordsAsync(Letters)), "ce_id"));
        Assert.Single(stage.IdsAt("/sub"), id => id == "bad");
    }

    [Fact]
    public async Task While_the_topic_cannot_be_written_the_record_is_held()
    {
        await using var stage = await DispatcherStage.SetAsync();
        stage.Store.RefusedAppends[Letters] = AppendOutcome.RetryLater;
        stage.Subscriber.OnPath("/sub", Answer.Status(400));
        await stage.AppendAsync("1");
        stage.Start(stage.Egress());
        await Eventually.True(() => stage.Log.Of(5018).Any(), "the log says that the record is held");
        Assert.Equal(0, await stage.CommittedAsync());
        stage.Store.RefusedAppends.Clear();
        await stage.CommittedAsync(1);
    }

    /// <summary>CEC-17: what is lost is named, its data is not shown.</summary>
    [Fact]
    public async Task With_the_topic_turned_off_the_event_is_dropped_and_named_in_the_log()
    {
        await using var stage = await DispatcherStage.SetAsync();
        stage.Options = stage.Options with { DeadLetterTopic = DeadLetterTopic.Disabled };
        stage.Subscriber.OnEvent("the-lost-one", Answer.Status(400));
        await stage.AppendAsync("the-lost-one", "2");
        stage.Start(stage.Egress());
        await stage.CommittedAsync(2);
        Assert.Contains("the-lost-one", Assert.Single(stage.Log.Of(5019)), StringComparison.Ordinal);
        Assert.Empty(stage.Log.With("hello"));
        Assert.Null(await stage.Store.DescribeAsync(Letters, CancellationToken.None));
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
