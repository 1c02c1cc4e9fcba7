using System.Text.Json;
using System.Text.Json.Nodes;
using Brokkr.Apis;
using Brokkr.Apis.Validation;
using Brokkr.Controller.Contracts;
using Brokkr.Controller.Logs;
using Brokkr.Controller.Stores;
using Brokkr.Core.Contract.Wire;
using Trigger = Brokkr.Apis.Trigger;

namespace Brokkr.Controller.Reconcilers;

/// <summary>Makes a Broker what it should be: topic, contract with the egresses of its Triggers, addresses, status.</summary>
internal sealed class BrokerReconciler(ReconcilerContext context, ResourceServer server, ResourceRemover remover, Dispatchers dispatchers)
{
    private const string ServersAnnotation = "bootstrap.servers";
    private const string PartitionsAnnotation = "default.topic.partitions";
    private const string ReplicationAnnotation = "default.topic.replication.factor";
    private const string SecretAnnotation = "auth.secret.ref.name";

    private static readonly string[] ConfigAnnotations = [ServersAnnotation, PartitionsAnnotation, ReplicationAnnotation, SecretAnnotation];

    private readonly ResourceKind _kind = ResourceKind.Broker(context.Options);

    /// <summary>A pass over a Broker.</summary>
    /// <returns>When to look again without having been told; null for never.</returns>
    public async Task<TimeSpan?> ReconcileAsync(ObjectKey key, CancellationToken cancellation)
    {
        if (
            !context.Store.Objects.Brokers.TryGetValue(key.ObjectName, out var shown)
            || !BrokerClasses.IsOurs(shown.Annotation(BrokerAnnotations.Class))
        )
        {
            Forget(key);
            await context.DeleteLeftAsync(key, cancellation);
            return null;
        }

        var broker = context.Writer.Newest(
            shown,
            ApisJson.Default.Broker,
            static (shown, newest) => shown with { Metadata = newest.Metadata, Status = newest.Status }
        );
        if (broker.IsBeingDeleted)
        {
            return await RemoveAsync(broker, cancellation);
        }

        await context.Writer.AddFinalizerAsync(broker, _kind.Finalizer, _kind.Component, cancellation);
        var features = context.Features;
        var triggers = context.Triggers.Of(broker.ObjectName).Where(trigger => !trigger.IsBeingDeleted).ToList();
        var references = ReferencesOf(broker, out var config);
        context.Owners.Set(key, references);
        foreach (var trigger in triggers)
        {
            context.Owners.Set(trigger.Key, ReferencesOf(trigger));
        }

        if (references.Any(reference => context.Store.StateOf(reference).Knowledge == ReferenceKnowledge.Pending && IsConfig(reference)))
        {
            // The store tells when it has been looked up.
            return null;
        }

        var map = MapOf(broker, config);
        if (await ReleaseSecretAsync(broker, map, cancellation) is { } secretReference)
        {
            context.Owners.Set(key, [.. references, secretReference]);
        }

        var pending = triggers.Where(IsPending).Select(trigger => trigger.Key).ToHashSet();
        var invalid = InvalidTriggers(triggers, features);
        var (plan, planned) = await PlanAsync(
            broker,
            map,
            triggers.Where(trigger => !pending.Contains(trigger.Key) && !invalid.ContainsKey(trigger.Key)),
            features,
            cancellation
        );
        var dataPlane = context.DataPlaneNamespaceOf(broker);
        var contracts = ContractNamespaceIn(dataPlane);
        var pass = new ResourcePass
        {
            Value = broker,
            Status = broker.Status,
            Kind = _kind,
            DataPlaneNamespace = dataPlane,
            ContractNamespace = contracts,
            Features = features,
            Plan = plan.Resources.GetValueOrDefault(key),
            Stored = context.Contracts.Read(_kind.Contract, contracts, broker.Uid),
        };
        context.Known[key] = (_kind.Contract, contracts, broker.Uid);
        foreach (var condition in planned.Conditions)
        {
            pass.Draft.Set(condition);
        }

        AnnotateConfig(pass, map, planned);
        server.ApplyPolicies(broker, pass.Plan?.Resource, features, pass.Draft);
        server.SeeToTopic(pass);
        var (resource, outcomes) = Merge(pass, plan, triggers, pending, invalid);
        await dispatchers.WakeAsync(pass, resource, cancellation);
        var version = await server.WriteContractAsync(pass, resource, cancellation);
        await server.SeeToAddressAsync(pass, version, cancellation);
        SetDeadLetterSink(pass, planned);
        server.TellFailures(broker, broker.Status, pass.Draft, _kind.Component);
        var wasWritten = await context.Writer.WriteStatusAsync(
            broker,
            JsonSerializer.SerializeToNode(broker.Status, ApisJson.Default.BrokerStatus!) as JsonObject,
            pass.Draft,
            cancellation
        );
        Publish(
            key,
            new BrokerOutcome
            {
                Resource = resource ?? pass.Plan?.Resource,
                Version = version,
                DataPlaneNamespace = dataPlane,
                Triggers = outcomes,
            },
            wasWritten
        );
        return pass.Failure is null ? pass.Next : throw pass.Failure;
    }

