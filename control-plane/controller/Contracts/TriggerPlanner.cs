using Brokkr.Apis;
using Brokkr.Core.Contract.Wire;

namespace Brokkr.Controller.Contracts;

/// <summary>Plans the egresses of Triggers, given the resources of their Brokers.</summary>
internal sealed class TriggerPlanner(
    ContractInput input,
    IReadOnlyDictionary<ObjectKey, ResourcePlan> resources,
    IReadOnlyDictionary<ObjectKey, PlannedObject> objects,
    IReadOnlyDictionary<ObjectName, Resolution> brokerDeadLetterSinks,
    Dictionary<string, ObjectKey> groups
)
{
    /// <summary>Adds the Trigger's egress to its Broker's resource, if it can be served.</summary>
    public PlannedObject Plan(Trigger trigger)
    {
        var brokerKey = new ObjectKey(GroupVersion.EventingGroup, Broker.KindName, trigger.BrokerName.Namespace, trigger.BrokerName.Name);
        var status = new ObjectStatus { Key = trigger.Key, Broker = trigger.BrokerName };
        if (!input.Objects.Brokers.TryGetValue(trigger.BrokerName, out var broker))
        {
            // A Trigger says so at once (DEV-18).
            var missing = Conditions.False(Conditions.BrokerReady, "BrokerDoesNotExist", $"There is no Broker {trigger.BrokerName}.");
            return new PlannedObject(Conditions.With(status, missing), null);
        }

        if (!BrokerClasses.IsOurs(broker.Annotation(BrokerAnnotations.Class)))
        {
            var other = Conditions.Unknown(
                Conditions.BrokerReady,
                "OtherBrokerClass",
                $"Broker {trigger.BrokerName} is of class \"{broker.Annotation(BrokerAnnotations.Class)}\", which others serve."
            );
            return new PlannedObject(Conditions.With(status, other), null);
        }

        List<ObjectCondition> conditions = [];
        var group = GroupOf(trigger, conditions);
        status = status with { ConsumerGroup = group };
        var subscriber = input.Destinations.Resolve(trigger.Spec!.Subscriber!, trigger.Namespace, "spec.subscriber");
        conditions.Add(
            subscriber.Error is null
                ? Conditions.True(Conditions.SubscriberResolved)
                : Conditions.False(Conditions.SubscriberResolved, "SubscriberNotResolved", subscriber.Error)
        );
        var deadLetterSink = DeadLetterSinkOf(trigger);
        conditions.Add(
            deadLetterSink switch
            {
                { Error: not null } => Conditions.False(
                    Conditions.DeadLetterSinkResolved,
                    "DeadLetterSinkNotResolved",
                    deadLetterSink.Error
                ),
                { Url: null } => Conditions.True(
                    Conditions.DeadLetterSinkResolved,
                    "DeadLetterSinkNotConfigured",
                    "No dead letter sink is configured."
                ),
                _ => Conditions.True(Conditions.DeadLetterSinkResolved),
            }
        );
        status = Conditions.With(status with { Subscriber = subscriber.Url, DeadLetterSink = deadLetterSink.Url }, [.. conditions]);
        if (!resources.TryGetValue(brokerKey, out var resource))
        {
            var brokerStatus = objects[brokerKey].Status;
            var notReady = Conditions.False(
                Conditions.BrokerReady,
                brokerStatus.Reason,
                $"Broker {trigger.BrokerName} is not ready: {brokerStatus.Message}"
            );
            return new PlannedObject(Conditions.With(status, notReady), null);
        }

        if (status.Ready != ConditionState.True || group is null)
        {
            return new PlannedObject(status, null);
        }

        resource.Resource.Egresses.Add(EgressOf(trigger, group, subscriber, deadLetterSink));
        return new PlannedObject(status, brokerKey);
    }

    private Egress EgressOf(Trigger trigger, string group, in Resolution subscriber, in Resolution deadLetterSink)
    {
        var spec = trigger.Spec!;
        _ = TriggerDeliveryOrders.TryRead(trigger, out var order);
        var egress = new Egress
        {
            Uid = trigger.Uid,
            ConsumerGroup = group,
            Destination = subscriber.Url,
            DestinationCACerts = subscriber.CACerts,
            DestinationAudience = subscriber.Audience,
            ReplyToOriginalTopic = new Empty(),
            DeliveryOrder = order == TriggerDeliveryOrder.Ordered ? DeliveryOrder.Ordered : DeliveryOrder.Unordered,
            // One: what the data plane's rate limiter counts in; scaling is not the contract's matter here.
            VReplicas = 1,
            Reference = new Reference
            {
                Uuid = trigger.Uid,
                Namespace = trigger.Namespace,
                Name = trigger.Name,
                Kind = trigger.Kind,
                GroupVersion = GroupVersion.EventingV1,
            },
            FeatureFlags = new EgressFeatureFlags
            {
                EnableRateLimiter = input.KafkaFeatures.DispatcherRateLimiter,
                EnableOrderedExecutorMetrics = input.KafkaFeatures.DispatcherOrderedExecutorMetrics,
            },
        };
        if (spec.Filter is not null)
        {
            egress.Filter = EgressTranslation.Fill(new Filter(), filter => filter.Attributes, spec.Filter.Attributes);
        }

        EgressTranslation.AddFilters(spec.Filters, egress.DialectedFilter);
        if (spec.Delivery is not null)
        {
            // Even where it says nothing: its presence keeps the Broker's options out (CPD-08).
            egress.EgressConfig = EgressTranslation.Config(spec.Delivery, deadLetterSink);
        }

        return egress;
    }

    /// <summary>Its own where it has delivery options at all, else the Broker's (CPD-08, CPD-09).</summary>
    private Resolution DeadLetterSinkOf(Trigger trigger)
    {
        if (trigger.Spec!.Delivery is not { } delivery)
        {
            return brokerDeadLetterSinks.GetValueOrDefault(trigger.BrokerName);
        }

        return delivery.DeadLetterSink is { } sink
            ? input.Destinations.Resolve(sink, trigger.Namespace, "spec.delivery.deadLetterSink")
            : default;
    }

    /// <summary>The consumer group: as the status remembers it, or by the template. Two Triggers never share one: each would miss events.</summary>
    private string? GroupOf(Trigger trigger, List<ObjectCondition> conditions)
    {
        string? group = trigger.Status?.Annotations?.GetValueOrDefault(StatusAnnotations.ConsumerGroup);
        if (string.IsNullOrEmpty(group))
        {
            try
            {
                group = input.KafkaFeatures.TriggersConsumerGroup.Execute(trigger.Metadata!);
            }
            catch (GoTemplateException exception)
            {
                conditions.Add(
                    Conditions.False(
                        Conditions.DependencyReady,
                        "ConsumerGroupInvalid",
                        $"The template for consumer groups \"{input.KafkaFeatures.TriggersConsumerGroup.Text}\" cannot be applied: {exception.Message}."
                    )
                );
                return null;
            }
        }

        if (string.IsNullOrWhiteSpace(group))
        {
            conditions.Add(
                Conditions.False(
                    Conditions.DependencyReady,
                    "ConsumerGroupInvalid",
                    "The template for consumer groups gives an empty name."
                )
            );
            return null;
        }

        var owner = groups.TryAdd(group, trigger.Key) ? input.ClaimGroup?.Invoke(group, trigger.Key) ?? trigger.Key : groups[group];
        if (owner != trigger.Key)
        {
            conditions.Add(
                Conditions.False(
                    Conditions.DependencyReady,
                    "ConsumerGroupInUse",
                    $"Consumer group {group} is that of {owner}; each of the two would get only a part of the events."
                )
            );
        }

        return group;
    }
}
