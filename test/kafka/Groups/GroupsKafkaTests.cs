using System.Collections.Concurrent;
using Brokkr.Core.Log;
using Brokkr.Kafka.Groups;
using Brokkr.Testing;
using Brokkr.Testing.Kafka;
using Brokkr.Testing.Processes;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using static Brokkr.Kafka.Tests.Groups.GroupsParserTests;

namespace Brokkr.Kafka.Tests.Groups;

/// <summary>Positions of groups on a real Kafka: many at once, with members, and while brokers come and go.</summary>
public sealed class GroupsKafkaTests
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(90);

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_thousand_groups_are_stored_and_loaded_at_once_over_one_connection()
    {
        var kafka = await KafkaCluster.SharedAsync();
        var topic = Unique("topic");
        await kafka.CreateTopicAsync(topic, 3);
        using var log = new RememberedLog();
        await using var client = Open(kafka.BootstrapServers, TimeSpan.FromSeconds(60), log);
        var groups = Enumerable.Range(0, 1000).Select(_ => Unique("group")).ToArray();
        await Task.WhenAll(
            groups.Select((group, i) => client.StoreAsync(group, [At(topic, 0, i, $"{i}"), At(topic, 2, i + 1, "")], Cancellation))
        );
        var loads = await Task.WhenAll(groups.Select(group => client.LoadAsync(group, topic, Cancellation)));
        for (var i = 0; i < groups.Length; i++)
        {
            Assert.Equal([0, 2], loads[i].Keys.Order());
            Assert.Equal((new CursorPosition(i, $"{i}"), new CursorPosition(i + 1, "")), (loads[i][0], loads[i][2]));
        }

        await Task.WhenAll(groups.Select(group => client.DeleteAsync(group, Cancellation)));
        Assert.Empty(await client.LoadAsync(groups[0], topic, Cancellation));
        const int connected = 2050;
        Assert.Single(log.Of(connected));
    }

    [Theory]
    [InlineData("classic")]
    [InlineData("consumer")]
    public async Task A_group_with_an_active_member_is_not_changed_and_the_reason_is_told(string protocol)
    {
        Assert.SkipUnless(protocol != "classic" || File.Exists("/usr/bin/kcat"), "There is no kcat.");
        var kafka = await KafkaCluster.SharedAsync();
        var topic = Unique("topic");
        var group = Unique("group");
        await kafka.CreateTopicAsync(topic);
        await using var client = Open(kafka.BootstrapServers, TimeSpan.FromSeconds(30));
        await client.StoreAsync(group, [At(topic, 0, 0, "before")], Cancellation);
        await using var member =
            protocol == "classic"
                ? ChildProcess.Start("kcat", ["-b", kafka.BootstrapServers, "-X", "enable.auto.commit=false", "-G", group, topic])
                : kafka
                    .Nodes[0]
                    .StartTool(
                        "kafka-console-consumer.sh",
                        "--topic",
                        topic,
                        "--group",
                        group,
                        "--command-property",
                        "group.protocol=consumer",
                        "--command-property",
                        "enable.auto.commit=false"
                    );
        await Eventually.True(
            async () =>
            {
                Assert.False(member.HasExited, member.Text);
                return !await StoresAsync(client, group, topic, 0, "before");
            },
            "the member to join",
            Patience
        );
        foreach (
            var ask in (Func<Task>[])
                [() => client.StoreAsync(group, [At(topic, 0, 7, "")], Cancellation), () => client.DeleteAsync(group, Cancellation)]
        )
        {
            var failure = await Assert.ThrowsAsync<LogUnavailableException>(ask);
            Assert.Contains(group, failure.Message);
            Assert.Contains("stop the other consumers", failure.Message);
        }

        Assert.Equal(new CursorPosition(0, "before"), (await client.LoadAsync(group, topic, Cancellation))[0]);
        await member.TerminateAsync();
        await Eventually.True(async () => await StoresAsync(client, group, topic, 8, "after"), "the group to be free again", Patience);
        Assert.Equal(new CursorPosition(8, "after"), (await client.LoadAsync(group, topic, Cancellation))[0]);
    }

    [Fact]
    public async Task What_cannot_be_stored_is_told()
    {
        var kafka = await KafkaCluster.SharedAsync();
        var topic = Unique("topic");
        await kafka.CreateTopicAsync(topic);
        await using var client = Open(kafka.BootstrapServers, TimeSpan.FromSeconds(30));
        var large = await Assert.ThrowsAsync<LogUnavailableException>(() =>
            client.StoreAsync(Unique("group"), [At(topic, 0, 1, new string('x', 5000))], Cancellation)
        );
        Assert.Contains("offset.metadata.max.bytes", large.Message);
        await Assert.ThrowsAsync<LogUnavailableException>(() =>
            client.StoreAsync(Unique("group"), [At(topic, 0, 1, new string('x', 50_000))], Cancellation)
        );
        var absent = await Assert.ThrowsAsync<LogUnavailableException>(() =>
            client.StoreAsync(Unique("group"), [At(Unique("absent"), 0, 1, "")], Cancellation)
        );
        Assert.Contains("does not exist", absent.Message);
        Assert.Empty(await client.LoadAsync(Unique("group"), Unique("absent"), Cancellation));
    }

    [Fact]
    public async Task Nothing_confirmed_is_lost_while_the_broker_freezes_and_dies()
    {
        await using var kafka = await KafkaCluster.StartAsync();
        var node = kafka.Nodes[0];
        await kafka.CreateTopicAsync("topic");
        await using var client = Open(kafka.BootstrapServers, TimeSpan.FromSeconds(4));
        await using var commits = new Commits(client, groups: 100);
        await commits.AllConfirmAsync("before");
        for (var round = 0; round < 2; round++)
        {
            node.Freeze();
            await commits.SomeFailAsync("frozen");
            node.Thaw();
            await commits.AllConfirmAsync("thawed");
        }

        // Shorter than anybody's patience.
        for (var round = 0; round < 5; round++)
        {
            node.Freeze();
            node.Thaw();
            await commits.AllConfirmAsync("thawed at once");
        }

        await node.KillAsync();
        await commits.SomeFailAsync("killed");
        await node.StartAsync();
        await commits.AllConfirmAsync("started again");
        await commits.VerifyAsync();
    }

    [Fact]
    public async Task Groups_move_to_the_other_brokers_when_theirs_is_lost()
    {
        await using var kafka = await KafkaCluster.StartAsync(nodes: 3);
        await kafka.CreateTopicAsync("topic");
        await using var client = Open(kafka.BootstrapServers, TimeSpan.FromSeconds(8));
        await using var commits = new Commits(client, groups: 60);
        await commits.AllConfirmAsync("before");
        foreach (var node in kafka.Nodes)
        {
            await node.KillAsync();
            await commits.AllConfirmAsync($"node {node.Id} is dead");
            await node.StartAsync();
            await commits.AllConfirmAsync($"node {node.Id} is back");
        }

        kafka.Nodes[1].Freeze();
        await commits.AllConfirmAsync("a node is frozen");
        kafka.Nodes[1].Thaw();
        await commits.AllConfirmAsync("it is thawed");
        await commits.VerifyAsync();
    }

    private static async Task<bool> StoresAsync(GroupOffsetsClient client, string group, string topic, long offset, string metadata)
    {
        try
        {
            await client.StoreAsync(group, [At(topic, 0, offset, metadata)], Cancellation);
            return true;
        }
        catch (LogUnavailableException)
        {
            return false;
        }
    }

    private static string Unique(string name) => $"{name}-{Guid.NewGuid():n}";

    private static GroupOffsetsClient Open(string servers, TimeSpan timeout, ILogger? logger = null) =>
        new(
            new Dictionary<string, string>(StringComparer.Ordinal) { ["bootstrap.servers"] = servers, ["client.id"] = "brokkr-tests" },
            timeout,
            logger ?? NullLogger.Instance
        );

    /// <summary>Commits growing offsets for many groups without a pause, and remembers what was confirmed.</summary>
    private sealed class Commits : IAsyncDisposable
    {
        private readonly GroupOffsetsClient _client;
        private readonly CancellationTokenSource _stop = new();
        private readonly long[] _tried;
        private readonly long[] _confirmed;
        private readonly string[] _groups;
        private readonly Task[] _loops;
        private readonly ConcurrentQueue<string> _failures = [];

        public Commits(GroupOffsetsClient client, int groups)
        {
            _client = client;
            _tried = new long[groups];
            _confirmed = new long[groups];
            _groups = [.. Enumerable.Range(0, groups).Select(_ => Unique("group"))];
            _loops = [.. Enumerable.Range(0, groups).Select(CommitAsync)];
        }

        /// <summary>Waits until each group has two more commits confirmed: one may have been under way.</summary>
        public Task AllConfirmAsync(string when)
        {
            var wanted = _confirmed.Select((_, i) => Volatile.Read(ref _confirmed[i]) + 2).ToArray();
            return Eventually.True(
                () => wanted.Index().All(entry => Volatile.Read(ref _confirmed[entry.Index]) >= entry.Item),
                () => $"all groups to confirm ({when}); the last failure: {_failures.LastOrDefault()}",
                Patience
            );
        }

        /// <summary>Waits until commits fail.</summary>
        public async Task SomeFailAsync(string when)
        {
            var before = _failures.Count;
            await Eventually.True(() => _failures.Count > before, $"some group to fail ({when})", Patience);
        }

        /// <summary>What was confirmed is there, and nothing that nobody tried.</summary>
        public async Task VerifyAsync()
        {
            await _stop.CancelAsync();
            await Task.WhenAll(_loops);
            for (var i = 0; i < _groups.Length; i++)
            {
                var position = (await _client.LoadAsync(_groups[i], "topic", Cancellation))[0];
                Assert.InRange(position.Offset, _confirmed[i], _tried[i]);
                Assert.Equal($"{position.Offset}", position.Metadata);
            }

            TestContext.Current.TestOutputHelper?.WriteLine($"{_confirmed.Sum()} commits, {_failures.Count} failures");
        }

        public async ValueTask DisposeAsync()
        {
            await _stop.CancelAsync();
            await Task.WhenAll(_loops);
            _stop.Dispose();
        }

        private async Task CommitAsync(int i)
        {
            while (!_stop.IsCancellationRequested)
            {
                var offset = ++_tried[i];
                try
                {
                    await _client.StoreAsync(_groups[i], [At("topic", 0, offset, $"{offset}")], CancellationToken.None);
                    Volatile.Write(ref _confirmed[i], offset);
                }
                catch (LogUnavailableException exception)
                {
                    _failures.Enqueue(exception.Message);
                }
            }
        }
    }
}
