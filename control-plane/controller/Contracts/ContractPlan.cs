using Brokkr.Apis;
using Brokkr.Core.Contract.Wire;
using Brokkr.Core.Log;

namespace Brokkr.Controller.Contracts;

/// <summary>What a contract is computed from. Everything is a value: the same input gives the same plan.</summary>
internal sealed record ContractInput
{
    /// <summary>The desired objects.</summary>
    public required Stores.ObjectSet Objects { get; init; }

    /// <summary>Finds destinations.</summary>
    public required IDestinationResolver Destinations { get; init; }

    /// <summary>Features of <c>config-features</c>.</summary>
    public EventingFeatures Features { get; init; } = EventingFeatures.Default;

    /// <summary>Features of <c>config-kafka-features</c>.</summary>
    public KafkaFeatures KafkaFeatures { get; init; } = KafkaFeatures.Default;

    /// <summary>Secrets that exist, as far as <see cref="ContractBuilder.SecretsOf"/> asks for them.</summary>
    public IReadOnlyDictionary<ObjectName, SecretVersion> Secrets { get; init; } = new Dictionary<ObjectName, SecretVersion>();

    /// <summary>Topic settings of a Broker that names no ConfigMap; null where it must name one.</summary>
    public BrokerConfig? DefaultConfig { get; init; }

    /// <summary>Which Trigger has a consumer group, given one that would have it; null where the objects are all there are, and nobody else can have it.</summary>
    public Func<string, ObjectKey, ObjectKey>? ClaimGroup { get; init; }

    /// <summary>All topics are on the log of this process; see <see cref="Folders.FolderOptions.EmbeddedLog"/>.</summary>
    public bool EmbeddedLog { get; init; }

    /// <summary>Brokers and KafkaSinks are served by the same receiver, so that a path can be used only once.</summary>
    public bool SharesReceiver { get; init; }
}

/// <summary>Which version of a Secret there is.</summary>
/// <param name="Uid">Its unique id.</param>
/// <param name="ResourceVersion">Changes with its contents.</param>
internal readonly record struct SecretVersion(string Uid, string ResourceVersion);

/// <summary>A topic that a resource needs.</summary>
/// <param name="Specification">What it should be. Where it is not made, only the name counts.</param>
/// <param name="IsExternal">Others own it: it must exist.</param>
internal sealed record TopicPlan(TopicSpecification Specification, bool IsExternal);

/// <summary>A Broker or KafkaSink that can be served once its topic is there.</summary>
/// <param name="Resource">Its part of the contract, with the egresses of its Triggers.</param>
/// <param name="Topic">Its topic.</param>
internal sealed record ResourcePlan(Resource Resource, TopicPlan Topic);

/// <summary>What became of one object, as far as the objects alone tell.</summary>
/// <param name="Status">Its status; the conditions on topic and contract are still to come.</param>
/// <param name="ResourceKey">The Broker or KafkaSink in whose resource it is; null where it is in none.</param>
internal sealed record PlannedObject(ObjectStatus Status, ObjectKey? ResourceKey);

/// <summary>The whole desired state.</summary>
/// <param name="Resources">By owner.</param>
/// <param name="Objects">Every Broker, Trigger and KafkaSink, by kind, namespace and name.</param>
/// <param name="TrustBundles">Certificates that deliveries trust, in PEM.</param>
internal sealed record ContractPlan(
    IReadOnlyDictionary<ObjectKey, ResourcePlan> Resources,
    IReadOnlyList<PlannedObject> Objects,
    IReadOnlyList<string> TrustBundles
);

/// <summary>Types and reasons of conditions.</summary>
internal static class Conditions
{
    // Types that the original has too.
    public const string ConfigParsed = "ConfigParsed";
    public const string TopicReady = "TopicReady";
    public const string Addressable = "Addressable";
    public const string DataPlaneAvailable = "DataPlaneAvailable";
    public const string ConfigMapUpdated = "ConfigMapUpdated";
    public const string ProbeSucceeded = "ProbeSucceeded";
    public const string SubscriptionReady = "SubscriptionReady";
    public const string OidcIdentityCreated = "OIDCIdentityCreated";
    public const string BrokerReady = "BrokerReady";
    public const string SubscriberResolved = "SubscriberResolved";
    public const string DeadLetterSinkResolved = "DeadLetterSinkResolved";
    public const string DependencyReady = "DependencyReady";
    public const string EventPoliciesReady = "EventPoliciesReady";

    public static ObjectCondition True(string type, string reason = "", string message = "") =>
        new(type, ConditionState.True, reason, message);

    public static ObjectCondition False(string type, string reason, string message) => new(type, ConditionState.False, reason, message);

    public static ObjectCondition Unknown(string type, string reason, string message) => new(type, ConditionState.Unknown, reason, message);

    /// <summary>Sets conditions, and readiness as their sum: the first that is false, else the first that is unknown (CPD-13, CPD-14).</summary>
    public static ObjectStatus With(ObjectStatus status, params ReadOnlySpan<ObjectCondition> conditions)
    {
        List<ObjectCondition> all = [.. status.Conditions];
        foreach (var condition in conditions)
        {
            all.RemoveAll(existing => string.Equals(existing.Type, condition.Type, StringComparison.Ordinal));
            all.Add(condition);
        }

        var worst =
            all.Find(condition => condition.State == ConditionState.False)
            ?? all.Find(condition => condition.State == ConditionState.Unknown);
        return status with
        {
            Conditions = all,
            Ready = worst?.State ?? ConditionState.True,
            Reason = worst?.Reason ?? "",
            Message = worst?.Message ?? "",
        };
    }
}
