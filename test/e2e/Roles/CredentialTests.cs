using Brokkr.EndToEnd.Tests.Parts;
using Brokkr.Testing;
using Brokkr.Testing.Http;
using Brokkr.Testing.Kafka.Security;
using Brokkr.Testing.Processes;

namespace Brokkr.EndToEnd.Tests.Roles;

/// <summary>The tests that share a secured Kafka.</summary>
[CollectionDefinition]
public sealed class SecuredKafkaTests : ICollectionFixture<SecureKafka>;

/// <summary>Every way into Kafka, through a receiver and a dispatcher that get their Secrets as mounted files (receiver-and-core §10, dispatcher §3.5).</summary>
[Collection<SecuredKafkaTests>]
public sealed class CredentialTests(SecureKafka kafka)
{
    private const string Namespace = "knative-eventing";

    /// <summary>An event in, its delivery, a reply through the dispatcher's own producer, and the delivery of that.</summary>
    [Fact]
    public async Task Every_way_into_Kafka_works_beside_every_way_that_does_not()
    {
        await using var subscriber = await Subscriber.StartAsync();
        await using var plane = new DataPlane("auto.offset.reset=earliest\n", "delivery.timeout.ms=5000\n");
        var run = Guid.NewGuid().ToString("n")[..8];
        Way[] good =
        [
            new("absent", kafka.Cluster.BootstrapServers, "\"absentAuth\":{}"),
            Single("plaintext", kafka.Cluster.BootstrapServers, [("protocol", "PLAINTEXT")]),
            Single("tls", kafka.Servers("TLS"), kafka.Entries("TLS")),
            Single("mutual", kafka.Servers("MUTUAL"), kafka.Entries("MUTUAL")),
            .. Logins("SASL"),
            .. Logins("BOTH"),
            Single("oauth", kafka.Servers("OAUTH"), kafka.Entries("OAUTH", "OAUTHBEARER")),
            Single("oauth-tls", kafka.Servers("OAUTHTLS"), kafka.Entries("OAUTHTLS", "OAUTHBEARER")),
            Fields(
                "fields-login",
                "BOTH",
                "SASL_SSL",
                ("ca", "CA_CRT", kafka.Authority),
                ("how", "SASL_MECHANISM", "SCRAM-SHA-512"),
                ("who", "USER", "alice"),
                ("what", "PASSWORD", "secret")
            ),
            Fields(
                "fields-mutual",
                "MUTUAL",
                "SSL",
                ("ca", "CA_CRT", kafka.Authority),
                ("cert", "USER_CRT", kafka.Client.Certificate),
                ("key", "USER_KEY", kafka.Client.Key)
            ),
        ];
        Way[] broken =
        [
            Single("wrong-password", kafka.Servers("SASL"), With("SASL", "PLAIN", ("password", "not-it-9876"))),
            Single("nobody", kafka.Servers("BOTH"), With("BOTH", "SCRAM-SHA-256", ("user", "nobody"))),
            Single("may-nothing", kafka.Servers("SASL"), With("SASL", "PLAIN", ("user", "mallory"))),
            Single(
                "forged",
                kafka.Servers("OAUTH"),
                With("OAUTH", "OAUTHBEARER", ("sasl.oauthbearer.token.endpoint.url", kafka.Tokens.Url + "/forged"))
            ),
            Single("expired-server", kafka.Servers("EXPIRED"), kafka.Entries("EXPIRED")),
            Single(
                "expired-client",
                kafka.Servers("MUTUAL"),
                With("MUTUAL", "", ("user.crt", kafka.Expired.Certificate), ("user.key", kafka.Expired.Key))
            ),
            Single("other-authority", kafka.Servers("TLS"), With("TLS", "", ("ca.crt", kafka.OtherAuthority))),
            Single("other-mechanism", kafka.Servers("SASL"), With("SASL", "PLAIN", ("sasl.mechanism", "GSSAPI"))),
            new("no-secret", kafka.Servers("SASL"), Reference("no-secret", 1)),
        ];
        Way[] all = [.. good, .. broken];
        await Task.WhenAll(all.Select(way => kafka.Cluster.CreateTopicAsync($"{way.Name}-{run}")));
        var contract = ContractText.Of(
            1,
            all.Select(way =>
                ContractText.Broker(
                    way.Name,
                    $"{way.Name}-{run}",
                    way.Servers,
                    [
                        ContractText.Trigger($"{way.Name}-{run}", $"{subscriber.Url}/{way.Name}", Filter(Sender.EventType)),
                        ContractText.Trigger($"{way.Name}-{run}-replies", $"{subscriber.Url}/{way.Name}/replies", Filter("shipped")),
                    ],
                    "," + way.Auth
                )
            )
        );
        plane.Contract("receiver").Put(("data", contract));
        plane.Contract("dispatcher").Put(("data", contract));
        subscriber.Otherwise(request =>
            request.Path.EndsWith("/replies", StringComparison.Ordinal)
                ? Answer.Ok
                : Answer.Ok with
                {
                    Headers = [("ce-specversion", "1.0"), ("ce-id", "reply"), ("ce-source", "/subscriber"), ("ce-type", "shipped")],
                }
        );
        var dispatcher = plane.StartDispatcher("dispatcher");
        var receiver = await plane.StartReceiverAsync("receiver", good.Select(way => $"/shop/{way.Name}"));
        var senders = all.ToDictionary(way => way.Name, way => new Sender(plane.Url($"/shop/{way.Name}")), StringComparer.Ordinal);
        var refused = broken.Select(way => senders[way.Name].SendAsync("event")).ToArray();
        await Task.WhenAll(good.Select(way => senders[way.Name].MustSendAsync("event")));
        foreach (var way in good)
        {
            await subscriber.CountAsync(1, at: $"/{way.Name}/replies");
        }

        Assert.Equal(good.Length * 2, subscriber.Count);
        await Task.WhenAll(refused);
        Assert.All(broken, way => Assert.Empty(senders[way.Name].Acknowledged));
        foreach (var role in (ChildProcess[])[receiver, dispatcher])
        {
            // Each is named with its reason, and no secret is.
            await role.LineAsync($"Secret {Namespace}/wrong-password.*refuses the login as user 'alice' by PLAIN");
            await role.LineAsync($"Secret {Namespace}/expired-server.*no TLS connection");
            await role.LineAsync($"Secret {Namespace}/no-secret does not exist");
            await role.LineAsync($"Secret {Namespace}/other-mechanism.*sasl.mechanism");
            Assert.DoesNotContain("not-it-9876", role.Text, StringComparison.Ordinal);
            Assert.DoesNotContain(TokenServer.Secret, role.Text, StringComparison.Ordinal);
        }

        foreach (var sender in senders.Values)
        {
            sender.Dispose();
        }

        Way Single(string name, string servers, IEnumerable<(string Key, string Value)> entries)
        {
            plane.Secret(Namespace, name).Put(entries);
            return new Way(name, servers, Reference(name, 1));
        }

        IEnumerable<Way> Logins(string listener) =>
            ((string[])["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"]).Select(mechanism =>
                Single($"{listener}-{mechanism}".ToLowerInvariant(), kafka.Servers(listener), kafka.Entries(listener, mechanism))
            );

        // One Secret per field, as a KafkaSource names them.
        Way Fields(string name, string listener, string protocol, params (string Key, string Field, string Value)[] fields)
        {
            foreach (var (key, field, value) in fields)
            {
                plane.Secret(Namespace, $"{name}-{key}").Put((key, value));
            }

            var references = fields.Select(field =>
                $$"""{"reference":{"namespace":"{{Namespace}}","name":"{{name}}-{{field.Key}}","version":"1"},"keyFieldReferences":[{"secretKey":"{{field.Key}}","field":"{{field.Field}}"}]}"""
            );
            return new Way(
                name,
                kafka.Servers(listener),
                $$"""
                "multiAuthSecret":{"protocol":"{{protocol}}","references":[{{string.Join(',', references)}}]}
                """
            );
        }
    }

