using Brokkr.Apis;
using Brokkr.Controller.Stores;
using Microsoft.Extensions.Logging;

namespace Brokkr.Controller.Kubernetes;

/// <summary>The dictionaries of the set of objects, and the reflections that are always there.</summary>
internal sealed class ClusterShelves
{
    // The pods of the data plane, named as the original names them.
    private const string DataPlanePods = "app in (kafka-broker-receiver,kafka-broker-dispatcher,kafka-sink-receiver)";
    private const string ContractLabel = "kafka.eventing.knative.dev/contract";
    private const string TrustBundleLabel = "networking.knative.dev/trust-bundle";
    private const string OidcLabel = "eventing.knative.dev/oidc";

    private readonly List<FixedReflection> _fixed = [];
    private readonly Dictionary<(string Group, string Kind), FixedReflection> _whole = [];

    public ClusterShelves(ClusterConnection connection, ClusterObjects objects, ILogger logger)
    {
        var system = connection.Options.SystemNamespace;
        ConfigMaps = new(objects, static (set, items) => set with { ConfigMaps = items }, logger);
        Secrets = new(objects, null, logger);
        Others = new(objects, static (set, items) => set with { Others = items }, logger);

        Whole(
            new Shelf<ObjectName, Broker>(objects, static (set, items) => set with { Brokers = items }, logger),
            new Selection(ApiResource.Brokers),
            ApisJson.Default.Broker,
            isRequired: true
        );
        Whole(
            new Shelf<ObjectName, Trigger>(objects, static (set, items) => set with { Triggers = items }, logger),
            new Selection(ApiResource.Triggers),
            ApisJson.Default.Trigger,
            isRequired: true
        );
        Whole(
            new Shelf<ObjectName, KafkaSink>(objects, static (set, items) => set with { KafkaSinks = items }, logger),
            new Selection(ApiResource.KafkaSinks),
            ApisJson.Default.KafkaSink
        );
        Whole(
            new Shelf<ObjectName, EventPolicy>(objects, static (set, items) => set with { EventPolicies = items }, logger),
            new Selection(ApiResource.EventPolicies),
            ApisJson.Default.EventPolicy
        );
        // Only that a Service is there matters, and there may be many.
        Whole(
            new Shelf<ObjectName, Service>(objects, static (set, items) => set with { Services = items }, logger),
            new Selection(ApiResource.Services, MetadataOnly: true),
            ApisJson.Default.Service
        );
        // Three that have nothing in common, so that nothing is sent twice.
        Fixed(
            ConfigMaps,
            new Selection(ApiResource.ConfigMaps, system, $"!{ContractLabel},{TrustBundleLabel}!=true"),
            ApisJson.Default.ConfigMap
        );
        Fixed(ConfigMaps, new Selection(ApiResource.ConfigMaps, Labels: ContractLabel), ApisJson.Default.ConfigMap);
        Fixed(
            ConfigMaps,
            new Selection(ApiResource.ConfigMaps, Labels: $"!{ContractLabel},{TrustBundleLabel}=true"),
            ApisJson.Default.ConfigMap
        );
        Fixed(
            new Shelf<ObjectName, Pod>(objects, static (set, items) => set with { Pods = items }, logger),
            new Selection(ApiResource.Pods, Labels: DataPlanePods),
            ApisJson.Default.Pod
        );
        Fixed(
            new Shelf<ObjectName, ServiceAccount>(objects, static (set, items) => set with { ServiceAccounts = items }, logger),
            new Selection(ApiResource.ServiceAccounts, Labels: OidcLabel, MetadataOnly: true),
            ApisJson.Default.ServiceAccount
        );

        FixedReflection Fixed<T>(
            Shelf<ObjectName, T> shelf,
            Selection selection,
            System.Text.Json.Serialization.Metadata.JsonTypeInfo<T> type,
            bool isRequired = false
        )
            where T : ApiObject
        {
            var outcome = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            Shelf<ObjectName, T>.Reflection? place = null;
            place = shelf.Open(
                selection.Resource,
                static name => name,
                () =>
                {
                    // While nobody answers there is nothing to say yet.
                    if (place is { IsSynced: true } or { Failure: { IsNotFound: true } or { IsDenied: true } })
                    {
                        outcome.TrySetResult();
                    }
                }
            );
            var reflector = new Reflector<T>(connection, selection, new Decoder<T>(selection.Resource, type), place, logger);
            var made = new FixedReflection(isRequired, place, outcome.Task, token => reflector.RunAsync(untilUnknown: false, token));
            _fixed.Add(made);
            return made;
        }

        void Whole<T>(
            Shelf<ObjectName, T> shelf,
            Selection selection,
            System.Text.Json.Serialization.Metadata.JsonTypeInfo<T> type,
            bool isRequired = false
        )
            where T : ApiObject =>
            _whole.Add((selection.Resource.Group, selection.Resource.Kind), Fixed(shelf, selection, type, isRequired));
    }

    public Shelf<ObjectName, ConfigMap> ConfigMaps { get; }

    /// <summary>Not part of the set.</summary>
    public Shelf<ObjectName, Secret> Secrets { get; }

    public Shelf<ObjectKey, AddressableObject> Others { get; }

    /// <summary>The reflections that are always there.</summary>
    public IReadOnlyList<FixedReflection> Always => _fixed;

    /// <summary>Whether all objects of a kind are always reflected.</summary>
    public bool IsFixed(string group, string kind) => _whole.ContainsKey((group, kind));

    /// <summary>What is known of an object of a kind that is always reflected; null for other kinds.</summary>
    public ReferenceState? Fixed(string group, string kind, ObjectName name) =>
        _whole.TryGetValue((group, kind), out var reflection)
            ? WatchedState.Of(reflection.State.Has(name), reflection.State.IsSynced, reflection.State.Failure)
            : null;
}

/// <summary>A reflection that is always there.</summary>
/// <param name="IsRequired">Whether nothing works without it.</param>
/// <param name="State">How it is doing.</param>
/// <param name="FirstOutcome">Done when its objects are here, or when it is clear that they cannot be had.</param>
/// <param name="RunAsync">Runs it until it is cancelled.</param>
internal sealed record FixedReflection(bool IsRequired, IWatchedState State, Task FirstOutcome, Func<CancellationToken, Task> RunAsync);
