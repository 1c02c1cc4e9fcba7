using System.Net.Sockets;
using System.Text;
using Brokkr.Core.Log;
using Brokkr.Kafka.Groups;
using Brokkr.Kafka.Native;
using Brokkr.Testing;
using Microsoft.Extensions.Logging.Abstractions;
using static Brokkr.Kafka.Tests.Groups.GroupsParserTests;

namespace Brokkr.Kafka.Tests.Groups;

/// <summary>Brokers that misbehave in ways that a real one does not on request.</summary>
public sealed class GroupsConnectionTests
{
    private static readonly TimeSpan Short = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan Long = TimeSpan.FromSeconds(30);

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task What_was_stored_is_loaded_and_unknown_groups_are_empty()
    {
        await using var broker = new ScriptedBroker();
        await using var client = Client(Long, broker.Address);
        await client.StoreAsync("group", [At("topic", 0, 5, ""), At("other", 0, 6, "")], Cancellation);
        Assert.Equal(new CursorPosition(5, ""), Assert.Single(await client.LoadAsync("group", "topic", Cancellation)).Value);
        Assert.Empty(await client.LoadAsync("unknown", "topic", Cancellation));
        await client.DeleteAsync("group", Cancellation);
        Assert.Equal(1, broker.Connections);
    }

    [Fact]
    public async Task The_highest_version_that_both_know_is_spoken()
    {
        await using var modern = new ScriptedBroker();
        await using (var client = Client(Long, modern.Address))
        {
            await client.StoreAsync("group", [At("topic", 0, 5, "")], Cancellation);
            await client.LoadAsync("group", "topic", Cancellation);
        }

        Assert.Equal(
            [(Api.ApiVersions, 0), (Api.FindCoordinator, 2), (Api.OffsetCommit, 7), (Api.OffsetFetch, 5)],
            modern.Requests.Select(request => (request.Api, (int)request.Version))
        );

        // Apache Kafka 2.0 and older.
        await using var old = new ScriptedBroker();
        old.Versions[Api.OffsetCommit] = (0, 4);
        old.Versions[Api.OffsetFetch] = (0, 2);
        old.Versions[Api.FindCoordinator] = (0, 0);
        old.Versions.Remove(Api.DeleteGroups);
        await using (var client = Client(Long, old.Address))
        {
            await client.StoreAsync("group", [At("topic", 0, 5, "")], Cancellation);
            Assert.Equal(5, (await client.LoadAsync("group", "topic", Cancellation))[0].Offset);
            var failure = await Assert.ThrowsAsync<LogUnavailableException>(() => client.DeleteAsync("group", Cancellation));
            Assert.Contains("DeleteGroups", failure.Message);
        }

        Assert.Equal(
            [(Api.ApiVersions, 0), (Api.FindCoordinator, 0), (Api.OffsetCommit, 4), (Api.OffsetFetch, 2)],
            old.Requests.Select(request => (request.Api, (int)request.Version))
        );
    }

    [Theory]
    [InlineData("HTTP/1.1 400 Bad Request\r\n\r\n")]
    [InlineData("\0\0\0\0")]
    [InlineData("\0\0\0\u0008\0\0\u0001\0xxxx")]
    [InlineData("\u007f\u007f\u007f\u007f")]
    public async Task Garbage_costs_the_connection_and_is_told(string garbage)
    {
        await using var broker = new ScriptedBroker();
        var bytes = Encoding.ASCII.GetBytes(garbage);
        broker.Instead = _ => bytes;
        await using var client = Client(Short, broker.Address);
        var failure = await Assert.ThrowsAsync<LogUnavailableException>(() => client.LoadAsync("group", "topic", Cancellation));
        Assert.Contains("no answer of a Kafka broker", failure.Message);
        await Eventually.True(() => broker.Open == 0, "the connections are closed");

        // The same client, when the broker has come to its senses.
        broker.Instead = _ => null;
        await client.StoreAsync("group", [At("topic", 0, 5, "")], Cancellation);
    }

