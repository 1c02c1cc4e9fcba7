using System.Text;
using Brokkr.Core.Contract;
using Brokkr.Core.Contract.Wire;
using Brokkr.Core.Log;
using Brokkr.Kafka.Configuration;
using Brokkr.Kafka.Tokens;

namespace Brokkr.Kafka.Tests.Configuration;

/// <summary>Every row of receiver-and-core §10.3 and §10.4.</summary>
public sealed class KafkaCredentialsTests
{
    [Fact]
    public async Task Without_authentication_there_are_no_settings() =>
        Assert.Empty(await KafkaCredentials.ReadAsync(new Resource(), new Secrets(), CancellationToken.None));

    [Fact]
    public async Task Plaintext_needs_nothing() => Assert.Equal("PLAINTEXT", (await Read(("protocol", "PLAINTEXT")))["security.protocol"]);

    [Fact]
    public async Task Sasl_over_tls_takes_user_password_and_authority()
    {
        var settings = await Read(
            ("protocol", "SASL_SSL"),
            ("sasl.mechanism", "SCRAM-SHA-512"),
            ("user", "u"),
            ("password", "p"),
            ("ca.crt", "CA")
        );
        Assert.Equal("SASL_SSL", settings["security.protocol"]);
        Assert.Equal("SCRAM-SHA-512", settings["sasl.mechanism"]);
        Assert.Equal("u", settings["sasl.username"]);
        Assert.Equal("p", settings["sasl.password"]);
        Assert.Equal("CA", settings["ssl.ca.pem"]);
    }

    [Fact]
    public async Task A_missing_mechanism_is_PLAIN() =>
        Assert.Equal("PLAIN", (await Read(("protocol", "SASL_PLAINTEXT"), ("user", "u"), ("password", "p")))["sasl.mechanism"]);

    [Fact]
    public async Task A_blank_authority_counts_as_absent() =>
        Assert.DoesNotContain("ssl.ca.pem", (await Read(("protocol", "SSL"), ("user.skip", "true"), ("ca.crt", " \n"))).Keys);

    [Fact]
    public async Task Tls_takes_the_client_certificate()
    {
        var settings = await Read(("protocol", "SSL"), ("user.crt", "CRT"), ("user.key", "KEY"));
        Assert.Equal(("CRT", "KEY"), (settings["ssl.certificate.pem"], settings["ssl.key.pem"]));
    }

