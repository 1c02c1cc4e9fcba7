using Brokkr.Apis.Validation;

namespace Brokkr.Apis.Tests;

/// <summary>Refusals in the words of Knative's webhooks (control-plane §13).</summary>
public sealed class AdmissionFaultTests
{
    [Fact]
    public void Fields_with_the_same_fault_share_a_line_and_lines_are_sorted()
    {
        var sink = new KafkaSink
        {
            Metadata = new ObjectMeta { Name = "k", Namespace = "n" },
            Spec = new KafkaSinkSpec
            {
                Topic = "",
                BootstrapServers = [],
                ContentMode = "x",
                NumPartitions = 0,
                ReplicationFactor = 0,
            },
        };
        Assert.Equal(
            "invalid value: : spec.topic\ninvalid value: 0: spec.numPartitions, spec.replicationFactor\ninvalid value: []: spec.bootstrapServers\n"
                + "invalid value: x: spec.contentMode",
            AdmissionFault.Text(KafkaSinkRules.Check(sink))
        );
    }

    /// <summary>ADM-09, ADM-13, ADM-14, ADM-17, ADM-19.</summary>
    [Fact]
    public void Details_stand_on_the_line_below()
    {
        var broker = new Broker
        {
            Metadata = new ObjectMeta { Name = "b", Namespace = "n" },
            Spec = new BrokerSpec { Delivery = new DeliverySpec { Retry = -1 } },
        };
        Assert.Equal(
            "invalid value: -1: spec.delivery.retry\nmust not be negative\nmissing field(s): eventing.knative.dev/broker.class",
            AdmissionFault.Text(BrokerRules.Check(broker, EventingFeatures.Default))
        );
        var kafka = broker with
        {
            Metadata = broker.Metadata! with { Annotations = new Dictionary<string, string> { [BrokerAnnotations.Class] = "Kafka" } },
            Spec = new BrokerSpec
            {
                Config = new KReference
                {
                    ApiVersion = "v1",
                    Kind = "Pod",
                    Name = "c",
                },
            },
        };
        Assert.Equal(
            "invalid value: Pod: spec.config.kind\nExpected ConfigMap",
            AdmissionFault.Text(BrokerRules.Check(kafka, EventingFeatures.Default))
        );
        Assert.Equal(
            "Immutable annotations changed (-old +new): annotations\neventing.knative.dev/broker.class must not change\n"
                + "Immutable fields changed (-old +new): spec\nspec.config must not change; only spec.delivery may",
            AdmissionFault.Text(UpdateRules.Check(broker, kafka))
        );
        var trigger = new Trigger
        {
            Metadata = broker.Metadata,
            Spec = new TriggerSpec { Broker = "a" },
        };
        Assert.Equal(
            "Immutable fields changed (-old +new): broker, spec\nspec.broker must not change from n/a to n/b",
            AdmissionFault.Text(UpdateRules.Check(trigger, trigger with { Spec = new TriggerSpec { Broker = "b" } }))
        );
    }
}
