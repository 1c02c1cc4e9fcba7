using Brokkr.Core.Log;

namespace Brokkr.Testing;

public abstract partial class LogConformance
{
    private static TopicSpecification Specification(string topic, int partitions, params (string Name, string Value)[] settings) =>
        new(topic, partitions, 1, settings.ToDictionary(setting => setting.Name, setting => setting.Value, StringComparer.Ordinal));

    [Fact]
    public async Task A_topic_is_created_once_and_described()
    {
        Needs(LogCapability.TopicAdministration);
        var topic = Unique("topic.with_all-signs");
        Assert.True(await Log.Topics.CreateAsync(Specification(topic, 3), Deadline));
        Assert.False(await Log.Topics.CreateAsync(Specification(topic, 5), Deadline));
        var description = await Log.Topics.DescribeAsync(topic, Deadline);
        Assert.Equal(new TopicDescription(topic, 3, 1), description);
    }

    [Fact]
    public async Task Of_many_that_create_a_topic_at_once_one_does()
    {
        Needs(LogCapability.TopicAdministration);
        var topic = Unique("contested");
        var created = await Task.WhenAll(
            Enumerable.Range(1, 8).Select(partitions => Log.Topics.CreateAsync(Specification(topic, partitions), Deadline))
        );
        var winner = Assert.Single(created.Index(), entry => entry.Item).Index;
        Assert.Equal(winner + 1, (await Log.Topics.DescribeAsync(topic, Deadline))?.Partitions);
    }

    [Fact]
    public async Task A_created_topic_takes_records_at_once()
    {
        Needs(LogCapability.TopicAdministration);
        for (var i = 0; i < 5; i++)
        {
            var topic = Unique("fresh");
            Assert.True(await Log.Topics.CreateAsync(Specification(topic, 2), Deadline));
            await AppendStored(topic, "value");
        }
    }

    [Fact]
    public async Task Bounds_of_a_created_topic_are_known_at_once()
    {
        Needs(LogCapability.TopicAdministration);
        for (var i = 0; i < 30; i++)
        {
            var topic = Unique("fresh");
            Assert.True(await Log.Topics.CreateAsync(Specification(topic, 2), Deadline));
            var bounds = await Log.Topics.BoundsAsync(topic, [0, 1], Deadline);
            Assert.All(bounds.Values, empty => Assert.Equal(new PartitionBounds(0, 0), empty));
        }
    }

    [Fact]
    public async Task Bounds_of_an_unknown_topic_are_an_error()
    {
        Needs(LogCapability.TopicAdministration);
        await Assert.ThrowsAsync<LogUnavailableException>(() => Log.Topics.BoundsAsync(Unique("nowhere"), [0], Deadline));
    }

    [Fact]
    public async Task An_unknown_topic_is_described_as_nothing_and_not_created()
    {
        Needs(LogCapability.TopicAdministration);
        var topic = Unique("nowhere");
        Assert.Null(await Log.Topics.DescribeAsync(topic, Deadline));
        Assert.Null(await Log.Topics.DescribeAsync(topic, Deadline));
        Assert.False(await Log.Topics.DeleteAsync(topic, Deadline));
    }

    [Fact]
    public async Task A_deleted_topic_is_gone_and_one_of_the_same_name_begins_empty()
    {
        Needs(LogCapability.TopicAdministration);
        var topic = await NewTopicAsync(2);
        await AppendNumbers(topic, 0, 10);
        Assert.True(await Log.Topics.DeleteAsync(topic, Deadline));
        await Eventually(async () => await Log.Topics.DescribeAsync(topic, Deadline) is null, "the topic is gone");
        Assert.False(await Log.Topics.DeleteAsync(topic, Deadline));
        await Eventually(async () => (await Append(topic, "late")).Outcome == AppendOutcome.UnknownTopic, "appends are refused");
        Assert.True(await Log.Topics.CreateAsync(Specification(topic, 1), Deadline));
        AppendResult result = default;
        await Eventually(
            async () => (result = await Append(topic, "first")).Outcome == AppendOutcome.Stored,
            "the new topic takes records"
        );
        Assert.Equal((0, 0L), (result.Partition, result.Offset));
        Assert.Equal("first", Text(Assert.Single(await ReadAsync(new TopicPartition(topic, 0), 0, 1))));
    }