    [Fact]
    public async Task An_answer_that_cannot_be_read_fails_all_who_wait_and_they_ask_again()
    {
        await using var broker = new ScriptedBroker();
        var bad = 3;
        broker.Instead = api =>
            api == Api.OffsetCommit && Interlocked.Decrement(ref bad) >= 0 ? "\0\0\0\u0009\0\0\0\u0002\0\0\0\0\u007f"u8.ToArray() : null;
        await using var client = Client(Long, broker.Address);
        await Task.WhenAll(Enumerable.Range(0, 50).Select(i => client.StoreAsync($"group-{i}", [At("topic", 0, i, "")], Cancellation)));
        Assert.Equal(50, broker.Committed.Count);
        Assert.InRange(broker.Connections, 2, 4);
    }

    [Fact]
    public async Task A_silent_broker_is_given_up_and_whoever_waits_hears_of_it()
    {
        await using var broker = new ScriptedBroker();
        var silence = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        broker.Before = api => api == Api.OffsetCommit ? silence.Task : Task.CompletedTask;
        await using var client = Client(Short, broker.Address);
        var failures = await Task.WhenAll(
            Enumerable
                .Range(0, 20)
                .Select(i =>
                    Assert.ThrowsAsync<LogUnavailableException>(() =>
                        client.StoreAsync($"group-{i}", [At("topic", 0, 1, "")], Cancellation)
                    )
                )
        );
        Assert.All(failures, failure => Assert.Contains("did not answer", failure.Message));
        silence.SetResult();
        await client.StoreAsync("group-0", [At("topic", 0, 2, "")], Cancellation);
    }

    [Fact]
    public async Task A_connection_that_the_broker_closes_is_opened_again()
    {
        await using var broker = new ScriptedBroker();
        await using var client = Client(Long, broker.Address);
        await client.StoreAsync("group", [At("topic", 0, 1, "")], Cancellation);
        var close = 1;
        broker.Instead = _ => Interlocked.Exchange(ref close, 0) == 1 ? [] : null;
        await client.StoreAsync("group", [At("topic", 0, 2, "")], Cancellation);
        Assert.Equal(2, broker.Committed[("group", "topic")]);
        Assert.Equal(2, broker.Connections);
    }

    [Fact]
    public async Task A_connection_that_nobody_uses_is_closed()
    {
        await using var broker = new ScriptedBroker();
        await using var client = Client(Long, broker.Address, ("connections.max.idle.ms", "50"));
        await client.StoreAsync("group", [At("topic", 0, 1, "")], Cancellation);
        await Eventually.True(() => broker.Open == 0, "the idle connection is closed");
        await client.StoreAsync("group", [At("topic", 0, 2, "")], Cancellation);
        Assert.Equal(2, broker.Connections);
    }

    [Theory]
    [InlineData(ErrorCodes.NotCoordinator)]
    [InlineData(ErrorCodes.CoordinatorNotAvailable)]
    [InlineData(ErrorCodes.CoordinatorLoadInProgress)]
    [InlineData(ErrorCodes.RequestTimedOut)]
    [InlineData(ErrorCodes.UnknownTopicOrPartition)]
    public async Task What_passes_is_waited_for(int code)
    {
        await using var broker = new ScriptedBroker();
        var errors = 3;
        broker.Error = api => api == Api.OffsetCommit && Interlocked.Decrement(ref errors) >= 0 ? (short)code : (short)0;
        await using var client = Client(Long, broker.Address);
        await client.StoreAsync("group", [At("topic", 0, 1, "")], Cancellation);
        Assert.Equal(1, broker.Committed[("group", "topic")]);
        var lookups = broker.Requests.Count(request => request.Api == Api.FindCoordinator);
        Assert.Equal(GroupErrors.IsElsewhere(code) ? 4 : 1, lookups);
    }

