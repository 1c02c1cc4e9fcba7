using System.Text;
using Brokkr.Core.Contract;
using Brokkr.Core.Contract.Wire;
using Google.Protobuf;

namespace Brokkr.Core.Tests.Contract;

/// <summary>receiver-and-core §3.2: what a reader of the JSON form must handle.</summary>
public sealed class ContractFormatTests
{
    [Theory]
    [InlineData("""{"generation":"12"}""", 12)]
    [InlineData("""{"generation":12}""", 12)]
    [InlineData("""{"generation":4.0}""", 4)]
    [InlineData("""{"generation":"4.0"}""", 4)]
    [InlineData("""{"generation":1e3}""", 1000)]
    [InlineData("""{"generation":null}""", 0)]
    [InlineData("{}", 0)]
    [InlineData("""{"generation":"18446744073709551615"}""", ulong.MaxValue)]
    public void Generation(string json, ulong generation) => Assert.Equal(generation, Read(json).Generation);

    [Theory]
    [InlineData("""{"generation":"18446744073709551616"}""", "generation")]
    [InlineData("""{"generation":"-1"}""", "generation")]
    [InlineData("""{"generation":-1}""", "generation")]
    [InlineData("""{"generation":"x"}""", "generation")]
    [InlineData("""{"generation":1.5}""", "generation")]
    [InlineData("""{"generation":""}""", "generation")]
    [InlineData("""{"generation":{}}""", "generation")]
    [InlineData("""{"generation":true}""", "generation")]
    [InlineData("""{"resources":"x"}""", "resources")]
    [InlineData("""{"resources":{}}""", "resources")]
    [InlineData("""{"resources":[null]}""", "resources[0]")]
    [InlineData("""{"resources":[{"uid":5,"topics":"x"}]}""", "resources[0].topics")]
    [InlineData("""{"resources":[{"topics":[null]}]}""", "resources[0].topics[0]")]
    [InlineData("""{"resources":[{"ingress":"x"}]}""", "resources[0].ingress")]
    [InlineData("""{"resources":[{"ingress":{"path":{}}}]}""", "resources[0].ingress.path")]
    [InlineData("""{"resources":[{"absentAuth":{},"authSecret":{"name":"x"}}]}""", "absentAuth and authSecret exclude each other")]
    [InlineData("""{"resources":[{"egresses":[{"replyUrl":"u","discardReply":{}}]}]}""", "replyUrl and discardReply exclude each other")]
    [InlineData("""{"resources":[{"egresses":[{"dialectedFilter":[{"exact":{},"cesql":{}}]}]}]}""", "exact and cesql exclude each other")]
    [InlineData("""{"resources":[{"egresses":[{"egressConfig":{"retry":-1}}]}]}""", "retry")]
    [InlineData("""{"resources":[{"egresses":[{"egressConfig":{"retry":4294967296}}]}]}""", "retry")]
    [InlineData("""{"resources":[{"egresses":[{"vReplicas":2147483648}]}]}""", "vReplicas")]
    [InlineData("""{"resources":[{"featureFlags":{"enableEventTypeAutocreate":"yes"}}]}""", "enableEventTypeAutocreate")]
    [InlineData("""{"resources":[{"uid":"\ud800"}]}""", "uid")]
    [InlineData("[]", "expected an object")]
    [InlineData("5", "expected an object")]
    [InlineData("null", "expected an object")]
    [InlineData("""{"generation":"9","resources":[""", "line 1")]
    [InlineData("{\n\"generation\" 9}", "line 2")]
    [InlineData("xyz", "line 1")]
    [InlineData(" \n", "not valid JSON")]
    [InlineData("", "empty")]
    public void Unparsable(string json, string says) =>
        Assert.Contains(says, Assert.Throws<ContractFormatException>(() => Read(json)).Message, StringComparison.Ordinal);

    [Fact]
    public void Protobuf_garbage_is_unparsable() =>
        Assert.Throws<ContractFormatException>(() => ContractFormat.Read([0x0a, 0x05, 0x01, 0xff, 0x00]));

    [Fact]
    public void A_truncated_protobuf_contract_is_unparsable()
    {
        var bytes = Everything().ToByteArray();
        Assert.Throws<ContractFormatException>(() => ContractFormat.Read(bytes.AsSpan(0, bytes.Length - 1)));
    }

    [Fact]
    public void Text_after_the_first_value_is_ignored() => Assert.Equal(7UL, Read("""{"generation":7} xyz""").Generation);

    [Fact]
    public void Whitespace_is_free() => Assert.Equal("u", Read(" \n{ \"resources\" :\n [ { \"uid\" : \"u\" } ] }").Resources[0].Uid);

