using System.Text;
using Brokkr.Core.Contract.Wire;
using Brokkr.Core.Log;
using Brokkr.Testing;
using Brokkr.Testing.Kafka;
using Brokkr.Testing.Kafka.Security;
using Microsoft.Extensions.Logging;

namespace Brokkr.Kafka.Tests.Security;

/// <summary>
/// Every kind of client on a real Kafka with every kind of credentials, from Secrets to records (conformance KSEC-02 to KSEC-05, KSEC-10, KSK-05 to
/// KSK-08).
/// </summary>
[Collection<SecureKafkaTests>]
public sealed class SecuredLogTests(SecureKafka kafka)
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    private static readonly (string Listener, string Mechanism)[] Ways =
    [
        ("TLS", ""),
        ("MUTUAL", ""),
        ("SASL", "PLAIN"),
        ("SASL", "SCRAM-SHA-256"),
        ("SASL", "SCRAM-SHA-512"),
        ("BOTH", "PLAIN"),
        ("BOTH", "SCRAM-SHA-256"),
        ("BOTH", "SCRAM-SHA-512"),
        ("OAUTH", "OAUTHBEARER"),
        ("OAUTHTLS", "OAUTHBEARER"),
    ];

    [Fact]
    public Task A_Secret_gets_every_client_in() =>
        EachAsync(
            Ways,
            async way =>
            {
                var resource = TestResources.Single(kafka, way.Listener);
                var secrets = new TestSecrets();
                secrets.Put("ns/kafka", kafka.Entries(way.Listener, way.Mechanism));
                using var logs = Provider(secrets);
                await using var lease = await logs.AcquireAsync(resource, Cancellation);
                await WorksAsync(lease.Log);
            }
        );

    /// <summary>As a KafkaSource's net spec and older Secrets come: entries with any name, one Secret for each.</summary>
    [Fact]
    public Task Fields_of_several_Secrets_get_every_client_in() =>
        EachAsync(
            Ways,
            async way =>
            {
                var secrets = new TestSecrets();
                var resource = Spread(way.Listener, way.Mechanism, secrets);
                using var logs = Provider(secrets);
                await using var lease = await logs.AcquireAsync(resource, Cancellation);
                var refusal = await ((KafkaLog)lease.Log).FindRefusalAsync();
                Assert.True(refusal is null, refusal);
                await StoredAsync(lease.Log, "secured");
            }
        );

    [Fact]
    public Task What_is_wrong_is_said_once_and_concerns_nobody_else() =>
        EachAsync<(string Listener, string Mechanism, string Entry, string Value, string Expected)>(
            [
                ("SASL", "PLAIN", "password", "not-it-9876", "refuses the login as user 'alice' by PLAIN"),
                ("BOTH", "SCRAM-SHA-256", "password", "not-it-9876", "refuses the login as user 'alice' by SCRAM-SHA-256"),
                ("SASL", "SCRAM-SHA-512", "user", "nobody", "refuses the login as user 'nobody' by SCRAM-SHA-512"),
                (
                    "OAUTH",
                    "OAUTHBEARER",
                    "password",
                    "not-it-9876",
                    "refuses client 'brokkr oauth': invalid_client no such client or secret"
                ),
                (
                    "OAUTH",
                    "OAUTHBEARER",
                    "sasl.oauthbearer.token.endpoint.url",
                    "/forged",
                    "refuses the login as user 'brokkr oauth' by OAUTHBEARER"
                ),
                ("OAUTH", "OAUTHBEARER", "sasl.oauthbearer.token.endpoint.url", "/down", "it answered 503 without a token"),
                ("TLS", "", "ca.crt", "OTHER", "no TLS connection"),
                ("OAUTHTLS", "OAUTHBEARER", "ca.crt", "OTHER", "no TLS connection"),
                ("EXPIRED", "", "", "", "no TLS connection"),
                ("MUTUAL", "", "user.crt", "EXPIRED", "accept the client certificate"),
                ("MUTUAL", "", "user.crt", "STRANGER", "accept the client certificate"),
            ],
            row => RefusedAsync(row.Listener, row.Mechanism, row.Entry, row.Value, row.Expected)
        );

    private async Task RefusedAsync(string listener, string mechanism, string entry, string value, string expected)
    {
        kafka.Servers(listener);
        kafka.Tokens.OnPath("/down", Brokkr.Testing.Http.Answer.Status(503));
        var entries = kafka.Entries(listener, mechanism).ToDictionary(static pair => pair.Key, static pair => pair.Value);
        switch (value)
        {
            case "OTHER":
                entries[entry] = kafka.OtherAuthority;
                break;
            case "EXPIRED":
                (entries["user.crt"], entries["user.key"]) = kafka.Expired;
                break;
            case "STRANGER":
                (entries["user.crt"], entries["user.key"]) = kafka.Stranger;
                break;
            case ['/', ..]:
                entries[entry] = kafka.Tokens.Url + value;
                break;
            case not "":
                entries[entry] = value;
                break;
        }

        var secrets = new TestSecrets();
        secrets.Put("ns/kafka", entries.Select(static pair => (pair.Key, pair.Value)));
        secrets.Put("ns/good", kafka.Entries("SASL", "PLAIN"));
        var lines = new RememberedLog();
        using var logs = Provider(secrets, lines);
        await using var broken = await logs.AcquireAsync(TestResources.Single(kafka, listener), Cancellation);
        var failing = AppendAsync(broken.Log, "secured");
        await using var good = await logs.AcquireAsync(TestResources.Single(kafka, "SASL", "good"), Cancellation);
        await StoredAsync(good.Log, "secured");

        await Eventually.True(
            () => lines.With("Secret ns/kafka").Any(line => line.Contains(expected, StringComparison.Ordinal)),
            () => $"'{expected}' among\n{lines}"
        );
        Assert.DoesNotContain(lines.With("Secret ns/good"), static line => line.Contains("Warning", StringComparison.Ordinal));
        Assert.NotEqual(AppendOutcome.Stored, (await failing).Outcome);
        Assert.Single(lines.With("Secret ns/kafka"), line => line.Contains(expected, StringComparison.Ordinal));
        Assert.DoesNotContain("not-it-9876", lines.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_token_that_ends_is_replaced_before_anybody_notices()
    {
        kafka.Servers("OAUTH");
        var secrets = new TestSecrets();
        secrets.Put(
            "ns/kafka",
            kafka
                .Entries("OAUTH", "OAUTHBEARER")
                .Select(entry => entry.Key == "sasl.oauthbearer.token.endpoint.url" ? (entry.Key, kafka.Tokens.Url + "/brief") : entry)
        );
        using var logs = Provider(secrets);
        await using var lease = await logs.AcquireAsync(TestResources.Single(kafka, "OAUTH"), Cancellation);
        var before = kafka.Tokens.At("/brief").Count;
        var rounds = 0;
        while (kafka.Tokens.At("/brief").Count < before + 3)
        {
            await StoredAsync(lease.Log, "secured");
            await lease.Log.Cursors.StoreAsync(
                "brief-tokens",
                [new KeyValuePair<TopicPartition, CursorPosition>(new TopicPartition("secured", 0), new CursorPosition(++rounds, ""))],
                Cancellation
            );
        }

        Assert.Equal(rounds, (await lease.Log.Cursors.LoadAsync("brief-tokens", "secured", Cancellation))[0].Offset);
    }

    internal static KafkaLogProvider Provider(TestSecrets secrets, RememberedLog? lines = null) =>
        new(
            new KafkaOptions
            {
                ProducerProperties = new Dictionary<string, string>(StringComparer.Ordinal) { ["delivery.timeout.ms"] = "5000" },
                RequestTimeout = TimeSpan.FromSeconds(8),
                SecretInterval = TimeSpan.FromMilliseconds(100),
                OwnershipGroup = $"owners-{Guid.NewGuid():n}",
                OwnershipShards = 1,
            },
            secrets,
            lines is null
                ? Microsoft.Extensions.Logging.Abstractions.NullLoggerFactory.Instance
                : LoggerFactory.Create(logging => logging.AddProvider(lines))
        );

    internal static async Task<AppendResult> AppendAsync(ILog log, string topic, string value = "event")
    {
        using var record = RecordBuffer.Rent();
        record.AppendValue(Encoding.UTF8.GetBytes(value));
        return await log.Writer.AppendAsync(topic, record);
    }

    internal static async Task<AppendResult> StoredAsync(ILog log, string topic, string value = "event")
    {
        var result = await AppendAsync(log, topic, value);
        Assert.True(result.Outcome == AppendOutcome.Stored, $"{result.Outcome}: {result.Error}");
        return result;
    }

    private Resource Spread(string listener, string mechanism, TestSecrets secrets)
    {
        var resource = new Resource { BootstrapServers = kafka.Servers(listener), MultiAuthSecret = new MultiSecretReference() };
        var entries = kafka.Entries(listener, mechanism).ToDictionary(static entry => entry.Key, static entry => entry.Value);
        resource.MultiAuthSecret.Protocol = entries["protocol"] switch
        {
            "SSL" => Protocol.Ssl,
            "SASL_SSL" => Protocol.SaslSsl,
            _ => Protocol.SaslPlaintext,
        };
        foreach (
            var (key, field) in ((string, SecretField)[])
                [
                    ("sasl.mechanism", SecretField.SaslMechanism),
                    ("user", SecretField.User),
                    ("password", SecretField.Password),
                    ("ca.crt", SecretField.CaCrt),
                    ("user.crt", SecretField.UserCrt),
                    ("user.key", SecretField.UserKey),
                    ("sasl.oauthbearer.token.endpoint.url", SecretField.TokenProvider),
                ]
        )
        {
            if (entries.GetValueOrDefault(key) is { } value)
            {
                secrets.Put($"ns/net-{field}", ("leaf", value));
                resource.MultiAuthSecret.References.Add(
                    new SecretReference
                    {
                        Reference = new Reference { Namespace = "ns", Name = $"net-{field}" },
                        KeyFieldReferences =
                        {
                            new KeyFieldReference { SecretKey = "leaf", Field = field },
                        },
                    }
                );
            }
        }

        return resource;
    }

    /// <summary>Together, since each spends most of its time waiting for a client to close; a failure says whose it is.</summary>
    private static Task EachAsync<T>(IEnumerable<T> cases, Func<T, Task> test)
    {
        Needs.Present(KafkaCluster.SkipReason);
        return Task.WhenAll(
            cases.Select(async one =>
            {
                try
                {
                    await test(one);
                }
                catch (Exception exception) when (exception is not OperationCanceledException)
                {
                    throw new InvalidOperationException($"{one}: {exception.Message}", exception);
                }
            })
        );
    }

    /// <summary>Producer, administration, reader, positions and membership: each is a client that logs in on its own.</summary>
    private static async Task WorksAsync(ILog log)
    {
        Assert.True(await log.IsReachableAsync(Cancellation));
        var stored = await StoredAsync(log, "secured", "hello");
        var partition = new TopicPartition("secured", stored.Partition);
        await using (var reader = await log.Readers.OpenAsync(partition, stored.Offset, ReadPurpose.Feed, Cancellation))
        {
            var records = new List<StoredRecord>();
            await reader.ReadAsync(records, 1024, Cancellation);
            Assert.Equal("hello", Encoding.UTF8.GetString(records[0].Value.Span));
        }

        var group = $"group-{Guid.NewGuid():n}";
        await log.Cursors.StoreAsync(
            group,
            [new KeyValuePair<TopicPartition, CursorPosition>(partition, new CursorPosition(7, "x"))],
            Cancellation
        );
        Assert.Equal(new CursorPosition(7, "x"), (await log.Cursors.LoadAsync(group, "secured", Cancellation))[partition.Partition]);
        var member = new Member();
        await using var ownership = log.Join(member);
        ownership.Serve(["secured"]);
        await Eventually.Completes(member.HasAll.Task, "the partitions");
    }

    private sealed class Member : IOwnershipListener
    {
        private int _owned;

        public TaskCompletionSource HasAll { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public void Gained(IReadOnlyList<TopicPartition> partitions)
        {
            if ((_owned += partitions.Count) == 2)
            {
                HasAll.TrySetResult();
            }
        }

        public Task LosingAsync(IReadOnlyList<TopicPartition> partitions, CancellationToken budget) => Task.CompletedTask;

        public void Lost(IReadOnlyList<TopicPartition> partitions) { }
    }
}