    [Theory]
    [InlineData(ErrorCodes.UnknownMember, "stop the other consumers")]
    [InlineData(ErrorCodes.IllegalGeneration, "stop the other consumers")]
    [InlineData(ErrorCodes.RebalanceInProgress, "stop the other consumers")]
    [InlineData(ErrorCodes.NonEmptyGroup, "stop the other consumers")]
    [InlineData(ErrorCodes.GroupAuthorizationFailed, "not authorized")]
    [InlineData(ErrorCodes.TopicAuthorizationFailed, "READ on the topic")]
    [InlineData(ErrorCodes.OffsetMetadataTooLarge, "offset.metadata.max.bytes")]
    [InlineData(ErrorCodes.InvalidGroup, "no name of a group")]
    [InlineData(-1, "my-group")]
    [InlineData(12345, "my-group")]
    public async Task What_does_not_pass_is_told_at_once_with_the_group(int code, string text)
    {
        await using var broker = new ScriptedBroker();
        broker.Error = api => api is Api.OffsetCommit or Api.OffsetFetch or Api.DeleteGroups ? (short)code : (short)0;
        await using var client = Client(Long, broker.Address);
        foreach (
            var ask in (Func<Task>[])
                [
                    () => client.StoreAsync("my-group", [At("topic", 0, 1, "")], Cancellation),
                    () => client.LoadAsync("my-group", "topic", Cancellation),
                    () => client.DeleteAsync("my-group", Cancellation),
                ]
        )
        {
            var failure = await Assert.ThrowsAsync<LogUnavailableException>(ask);
            Assert.Contains(text, failure.Message);
            Assert.Contains("my-group", failure.Message);
        }
    }

    [Fact]
    public async Task A_group_that_does_not_exist_is_empty_and_deleted()
    {
        await using var broker = new ScriptedBroker();
        broker.Error = api => api is Api.OffsetFetch or Api.DeleteGroups ? (short)ErrorCodes.GroupNotFound : (short)0;
        await using var client = Client(Long, broker.Address);
        Assert.Empty(await client.LoadAsync("group", "topic", Cancellation));
        await client.DeleteAsync("group", Cancellation);
    }

