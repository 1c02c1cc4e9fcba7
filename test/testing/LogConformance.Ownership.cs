using System.Collections.Concurrent;
using System.Globalization;
using Brokkr.Core.Log;

namespace Brokkr.Testing;

public abstract partial class LogConformance
{
    [Fact]
    public async Task A_lone_member_gains_every_partition_once()
    {
        var first = await NewTopicAsync(3);
        var second = await NewTopicAsync(1);
        var member = new LogConformanceMember();
        await using (var ownership = Log.Join(member))
        {
            ownership.Serve([first, second]);
            await Eventually(() => member.Owns(first, 3) && member.Owns(second, 1), "all partitions are owned");
            ownership.Serve([second, first]);
            Assert.Equal(4, member.Owned.Count);
        }

        Assert.Empty(member.Owned);
        Assert.False(member.Overlapped);
        string[] partitions = [$"{first}[0]", $"{first}[1]", $"{first}[2]", $"{second}[0]"];
        Assert.Equal(
            partitions.Select(partition => $"+{partition}").Concat(partitions.Select(partition => $"-{partition}")).Order(),
            member.Said.Order()
        );
    }

    [Fact]
    public async Task Who_joins_for_a_consumer_group_takes_nothing_from_the_others()
    {
        var topic = await NewTopicAsync(2);
        var (all, group, another) = (new LogConformanceMember(), new LogConformanceMember(), new LogConformanceMember());
        await using var first = Log.Join(all);
        await using var second = Log.Join(group, Unique("group"));
        await using var third = Log.Join(another, Unique("another"));
        foreach (var ownership in (IOwnership[])[first, second, third])
        {
            ownership.Serve([topic]);
        }

        await Eventually(() => all.Owns(topic, 2) && group.Owns(topic, 2) && another.Owns(topic, 2), "each has all partitions");
        Assert.All((LogConformanceMember[])[all, group, another], member => Assert.Equal(2, member.Said.Count));
    }

    [Fact]
    public async Task A_topic_that_is_served_before_it_exists_is_gained_when_it_does()
    {
        Needs(LogCapability.TopicAdministration);
        var existing = await NewTopicAsync(2);
        var later = Unique("later");
        var member = new LogConformanceMember();
        await using var ownership = Log.Join(member);
        ownership.Serve([existing, later]);
        await Eventually(() => member.Owns(existing, 2), "the existing topic is owned");
        await fixture.CreateTopicAsync(Log, later, 2);
        await Eventually(() => member.Owns(later, 2), "the new topic is owned");
        Assert.True(member.Owns(existing, 2));
    }

    [Fact]
    public async Task Topics_that_stay_are_not_disturbed_when_others_come_and_go()
    {
        Needs(LogCapability.ChangingTopics);
        var stays = await NewTopicAsync(2);
        var goes = await NewTopicAsync(2);
        var comes = await NewTopicAsync(1);
        var member = new LogConformanceMember();
        await using var ownership = Log.Join(member);
        ownership.Serve([stays, goes]);
        await Eventually(() => member.Owns(stays, 2) && member.Owns(goes, 2), "both are owned");
        ownership.Serve([stays, comes]);
        await Eventually(() => member.Owns(comes, 1) && member.Owns(goes, 0), "one went and one came");
        Assert.True(member.Owns(stays, 2));
        Assert.Equal([$"+{stays}[0]", $"+{stays}[1]"], member.Said.Where(said => said.Contains(stays)).Order());
        Assert.Equal([$"-{goes}[0]", $"-{goes}[1]"], member.Said.Where(said => said.Contains(goes) && said[0] == '-').Order());
        Assert.False(member.Overlapped);
    }

    [Fact]
    public async Task A_member_whose_topic_is_deleted_loses_its_partitions()
    {
        Needs(LogCapability.TopicAdministration);
        var topic = await NewTopicAsync(2);
        var member = new LogConformanceMember();
        await using var ownership = Log.Join(member);
        ownership.Serve([topic]);
        await Eventually(() => member.Owns(topic, 2), "the topic is owned");
        Assert.True(await Log.Topics.DeleteAsync(topic, Deadline));
        await Eventually(() => member.Owns(topic, 0), "the partitions are lost");
    }

