using System.Net;
using Brokkr.Kafka.Groups;
using Brokkr.Testing;
using Brokkr.Testing.Kafka;
using Microsoft.Extensions.Logging.Abstractions;

namespace Brokkr.Kafka.Tests.Groups;

/// <summary>
/// A real Kafka with a listener for each way to get in, and with access control: <c>alice</c> and who comes without a name may do everything,
/// <c>mallory</c> nothing, <c>trent</c> everything with groups and nothing with topics.
/// </summary>
public sealed class SecureKafka : IAsyncLifetime
{
    private readonly TemporaryFolder _folder = new();
    private readonly TestAuthority _authority = new("brokers");
    private readonly TestAuthority _clients = new("clients");
    private KafkaCluster? _cluster;

    public KafkaCluster Cluster => _cluster!;

    public string Authority => _authority.Pem;

    public string OtherAuthority => _clients.Pem;

    public (string Certificate, string Key) Client { get; private set; }

    public (string Certificate, string Key) Stranger { get; private set; }

    public async ValueTask InitializeAsync()
    {
        if (KafkaCluster.SkipReason is not null)
        {
            return;
        }

        Client = _clients.Issue("brokkr-client");
        Stranger = _authority.Issue("stranger");
        var right = Store("right", _authority.Issue("localhost", IPAddress.Loopback));
        var wrong = Store("wrong", _authority.Issue("elsewhere.example.com"));
        var trust = _folder.Write("trust.pem", _clients.Pem);
        const string Plain =
            "org.apache.kafka.common.security.plain.PlainLoginModule required user_alice=\"secret\" user_mallory=\"secret\" user_trent=\"secret\";";
        const string Scram = "org.apache.kafka.common.security.scram.ScramLoginModule required;";
        var settings = new Dictionary<string, string>(StringComparer.Ordinal)
        {
            ["authorizer.class.name"] = "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
            ["super.users"] = "User:ANONYMOUS;User:alice;User:CN=brokkr-client",
        };
        foreach (var name in (string[])["sasl", "brief", "both"])
        {
            settings[$"listener.name.{name}.sasl.enabled.mechanisms"] = "PLAIN,SCRAM-SHA-256,SCRAM-SHA-512";
            settings[$"listener.name.{name}.plain.sasl.jaas.config"] = Plain;
            settings[$"listener.name.{name}.scram-sha-256.sasl.jaas.config"] = Scram;
            settings[$"listener.name.{name}.scram-sha-512.sasl.jaas.config"] = Scram;
        }

        settings["listener.name.brief.connections.max.reauth.ms"] = "1500";
        foreach (var (name, store) in ((string, string)[])[("tls", right), ("strange", wrong), ("mutual", right), ("both", right)])
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
            }
        );
        var node = _cluster.Nodes[0];
        await Task.WhenAll(
            PasswordAsync("SCRAM-SHA-256=[iterations=4096,password=secret]"),
            PasswordAsync("SCRAM-SHA-512=[iterations=8192,password=secret]"),
            node.RunToolAsync("kafka-acls.sh", "--add", "--allow-principal", "User:trent", "--operation", "All", "--group", "*"),
            _cluster.CreateTopicAsync("secured", 2)
        );
    }

    /// <summary>A client that goes in by a listener.</summary>
    internal GroupOffsetsClient Open(string listener, params (string Name, string Value)[] settings)
    {
        Needs.Present(KafkaCluster.SkipReason);
        var all = new Dictionary<string, string>(StringComparer.Ordinal)
        {
            ["bootstrap.servers"] = $"127.0.0.1:{Cluster.Nodes[0].PortOf(listener)}",
            ["client.id"] = "brokkr-tests",
        };
        foreach (var (name, value) in settings)
        {
            all[name] = value;
        }

        return new GroupOffsetsClient(all, TimeSpan.FromSeconds(8), NullLogger.Instance);
    }

    public async ValueTask DisposeAsync()
    {
        if (_cluster is not null)
        {
            await _cluster.DisposeAsync();
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
