using Brokkr.Core.Log;
using Brokkr.Kafka.Configuration;

namespace Brokkr.Kafka.Tests.Configuration;

/// <summary>The translation tables of receiver-and-core §9.3 and dispatcher §3.6; what we insist on, design §6 (conformance OIN-14, OEG-16, RTE-01).</summary>
public sealed class ClientPropertiesTests
{
    private readonly List<string> _unknown = [];

    [Theory]
    [InlineData("delivery.timeout.ms", "120000", "delivery.timeout.ms", "120000")]
    [InlineData("request.timeout.ms", "2000", "request.timeout.ms", "2000")]
    [InlineData("batch.size", "16384", "batch.size", "16384")]
    [InlineData("buffer.memory", "33554432", "queue.buffering.max.kbytes", "32768")]
    [InlineData("buffer.memory", "10", "queue.buffering.max.kbytes", "1")]
    [InlineData("max.request.size", "1048576", "message.max.bytes", "1048576")]
    [InlineData("receive.buffer.bytes", "-1", "socket.receive.buffer.bytes", "0")]
    [InlineData("send.buffer.bytes", "131072", "socket.send.buffer.bytes", "131072")]
    [InlineData("reconnect.backoff.ms", "50", "reconnect.backoff.ms", "50")]
    [InlineData("linger.ms", "0", "linger.ms", "0")]
    [InlineData("max.in.flight.requests.per.connection", "1", "max.in.flight.requests.per.connection", "5")]
    [InlineData("linger.ms", "5", "linger.ms", "5")]
    [InlineData("compression.type", "snappy", "compression.type", "snappy")]
    [InlineData("ssl.truststore.certificates", "PEM", "ssl.ca.pem", "PEM")]
    [InlineData("enable.idempotence", "false", "enable.idempotence", "true")]
    [InlineData("acks", "1", "acks", "all")]
    [InlineData("partitioner.class", "anything", "partitioner", "murmur2_random")]
    public void A_producer_property_becomes(string java, string value, string name, string translated)
    {
        var settings = ClientProperties.ForProducer(Of((java, value)), _unknown.Add);
        Assert.Equal(translated, settings[name]);
        Assert.Empty(_unknown);
    }

    [Fact]
    public void Acknowledgements_of_no_kind_that_there_is_are_refused() =>
        Assert.Throws<LogConfigurationException>(() => ClientProperties.ForProducer(Of(("acks", "lots")), _unknown.Add));

    [Theory]
    [InlineData("fetch.max.wait.ms", "500", "fetch.wait.max.ms", "500")]
    [InlineData("session.timeout.ms", "10000", "session.timeout.ms", "10000")]
    [InlineData("isolation.level", "read_committed", "isolation.level", "read_committed")]
    [InlineData("client.rack", "a", "client.rack", "a")]
    public void A_consumer_property_becomes(string java, string value, string name, string translated)
    {
        var settings = ClientProperties.ForConsumer(Of((java, value)), _unknown.Add);
        Assert.Equal(translated, settings[name]);
        Assert.Empty(_unknown);
    }

    [Fact]
    public void Transactions_of_others_are_read_as_the_shipped_file_says() =>
        Assert.Equal("read_uncommitted", ClientProperties.ForConsumer(Of(), _unknown.Add)["isolation.level"]);

