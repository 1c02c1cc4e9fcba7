using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Brokkr.Apis;
using Brokkr.Controller.Contracts;
using Brokkr.Controller.Stores;
using Brokkr.Core.Contract.Wire;
using CsCheck;

namespace Brokkr.Controller.Tests.Contracts;

/// <summary>What the observed contracts do not show.</summary>
public sealed class ContractBuilderTests
{
    private static readonly BrokerConfig Config = new()
    {
        BootstrapServers = ["kafka:9092"],
        Partitions = 3,
        ReplicationFactor = 1,
    };

    // Control-plane §18 item 20: names that Kafka refuses are told, not tried.
    [Theory]
    [InlineData(230, true, 1)]
    [InlineData(213, true, 0)]
    [InlineData(253, false, 0)]
    public void Topic_that_would_be_too_long_is_told(int length, bool served, int notes)
    {
        var plan = Build([BrokerOf(new string('b', length))]);
        Assert.Equal(served, plan.Resources.Count == 1);
        var status = Assert.Single(plan.Objects).Status;
        Assert.Equal(notes, status.Notes.Count);
        if (!served)
        {
            Assert.Equal("TopicNameInvalid", status.Reason);
            Assert.EndsWith("of at most 249 characters, has 271.", status.Message);
        }
    }

    /// <summary>ONM-01, ONM-02.</summary>
    [Fact]
    public void Names_that_the_status_remembers_stay()
    {
        var broker = BrokerOf("b") with
        {
            Status = new BrokerStatus { Annotations = new Dictionary<string, string> { ["default.topic"] = "kept" } },
        };
        var trigger = TriggerOf("t", "b") with
        {
            Status = new TriggerStatus { Annotations = new Dictionary<string, string> { ["group.id"] = "kept-too" } },
        };
        var resource = Assert.Single(Build([broker, trigger]).Resources).Value.Resource;
        Assert.Equal(["kept"], resource.Topics);
        Assert.Equal("kept-too", Assert.Single(resource.Egresses).ConsumerGroup);
    }

    [Fact]
    public void Broker_without_a_config_is_refused_where_there_are_no_defaults()
    {
        var plan = Build([BrokerOf("b"), TriggerOf("t", "b")], input => input with { DefaultConfig = null });
        Assert.Empty(plan.Resources);
        Assert.StartsWith("spec.config is missing", plan.Objects[0].Status.Message);
    }

    /// <summary>ONM-05.</summary>
    [Fact]
    public void Features_reach_the_contract()
    {
        var plan = Build(
            [BrokerOf("b"), TriggerOf("t", "b")],
            input =>
                input with
                {
                    Features = new EventingFeatures { EventTypeAutoCreate = true },
                    KafkaFeatures = new KafkaFeatures { DispatcherRateLimiter = true, DispatcherOrderedExecutorMetrics = true },
                }
        );
        var resource = Assert.Single(plan.Resources).Value.Resource;
        Assert.True(resource.FeatureFlags.EnableEventTypeAutocreate);
        Assert.Equal(
            new EgressFeatureFlags { EnableRateLimiter = true, EnableOrderedExecutorMetrics = true },
            Assert.Single(resource.Egresses).FeatureFlags
        );
    }

    [Fact]
    public void Trust_bundles_are_those_that_hold_a_certificate()
    {
        using var key = ECDsa.Create();
        using var certificate = new CertificateRequest("CN=ca", key, HashAlgorithmName.SHA256).CreateSelfSigned(
            DateTimeOffset.UnixEpoch,
            DateTimeOffset.UnixEpoch.AddYears(100)
        );
        var pem = certificate.ExportCertificatePem();
        var labels = new Dictionary<string, string> { ["networking.knative.dev/trust-bundle"] = "true" };
        var plan = Build([Map("bundle", pem, labels), Map("garbage", "none", labels), Map("other", pem, null)]);
        Assert.Equal([pem], plan.TrustBundles);

        static ConfigMap Map(string name, string text, IReadOnlyDictionary<string, string>? labels) =>
            Named(
                new ConfigMap
                {
                    Kind = "ConfigMap",
                    ApiVersion = "v1",
                    Data = new Dictionary<string, string> { ["ca.crt"] = text },
                },
                name
            ) with
            {
                Metadata = new ObjectMeta
                {
                    Name = name,
                    Namespace = "ns",
                    Labels = labels,
                },
            };
    }

    [Fact]
    public void Same_objects_give_the_same_contract_in_whatever_order_they_come() =>
        Gen.Shuffle(
                Enumerable
                    .Range(0, 4)
                    .SelectMany(b => new ApiObject[] { BrokerOf($"b{b}"), TriggerOf($"t{b}", "b0"), TriggerOf($"u{b}", $"b{b}") })
                    .ToArray()
            )
            .Sample(shuffled => Text(Build(shuffled)) == Text(Build([.. shuffled.OrderBy(value => value.Name, StringComparer.Ordinal)])));

    private static string Text(ContractPlan plan) =>
        string.Join(
            '\n',
            plan.Resources.OrderBy(entry => entry.Key.Name, StringComparer.Ordinal).Select(entry => entry.Value.Resource.ToString())
        );

    private static ContractPlan Build(IReadOnlyList<ApiObject> objects, Func<ContractInput, ContractInput>? adjust = null)
    {
        var input = new ContractInput
        {
            Objects = new ObjectSet
            {
                Brokers = objects.OfType<Broker>().ToDictionary(value => value.ObjectName),
                Triggers = objects.OfType<Trigger>().ToDictionary(value => value.ObjectName),
                ConfigMaps = objects.OfType<ConfigMap>().ToDictionary(value => value.ObjectName),
            },
            Destinations = new Uris(),
            DefaultConfig = Config,
        };
        return ContractBuilder.Build(adjust?.Invoke(input) ?? input);
    }

    private static Broker BrokerOf(string name) =>
        Defaulting.Apply(Named(new Broker { ApiVersion = GroupVersion.EventingV1, Kind = "Broker" }, name), null, BrokerClasses.Kafka);

    private static Trigger TriggerOf(string name, string broker) =>
        Named(
            new Trigger
            {
                ApiVersion = GroupVersion.EventingV1,
                Kind = "Trigger",
                Spec = new TriggerSpec
                {
                    Broker = broker,
                    Subscriber = new Destination { Uri = "http://s/" },
                },
            },
            name
        );

    private static T Named<T>(T value, string name)
        where T : ApiObject =>
        value with
        {
            Metadata = new ObjectMeta
            {
                Name = name,
                Namespace = "ns",
                Uid = $"uid-{name}",
            },
        };

    private sealed class Uris : IDestinationResolver
    {
        public Resolution Resolve(Destination destination, string namespaceName, string field) => new(destination.Uri, "", "", null);
    }
}
