using System.Collections.Concurrent;
using Brokkr.Apis;
using Brokkr.Controller.Contracts;
using Brokkr.Controller.Logs;
using Brokkr.Controller.Stores;
using Microsoft.Extensions.Logging;

namespace Brokkr.Controller.Reconcilers;

/// <summary>What reconcilers share.</summary>
internal sealed class ReconcilerContext
{
    // How the settings of the data plane's consumers say where a new group begins (control-plane §5.4).
    private const string ConsumerPropertiesKey = "config-kafka-broker-consumer.properties";
    private const string OffsetResetKey = "auto.offset.reset";

    public required ControlPlaneOptions Options { get; init; }

    public required IClusterStore Store { get; init; }

    public required TimeProvider Time { get; init; }

    public required ILogger Logger { get; init; }

    /// <summary>Has an object looked at.</summary>
    public required Action<ObjectKey> Enqueue { get; init; }

    public required OwnerIndex Owners { get; init; }

    public required ObjectWriter Writer { get; init; }

    public required ContractMaps Contracts { get; init; }

    public required DataPlane DataPlane { get; init; }

    public required ClusterDestinations Destinations { get; init; }

    public required GroupClaims Groups { get; init; }

    public required BrokerTriggers Triggers { get; init; }

    public required LogFacts<TopicKey, TopicResult> Topics { get; init; }

    public required LogFacts<GroupKey, bool> Placements { get; init; }

    public required LogFacts<string, bool> TopicDeletions { get; init; }

    public required LogFacts<string, bool> GroupDeletions { get; init; }

    /// <summary>What became of each Broker at its last pass.</summary>
    public ConcurrentDictionary<ObjectKey, BrokerOutcome> Outcomes { get; } = new();

    /// <summary>A resource on the log where the group of each Trigger is; outlives the Broker.</summary>
    public ConcurrentDictionary<ObjectKey, Core.Contract.Wire.Resource> GroupHomes { get; } = new();

    /// <summary>Who waits for Pods of the data plane to take in a contract.</summary>
    public ConcurrentDictionary<ObjectKey, byte> Waiting { get; } = new();

    /// <summary>The contract of each Broker and KafkaSink that was looked at: one may go without asking us.</summary>
    public ConcurrentDictionary<ObjectKey, (string Kind, string Namespace, string Uid)> Known { get; } = new();

    /// <summary>Since when objects are being removed, by unique id.</summary>
    public ConcurrentDictionary<string, Removal> Removals { get; } = new(StringComparer.Ordinal);

    public EventingFeatures Features => EventingFeatures.Read(SystemConfig(EventingFeatures.ConfigMapName)?.Data, EventingFeatures.Default);

    public KafkaFeatures KafkaFeatures => KafkaFeatures.Read(SystemConfig(KafkaFeatures.ConfigMapName)?.Data).Features;

    /// <summary>Whether the group of a new Trigger begins at the end of the topic; else at its beginning.</summary>
    public bool BeginsAtEnd
    {
        get
        {
            var settings = Store.Objects.ConfigMaps.GetValueOrDefault(
                new ObjectName(Options.Broker.ContractNamespace, Options.Broker.DataPlaneConfigMap)
            );
            var text = settings?.Data?.GetValueOrDefault(ConsumerPropertiesKey);
            foreach (var line in (text ?? "").Split('\n'))
            {
                var at = line.IndexOfAny(['=', ':']);
                if (at > 0 && line.AsSpan(0, at).Trim() is OffsetResetKey)
                {
                    return line.AsSpan(at + 1).Trim() is "latest";
                }
            }

            return true;
        }
    }

    /// <summary>Deletes what is left of an object that is gone: somebody may have taken its finalizer off by force (control-plane §18 item 3).</summary>
    public async Task DeleteLeftAsync(ObjectKey key, CancellationToken cancellation)
    {
        if (Known.TryGetValue(key, out var known))
        {
            await Contracts.DeleteAsync(known.Kind, known.Namespace, known.Uid, cancellation);
            Known.TryRemove(key, out _);
            Removals.TryRemove(known.Uid, out _);
        }
    }