    [Theory]
    [InlineData("\"STRUCTURED\"", ContentMode.Structured)]
    [InlineData("1", ContentMode.Structured)]
    [InlineData("1.0", ContentMode.Structured)]
    [InlineData("\"1\"", ContentMode.Structured)]
    [InlineData("\"BINARY\"", ContentMode.Binary)]
    [InlineData("0", ContentMode.Binary)]
    [InlineData("null", ContentMode.Binary)]
    [InlineData("\"FANCY\"", ContentMode.Binary)]
    [InlineData("\"structured\"", ContentMode.Binary)]
    [InlineData("7", ContentMode.Binary)]
    public void Enums_are_names_or_numbers_and_unknown_ones_the_default(string json, ContentMode mode) =>
        Assert.Equal(mode, Read($$$"""{"resources":[{"ingress":{"contentMode":{{{json}}}}}]}""").Resources[0].Ingress.ContentMode);

    [Fact]
    public void Null_is_absent()
    {
        var resource = Read(
            """{"trustBundles":null,"resources":[{"uid":null,"topics":null,"ingress":{"path":"/p","host":null,"eventPolicies":null},"egresses":null,"authSecret":null,"absentAuth":{},"reference":null}]}"""
        ).Resources[0];
        Assert.Equal(
            new Resource
            {
                Ingress = new Ingress { Path = "/p" },
                AbsentAuth = new Empty(),
            },
            resource
        );
    }

    [Fact]
    public void Unknown_members_are_ignored() =>
        Assert.Equal(
            new Resource
            {
                Uid = "u",
                Ingress = new Ingress { Path = "/p" },
            },
            Read("""{"unknown":1,"resources":[{"uid":"u","surprise":{"x":[1]},"ingress":{"path":"/p","later":true}}]}""").Resources[0]
        );

    [Fact]
    public void Scalars_stand_for_their_text() => Assert.Equal("5", Read("""{"resources":[{"uid":5}]}""").Resources[0].Uid);

    [Fact]
    public void Numbers_may_be_text_and_text_numbers()
    {
        var egress = Read(
            """{"resources":[{"egresses":[{"vReplicas":"2","egressConfig":{"retry":"3","backoffDelay":1000,"timeout":5}}]}]}"""
        )
            .Resources[0]
            .Egresses[0];
        Assert.Equal(
            new Egress
            {
                VReplicas = 2,
                EgressConfig = new EgressConfig
                {
                    Retry = 3,
                    BackoffDelay = 1000,
                    Timeout = 5,
                },
            },
            egress
        );
    }

    [Fact]
    public void An_absent_retryAfterMax_differs_from_zero()
    {
        Assert.False(EgressConfig("{}").HasRetryAfterMax);
        Assert.False(EgressConfig("""{"retryAfterMax":null}""").HasRetryAfterMax);
        Assert.True(EgressConfig("""{"retryAfterMax":"0"}""").HasRetryAfterMax);
        Assert.Equal(30_000UL, EgressConfig("""{"retryAfterMax":"30000"}""").RetryAfterMax);
    }

    [Fact]
    public void Every_field_that_protobuf_writes_as_JSON_is_read_back() =>
        Assert.Equal(Everything(), Read(JsonFormatter.Default.Format(Everything())));

    [Fact]
    public void Protobuf_is_told_from_JSON()
    {
        var contract = Everything();
        Assert.Equal(contract, ContractFormat.Read(contract.ToByteArray()));
        contract.Generation = 0;
        Assert.Equal(contract, ContractFormat.Read(contract.ToByteArray()));
        var bundles = new Core.Contract.Wire.Contract { TrustBundles = { "x" } };
        Assert.Equal(bundles, ContractFormat.Read(bundles.ToByteArray()));
    }

    [Fact]
    public void Filters_nest_deeply()
    {
        var filter = string.Concat(Enumerable.Repeat("""{"not":{"filter":""", 40)) + "{}" + string.Concat(Enumerable.Repeat("}}", 40));
        Assert.Single(
            Read($$"""{"resources":[{"egresses":[{"dialectedFilter":[{{filter}}]}]}]}""").Resources[0].Egresses[0].DialectedFilter
        );
    }

    private static EgressConfig EgressConfig(string json) =>
        Read($$"""{"resources":[{"egressConfig":{{json}}}]}""").Resources[0].EgressConfig;

    private static Core.Contract.Wire.Contract Read(string json) => ContractFormat.Read(Encoding.UTF8.GetBytes(json));