    [Fact]
    public async Task Serving_nothing_gives_everything_up()
    {
        var topic = await NewTopicAsync(2);
        var member = new LogConformanceMember();
        await using var ownership = Log.Join(member);
        ownership.Serve([topic]);
        await Eventually(() => member.Owns(topic, 2), "the topic is owned");
        ownership.Serve([]);
        await Eventually(() => member.Owns(topic, 0), "nothing is owned");
        Assert.Equal([$"-{topic}[0]", $"-{topic}[1]"], member.Said.Where(said => said[0] != '+').Order());
    }

    [Fact]
    public async Task Partitions_move_between_two_members_and_nothing_is_lost_or_done_twice()
    {
        Needs(LogCapability.SecondInstance, LogCapability.SharedOwnership);
        const int Partitions = 6;
        const int Total = 3000;
        var topic = await NewTopicAsync(Partitions);
        var group = Unique("group");
        var done = new ConcurrentQueue<string>();
        var owners = new ConcurrentDictionary<int, int>();
        var twoOwners = 0;

        // Works as a dispatcher does: from the stored cursor on, and stores the cursor when it stops.
        Func<TopicPartition, CancellationToken, Task> WorkOn(ILog log) =>
            async (partition, stop) =>
            {
                if (owners.AddOrUpdate(partition.Partition, 1, (_, owning) => owning + 1) != 1)
                {
                    Interlocked.Exchange(ref twoOwners, 1);
                }

                var cursors = await log.Cursors.LoadAsync(group, topic, Deadline);
                var next = cursors.TryGetValue(partition.Partition, out var cursor) ? cursor.Offset : 0;
                var records = new List<StoredRecord>();
                await using (var reader = await log.Readers.OpenAsync(partition, next, ReadPurpose.Feed, Deadline))
                {
                    try
                    {
                        while (!stop.IsCancellationRequested)
                        {
                            var read = await reader.ReadAsync(records, 4000, stop);
                            foreach (var record in records)
                            {
                                done.Enqueue(Text(record));
                            }

                            next = read;
                        }
                    }
                    catch (OperationCanceledException) when (stop.IsCancellationRequested)
                    {
                        // Asked to stop while waiting: everything before the position is done.
                    }
                }

                await log.Cursors.StoreAsync(group, [At(topic, partition.Partition, next)], Deadline);
                owners.AddOrUpdate(partition.Partition, 0, (_, owning) => owning - 1);
            };

        using var stopAppending = CancellationTokenSource.CreateLinkedTokenSource(Deadline);
        var appended = 0;
        var appending = Task.Run(
            async () =>
            {
                for (; appended < Total; appended++)
                {
                    await AppendStored(topic, $"{appended}", $"{appended}");
                }
            },
            stopAppending.Token
        );

        var secondLog = await OpenAsync();
        var firstMember = new LogConformanceMember { Work = WorkOn(Log) };
        var secondMember = new LogConformanceMember { Work = WorkOn(secondLog) };
        var firstOwnership = Log.Join(firstMember);
        firstOwnership.Serve([topic]);
        await Eventually(() => firstMember.Owns(topic, Partitions), "the first member has all");
        await using (var secondOwnership = secondLog.Join(secondMember))
        {
            secondOwnership.Serve([topic]);
            await Eventually(
                () =>
                    firstMember.Owned.Count == Partitions / 2
                    && secondMember.Owned.Count == Partitions / 2
                    && !firstMember.Owned.Intersect(secondMember.Owned).Any(),
                "the members share the partitions"
            );
            await firstOwnership.DisposeAsync();
            Assert.Empty(firstMember.Owned);
            await Eventually(() => secondMember.Owns(topic, Partitions), "the second member has all");
            await appending;
            await Eventually(() => done.Count >= Total, "everything is done");
        }

        Assert.Empty(firstMember.Said.Where(said => said[0] == '!'));
        Assert.Equal(0, twoOwners);
        Assert.Equal(Enumerable.Range(0, Total), done.Select(value => int.Parse(value, CultureInfo.InvariantCulture)).Order());
    }
}