    /// <summary>Once as the original's control plane tells it, with a new version in the contract, and else as the kubelet does it: the files change.</summary>
    [Fact]
    public async Task Credentials_change_under_load_and_no_event_is_refused_or_lost()
    {
        await using var subscriber = await Subscriber.StartAsync();
        await using var plane = new DataPlane("auto.offset.reset=earliest\n");
        var run = Guid.NewGuid().ToString("n")[..8];
        (string Name, string Listener, string Mechanism)[] ways =
        [
            ("login", "SASL", "PLAIN"),
            ("certificate", "MUTUAL", ""),
            ("token", "OAUTHTLS", "OAUTHBEARER"),
        ];
        foreach (var (name, listener, mechanism) in ways)
        {
            await kafka.Cluster.CreateTopicAsync($"{name}-{run}", partitions: 2);
            plane.Secret(Namespace, name).Put(kafka.Entries(listener, mechanism));
        }

        Publish(1);
        var dispatcher = plane.StartDispatcher("dispatcher");
        var receiver = await plane.StartReceiverAsync("receiver", ways.Select(way => $"/shop/{way.Name}"));
        var senders = ways.Select(way => new Sender(plane.Url($"/shop/{way.Name}"))).ToArray();
        using var stop = new CancellationTokenSource();
        var load = senders.Select(sender => sender.LoadAsync(connections: 1, stop.Token)).ToArray();
        foreach (var way in ways)
        {
            await subscriber.CountAsync(100, at: $"/{way.Name}");
        }

        var other = kafka.IssueClient();
        plane.Secret(Namespace, "login").Put(With("SASL", "PLAIN", ("user", "bob"), ("password", "other")));
        plane.Secret(Namespace, "certificate").Put(With("MUTUAL", "", ("user.crt", other.Certificate), ("user.key", other.Key)));
        plane
            .Secret(Namespace, "token")
            .Put(With("OAUTHTLS", "OAUTHBEARER", ("sasl.oauthbearer.token.endpoint.url", kafka.Tokens.Url + "/body")));
        Publish(2);
        foreach (var (name, _, _) in ways)
        {
            await receiver.LineAsync($"Secret {Namespace}/{name} for Kafka at .* have changed: going over");
            await dispatcher.LineAsync($"Secret {Namespace}/{name} for Kafka at .* have changed: going over");
        }

        await Task.WhenAll(senders.Select(sender => sender.AcknowledgedAsync(200)));
        await stop.CancelAsync();
        await Task.WhenAll(load);
        foreach (var (sender, way) in senders.Zip(ways))
        {
            await Ledger.NothingIsLostAsync(sender, subscriber, $"/{way.Name}");
            Assert.Equal(0, sender.Refused);
            sender.Dispose();
        }

        void Publish(int generation)
        {
            var contract = ContractText.Of(
                generation,
                ways.Select(way =>
                    ContractText.Broker(
                        way.Name,
                        $"{way.Name}-{run}",
                        kafka.Servers(way.Listener),
                        [ContractText.Trigger($"{way.Name}-{run}", $"{subscriber.Url}/{way.Name}")],
                        "," + Reference(way.Name, way.Name == "login" ? generation : 1)
                    )
                )
            );
            plane.Contract("receiver").Put(("data", contract));
            plane.Contract("dispatcher").Put(("data", contract));
        }
    }

    private static string Filter(string type) =>
        $$$"""
            ,"filter":{"attributes":{"type":"{{{type}}}"}}
            """;

    private static string Reference(string secret, int version) =>
        $$"""
            "authSecret":{"uuid":"uid-{{secret}}","namespace":"{{Namespace}}","name":"{{secret}}","version":"{{version}}"}
            """;

    private IEnumerable<(string Key, string Value)> With(string listener, string mechanism, params (string Key, string Value)[] other) =>
        kafka.Entries(listener, mechanism).Select(entry => other.FirstOrDefault(change => change.Key == entry.Key, entry));

    /// <summary>A way into Kafka.</summary>
    /// <param name="Name">Name of it and its Broker.</param>
    /// <param name="Servers">Where to go.</param>
    /// <param name="Auth">The field of the contract that says how.</param>
    private sealed record Way(string Name, string Servers, string Auth);
}