    [Fact]
    public async Task Whoever_stops_waiting_does_not_stop_the_request()
    {
        await using var broker = new ScriptedBroker();
        var held = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var arrived = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        broker.Before = api =>
        {
            if (api != Api.OffsetCommit)
            {
                return Task.CompletedTask;
            }

            arrived.TrySetResult();
            return held.Task;
        };
        await using var client = Client(Long, broker.Address);
        using var patience = new CancellationTokenSource();
        var store = client.StoreAsync("group", [At("topic", 0, 9, "")], patience.Token);
        await Eventually.Completes(arrived.Task, "the commit arrives");
        await patience.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => store);
        held.SetResult();
        await Eventually.True(() => broker.Committed.ContainsKey(("group", "topic")), "the commit is carried out");
        Assert.Equal(1, broker.Connections);
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => client.LoadAsync("group", "topic", patience.Token));
    }

    [Fact]
    public async Task Closing_waits_for_what_was_asked()
    {
        await using var broker = new ScriptedBroker();
        var held = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        broker.Before = api => api == Api.OffsetCommit ? held.Task : Task.CompletedTask;
        var client = Client(Long, broker.Address);
        var stores = Enumerable.Range(0, 10).Select(i => client.StoreAsync($"group-{i}", [At("topic", 0, i, "")], Cancellation)).ToArray();
        var closing = client.DisposeAsync().AsTask();
        await Assert.ThrowsAsync<ObjectDisposedException>(() => client.DeleteAsync("group", Cancellation));
        Assert.False(closing.IsCompleted);
        held.SetResult();
        await Task.WhenAll(stores);
        await closing;
        await Eventually.True(() => broker.Open == 0, "the connection is closed");
        await client.DisposeAsync();
    }

    [Fact]
    public async Task Of_the_bootstrap_servers_the_first_that_works_is_used()
    {
        await using var broker = new ScriptedBroker();
        await using var refusing = new ScriptedBroker { Instead = _ => [] };
        var nobody = $"127.0.0.1:{FreePort.Next()}";
        await using var client = Client(Long, $"{nobody},{refusing.Address},{broker.Address}");
        await client.StoreAsync("group", [At("topic", 0, 1, "")], Cancellation);
        await client.StoreAsync("other", [At("topic", 0, 1, "")], Cancellation);
        Assert.Equal((1, 1), (refusing.Connections, broker.Connections));
    }

    [Fact]
    public async Task Nobody_there_is_told_in_time_and_without_a_storm_of_attempts()
    {
        await using var refusing = new ScriptedBroker { Instead = _ => [] };
        await using var client = Client(Short, refusing.Address);
        var failures = await Task.WhenAll(
            Enumerable
                .Range(0, 100)
                .Select(i => Assert.ThrowsAsync<LogUnavailableException>(() => client.LoadAsync($"group-{i}", "topic", Cancellation)))
        );
        Assert.All(failures, failure => Assert.Contains("does the listener speak PLAINTEXT", failure.Message));

        // One second with pauses of 100, 200, 400 ms between the attempts of all hundred together.
        Assert.InRange(refusing.Connections, 1, 12);
    }

    [Fact]
    public async Task A_broker_that_ends_connections_has_one_message_whether_it_closes_or_resets()
    {
        await using var broker = new ScriptedBroker { Instead = _ => [] };
        await using var client = Client(Short, broker.Address);
        var closed = await Assert.ThrowsAsync<ConnectionLostException>(client.ConnectAsync);
        broker.Resets = true;
        await using var other = Client(Short, broker.Address);
        var reset = await Assert.ThrowsAsync<ConnectionLostException>(other.ConnectAsync);

        Assert.Equal($"{broker.Address} ended the connection; does the listener speak PLAINTEXT?", closed.Message);
        Assert.Equal(closed.Message, reset.Message);
        Assert.IsType<EndOfStreamException>(closed.GetBaseException());
        Assert.IsType<SocketException>(reset.GetBaseException());
    }

    [Fact]
    public async Task A_thousand_groups_share_one_connection()
    {
        await using var broker = new ScriptedBroker();
        await using var client = Client(Long, broker.Address);
        await Task.WhenAll(Enumerable.Range(0, 1000).Select(i => client.StoreAsync($"group-{i}", [At("topic", 0, i, "")], Cancellation)));
        var loads = await Task.WhenAll(Enumerable.Range(0, 1000).Select(i => client.LoadAsync($"group-{i}", "topic", Cancellation)));
        Assert.Equal(Enumerable.Range(0, 1000).Select(i => (long)i), loads.Select(load => load[0].Offset));
        Assert.Equal(1, broker.Connections);
    }

    [Theory]
    [InlineData("security.protocol", "sasl_plaintext", "sasl.mechanism")]
    [InlineData("security.protocol", "kerberos", "security.protocol")]
    [InlineData("bootstrap.servers", "", "bootstrapServers")]
    [InlineData("bootstrap.servers", "host", "bootstrapServers")]
    public void Settings_that_cannot_be_used_are_named(string name, string value, string named)
    {
        var failure = Assert.Throws<LogConfigurationException>(() => Client(Short, "localhost:9092", (name, value)));
        Assert.Contains(named, failure.Message);
    }

    [Theory]
    [InlineData("ssl.ca.pem", "no certificate")]
    [InlineData("ssl.ca.pem", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----")]
    public void A_certificate_that_cannot_be_read_is_refused_without_showing_it(string name, string value)
    {
        var failure = Assert.Throws<LogConfigurationException>(() =>
            Client(Short, "localhost:9092", ("security.protocol", "ssl"), (name, value))
        );
        Assert.Contains(name, failure.Message);
        Assert.DoesNotContain("AAAA", failure.ToString());
    }

    [Theory]
    [InlineData("broker:9092", "broker", 9092)]
    [InlineData("[::1]:9092", "::1", 9092)]
    [InlineData("SSL://broker.example.com:443", "broker.example.com", 443)]
    public void Addresses_are_read(string text, string host, int port)
    {
        Assert.True(BrokerAddress.TryParse(text, out var address));
        Assert.Equal(new BrokerAddress(host, port), address);
    }

    private static GroupOffsetsClient Client(TimeSpan timeout, string servers, params (string Name, string Value)[] settings)
    {
        var all = new Dictionary<string, string>(StringComparer.Ordinal)
        {
            ["bootstrap.servers"] = servers,
            ["client.id"] = "brokkr-tests",
        };
        foreach (var (name, value) in settings)
        {
            all[name] = value;
        }

        return new GroupOffsetsClient(all, timeout, NullLogger.Instance);
    }
}