    /// <summary>A contract in which every field of every message, and every member of every oneof, is set somewhere to something other than its default.</summary>
    private static Core.Contract.Wire.Contract Everything()
    {
        var reference = new Reference
        {
            Uuid = "u",
            Namespace = "ns",
            Name = "n",
            Version = "9",
            Kind = "Broker",
            GroupVersion = "eventing.knative.dev/v1",
        };
        var exact = new Exact { Attributes = { ["type"] = "a", ["source"] = "b" } };
        var prefix = new Prefix { Attributes = { ["type"] = "a" } };
        var egressConfig = new EgressConfig
        {
            DeadLetter = "http://dls",
            DeadLetterCACerts = "ca",
            DeadLetterAudience = "aud",
            Retry = 3,
            BackoffPolicy = BackoffPolicy.Linear,
            BackoffDelay = 200,
            Timeout = 30_000,
            Format = "json",
            RetryAfterMax = 1000,
        };
        var egress = new Egress
        {
            ConsumerGroup = "g",
            Destination = "http://d",
            DestinationCACerts = "ca",
            DestinationAudience = "aud",
            ReplyUrl = "http://r",
            ReplyUrlCACerts = "rca",
            ReplyUrlAudience = "raud",
            Filter = new Filter { Attributes = { ["type"] = "a" } },
            Uid = "e",
            EgressConfig = egressConfig,
            DeliveryOrder = DeliveryOrder.Ordered,
            KeyType = KeyType.Double,
            Reference = reference,
            VReplicas = 4,
            FeatureFlags = new EgressFeatureFlags { EnableRateLimiter = true, EnableOrderedExecutorMetrics = true },
            OidcServiceAccountName = "sa",
            DialectedFilter =
            {
                new DialectedFilter { Exact = exact },
                new DialectedFilter { Prefix = prefix },
                new DialectedFilter { Suffix = new Suffix { Attributes = { ["type"] = "z" } } },
                new DialectedFilter { All = new All { Filters = { new DialectedFilter { Exact = exact } } } },
                new DialectedFilter { Any = new Core.Contract.Wire.Any { Filters = { new DialectedFilter { Prefix = prefix } } } },
                new DialectedFilter { Not = new Not { Filter = new DialectedFilter { Exact = exact } } },
                new DialectedFilter { Cesql = new CESQL { Expression = "id = '1'" } },
            },
        };
        var secrets = new MultiSecretReference { Protocol = Protocol.SaslSsl };
        foreach (var field in Enum.GetValues<SecretField>())
        {
            secrets.References.Add(
                new SecretReference
                {
                    Reference = reference,
                    KeyFieldReferences =
                    {
                        new KeyFieldReference { SecretKey = field.ToString(), Field = field },
                    },
                }
            );
        }

        var contract = new Core.Contract.Wire.Contract
        {
            Generation = 42,
            TrustBundles = { "-----BEGIN CERTIFICATE-----\nx" },
            Resources =
            {
                new Resource
                {
                    Uid = "1",
                    Topics = { "t1", "t2" },
                    BootstrapServers = "a:1,b:2",
                    Ingress = new Ingress
                    {
                        ContentMode = ContentMode.Structured,
                        Path = "/ns/n",
                        Host = "h",
                        Audience = "aud",
                        EventPolicies =
                        {
                            new EventPolicy
                            {
                                TokenMatchers =
                                {
                                    new TokenMatcher { Exact = exact },
                                    new TokenMatcher { Prefix = prefix },
                                    new TokenMatcher(),
                                },
                                Filters =
                                {
                                    new DialectedFilter { Exact = exact },
                                    new DialectedFilter(),
                                },
                            },
                        },
                    },
                    EgressConfig = egressConfig,
                    Egresses =
                    {
                        egress,
                        new Egress
                        {
                            Uid = "e2",
                            ReplyToOriginalTopic = new Empty(),
                            KeyType = KeyType.Integer,
                        },
                        new Egress
                        {
                            Uid = "e3",
                            DiscardReply = new Empty(),
                            KeyType = KeyType.ByteArray,
                        },
                    },
                    MultiAuthSecret = secrets,
                    CloudEventOverrides = new CloudEventOverrides { Extensions = { ["x"] = "y" } },
                    Reference = reference,
                    FeatureFlags = new FeatureFlags { EnableEventTypeAutocreate = true },
                },
                new Resource { Uid = "2", AbsentAuth = new Empty() },
                new Resource { Uid = "3", AuthSecret = reference },
            },
        };
        foreach (var protocol in Enum.GetValues<Protocol>())
        {
            contract.Resources.Add(
                new Resource
                {
                    Uid = protocol.ToString(),
                    MultiAuthSecret = new MultiSecretReference { Protocol = protocol },
                }
            );
        }

        return contract;
    }
}
