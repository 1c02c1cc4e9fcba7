using System.Globalization;
using Brokkr.Core.Log;

namespace Brokkr.Testing;

public abstract partial class LogConformance
{
    private static KeyValuePair<TopicPartition, CursorPosition> At(string topic, int partition, long offset, string metadata = "") =>
        new(new TopicPartition(topic, partition), new CursorPosition(offset, metadata));

    [Fact]
    public async Task A_group_that_stored_nothing_has_no_cursors()
    {
        var topic = await NewTopicAsync(2);
        Assert.Empty(await Log.Cursors.LoadAsync(Unique("group"), topic, Deadline));
    }

    [Fact]
    public async Task Cursors_come_back_as_they_were_stored_and_only_those()
    {
        var topic = await NewTopicAsync(4);
        var group = Unique("group");
        await AppendNumbers(topic, 0, 40);
        await Log.Cursors.StoreAsync(group, [At(topic, 0, 2, "4-6,9"), At(topic, 2, 1)], Deadline);
        var cursors = await Log.Cursors.LoadAsync(group, topic, Deadline);
        Assert.Equal([0, 2], cursors.Keys.Order());
        Assert.Equal(new CursorPosition(2, "4-6,9"), cursors[0]);
        Assert.Equal(new CursorPosition(1, ""), cursors[2]);

        // Others keep theirs when one is stored again.
        await Log.Cursors.StoreAsync(group, [At(topic, 2, 3, "5")], Deadline);
        cursors = await Log.Cursors.LoadAsync(group, topic, Deadline);
        Assert.Equal(new CursorPosition(2, "4-6,9"), cursors[0]);
        Assert.Equal(new CursorPosition(3, "5"), cursors[2]);
    }

    [Fact]
    public async Task Cursors_go_backwards_too()
    {
        var topic = await NewTopicAsync();
        var group = Unique("group");
        await AppendNumbers(topic, 0, 10);
        foreach (var offset in (long[])[5, 9, 2, 0, 10])
        {
            await Log.Cursors.StoreAsync(group, [At(topic, 0, offset, $"at {offset}")], Deadline);
            Assert.Equal(new CursorPosition(offset, $"at {offset}"), (await Log.Cursors.LoadAsync(group, topic, Deadline))[0]);
        }
    }

    [Fact]
    public async Task Groups_and_topics_do_not_see_each_others_cursors()
    {
        var first = await NewTopicAsync();
        var second = await NewTopicAsync();
        string[] groups = [.. Enumerable.Range(0, 20).Select(i => Unique($"group.{i}"))];
        await Task.WhenAll(
            groups.Select((group, i) => Log.Cursors.StoreAsync(group, [At(first, 0, i), At(second, 0, 100 + i, "second")], Deadline))
        );
        for (var i = 0; i < groups.Length; i++)
        {
            Assert.Equal(new CursorPosition(i, ""), Assert.Single(await Log.Cursors.LoadAsync(groups[i], first, Deadline)).Value);
            Assert.Equal(
                new CursorPosition(100 + i, "second"),
                Assert.Single(await Log.Cursors.LoadAsync(groups[i], second, Deadline)).Value
            );
        }
    }

    [Fact]
    public async Task Metadata_may_be_as_long_as_Kafka_allows()
    {
        var topic = await NewTopicAsync();
        var group = Unique("group");
        var metadata = string.Concat(Enumerable.Range(0, 1024).Select(i => i.ToString("x4", CultureInfo.InvariantCulture)));
        Assert.Equal(4096, metadata.Length);
        await Log.Cursors.StoreAsync(group, [At(topic, 0, 1, metadata)], Deadline);
        Assert.Equal(metadata, (await Log.Cursors.LoadAsync(group, topic, Deadline))[0].Metadata);
        await Log.Cursors.StoreAsync(group, [At(topic, 0, 1, "größer 日本")], Deadline);
        Assert.Equal("größer 日本", (await Log.Cursors.LoadAsync(group, topic, Deadline))[0].Metadata);
    }

    [Fact]
    public async Task A_deleted_group_is_forgotten_and_others_are_not()
    {
        Needs(LogCapability.GroupDeletion);
        var topic = await NewTopicAsync();
        var gone = Unique("group");
        var kept = Unique("group");
        await Log.Cursors.StoreAsync(gone, [At(topic, 0, 1)], Deadline);
        await Log.Cursors.StoreAsync(kept, [At(topic, 0, 2)], Deadline);
        await Log.Cursors.DeleteAsync(gone, Deadline);
        await Log.Cursors.DeleteAsync(gone, Deadline);
        await Log.Cursors.DeleteAsync(Unique("never-seen"), Deadline);
        Assert.Empty(await Log.Cursors.LoadAsync(gone, topic, Deadline));
        Assert.Equal(2, (await Log.Cursors.LoadAsync(kept, topic, Deadline))[0].Offset);
        await Log.Cursors.StoreAsync(gone, [At(topic, 0, 5)], Deadline);
        Assert.Equal(5, (await Log.Cursors.LoadAsync(gone, topic, Deadline))[0].Offset);
    }

    [Fact]
    public async Task Another_instance_sees_the_cursors()
    {
        Needs(LogCapability.SecondInstance);
        var topic = await NewTopicAsync();
        var group = Unique("group");
        await Log.Cursors.StoreAsync(group, [At(topic, 0, 7, "9")], Deadline);
        var second = await OpenAsync();
        Assert.Equal(new CursorPosition(7, "9"), (await second.Cursors.LoadAsync(group, topic, Deadline))[0]);
    }
}