    private string ContractNamespaceIn(string dataPlane) =>
        string.Equals(dataPlane, context.Options.SystemNamespace, StringComparison.Ordinal) ? _kind.Ingress.ContractNamespace : dataPlane;

    private void Forget(ObjectKey key)
    {
        context.Owners.Forget(key);
        context.Topics.Forget(key);
        context.Placements.Forget(key);
        context.Writer.Forget(key);
        context.Waiting.TryRemove(key, out _);
        if (context.Outcomes.TryRemove(key, out var outcome))
        {
            foreach (var trigger in outcome.Triggers.Keys)
            {
                context.Enqueue(trigger);
            }
        }
    }

    private async Task<TimeSpan?> RemoveAsync(Broker broker, CancellationToken cancellation)
    {
        var dataPlane = context.DataPlaneNamespaceOf(broker);
        var contracts = ContractNamespaceIn(dataPlane);
        Forget(broker.Key);
        if (!broker.HasFinalizer(_kind.Finalizer))
        {
            return null;
        }

        _ = ReferencesOf(broker, out var config);
        var map = MapOf(broker, config);
        await ReleaseSecretAsync(broker, map, cancellation);
        var (plan, _) = await PlanAsync(broker, map, [], context.Features, cancellation);
        return await remover.RemoveAsync(
            broker,
            _kind,
            dataPlane,
            contracts,
            broker.Status,
            plan.Resources.GetValueOrDefault(broker.Key)?.Resource,
            broker.Annotation(BrokerAnnotations.ExternalTopic) is null
                ? broker.Status?.Annotations?.GetValueOrDefault(StatusAnnotations.Topic)
                : null,
            cancellation
        );
    }

    /// <summary>What it should be, as the objects alone tell.</summary>
    private async Task<(ContractPlan Plan, ObjectStatus Status)> PlanAsync(
        Broker broker,
        ConfigMap? map,
        IEnumerable<Trigger> triggers,
        EventingFeatures features,
        CancellationToken cancellation
    )
    {
        var problems = BrokerRules.Check(broker, Admitted(features)).Where(problem => !problem.IsWarning).ToList();
        if (problems.Count > 0)
        {
            var refused = Conditions.False(Conditions.ConfigParsed, "BrokerInvalid", $"{string.Join("; ", problems)}.");
            return (
                new ContractPlan(new Dictionary<ObjectKey, ResourcePlan>(), [], []),
                Conditions.With(new ObjectStatus { Key = broker.Key }, refused)
            );
        }

        var objects = new ObjectSet
        {
            Brokers = new Dictionary<ObjectName, Broker> { [broker.ObjectName] = broker },
            Triggers = triggers.ToDictionary(trigger => trigger.ObjectName, Defaulting.Apply),
            ConfigMaps = map is null
                ? new Dictionary<ObjectName, ConfigMap>()
                : new Dictionary<ObjectName, ConfigMap> { [map.ObjectName] = map },
        };
        var plan = ContractBuilder.Build(
            new ContractInput
            {
                Objects = objects,
                Destinations = context.Destinations,
                Features = features,
                KafkaFeatures = context.KafkaFeatures,
                Secrets = await SecretVersions.OfAsync(objects, context.Store, cancellation),
                ClaimGroup = context.Groups.Claim,
            }
        );
        return (plan, plan.Objects.First(planned => planned.Status.Key == broker.Key).Status);
    }

