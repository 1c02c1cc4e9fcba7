using Brokkr.Core.Log;
using Brokkr.Kafka.Groups;
using Brokkr.Kafka.Tests.Security;
using Brokkr.Testing.Kafka.Security;
using static Brokkr.Kafka.Tests.Groups.GroupsParserTests;

namespace Brokkr.Kafka.Tests.Groups;

/// <summary>Logins, encryption and access control of a real Kafka.</summary>
[Collection<SecureKafkaTests>]
public sealed class GroupsSecurityTests(SecureKafka kafka)
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("SASL", "PLAIN")]
    [InlineData("SASL", "SCRAM-SHA-256")]
    [InlineData("SASL", "SCRAM-SHA-512")]
    [InlineData("BOTH", "PLAIN")]
    [InlineData("BOTH", "SCRAM-SHA-256")]
    [InlineData("BOTH", "SCRAM-SHA-512")]
    public async Task A_user_gets_in_with_the_right_password_only(string listener, string mechanism)
    {
        await using (var client = As(listener, mechanism, "alice", "secret"))
        {
            await WorksAsync(client);
        }

        await using var wrong = As(listener, mechanism, "alice", "not-it-9876");
        var failure = await Assert.ThrowsAsync<LogUnavailableException>(() => wrong.LoadAsync("group", "secured", Cancellation));
        Assert.Contains("'alice'", failure.Message);
        Assert.DoesNotContain("not-it-9876", failure.ToString());
    }

    [Fact]
    public async Task A_login_that_ends_is_renewed_before_anybody_notices()
    {
        await using var client = As("BRIEF", "SCRAM-SHA-256", "alice", "secret");
        var start = TimeProvider.System.GetTimestamp();
        var rounds = 0;
        while (TimeProvider.System.GetElapsedTime(start) < TimeSpan.FromSeconds(5))
        {
            await client.StoreAsync("brief", [At("secured", 0, rounds++, "")], Cancellation);
        }

        Assert.Equal(rounds - 1, (await client.LoadAsync("brief", "secured", Cancellation))[0].Offset);
    }

    [Fact]
    public async Task A_broker_is_believed_by_its_authority_and_its_name()
    {
        await using (var client = Tls("TLS", ("ssl.ca.pem", kafka.Authority)))
        {
            await WorksAsync(client);
        }

        await using (var client = Tls("TLS", ("ssl.ca.pem", kafka.OtherAuthority)))
        {
            await RefusedAsync(client);
        }

        // The system's roots do not have it.
        await using (var client = Tls("TLS"))
        {
            await RefusedAsync(client);
        }

        await using (var client = Tls("STRANGE", ("ssl.ca.pem", kafka.Authority)))
        {
            await RefusedAsync(client);
        }

        await using (var client = Tls("STRANGE", ("ssl.ca.pem", kafka.Authority), ("ssl.endpoint.identification.algorithm", "none")))
        {
            await WorksAsync(client);
        }

        // Any name is not any authority.
        await using (var client = Tls("STRANGE", ("ssl.ca.pem", kafka.OtherAuthority), ("ssl.endpoint.identification.algorithm", "none")))
        {
            await RefusedAsync(client);
        }
    }

    [Fact]
    public async Task A_client_certificate_is_shown_to_who_asks_for_it()
    {
        await using (
            var client = Tls(
                "MUTUAL",
                ("ssl.ca.pem", kafka.Authority),
                ("ssl.certificate.pem", kafka.Client.Certificate),
                ("ssl.key.pem", kafka.Client.Key)
            )
        )
        {
            await WorksAsync(client);
        }

        await using (
            var client = Tls(
                "MUTUAL",
                ("ssl.ca.pem", kafka.Authority),
                ("ssl.certificate.pem", kafka.Stranger.Certificate),
                ("ssl.key.pem", kafka.Stranger.Key)
            )
        )
        {
            await Assert.ThrowsAsync<LogUnavailableException>(() => client.LoadAsync("group", "secured", Cancellation));
        }

        await using (var client = Tls("MUTUAL", ("ssl.ca.pem", kafka.Authority)))
        {
            var failure = await Assert.ThrowsAsync<LogUnavailableException>(() => client.LoadAsync("group", "secured", Cancellation));
            Assert.Contains("client certificate", failure.Message);
        }

        Assert.Throws<LogConfigurationException>(() =>
            Tls(
                "MUTUAL",
                ("ssl.ca.pem", kafka.Authority),
                ("ssl.certificate.pem", kafka.Client.Certificate),
                ("ssl.key.pem", kafka.Stranger.Key)
            )
        );
    }

    [Theory]
    [InlineData("TLS")]
    [InlineData("SASL")]
    public async Task The_wrong_protocol_is_told(string listener)
    {
        await using var client = kafka.Open(listener, ("security.protocol", "plaintext"));
        var failure = await Assert.ThrowsAsync<LogUnavailableException>(() => client.LoadAsync("group", "secured", Cancellation));
        Assert.Contains("does the listener speak PLAINTEXT", failure.Message);
    }

    [Fact]
    public async Task Encryption_where_there_is_none_is_told()
    {
        await using var client = Tls("SASL", ("ssl.ca.pem", kafka.Authority));
        await Assert.ThrowsAsync<LogUnavailableException>(() => client.LoadAsync("group", "secured", Cancellation));
    }

    [Fact]
    public async Task Whoever_may_not_hears_of_what()
    {
        await using (var mallory = As("SASL", "PLAIN", "mallory", "secret"))
        {
            foreach (
                var ask in (Func<Task>[])
                    [
                        () => mallory.LoadAsync("guarded-group", "secured", Cancellation),
                        () => mallory.StoreAsync("guarded-group", [At("secured", 0, 1, "")], Cancellation),
                        () => mallory.DeleteAsync("guarded-group", Cancellation),
                    ]
            )
            {
                var failure = await Assert.ThrowsAsync<LogUnavailableException>(ask);
                Assert.Contains("guarded-group", failure.Message);
                Assert.Contains("not authorized", failure.Message);
            }
        }

        await using var alice = As("SASL", "PLAIN", "alice", "secret");
        await alice.StoreAsync("shared-group", [At("secured", 0, 1, "")], Cancellation);
        await using var trent = As("SASL", "PLAIN", "trent", "secret");
        var load = await Assert.ThrowsAsync<LogUnavailableException>(() => trent.LoadAsync("shared-group", "secured", Cancellation));
        Assert.Contains("READ on the topic", load.Message);
        var store = await Assert.ThrowsAsync<LogUnavailableException>(() =>
            trent.StoreAsync("shared-group", [At("secured", 0, 1, "")], Cancellation)
        );
        Assert.Contains("READ on the topic", store.Message);
    }

    private static async Task WorksAsync(GroupOffsetsClient client)
    {
        var group = $"group-{Guid.NewGuid():n}";
        await client.StoreAsync(group, [At("secured", 0, 4, "7"), At("secured", 1, 5, "")], Cancellation);
        var positions = await client.LoadAsync(group, "secured", Cancellation);
        Assert.Equal((new CursorPosition(4, "7"), new CursorPosition(5, "")), (positions[0], positions[1]));
        await client.DeleteAsync(group, Cancellation);
        Assert.Empty(await client.LoadAsync(group, "secured", Cancellation));
    }

    private static async Task RefusedAsync(GroupOffsetsClient client)
    {
        var failure = await Assert.ThrowsAsync<LogUnavailableException>(() => client.LoadAsync("group", "secured", Cancellation));
        Assert.Contains("no TLS connection", failure.Message);
    }

    private GroupOffsetsClient As(string listener, string mechanism, string user, string password) =>
        kafka.Open(
            listener,
            ("security.protocol", listener == "BOTH" ? "sasl_ssl" : "sasl_plaintext"),
            ("ssl.ca.pem", kafka.Authority),
            ("sasl.mechanism", mechanism),
            ("sasl.username", user),
            ("sasl.password", password)
        );

    private GroupOffsetsClient Tls(string listener, params (string Name, string Value)[] settings) =>
        kafka.Open(listener, [("security.protocol", "ssl"), .. settings]);
}
