using System.Collections.Concurrent;
using System.Globalization;
using System.Text;
using Brokkr.Core.Log;
using Brokkr.Testing;
using Brokkr.Testing.Kafka.Security;
using static Brokkr.Kafka.Tests.Security.SecuredLogTests;

namespace Brokkr.Kafka.Tests.Security;

/// <summary>Secrets that change while they are in use (receiver-and-core §10.5).</summary>
[Collection<SecureKafkaTests>]
public sealed class RotationTests(SecureKafka kafka)
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    /// <summary>Without a new version in the contract: a mounted Secret changes when the kubelet likes.</summary>
    [Fact]
    public Task A_changed_Secret_is_gone_over_to_under_load_and_no_event_is_lost() =>
        Task.WhenAll(RotateAsync("SASL"), RotateAsync("MUTUAL"), RotateAsync("OAUTHTLS"));

    private async Task RotateAsync(string listener)
    {
        var topic = $"rotated-{Guid.NewGuid():n}";
        kafka.Servers(listener);
        await kafka.Cluster.CreateTopicAsync(topic);
        var secrets = new TestSecrets();
        secrets.Put("ns/kafka", Before(listener));
        using var logs = Provider(secrets);
        var resource = TestResources.Single(kafka, listener);
        var used = new ConcurrentDictionary<ILog, int>(ReferenceEqualityComparer.Instance);
        using var stop = new CancellationTokenSource();
        var sending = SendAsync();
        await Eventually.True(() => used.Values.Sum() > 100, "events with the old credentials");
        secrets.Put("ns/kafka", After(listener));
        await Eventually.True(() => used.Count == 2 && used.Values.Min() > 100, "events with the new credentials");
        await stop.CancelAsync();
        var acknowledged = await sending;

        await using var reading = await logs.AcquireAsync(resource, Cancellation);
        await using var reader = await reading.Log.Readers.OpenAsync(new TopicPartition(topic, 0), 0, ReadPurpose.CatchUp, Cancellation);
        var values = new List<string>();
        var batch = new List<StoredRecord>();
        while (values.Count < acknowledged.Count)
        {
            await reader.ReadAsync(batch, 1 << 20, Cancellation);
            values.AddRange(batch.Select(static record => Encoding.UTF8.GetString(record.Value.Span)));
        }

        Assert.Equal(acknowledged.Order(StringComparer.Ordinal), values.Order(StringComparer.Ordinal));

        // As a receiver does: the new log is open before the old one is left, and that one ends after what is under way.
        async Task<List<string>> SendAsync()
        {
            var sent = new List<string>();
            var lease = await logs.AcquireAsync(resource, Cancellation);
            var underWay = new List<Task<AppendResult>>();
            while (!stop.IsCancellationRequested)
            {
                if (lease.Outdated.IsCancellationRequested)
                {
                    var old = lease;
                    lease = await logs.AcquireAsync(resource, Cancellation);
                    Assert.NotSame(old.Log, lease.Log);
                    await old.DisposeAsync();
                }

                underWay.Clear();
                for (var i = 0; i < 20; i++)
                {
                    var value = sent.Count.ToString(CultureInfo.InvariantCulture);
                    sent.Add(value);
                    underWay.Add(StoredAsync(lease.Log, topic, value));
                }

                await Task.WhenAll(underWay);
                used.AddOrUpdate(lease.Log, underWay.Count, (_, count) => count + underWay.Count);
            }

            await lease.DisposeAsync();
            return sent;
        }
    }

    [Fact]
    public async Task New_credentials_that_no_broker_takes_leave_the_old_ones_in_use()
    {
        var secrets = new TestSecrets();
        kafka.Servers("SASL");
        secrets.Put("ns/kafka", kafka.Entries("SASL", "PLAIN"));
        var lines = new RememberedLog();
        using var logs = Provider(secrets, lines);
        await using var lease = await logs.AcquireAsync(TestResources.Single(kafka, "SASL"), Cancellation);
        await StoredAsync(lease.Log, "secured");

        // The Secret changes first, the contract says so later.
        secrets.Put("ns/kafka", With("password", "not-it-9876"));
        await Eventually.True(() => lines.With("those from before stay in use").Length > 0, () => $"a warning, not\n{lines}");
        var failure = await Assert.ThrowsAsync<LogConfigurationException>(() =>
            logs.AcquireAsync(TestResources.Single(kafka, "SASL", version: "2"), Cancellation).AsTask()
        );
        Assert.Contains("refuses the login as user 'alice'", failure.Message);
        Assert.False(lease.Outdated.IsCancellationRequested);
        await StoredAsync(lease.Log, "secured");

        // Gone altogether, and there again as it was.
        secrets.Remove("ns/kafka");
        await Eventually.True(() => lines.With("Secret ns/kafka does not exist").Length > 0, () => $"a warning, not\n{lines}");
        await StoredAsync(lease.Log, "secured");
        secrets.Put("ns/kafka", kafka.Entries("SASL", "PLAIN"));
        await Eventually.True(() => lines.With("work again").Length > 0, () => $"the end of the warning, not\n{lines}");
        Assert.False(lease.Outdated.IsCancellationRequested);

        secrets.Put("ns/kafka", After("SASL"));
        await using (var next = await logs.AcquireAsync(TestResources.Single(kafka, "SASL", version: "3"), Cancellation))
        {
            Assert.NotSame(lease.Log, next.Log);
            await StoredAsync(next.Log, "secured");
        }

        await Eventually.True(() => lease.Outdated.IsCancellationRequested, "the news");
        Assert.Single(lines.With("those from before stay in use"), static line => line.StartsWith("Warning", StringComparison.Ordinal));
        Assert.DoesNotContain("not-it-9876", lines.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Another_version_with_the_same_content_keeps_the_log_and_many_resources_read_a_Secret_once()
    {
        var secrets = new TestSecrets();
        kafka.Servers("SASL");
        secrets.Put("ns/kafka", kafka.Entries("SASL", "PLAIN"));
        using var logs = new KafkaLogProvider(
            new KafkaOptions(),
            secrets,
            Microsoft.Extensions.Logging.Abstractions.NullLoggerFactory.Instance
        );
        await using var first = await logs.AcquireAsync(TestResources.Single(kafka, "SASL"), Cancellation);
        await using var second = await logs.AcquireAsync(TestResources.Single(kafka, "SASL"), Cancellation);
        await using var third = await logs.AcquireAsync(TestResources.Single(kafka, "SASL"), Cancellation);
        Assert.Equal(1, secrets.Reads);
        await using var other = await logs.AcquireAsync(TestResources.Single(kafka, "SASL", version: "2"), Cancellation);
        Assert.Equal(2, secrets.Reads);
        Assert.Same(first.Log, second.Log);
        Assert.Same(first.Log, third.Log);
        Assert.Same(first.Log, other.Log);
    }

    private IEnumerable<(string Key, string Value)> Before(string listener) =>
        kafka.Entries(
            listener,
            listener switch
            {
                "SASL" => "PLAIN",
                "OAUTHTLS" => "OAUTHBEARER",
                _ => "",
            }
        );

    /// <summary>The same access by another password, certificate or endpoint.</summary>
    private IEnumerable<(string Key, string Value)> After(string listener)
    {
        var other = kafka.IssueClient();
        return Before(listener)
            .Select(entry =>
                entry.Key switch
                {
                    "user" when listener == "SASL" => (entry.Key, "bob"),
                    "password" when listener == "SASL" => (entry.Key, "other"),
                    "user.crt" => (entry.Key, other.Certificate),
                    "user.key" => (entry.Key, other.Key),
                    "sasl.oauthbearer.token.endpoint.url" => (entry.Key, kafka.Tokens.Url + "/body"),
                    _ => entry,
                }
            );
    }

    private IEnumerable<(string Key, string Value)> With(string key, string value) =>
        kafka.Entries("SASL", "PLAIN").Select(entry => entry.Key == key ? (key, value) : entry);
}