    /// <summary>The key of a Broker.</summary>
    public static ObjectKey BrokerKey(ObjectName name) => new(GroupVersion.EventingGroup, Broker.KindName, name.Namespace, name.Name);

    /// <summary>The namespace of the data plane that serves a Broker.</summary>
    public string DataPlaneNamespaceOf(Broker broker) =>
        broker.Annotation(BrokerAnnotations.Class) is BrokerClasses.KafkaNamespaced ? broker.Namespace : Options.SystemNamespace;

    private ConfigMap? SystemConfig(string name) =>
        Store.Objects.ConfigMaps.GetValueOrDefault(new ObjectName(Options.SystemNamespace, name));
}

/// <summary>A topic that was asked for.</summary>
internal readonly record struct TopicKey(string Servers, string Secret, string Topic, string Specification)
{
    public static TopicKey Of(ResourcePlan plan)
    {
        var specification = plan.Topic.Specification;
        var settings = string.Join(',', specification.Settings.OrderBy(setting => setting.Key, StringComparer.Ordinal));
        return new TopicKey(
            plan.Resource.BootstrapServers,
            SecretOf(plan.Resource),
            specification.Name,
            $"{specification.Partitions}|{specification.ReplicationFactor}|{plan.Topic.IsExternal}|{settings}"
        );
    }

    public static string SecretOf(Core.Contract.Wire.Resource resource) =>
        resource.AuthSecret is { } secret ? $"{secret.Namespace}/{secret.Name}/{secret.Version}" : "";
}

/// <summary>A consumer group that was to be given a place.</summary>
internal readonly record struct GroupKey(string Servers, string Secret, string Topic, string Group);

/// <summary>An object that is being removed.</summary>
internal sealed class Removal(DateTimeOffset since)
{
    /// <summary>Since when.</summary>
    public DateTimeOffset Since { get; } = since;

    /// <summary>The version of the contract without it; 0 before it was written.</summary>
    public ulong Version { get; set; }

    /// <summary>Whether its contract is gone.</summary>
    public bool IsContractDeleted { get; set; }
}

/// <summary>What became of a Broker at its last pass, as far as its Triggers are concerned.</summary>
internal sealed record BrokerOutcome
{
    /// <summary>A resource that tells where its topic is; null where that is not known.</summary>
    public required Core.Contract.Wire.Resource? Resource { get; init; }

    /// <summary>The version of its contract; 0 where there is none.</summary>
    public required ulong Version { get; init; }

    /// <summary>Namespace of its data plane.</summary>
    public required string DataPlaneNamespace { get; init; }

    /// <summary>Its Triggers.</summary>
    public required IReadOnlyDictionary<ObjectKey, TriggerOutcome> Triggers { get; init; }
}

/// <summary>What became of a Trigger at the last pass of its Broker.</summary>
/// <param name="Status">Its status as planned; null while something that it refers to is being looked up.</param>
/// <param name="Subscriber">Where its events go.</param>
/// <param name="DeadLetterSink">Where those go whose attempts are spent.</param>
/// <param name="IsInContract">Whether the contract has it.</param>
/// <param name="Reason">Why not, in short; empty where the status says it.</param>
/// <param name="Message">Why not, as a sentence.</param>
internal sealed record TriggerOutcome(
    ObjectStatus? Status,
    Resolution Subscriber,
    Resolution DeadLetterSink,
    bool IsInContract,
    string Reason = "",
    string Message = ""
)
{
    /// <summary>Whether a Trigger's status would come out the same.</summary>
    public bool IsSameAs(TriggerOutcome? other) =>
        other is not null
        && Subscriber == other.Subscriber
        && DeadLetterSink == other.DeadLetterSink
        && IsInContract == other.IsInContract
        && string.Equals(Reason, other.Reason, StringComparison.Ordinal)
        && string.Equals(Message, other.Message, StringComparison.Ordinal)
        && (
            ReferenceEquals(Status, other.Status)
            || (
                Status is not null
                && other.Status is not null
                && string.Equals(Status.ConsumerGroup, other.Status.ConsumerGroup, StringComparison.Ordinal)
                && Status.Conditions.SequenceEqual(other.Status.Conditions)
            )
        );
}
