using System.Text;
using Brokkr.Core.Contract.Wire;
using Brokkr.Core.Log;
using Brokkr.Dispatcher.Tests.Stage;
using Brokkr.Testing;
using Brokkr.Testing.Http;

namespace Brokkr.Dispatcher.Tests;

/// <summary>Records that are no events, where nobody makes some of them (OEG-09, design §4 "Nothing disappears").</summary>
public class BrokenRecordTests
{
    private const string Letters = DispatcherStage.Topic + ".dead-letters";

    [Fact]
    public async Task They_are_stored_as_they_are_with_the_reason_and_never_sent()
    {
        await using var stage = await DispatcherStage.SetAsync();
        using (var record = RecordBuffer.Rent())
        {
            record.AddHeader("ce_specversion"u8, "9"u8);
            record.AddHeader("h"u8, [0xFF]);
            record.AddNullHeader("null"u8);
            record.SetKey([1, 2]);
            record.AppendValue([0, 0xFF]);
            await stage.Store.AppendAsync(DispatcherStage.Topic, record);
            record.Clear();
            await stage.Store.AppendAsync(DispatcherStage.Topic, record);
        }

        await stage.AppendAsync("1");
        stage.Start(stage.Egress(config: stage.Config()));
        await stage.CommittedAsync(3);
        Assert.Equal(["1"], stage.IdsAt("/sub"));
        Assert.Empty(stage.Subscriber.At("/dls"));

        var letters = (await stage.RecordsAsync(Letters)).OrderBy(r => Header(r, "brokkr_offset"), StringComparer.Ordinal).ToArray();
        Assert.Equal(2, letters.Length);
        Assert.Equal([0, 0xFF], letters[0].Value.ToArray());
        Assert.Equal([1, 2], letters[0].Key.ToArray());
        Assert.Equal(
            "ce_specversion=9|h=\uFFFD|null=NULL|brokkr_reason=The header ce_specversion must be 1.0 or 0.3.|brokkr_partition=0|brokkr_offset=0",
            Show(letters[0])
        );
        Assert.False(letters[1].HasValue);
        Assert.False(letters[1].HasKey);
        Assert.StartsWith("The record has neither a header ce_specversion", Header(letters[1], "brokkr_reason"), StringComparison.Ordinal);
        Assert.Equal("1", Header(letters[1], "brokkr_offset"));
    }

    [Fact]
    public async Task One_is_stored_once_for_all_Triggers()
    {
        await using var stage = await DispatcherStage.SetAsync();
        await AppendBrokenAsync(stage);
        await stage.AppendAsync("1");
        Egress[] egresses = [.. Enumerable.Range(0, 20).Select(i => stage.Egress($"t{i}"))];
        stage.Start(egresses);
        foreach (var egress in egresses)
        {
            await stage.CommittedAsync(2, egress.ConsumerGroup);
        }

        Assert.Single(await stage.RecordsAsync(Letters));
    }

    [Fact]
    public async Task One_is_stored_once_for_Triggers_that_own_their_partitions_by_themselves()
    {
        await using var stage = await DispatcherStage.SetAsync();
        await AppendBrokenAsync(stage);
        await stage.AppendAsync("1");
        Resource[] resources = [.. Enumerable.Range(0, 5).Select(i => DispatcherStage.ResourceOf(stage.Egress($"t{i}")))];
        foreach (var resource in resources)
        {
            resource.Uid = resource.Egresses[0].Uid;
        }

        stage.StartWith(resources);
        foreach (var resource in resources)
        {
            await stage.CommittedAsync(2, resource.Egresses[0].ConsumerGroup);
        }

        Assert.Single(await stage.RecordsAsync(Letters));
    }

    [Theory]
    [InlineData(DeliveryOrder.Ordered)]
    [InlineData(DeliveryOrder.Unordered)]
    public async Task While_one_cannot_be_stored_events_pass_it_and_its_offset_stays(DeliveryOrder order)
    {
        await using var stage = await DispatcherStage.SetAsync();
        stage.Store.RefusedTopics[Letters] = true;
        await stage.AppendAsync("0");
        await AppendBrokenAsync(stage);
        await stage.AppendAsync(DispatcherStage.Ids(5, 1));
        var egress = stage.Egress();
        egress.DeliveryOrder = order;
        stage.Start(egress);
        await stage.Subscriber.CountAsync(6, "/sub");
        await stage.CommittedAsync(1);
        if (order == DeliveryOrder.Ordered)
        {
            Assert.Equal(DispatcherStage.Ids(6), stage.IdsAt("/sub"));
        }

        stage.Store.RefusedTopics.Clear();
        await stage.CommittedAsync(7);
        Assert.Single(await stage.RecordsAsync(Letters));
        Assert.Equal(6, stage.IdsAt("/sub").Count);
    }