    /// <summary>The resource to write, and what becomes of each Trigger.</summary>
    private (Resource? Resource, Dictionary<ObjectKey, TriggerOutcome> Outcomes) Merge(
        ResourcePass pass,
        ContractPlan plan,
        List<Trigger> triggers,
        HashSet<ObjectKey> pending,
        Dictionary<ObjectKey, string> invalid
    )
    {
        var stored = pass.Stored?.Resource?.Egresses.ToDictionary(egress => egress.Uid, StringComparer.Ordinal) ?? [];
        var wanted = pass.Plan?.Resource.Egresses.ToDictionary(egress => egress.Uid, StringComparer.Ordinal) ?? [];
        var planned = plan.Objects.ToDictionary(entry => entry.Status.Key, entry => entry.Status);
        var outcomes = new Dictionary<ObjectKey, TriggerOutcome>();
        List<Egress> egresses = [];
        List<GroupKey> groups = [];
        foreach (var trigger in triggers.OrderBy(trigger => trigger.Key.ToString(), StringComparer.Ordinal))
        {
            var before = stored.GetValueOrDefault(trigger.Uid);
            if (invalid.TryGetValue(trigger.Key, out var problem))
            {
                outcomes[trigger.Key] = new TriggerOutcome(null, default, default, IsInContract: false, "TriggerInvalid", problem);
                continue;
            }

            var status = planned.GetValueOrDefault(trigger.Key);
            var subscriber = default(Resolution);
            var deadLetterSink = default(Resolution);
            if (pending.Contains(trigger.Key) || pass.Plan is null)
            {
                // What is served goes on being served while it is not known what it should be.
                Add(before);
                outcomes[trigger.Key] = new TriggerOutcome(status, subscriber, deadLetterSink, before is not null);
                continue;
            }

            if (!wanted.TryGetValue(trigger.Uid, out var egress))
            {
                if (
                    status?.ConsumerGroup is { } early
                    && status.Conditions.All(condition => condition.Reason is not TriggerReconciler.GroupInUse)
                )
                {
                    // It cannot be served yet, but from now on its events are kept for it.
                    IsPlaced(pass, early, null, groups, out _, out _);
                }

                outcomes[trigger.Key] = new TriggerOutcome(status, subscriber, deadLetterSink, IsInContract: false);
                continue;
            }

            if (pass.Features.IsAuthenticationOidcEnabled)
            {
                egress.OidcServiceAccountName = OidcIdentity.NameOf(trigger);
            }

            subscriber = new Resolution(egress.Destination, egress.DestinationCACerts, egress.DestinationAudience, null);
            deadLetterSink = DeadLetterSinkOf(pass, trigger, egress);
            var isPlaced = IsPlaced(pass, egress.ConsumerGroup, before, groups, out var reason, out var message);
            if (isPlaced)
            {
                Add(egress);
            }

            outcomes[trigger.Key] = new TriggerOutcome(status, subscriber, deadLetterSink, isPlaced, reason, message);
        }

        context.Placements.Forget(pass.Value.Key, [.. groups]);
        var body = pass.IsTopicReady ? pass.Plan!.Resource : pass.Stored?.Resource;
        if (body is null)
        {
            foreach (var key in outcomes.Keys.ToList())
            {
                outcomes[key] = outcomes[key] with { IsInContract = false };
            }

            return (null, outcomes);
        }

        var resource = body.Clone();
        resource.Egresses.Clear();
        resource.Egresses.AddRange(egresses);
        return (resource, outcomes);

        void Add(Egress? egress)
        {
            if (egress is not null)
            {
                egresses.Add(egress);
            }
        }
    }

    /// <summary>Whether the group of an egress has its place, so that no later event can pass it by (CPT-12).</summary>
    private bool IsPlaced(
        ResourcePass pass,
        string consumerGroup,
        Egress? before,
        List<GroupKey> groups,
        out string reason,
        out string message
    )
    {
        reason = "";
        message = "";
        if (before is not null && string.Equals(before.ConsumerGroup, consumerGroup, StringComparison.Ordinal))
        {
            return true;
        }

        var resource = pass.Plan!.Resource;
        var group = new GroupKey(resource.BootstrapServers, TopicKey.SecretOf(resource), resource.Topics[0], consumerGroup);
        if (!pass.IsTopicReady)
        {
            reason = "TopicNotReady";
            message = "Waiting for the Broker's topic.";
            return false;
        }

        if (!context.BeginsAtEnd)
        {
            return true;
        }

        groups.Add(group);
        var answer = context.Placements.Get(
            pass.Value.Key,
            group,
            resource,
            async (log, cancellation) =>
            {
                await GroupPlacer.PlaceAtEndAsync(log, group.Topic, [group.Group], context.Logger, cancellation);
                return true;
            },
            out var next
        );
        pass.LookAgainIn(next);
        if (!answer.IsDone)
        {
            reason = answer.Kind == LogAnswerKind.Pending ? "ConsumerGroupPending" : "failed to reconcile consumer group";
            message =
                answer.Kind == LogAnswerKind.Pending
                    ? $"Consumer group {group.Group} is being given its place."
                    : $"Consumer group {group.Group} could not be given its place: {answer.Text}";
        }

        return answer.IsDone;
    }

