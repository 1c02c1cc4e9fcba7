using Brokkr.Testing.Tls;

namespace Brokkr.Testing.Kafka.Security;

/// <summary>
/// A real Kafka with a listener for each way to get in, and with access control: <c>alice</c> and who comes without a name may do everything,
/// <c>mallory</c> nothing, <c>trent</c> everything with groups and nothing with topics. <c>bob</c> is as <c>alice</c>, by <c>PLAIN</c> only.
/// </summary>
public sealed class SecureKafka : IAsyncLifetime
{
    private const string ClientName = "brokkr-client";

    private readonly TemporaryFolder _folder = new();
    private readonly TestAuthority _authority = new();
    private readonly TestAuthority _clients = new();
    private KafkaCluster? _cluster;
    private TokenServer? _tokens;

    /// <summary>Where it runs.</summary>
    public KafkaCluster Cluster => _cluster!;

    /// <summary>Certificate of the authority of the brokers.</summary>
    public string Authority => _authority.Pem;

    /// <summary>Certificate of the authority of the clients.</summary>
    public string OtherAuthority => _clients.Pem;

    /// <summary>Certificate and key of <c>brokkr-client</c>, who may do everything.</summary>
    public (string Certificate, string Key) Client { get; private set; }

    /// <summary>Certificate and key of somebody whose authority the brokers do not know.</summary>
    public (string Certificate, string Key) Stranger { get; private set; }

    /// <summary>An expired certificate of <c>brokkr-client</c>, and its key.</summary>
    public (string Certificate, string Key) Expired { get; private set; }

    /// <summary>The token endpoint whose tokens the brokers take.</summary>
    public TokenServer Tokens => _tokens!;

    /// <inheritdoc/>
    public async ValueTask InitializeAsync()
    {
        if (KafkaCluster.SkipReason is not null)
        {
            return;
        }

        Client = IssueClient();
        Stranger = _authority.IssuePem(host: "stranger");
        Expired = _clients.IssuePem(isExpired: true, host: ClientName);
        _tokens = await TokenServer.StartAsync();
        var keys = new Uri(_folder.Write("keys.json", _tokens.Keys)).AbsoluteUri;
        var right = Store("right", _authority.IssuePem());
        var wrong = Store("wrong", _authority.IssuePem(host: "elsewhere.example.com"));
        var old = Store("old", _authority.IssuePem(isExpired: true));
        var trust = _folder.Write("trust.pem", _clients.Pem);
        const string Plain =
            "org.apache.kafka.common.security.plain.PlainLoginModule required user_alice=\"secret\" user_bob=\"other\" user_mallory=\"secret\" user_trent=\"secret\";";
        const string Scram = "org.apache.kafka.common.security.scram.ScramLoginModule required;";
        var settings = new Dictionary<string, string>(StringComparer.Ordinal)
        {
            ["authorizer.class.name"] = "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
            ["super.users"] = $"User:ANONYMOUS;User:alice;User:bob;User:CN={ClientName};User:{TokenServer.Id}",
            ["sasl.oauthbearer.jwks.endpoint.url"] = keys,
            ["sasl.oauthbearer.expected.audience"] = TokenServer.Audience,
            // As long as a token has ended, it has ended.
            ["sasl.oauthbearer.clock.skew.seconds"] = "0",
        };
        foreach (var name in (string[])["oauth", "oauthtls"])
        {
            settings[$"listener.name.{name}.sasl.enabled.mechanisms"] = "OAUTHBEARER";
            settings[$"listener.name.{name}.oauthbearer.sasl.jaas.config"] =
                "org.apache.kafka.common.security.oauthbearer.OAuthBearerLoginModule required;";
            settings[$"listener.name.{name}.oauthbearer.sasl.server.callback.handler.class"] =
                "org.apache.kafka.common.security.oauthbearer.OAuthBearerValidatorCallbackHandler";
        }

        settings["listener.name.oauth.connections.max.reauth.ms"] = "3600000";

        foreach (var name in (string[])["sasl", "brief", "both"])
        {
            settings[$"listener.name.{name}.sasl.enabled.mechanisms"] = "PLAIN,SCRAM-SHA-256,SCRAM-SHA-512";
            settings[$"listener.name.{name}.plain.sasl.jaas.config"] = Plain;
            settings[$"listener.name.{name}.scram-sha-256.sasl.jaas.config"] = Scram;
            settings[$"listener.name.{name}.scram-sha-512.sasl.jaas.config"] = Scram;
        }

        settings["listener.name.brief.connections.max.reauth.ms"] = "1500";
        foreach (
            var (name, store) in ((string, string)[])
                [("tls", right), ("strange", wrong), ("mutual", right), ("both", right), ("oauthtls", right), ("expired", old)]
        )
        {
            settings[$"listener.name.{name}.ssl.keystore.type"] = "PEM";
            settings[$"listener.name.{name}.ssl.keystore.location"] = store;
        }

        settings["listener.name.mutual.ssl.client.auth"] = "required";
        settings["listener.name.mutual.ssl.truststore.type"] = "PEM";
        settings["listener.name.mutual.ssl.truststore.location"] = trust;
        _cluster = await KafkaCluster.StartAsync(
            extra: settings,
            listeners: new Dictionary<string, string>(StringComparer.Ordinal)
            {
                ["SASL"] = "SASL_PLAINTEXT",
                ["BRIEF"] = "SASL_PLAINTEXT",
                ["TLS"] = "SSL",
                ["STRANGE"] = "SSL",
                ["MUTUAL"] = "SSL",
                ["BOTH"] = "SASL_SSL",
                ["OAUTH"] = "SASL_PLAINTEXT",
                ["OAUTHTLS"] = "SASL_SSL",
                ["EXPIRED"] = "SSL",
            },
            jvm: $"-Dorg.apache.kafka.sasl.oauthbearer.allowed.urls={keys}"
        );
        var node = _cluster.Nodes[0];
        await Task.WhenAll(
            PasswordAsync("SCRAM-SHA-256=[iterations=4096,password=secret]"),
            PasswordAsync("SCRAM-SHA-512=[iterations=8192,password=secret]"),
            node.RunToolAsync("kafka-acls.sh", "--add", "--allow-principal", "User:trent", "--operation", "All", "--group", "*"),
            _cluster.CreateTopicAsync("secured", 2)
        );
    }

