using Brokkr.Core.Log;

namespace Brokkr.Testing;

public abstract partial class LogConformance
{
    [Fact]
    public async Task A_log_that_answers_is_reachable()
    {
        Needs(LogCapability.Description);
        await Eventually(async () => await Log.IsReachableAsync(Deadline), "the log is reachable");
    }

    [Fact]
    public async Task While_the_log_is_away_appends_say_so_and_afterwards_they_work_again()
    {
        Needs(LogCapability.Outage);
        var topic = await NewTopicAsync();
        var stored = new List<string>();
        await AppendStored(topic, "before");
        stored.Add("before");
        await fixture.MakeUnavailableAsync();
        await Eventually(
            async () =>
            {
                var value = $"away-{stored.Count}";
                var result = await Append(topic, value);
                if (result.Outcome == AppendOutcome.Stored)
                {
                    // It was not away yet.
                    stored.Add(value);
                    return false;
                }

                Assert.Equal((AppendOutcome.RetryLater, -1, -1L), (result.Outcome, result.Partition, result.Offset));
                Assert.False(string.IsNullOrEmpty(result.Error));
                return true;
            },
            "the outage is seen"
        );
        var many = await Task.WhenAll(Enumerable.Range(0, 50).Select(i => Append(topic, $"unsure-{i}").AsTask()));
        Assert.All(many, result => Assert.Equal(AppendOutcome.RetryLater, result.Outcome));
        await fixture.MakeAvailableAsync();
        await Eventually(async () => (await Append(topic, "after")).Outcome == AppendOutcome.Stored, "appends work again");
        await AppendStored(topic, "last");
        stored.Add("after");
        stored.Add("last");

        // What was not acknowledged may have been stored all the same; what was acknowledged must be there, in order.
        var records = new List<string>();
        await using var reader = await Log.Readers.OpenAsync(new TopicPartition(topic, 0), 0, ReadPurpose.CatchUp, Deadline);
        while (!records.Contains("last"))
        {
            records.AddRange((await ReadAsync(reader, 1)).Select(Text));
        }

        Assert.Equal(stored, records.Where(stored.Contains).DistinctBy(value => value));
    }

    [Fact]
    public async Task A_waiting_reader_outlives_an_outage()
    {
        Needs(LogCapability.Outage);
        var topic = await NewTopicAsync();
        await AppendStored(topic, "before");
        await using var reader = await Log.Readers.OpenAsync(new TopicPartition(topic, 0), 0, ReadPurpose.Feed, Deadline);
        Assert.Equal("before", Text(Assert.Single(await ReadAsync(reader, 1))));
        var read = ReadAsync(reader, 1);
        await fixture.MakeUnavailableAsync();
        await Eventually(async () => (await Append(topic, "away")).Outcome == AppendOutcome.RetryLater, "the outage is seen");
        Assert.False(read.IsFaulted);
        await fixture.MakeAvailableAsync();
        await Eventually(async () => (await Append(topic, "after")).Outcome == AppendOutcome.Stored, "appends work again");
        var records = await read;
        while (!records.Exists(record => Text(record) == "after"))
        {
            records = await ReadAsync(reader, 1);
        }
    }

    [Fact]
    public async Task While_the_log_is_away_cursors_and_topics_throw_that_it_is_unavailable()
    {
        Needs(LogCapability.Outage, LogCapability.TopicAdministration);
        var topic = await NewTopicAsync();
        var group = Unique("group");
        await fixture.MakeUnavailableAsync();
        await Eventually(async () => (await Append(topic, "away")).Outcome == AppendOutcome.RetryLater, "the outage is seen");
        await Assert.ThrowsAsync<LogUnavailableException>(() => Log.Cursors.StoreAsync(group, [At(topic, 0, 1)], Deadline));
        await Assert.ThrowsAsync<LogUnavailableException>(() => Log.Topics.CreateAsync(Specification(Unique("away"), 1), Deadline));
        await fixture.MakeAvailableAsync();
        await Eventually(
            async () =>
            {
                try
                {
                    await Log.Cursors.StoreAsync(group, [At(topic, 0, 3)], Deadline);
                    return true;
                }
                catch (LogUnavailableException)
                {
                    return false;
                }
            },
            "cursors are stored again"
        );
        Assert.Equal(3, (await Log.Cursors.LoadAsync(group, topic, Deadline))[0].Offset);
    }

    [Fact]
    public async Task Reachability_follows_an_outage()
    {
        Needs(LogCapability.Outage, LogCapability.OutageIsNoticed, LogCapability.Description);
        var topic = await NewTopicAsync();
        Assert.True(await Log.IsReachableAsync(Deadline));
        await fixture.MakeUnavailableAsync();
        await Eventually(async () => (await Append(topic, "away")).Outcome == AppendOutcome.RetryLater, "the outage is seen");
        await Eventually(async () => !await Log.IsReachableAsync(Deadline), "the log is not reachable");
        await fixture.MakeAvailableAsync();
        await Eventually(async () => await Log.IsReachableAsync(Deadline), "the log is reachable again");
    }

    [Fact]
    public async Task Whoever_gives_up_asking_hears_that_the_log_is_not_reachable()
    {
        using var impatient = new CancellationTokenSource();
        await impatient.CancelAsync();
        Assert.False(await Log.IsReachableAsync(impatient.Token));
    }
}