    [Fact]
    public async Task With_the_dead_letter_topic_turned_off_they_are_passed_over()
    {
        await using var stage = await DispatcherStage.SetAsync();
        stage.Options = stage.Options with { DeadLetterTopic = DeadLetterTopic.Disabled };
        await AppendBrokenAsync(stage);
        stage.Start(stage.Egress(config: stage.Config()));
        await stage.CommittedAsync(1);
        Assert.Null(await stage.Store.Topics.DescribeAsync(Letters, CancellationToken.None));
        Assert.Equal(0, stage.Subscriber.Count);
    }

    [Fact]
    public async Task One_that_its_headers_make_too_large_leaves_its_value_behind()
    {
        await using var stage = await DispatcherStage.SetAsync();
        stage.Store.LargestAppends[Letters] = 10_000;
        await AppendBrokenAsync(stage, value: new byte[9_950]);
        stage.Start(stage.Egress());
        await stage.CommittedAsync(1);
        var letter = Assert.Single(await stage.RecordsAsync(Letters));
        Assert.False(letter.HasValue);
        Assert.Equal("0", Header(letter, "brokkr_offset"));
    }

    [Theory]
    [InlineData(DeliveryOrder.Ordered, 1)]
    [InlineData(DeliveryOrder.Unordered, 2)]
    public async Task Whatever_stands_in_records_each_has_one_outcome_and_none_stalls_the_partition(DeliveryOrder order, int seed)
    {
        const int count = 400;
        await using var stage = await DispatcherStage.SetAsync();
        var random = new Random(seed);
        for (var i = 0; i < count; i++)
        {
            using var record = RecordBuffer.Rent();
            FillWithGarbage(record, random);
            Assert.Equal(AppendOutcome.Stored, (await stage.Store.AppendAsync(DispatcherStage.Topic, record)).Outcome);
        }

        await stage.AppendAsync("last");
        var egress = stage.Egress();
        egress.DeliveryOrder = order;
        stage.Start(egress);
        await stage.CommittedAsync(count + 1);
        var letters = await stage.RecordsAsync(Letters);
        Assert.Equal(count + 1, letters.Count + stage.Subscriber.At("/sub").Count);
        Assert.Contains("last", stage.IdsAt("/sub"));
        Assert.All(letters, letter => Assert.NotNull(Header(letter, "brokkr_reason")));
    }

    /// <summary>Headers of an event as they should be, as they should not, or missing; a value that may be an event in JSON, or half of one.</summary>
    private static void FillWithGarbage(RecordBuffer record, Random random)
    {
        string[] names =
        [
            "ce_specversion",
            "ce_id",
            "ce_source",
            "ce_type",
            "ce_time",
            "content-type",
            "ce_",
            "ce_x",
            "CE_ID",
            "x",
            "ce_\0",
            "",
        ];
        string[] values =
        [
            "1.0",
            "0.3",
            "i",
            "/s",
            "2024-01-02T03:04:05Z",
            "application/json",
            "application/cloudevents+json",
            "",
            "\r\n",
            "\0",
            "é",
            "a b",
        ];
        foreach (var name in names)
        {
            for (
                var times = random.Next(4) switch
                {
                    0 => 0,
                    1 => 2,
                    _ => 1,
                };
                times > 0;
                times--
            )
            {
                if (random.Next(12) == 0)
                {
                    record.AddNullHeader(Encoding.UTF8.GetBytes(name));
                    continue;
                }

                var bytes = new byte[random.Next(6)];
                random.NextBytes(bytes);
                var value = name is "ce_specversion" && random.Next(2) == 0 ? values[0] : values[random.Next(values.Length)];
                record.AddHeader(Encoding.UTF8.GetBytes(name), random.Next(5) == 0 ? bytes : Encoding.UTF8.GetBytes(value));
            }
        }

        if (random.Next(3) == 0)
        {
            record.SetKey(new byte[random.Next(3)]);
        }

        if (random.Next(4) > 0)
        {
            var json = """{"specversion":"1.0","id":"i","source":"/s","type":"t","data":{"a":[1,"\ud800"]},"x":{"y":[]}}"""u8;
            record.AppendValue(json[..(random.Next(2) == 0 ? json.Length : random.Next(json.Length))]);
        }
    }

    private static async Task AppendBrokenAsync(DispatcherStage stage, byte[]? value = null)
    {
        using var record = RecordBuffer.Rent();
        record.AppendValue(value ?? "plain"u8.ToArray());
        Assert.Equal(AppendOutcome.Stored, (await stage.Store.AppendAsync(DispatcherStage.Topic, record)).Outcome);
    }

    private static string Show(StoredRecord record)
    {
        var shown = new List<string>();
        foreach (var header in record.Headers)
        {
            var value = header.ValueLength < 0 ? "NULL" : Encoding.UTF8.GetString(record.ValueOf(header));
            shown.Add($"{Encoding.UTF8.GetString(record.NameOf(header))}={value}");
        }

        return string.Join('|', shown);
    }

    private static string? Header(StoredRecord record, string name) =>
        Show(record).Split('|').FirstOrDefault(h => h.StartsWith(name + "=", StringComparison.Ordinal))?[(name.Length + 1)..];
}