    /// <summary>Entries of a Secret that lets in by a listener.</summary>
    public IEnumerable<(string Key, string Value)> Entries(string listener, string mechanism = "") =>
        (listener, mechanism) switch
        {
            ("TLS" or "EXPIRED", _) => [("protocol", "SSL"), ("user.skip", "true"), ("ca.crt", Authority)],
            ("MUTUAL", _) => [("protocol", "SSL"), ("ca.crt", Authority), ("user.crt", Client.Certificate), ("user.key", Client.Key)],
            (_, "OAUTHBEARER") =>
            [
                ("protocol", listener == "OAUTH" ? "SASL_PLAINTEXT" : "SASL_SSL"),
                ("sasl.mechanism", mechanism),
                ("user", TokenServer.Id),
                ("password", TokenServer.Secret),
                ("sasl.oauthbearer.token.endpoint.url", Tokens.Url + "/token"),
                ("ca.crt", Authority),
            ],
            _ =>
            [
                ("protocol", listener == "BOTH" ? "SASL_SSL" : "SASL_PLAINTEXT"),
                ("sasl.mechanism", mechanism),
                ("user", "alice"),
                ("password", "secret"),
                ("ca.crt", Authority),
            ],
        };

    /// <summary>Another certificate of the same client.</summary>
    public (string Certificate, string Key) IssueClient() => _clients.IssuePem(host: ClientName);

    /// <summary>Where a listener is.</summary>
    public string Servers(string listener)
    {
        Needs.Present(KafkaCluster.SkipReason);
        return $"127.0.0.1:{Cluster.Nodes[0].PortOf(listener)}";
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        if (_cluster is not null)
        {
            await _cluster.DisposeAsync();
        }

        if (_tokens is not null)
        {
            await _tokens.DisposeAsync();
        }

        _authority.Dispose();
        _clients.Dispose();
        _folder.Dispose();
    }

    private Task<string> PasswordAsync(string entry) =>
        Cluster
            .Nodes[0]
            .RunToolAsync("kafka-configs.sh", "--alter", "--add-config", entry, "--entity-type", "users", "--entity-name", "alice");

    private string Store(string name, (string Certificate, string Key) pair) =>
        _folder.Write($"{name}.pem", $"{pair.Key}\n{pair.Certificate}\n");
}