    [Theory]
    [InlineData("protocol", "protocol=TLS")]
    [InlineData("protocol", "user=u")]
    [InlineData("user.crt", "protocol=SSL")]
    [InlineData("user.skip", "protocol=SSL;user.skip=false")]
    [InlineData("user.key", "protocol=SSL;user.crt=C;user.key= ")]
    [InlineData("user", "protocol=SASL_PLAINTEXT;password=p")]
    [InlineData("password", "protocol=SASL_SSL;user=u;password=")]
    [InlineData("sasl.mechanism", "protocol=SASL_SSL;user=u;password=p;sasl.mechanism=SCRAM-SHA-513")]
    [InlineData("sasl.mechanism", "protocol=SASL_SSL;user=u;password=p;sasl.mechanism=PLAIN\n")]
    [InlineData("tokenProvider", "protocol=SASL_SSL;sasl.mechanism=OAUTHBEARER;tokenProvider=MSKAccessTokenProvider")]
    public async Task What_is_wrong_is_named(string entry, string secret)
    {
        var entries = secret.Split(';').Select(part => part.Split('=', 2)).Select(part => (part[0], part[1])).ToArray();
        var error = await Assert.ThrowsAsync<LogConfigurationException>(() => Read(entries).AsTask());
        Assert.Contains($"'{entry}", error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("sasl.oauthbearer.token.endpoint.url")]
    [InlineData("tokenProvider")]
    public async Task Tokens_take_an_endpoint_a_client_and_its_secret(string entry)
    {
        var settings = new Dictionary<string, string>(
            await Read(
                ("protocol", "SASL_PLAINTEXT"),
                ("sasl.mechanism", "OAUTHBEARER"),
                ("user", "me"),
                ("password", "s"),
                (entry, "https://idp.test/token"),
                ("sasl.oauthbearer.scope", "kafka"),
                ("sasl.oauthbearer.extensions", "pool = p , cluster=c=1")
            ),
            StringComparer.Ordinal
        );
        var client = ClientCredentials.Take(settings);
        Assert.Equal(("https://idp.test/token", "me", "s", "kafka"), (client!.Endpoint.ToString(), client.Id, client.Secret, client.Scope));
        Assert.Equal(("p", "c=1"), (client.Extensions["pool"], client.Extensions["cluster"]));
        Assert.DoesNotContain(settings, setting => setting.Key.StartsWith("sasl.oauthbearer", StringComparison.Ordinal));
        Assert.Equal("me at https://idp.test/token", client.ToString());
    }

    [Theory]
    [InlineData("user", "password=p;sasl.oauthbearer.token.endpoint.url=https://x/")]
    [InlineData("password", "user=u;sasl.oauthbearer.token.endpoint.url=https://x/")]
    [InlineData("sasl.oauthbearer.token.endpoint.url", "user=u;password=p")]
    [InlineData("sasl.oauthbearer.token.endpoint.url", "user=u;password=p;sasl.oauthbearer.token.endpoint.url=ftp://x/")]
    [InlineData(
        "sasl.oauthbearer.extensions",
        "user=u;password=p;sasl.oauthbearer.token.endpoint.url=https://x/;sasl.oauthbearer.extensions=auth=x"
    )]
    public async Task What_is_missing_for_tokens_is_named(string entry, string secret)
    {
        var entries = secret.Split(';').Select(part => part.Split('=', 2)).Select(part => (part[0], part[1]));
        var settings = await Read([("protocol", "SASL_SSL"), ("sasl.mechanism", "OAUTHBEARER"), .. entries]);
        var error = Assert.Throws<LogConfigurationException>(() =>
            ClientCredentials.Take(new Dictionary<string, string>(settings, StringComparer.Ordinal))
        );
        Assert.Contains($"'{entry}'", error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("https://idp.test/token", null, true)]
    [InlineData("http://idp.test/token?key=hidden", null, false)]
    [InlineData("http://idp.test/token", "false", false)]
    [InlineData("http://idp.test/token", "true", true)]
    [InlineData("http://127.0.0.1:9/token", null, true)]
    [InlineData("http://localhost/token", null, true)]
    public void The_secret_of_the_client_goes_nowhere_in_clear_text_unless_that_is_allowed(string endpoint, string? insecure, bool isTaken)
    {
        var java = new Dictionary<string, string>(StringComparer.Ordinal)
        {
            ["sasl.mechanism"] = "OAUTHBEARER",
            ["security.protocol"] = "SASL_PLAINTEXT",
            ["sasl.oauthbearer.token.endpoint.url"] = endpoint,
            ["sasl.oauthbearer.client.credentials.client.id"] = "me",
            ["sasl.oauthbearer.client.credentials.client.secret"] = "s",
        };
        if (insecure is not null)
        {
            java["sasl.oauthbearer.token.endpoint.insecure"] = insecure;
        }

        var settings = ClientProperties.ForConsumer(java, key => Assert.Fail(key));
        if (isTaken)
        {
            Assert.NotNull(ClientCredentials.Take(settings));
            Assert.DoesNotContain(settings.Keys, key => key.StartsWith("sasl.oauthbearer", StringComparison.Ordinal));
            return;
        }

        var error = Assert.Throws<LogConfigurationException>(() => ClientCredentials.Take(settings));
        Assert.Contains("sasl.oauthbearer.token.endpoint.insecure", error.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("hidden", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_missing_Secret_is_named()
    {
        var error = await Assert.ThrowsAsync<LogConfigurationException>(() =>
            KafkaCredentials
                .ReadAsync(
                    new Resource
                    {
                        AuthSecret = new Reference { Namespace = "ns", Name = "gone" },
                    },
                    new Secrets(),
                    CancellationToken.None
                )
                .AsTask()
        );
        Assert.Contains("ns/gone", error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(Protocol.SaslPlaintext, "SASL_PLAINTEXT")]
    [InlineData(Protocol.SaslSsl, "SASL_SSL")]
    public async Task Several_Secrets_are_put_together(Protocol protocol, string expected)
    {
        var resource = new Resource
        {
            MultiAuthSecret = new MultiSecretReference
            {
                Protocol = protocol,
                References =
                {
                    new SecretReference
                    {
                        Reference = new Reference { Namespace = "ns", Name = "a" },
                        KeyFieldReferences =
                        {
                            new KeyFieldReference { SecretKey = "login", Field = SecretField.User },
                        },
                    },
                    new SecretReference
                    {
                        Reference = new Reference { Namespace = "ns", Name = "b" },
                        KeyFieldReferences =
                        {
                            new KeyFieldReference { SecretKey = "word", Field = SecretField.Password },
                            new KeyFieldReference { SecretKey = "absent", Field = SecretField.CaCrt },
                        },
                    },
                },
            },
        };
        var secrets = new Secrets { ["ns/a"] = [("login", "u")], ["ns/b"] = [("word", "p")] };
        var settings = await KafkaCredentials.ReadAsync(resource, secrets, CancellationToken.None);
        Assert.Equal((expected, "u", "p"), (settings["security.protocol"], settings["sasl.username"], settings["sasl.password"]));
    }

    [Fact]
    public async Task Tls_from_several_Secrets_may_do_without_a_client_certificate()
    {
        var resource = new Resource
        {
            MultiAuthSecret = new MultiSecretReference
            {
                Protocol = Protocol.Ssl,
                References =
                {
                    new SecretReference
                    {
                        Reference = new Reference { Namespace = "ns", Name = "a" },
                        KeyFieldReferences =
                        {
                            new KeyFieldReference { SecretKey = "ca", Field = SecretField.CaCrt },
                        },
                    },
                },
            },
        };
        var settings = await KafkaCredentials.ReadAsync(resource, new Secrets { ["ns/a"] = [("ca", "CA")] }, CancellationToken.None);
        Assert.Equal(("SSL", "CA"), (settings["security.protocol"], settings["ssl.ca.pem"]));
    }

    [Fact]
    public void A_version_says_when_to_look_not_what_it_is()
    {
        static Resource With(string version) =>
            new()
            {
                AuthSecret = new Reference
                {
                    Namespace = "ns",
                    Name = "s",
                    Version = version,
                },
            };
        Assert.Equal(KafkaCredentials.Identity(With("1")), KafkaCredentials.Identity(With("2")));
    }

    private static async ValueTask<IReadOnlyDictionary<string, string>> Read(params (string Key, string Value)[] entries) =>
        await KafkaCredentials.ReadAsync(
            new Resource
            {
                AuthSecret = new Reference { Namespace = "ns", Name = "s" },
            },
            new Secrets { ["ns/s"] = entries },
            CancellationToken.None
        );

    private sealed class Secrets : Dictionary<string, (string Key, string Value)[]>, ISecretSource
    {
        public ValueTask<IReadOnlyDictionary<string, byte[]>?> GetAsync(
            string namespaceName,
            string name,
            CancellationToken cancellation
        ) =>
            new(
                TryGetValue($"{namespaceName}/{name}", out var entries)
                    ? entries.ToDictionary(entry => entry.Key, entry => Encoding.UTF8.GetBytes(entry.Value), StringComparer.Ordinal)
                    : null
            );
    }
}