    [Fact]
    public async Task Cursors_go_with_their_topic()
    {
        Needs(LogCapability.TopicAdministration);
        var topic = await NewTopicAsync();
        var group = Unique("group");
        await Log.Cursors.StoreAsync(group, [At(topic, 0, 1)], Deadline);
        Assert.True(await Log.Topics.DeleteAsync(topic, Deadline));
        await Eventually(async () => (await Log.Cursors.LoadAsync(group, topic, Deadline)).Count == 0, "the cursor is gone");
    }

    [Fact]
    public async Task Bounds_are_the_oldest_and_the_next_offset()
    {
        var topic = await NewTopicAsync(3);
        var empty = await Log.Topics.BoundsAsync(topic, [0, 1, 2], Deadline);
        Assert.Equal([0, 1, 2], empty.Keys.Order());
        Assert.All(empty.Values, bounds => Assert.Equal(new PartitionBounds(0, 0), bounds));
        var counts = new long[3];
        for (var i = 0; i < 30; i++)
        {
            counts[(await AppendStored(topic, $"{i}", $"{i}")).Partition]++;
        }

        var bounds = await Log.Topics.BoundsAsync(topic, [0, 2], Deadline);
        Assert.Equal([0, 2], bounds.Keys.Order());
        Assert.Equal(new PartitionBounds(0, counts[0]), bounds[0]);
        Assert.Equal(new PartitionBounds(0, counts[2]), bounds[2]);
    }

    [Fact]
    public async Task Bounds_of_a_partition_that_does_not_exist_are_an_error()
    {
        var topic = await NewTopicAsync(2);
        await Assert.ThrowsAsync<LogUnavailableException>(() => Log.Topics.BoundsAsync(topic, [0, 7], Deadline));
    }

    [Theory]
    [InlineData("")]
    [InlineData(".")]
    [InlineData("..")]
    [InlineData("with space")]
    [InlineData("with/slash")]
    [InlineData("größe")]
    public async Task A_name_that_Kafka_does_not_allow_is_refused(string name)
    {
        Needs(LogCapability.TopicAdministration);
        await Assert.ThrowsAsync<TopicRefusedException>(() => Log.Topics.CreateAsync(Specification(name, 1), Deadline));
    }

    [Fact]
    public async Task A_name_of_249_characters_is_the_longest()
    {
        Needs(LogCapability.TopicAdministration);
        var longest = Unique("long").PadRight(249, 'x');
        Assert.True(await Log.Topics.CreateAsync(Specification(longest, 1), Deadline));
        await Assert.ThrowsAsync<TopicRefusedException>(() => Log.Topics.CreateAsync(Specification(longest + "x", 1), Deadline));
        Assert.True(await Log.Topics.DeleteAsync(longest, Deadline));
    }

    [Theory]
    [InlineData("retention.ms", "a week")]
    [InlineData("retention.bytes", "")]
    [InlineData("max.message.bytes", "-7")]
    [InlineData("no.such.setting", "1")]
    public async Task A_setting_that_Kafka_does_not_allow_is_refused(string name, string value)
    {
        Needs(LogCapability.TopicAdministration, LogCapability.TopicSettings);
        var topic = Unique("bad-setting");
        await Assert.ThrowsAsync<TopicRefusedException>(() => Log.Topics.CreateAsync(Specification(topic, 1, (name, value)), Deadline));
        Assert.Null(await Log.Topics.DescribeAsync(topic, Deadline));
    }
}