    private static Resolution DeadLetterSinkOf(ResourcePass pass, Trigger trigger, Egress egress)
    {
        var config = trigger.Spec?.Delivery is null ? pass.Plan!.Resource.EgressConfig : egress.EgressConfig;
        return config is { DeadLetter.Length: > 0 }
            ? new Resolution(config.DeadLetter, config.DeadLetterCACerts, config.DeadLetterAudience, null)
            : default;
    }

    private static void SetDeadLetterSink(ResourcePass pass, ObjectStatus planned)
    {
        var config = pass.Plan?.Resource.EgressConfig;
        pass.Draft.Fields["deadLetterSinkUri"] = Text(planned.DeadLetterSink);
        pass.Draft.Fields["deadLetterSinkCACerts"] = Text(config?.DeadLetterCACerts);
        pass.Draft.Fields["deadLetterSinkAudience"] = Text(config?.DeadLetterAudience);

        static JsonNode? Text(string? text) => string.IsNullOrEmpty(text) ? null : JsonValue.Create(text);
    }

    /// <summary>Copies of the settings, which are used where the ConfigMap is gone; managed as a whole (control-plane §18 item 22).</summary>
    private static void AnnotateConfig(ResourcePass pass, ConfigMap? map, ObjectStatus planned)
    {
        if (pass.Plan is null)
        {
            return;
        }

        foreach (var name in ConfigAnnotations)
        {
            pass.Draft.Annotations[name] = map?.Data?.GetValueOrDefault(name);
        }

        pass.Draft.Annotations[StatusAnnotations.Topic] =
            pass.Status?.Annotations?.GetValueOrDefault(StatusAnnotations.Topic) ?? planned.Topic;
    }

    /// <summary>The ConfigMap that <c>spec.config</c> names; where it is gone, one with what the status remembers of it.</summary>
    private ConfigMap? MapOf(Broker broker, ObjectName? config)
    {
        if (config is not { } name)
        {
            return null;
        }

        if (context.Store.Objects.ConfigMaps.TryGetValue(name, out var map))
        {
            return map;
        }

        var remembered = broker.Status?.Annotations;
        return remembered?.ContainsKey(ServersAnnotation) is true
            ? new ConfigMap
            {
                ApiVersion = GroupVersion.CoreV1,
                Kind = ConfigMap.KindName,
                Metadata = new ObjectMeta { Name = name.Name, Namespace = name.Namespace },
                Data = ConfigAnnotations
                    .Where(remembered.ContainsKey)
                    .ToDictionary(annotation => annotation, annotation => remembered[annotation], StringComparer.Ordinal),
            }
            : null;
    }

    /// <summary>
    /// The Secret that the settings name. The original keeps it from being deleted by a finalizer of the Broker; that is taken off, since it would stay for ever.
    /// </summary>
    private async Task<ObjectReference?> ReleaseSecretAsync(Broker broker, ConfigMap? map, CancellationToken cancellation)
    {
        if (map?.Data?.GetValueOrDefault(SecretAnnotation) is not { Length: > 0 } secretName)
        {
            return null;
        }

        var reference = new ObjectReference("", GroupVersion.CoreV1, Secret.KindName, map.Namespace, secretName.Trim());
        var finalizer = $"kafka.eventing/{broker.Uid}";
        if (await context.Store.GetSecretAsync(reference.Key.ObjectName, cancellation) is { } secret && secret.HasFinalizer(finalizer))
        {
            var rest = secret.Metadata!.Finalizers!.Where(name => !string.Equals(name, finalizer, StringComparison.Ordinal));
            try
            {
                await context.Store.PatchAsync(
                    reference.Key,
                    new JsonObject
                    {
                        ["metadata"] = new JsonObject
                        {
                            ["finalizers"] = new JsonArray([.. rest.Select(name => (JsonNode)name)]),
                            ["resourceVersion"] = secret.Metadata.ResourceVersion,
                        },
                    },
                    "",
                    cancellation
                );
            }
            catch (StoreException exception) when (exception.Failure is StoreFailure.NotFound or StoreFailure.Forbidden)
            {
                // Gone, or somebody else's to take off.
                context.Logger.SecretNotReleased(reference.Key.ToString(), exception.Message);
            }
        }

        return reference;
    }