    [Fact]
    public void The_shipped_files_are_understood_whole()
    {
        ClientProperties.ForProducer(
            Of(
                ("key.serializer", "org.apache.kafka.common.serialization.StringSerializer"),
                ("value.serializer", "io.cloudevents.kafka.CloudEventSerializer"),
                ("acks", "all"),
                ("buffer.memory", "33554432"),
                ("retries", "2147483647"),
                ("batch.size", "16384"),
                ("client.dns.lookup", "use_all_dns_ips"),
                ("connections.max.idle.ms", "600000"),
                ("delivery.timeout.ms", "120000"),
                ("linger.ms", "0"),
                ("max.block.ms", "60000"),
                ("max.request.size", "1048576"),
                ("receive.buffer.bytes", "-1"),
                ("request.timeout.ms", "2000"),
                ("enable.idempotence", "false"),
                ("max.in.flight.requests.per.connection", "5"),
                ("metadata.max.age.ms", "300000"),
                ("metrics.num.samples", "2"),
                ("metrics.recording.level", "INFO"),
                ("metrics.sample.window.ms", "30000"),
                ("reconnect.backoff.max.ms", "1000"),
                ("reconnect.backoff.ms", "50"),
                ("retry.backoff.ms", "100")
            ),
            _unknown.Add
        );
        ClientProperties.ForConsumer(
            Of(
                ("partition.assignment.strategy", "org.apache.kafka.clients.consumer.StickyAssignor"),
                ("max.poll.records", "50"),
                ("max.partition.fetch.bytes", "65536"),
                ("default.api.timeout.ms", "2000"),
                ("enable.auto.commit", "false"),
                ("exclude.internal.topics", "true"),
                ("check.crcs", "true"),
                ("auto.offset.reset", "latest"),
                ("cloudevent.invalid.transformer.enabled", "true")
            ),
            _unknown.Add
        );
        Assert.Empty(_unknown);
    }

    [Fact]
    public void What_nobody_knows_is_reported_and_has_no_effect()
    {
        var settings = ClientProperties.ForProducer(Of(("no.such.key", "x")), _unknown.Add);
        Assert.Equal(["no.such.key"], _unknown);
        Assert.DoesNotContain("no.such.key", settings.Keys);
    }

    [Theory]
    [InlineData("PlainLoginModule required username=\"u\" password=\"p\";", "u", "p")]
    [InlineData("ScramLoginModule required username=\"a\\\"b\" password=\"c\\\\d\";", "a\"b", "c\\d")]
    public void Login_module_lines_give_user_and_password(string line, string user, string password)
    {
        var settings = ClientProperties.ForProducer(Of(("sasl.jaas.config", line)), _unknown.Add);
        Assert.Equal((user, password), (settings["sasl.username"], settings["sasl.password"]));
    }

    [Fact]
    public void Login_module_lines_and_newer_properties_say_how_to_get_tokens()
    {
        var old = ClientProperties.ForConsumer(
            Of(
                (
                    "sasl.jaas.config",
                    "org.apache.kafka.common.security.oauthbearer.OAuthBearerLoginModule required clientId=\"me\" "
                        + "clientSecret=\"s=;\\\" x\" scope=kafka extension_logicalCluster=\"lkc-1\" extension_pool=p;"
                ),
                ("sasl.oauthbearer.token.endpoint.url", "https://idp.test/token"),
                ("sasl.login.callback.handler.class", "x.Y")
            ),
            _unknown.Add
        );
        Assert.Equal("me", old["sasl.oauthbearer.client.id"]);
        Assert.Equal("s=;\" x", old["sasl.oauthbearer.client.secret"]);
        Assert.Equal("kafka", old["sasl.oauthbearer.scope"]);
        Assert.Equal("logicalCluster=lkc-1,pool=p", old["sasl.oauthbearer.extensions"]);
        Assert.Equal("https://idp.test/token", old["sasl.oauthbearer.token.endpoint.url"]);
        var current = ClientProperties.ForProducer(
            Of(
                ("sasl.oauthbearer.client.credentials.client.id", "me"),
                ("sasl.oauthbearer.client.credentials.client.secret", "secret"),
                ("sasl.oauthbearer.scope", "kafka")
            ),
            _unknown.Add
        );
        Assert.Equal(
            ("me", "secret", "kafka"),
            (current["sasl.oauthbearer.client.id"], current["sasl.oauthbearer.client.secret"], current["sasl.oauthbearer.scope"])
        );
        Assert.Empty(_unknown);
    }

    private static Dictionary<string, string> Of(params (string Key, string Value)[] entries) =>
        entries.ToDictionary(entry => entry.Key, entry => entry.Value, StringComparer.Ordinal);
}