    private List<ObjectReference> ReferencesOf(Broker broker, out ObjectName? config)
    {
        List<ObjectReference> references = [];
        config = null;
        if (broker.Spec?.Config is { Name.Length: > 0 } reference)
        {
            var namespaceName = string.IsNullOrEmpty(reference.Namespace) ? broker.Namespace : reference.Namespace;
            config = new ObjectName(namespaceName, reference.Name);
            references.Add(new ObjectReference("", GroupVersion.CoreV1, ConfigMap.KindName, namespaceName, reference.Name));
        }

        if (ClusterDestinations.ReferenceOf(broker.Spec?.Delivery?.DeadLetterSink, broker.Namespace) is { } sink)
        {
            references.Add(sink);
        }

        references.Add(
            new ObjectReference(
                "",
                GroupVersion.CoreV1,
                Secret.KindName,
                context.DataPlaneNamespaceOf(broker),
                _kind.Ingress.CertificateSecret
            )
        );
        return references;
    }

    private static List<ObjectReference> ReferencesOf(Trigger trigger)
    {
        List<ObjectReference> references = [];
        if (ClusterDestinations.ReferenceOf(trigger.Spec?.Subscriber, trigger.Namespace) is { } subscriber)
        {
            references.Add(subscriber);
        }

        if (ClusterDestinations.ReferenceOf(trigger.Spec?.Delivery?.DeadLetterSink, trigger.Namespace) is { } sink)
        {
            references.Add(sink);
        }

        return references;
    }

    private bool IsPending(Trigger trigger) =>
        context.Destinations.IsPending(trigger.Spec?.Subscriber, trigger.Namespace)
        || context.Destinations.IsPending(trigger.Spec?.Delivery?.DeadLetterSink, trigger.Namespace);

    private static Dictionary<ObjectKey, string> InvalidTriggers(List<Trigger> triggers, EventingFeatures features)
    {
        var admitted = Admitted(features);
        var invalid = new Dictionary<ObjectKey, string>();
        foreach (var trigger in triggers)
        {
            var problems = TriggerRules.Check(Defaulting.Apply(trigger), admitted).Where(problem => !problem.IsWarning).ToList();
            if (problems.Count > 0)
            {
                invalid[trigger.Key] = string.Join("; ", problems);
            }
        }

        return invalid;
    }

    // What was admitted while a feature was on stays served when it is off; what links namespaces does not.
    private static EventingFeatures Admitted(EventingFeatures features) =>
        features with
        {
            DeliveryTimeout = true,
            DeliveryRetryAfter = true,
            KReferenceGroup = true,
        };

    private static bool IsConfig(ObjectReference reference) => reference.Kind is ConfigMap.KindName;

    private void Publish(ObjectKey key, BrokerOutcome outcome, bool isStatusNew)
    {
        var before = context.Outcomes.GetValueOrDefault(key);
        context.Outcomes[key] = outcome;
        foreach (var (trigger, now) in outcome.Triggers)
        {
            if (now.IsInContract && outcome.Resource is not null)
            {
                context.GroupHomes[trigger] = outcome.Resource;
            }

            if (
                isStatusNew
                || before is null
                || before.Version != outcome.Version
                || !now.IsSameAs(before.Triggers.GetValueOrDefault(trigger))
            )
            {
                context.Enqueue(trigger);
            }
        }

        // Those that are being deleted wait until the contract is without them.
        foreach (var name in context.Triggers.NamesOf(key.ObjectName))
        {
            var trigger = new ObjectKey(GroupVersion.EventingGroup, Trigger.KindName, name.Namespace, name.Name);
            if (!outcome.Triggers.ContainsKey(trigger))
            {
                context.Enqueue(trigger);
            }
        }
    }
}
