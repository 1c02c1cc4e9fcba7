using System.Text.Json;
using System.Text.Json.Nodes;
using Brokkr.Apis;
using Brokkr.Controller.Contracts;
using Brokkr.Controller.Stores;
using Brokkr.Core.Contract.Wire;
using Trigger = Brokkr.Apis.Trigger;

namespace Brokkr.Controller.Reconcilers;

/// <summary>Finalizer, identity and status of a Trigger. Its egress is written with its Broker's contract; see <see cref="BrokerReconciler"/>.</summary>
internal sealed class TriggerReconciler(ReconcilerContext context, OidcIdentity identity)
{
    private const string Finalizer = "kafka.triggers.eventing.knative.dev";
    private const string NamespacedFinalizer = "kafka.namespaced.triggers.eventing.knative.dev";
    private const string Component = "kafka-trigger-controller";
    private const string NamespacedComponent = "kafka-namespaced-trigger-controller";

    /// <summary>Reason of a Trigger whose consumer group another one has.</summary>
    public const string GroupInUse = "ConsumerGroupInUse";

    private static readonly IReadOnlyList<string> ConditionTypes =
    [
        Conditions.BrokerReady,
        Conditions.SubscriptionReady,
        Conditions.DependencyReady,
        Conditions.SubscriberResolved,
        Conditions.DeadLetterSinkResolved,
        Conditions.OidcIdentityCreated,
    ];

    /// <summary>A pass over a Trigger.</summary>
    /// <returns>When to look again without having been told; null for never.</returns>
    public async Task<TimeSpan?> ReconcileAsync(ObjectKey key, CancellationToken cancellation)
    {
        if (!context.Store.Objects.Triggers.TryGetValue(key.ObjectName, out var shown))
        {
            Forget(key);
            return null;
        }

        var trigger = context.Writer.Newest(
            shown,
            ApisJson.Default.Trigger,
            static (shown, newest) => shown with { Metadata = newest.Metadata, Status = newest.Status }
        );
        _ = context.Store.Objects.Brokers.TryGetValue(trigger.BrokerName, out var broker);
        var brokerClass = broker?.Annotation(BrokerAnnotations.Class);
        var hasFinalizer = trigger.HasFinalizer(Finalizer) || trigger.HasFinalizer(NamespacedFinalizer);
        if (trigger.IsBeingDeleted)
        {
            return hasFinalizer ? await RemoveAsync(trigger, cancellation) : null;
        }

        if (broker is not null && !BrokerClasses.IsOurs(brokerClass))
        {
            // Others serve it. A finalizer that was left on it would keep it from being deleted by them.
            context.Owners.Forget(key);
            await ReleaseAsync(trigger, cancellation);
            return null;
        }

        var draft = new StatusDraft(ConditionTypes);
        TimeSpan? next = null;
        Exception? failure = null;
        if (broker is null || (broker.IsBeingDeleted && !context.Outcomes.ContainsKey(broker.Key)))
        {
            // It gets no finalizer of ours, since nobody knows whose it will be, but it says what it waits for (CPT-03, CPT-05, DEV-18).
            context.Owners.Forget(key);
            draft.Set(
                broker is null
                    ? Conditions.False(Conditions.BrokerReady, "BrokerDoesNotExist", $"There is no Broker {trigger.BrokerName}.")
                    : Conditions.False(Conditions.BrokerReady, "BrokerIsBeingDeleted", $"Broker {trigger.BrokerName} is being deleted.")
            );
            draft.Set(Conditions.Unknown(Conditions.SubscriptionReady, "NotServedYet", "No dispatcher serves it."));
            await SetIdentityAsync(trigger, draft, cancellation);
        }
        else
        {
            var isNamespaced = brokerClass is BrokerClasses.KafkaNamespaced;
            await context.Writer.AddFinalizerAsync(
                trigger,
                isNamespaced ? NamespacedFinalizer : Finalizer,
                isNamespaced ? NamespacedComponent : Component,
                cancellation
            );
            if (!context.Outcomes.TryGetValue(broker.Key, out var outcome) || !outcome.Triggers.TryGetValue(key, out var mine))
            {
                // The Broker comes first, and tells.
                context.Enqueue(broker.Key);
                return null;
            }

            try
            {
                await SetIdentityAsync(trigger, draft, cancellation);
            }
            catch (StoreException exception)
            {
                failure = exception;
                draft.Set(
                    Conditions.False(
                        Conditions.OidcIdentityCreated,
                        "Unable to resolve service account for OIDC authentication",
                        exception.Message
                    )
                );
            }

            SetBroker(broker, draft);
            SetDelivery(trigger, broker, outcome, mine, draft);
        }

        TellFailures(trigger, draft);
        await context.Writer.WriteStatusAsync(
            trigger,
            trigger.Status is null ? null : JsonSerializer.SerializeToNode(trigger.Status, ApisJson.Default.TriggerStatus) as JsonObject,
            draft,
            cancellation
        );
        return failure is null ? next : throw failure;
    }

    private async Task SetIdentityAsync(Trigger trigger, StatusDraft draft, CancellationToken cancellation)
    {
        var isEnabled = context.Features.IsAuthenticationOidcEnabled;
        var condition = await identity.EnsureAsync(trigger, isEnabled, cancellation);
        draft.Set(condition);
        draft.Fields["auth"] = isEnabled ? new JsonObject { ["serviceAccountName"] = OidcIdentity.NameOf(trigger) } : null;
    }

    /// <summary>The Broker's readiness, with its reason and message (control-plane §8.3).</summary>
    private void SetBroker(Broker shown, StatusDraft draft)
    {
        var broker = context.Writer.Newest(
            shown,
            ApisJson.Default.Broker,
            static (shown, newest) => shown with { Metadata = newest.Metadata, Status = newest.Status }
        );
        var ready = broker.Status?.ConditionOf(Condition.Ready);
        draft.Set(
            broker.IsBeingDeleted
                ? Conditions.False(Conditions.BrokerReady, "BrokerIsBeingDeleted", $"Broker {broker.ObjectName} is being deleted.")
            : ready is null ? Conditions.Unknown(Conditions.BrokerReady, "BrokerNotConfigured", "Broker has not yet been reconciled.")
            : broker.Status?.ObservedGeneration != broker.Metadata?.Generation
                ? Conditions.Unknown(
                    Conditions.BrokerReady,
                    "BrokerNotReconciled",
                    $"Broker {broker.ObjectName} has changed and is being looked at."
                )
            : ready.Status switch
            {
                "True" => Conditions.True(Conditions.BrokerReady),
                "False" => Conditions.False(Conditions.BrokerReady, ready.Reason ?? "", ready.Message ?? ""),
                _ => Conditions.Unknown(Conditions.BrokerReady, ready.Reason ?? "", ready.Message ?? ""),
            }
        );
    }

    private void SetDelivery(Trigger trigger, Broker broker, BrokerOutcome outcome, TriggerOutcome mine, StatusDraft draft)
    {
        foreach (var condition in mine.Status?.Conditions ?? [])
        {
            draft.SetIfAbsent(condition);
        }

        if (mine.Status is null)
        {
            if (mine.Reason.Length > 0)
            {
                draft.Set(Conditions.False(Conditions.DependencyReady, mine.Reason, mine.Message));
            }
            else if (trigger.Status?.ConditionOf(Condition.Ready)?.Status is "True")
            {
                // It was, and nothing is known to the contrary: what it refers to is being looked up.
                foreach (var type in ConditionTypes.Where(type => trigger.Status.ConditionOf(type)?.Status is "True"))
                {
                    var known = trigger.Status.ConditionOf(type)!;
                    draft.SetIfAbsent(Conditions.True(type, known.Reason ?? "", known.Message ?? ""));
                }

                return;
            }
        }

        draft.Fields["subscriberUri"] = Text(mine.Subscriber.Url);
        draft.Fields["subscriberCACerts"] = Text(mine.Subscriber.CACerts);
        draft.Fields["subscriberAudience"] = Text(mine.Subscriber.Audience);
        draft.Fields["deadLetterSinkUri"] = Text(mine.DeadLetterSink.Url);
        draft.Fields["deadLetterSinkCACerts"] = Text(mine.DeadLetterSink.CACerts);
        draft.Fields["deadLetterSinkAudience"] = Text(mine.DeadLetterSink.Audience);
        if (mine.Status?.ConsumerGroup is { } group && mine.Status.Conditions.All(condition => condition.Reason is not GroupInUse))
        {
            draft.Annotations[StatusAnnotations.ConsumerGroup] = group;
        }

        var dispatchers = context.DataPlane.ReadyPods(outcome.DataPlaneNamespace, context.Options.DispatcherApp);
        // One that was served stays so when dispatchers are scaled to none: its events wait in the log.
        var wasServed = trigger.Status?.ConditionOf(Conditions.DependencyReady)?.Status is "True";
        var isApplied = mine.IsInContract && (dispatchers.Count > 0 || wasServed) && DataPlane.HaveApplied(dispatchers, outcome.Version);
        if (isApplied || !mine.IsInContract)
        {
            context.Waiting.TryRemove(trigger.Key, out _);
        }
        else
        {
            context.Waiting[trigger.Key] = 0;
        }

        draft.SetIfAbsent(
            isApplied ? Conditions.True(Conditions.DependencyReady)
            : mine.IsInContract && dispatchers.Count == 0
                ? Conditions.Unknown(
                    Conditions.DependencyReady,
                    "DispatcherNotAvailable",
                    $"No Pod labelled app={context.Options.DispatcherApp} is ready in namespace {outcome.DataPlaneNamespace}."
                )
            : mine.IsInContract
                ? Conditions.Unknown(
                    Conditions.DependencyReady,
                    "ContractPending",
                    "Not every dispatcher has the contract with this Trigger yet."
                )
            : mine.Reason is "failed to reconcile consumer group" ? Conditions.False(Conditions.DependencyReady, mine.Reason, mine.Message)
            : mine.Reason.Length > 0 ? Conditions.Unknown(Conditions.DependencyReady, mine.Reason, mine.Message)
            : Conditions.Unknown(
                Conditions.DependencyReady,
                "NotServedYet",
                $"It is served once it and Broker {broker.ObjectName} are without fault."
            )
        );
        draft.SetIfAbsent(
            isApplied
                ? Conditions.True(Conditions.SubscriptionReady)
                : Conditions.Unknown(Conditions.SubscriptionReady, "NotServedYet", "No dispatcher serves it yet.")
        );
    }

    /// <summary>Lets a Trigger go: when no dispatcher serves it any more, its group is deleted (design §6), then the finalizer is taken off.</summary>
    private async Task<TimeSpan?> RemoveAsync(Trigger trigger, CancellationToken cancellation)
    {
        context.Owners.Forget(trigger.Key);
        var removal = context.Removals.GetOrAdd(trigger.Uid, _ => new Removal(context.Time.GetUtcNow()));
        var isLate = context.Time.GetUtcNow() - removal.Since >= context.Options.LetGoTime;
        var resource = context.GroupHomes.GetValueOrDefault(trigger.Key);
        if (context.Outcomes.TryGetValue(ReconcilerContext.BrokerKey(trigger.BrokerName), out var outcome))
        {
            resource = outcome.Resource ?? resource;
            var isOut =
                !outcome.Triggers.ContainsKey(trigger.Key)
                && DataPlane.HaveApplied(
                    context.DataPlane.ReadyPods(outcome.DataPlaneNamespace, context.Options.DispatcherApp),
                    outcome.Version
                );
            if (!isOut && !isLate)
            {
                context.Waiting[trigger.Key] = 0;
                context.Enqueue(ReconcilerContext.BrokerKey(trigger.BrokerName));
                return TimeSpan.FromSeconds(1);
            }
        }
        else if (!isLate && IsBrokerComing(trigger))
        {
            // This process has just begun: the Broker tells where the group is.
            context.Enqueue(ReconcilerContext.BrokerKey(trigger.BrokerName));
            return TimeSpan.FromSeconds(1);
        }

        context.Waiting.TryRemove(trigger.Key, out _);
        var group = trigger.Status?.Annotations?.GetValueOrDefault(StatusAnnotations.ConsumerGroup);
        if (!string.IsNullOrEmpty(group) && resource is not null && DeleteGroup(trigger, group, resource) is { } wait)
        {
            return wait;
        }

        await ReleaseAsync(trigger, cancellation);
        if (!string.IsNullOrEmpty(group))
        {
            context.Groups.Release(group, trigger.Key);
            foreach (var (broker, other) in context.Outcomes)
            {
                // Who wanted it may have it now.
                if (other.Triggers.Values.Any(one => one.Status?.Conditions.Any(condition => condition.Reason is GroupInUse) is true))
                {
                    context.Enqueue(broker);
                }
            }
        }

        context.GroupDeletions.Forget(trigger.Key);
        context.Removals.TryRemove(trigger.Uid, out _);
        return null;
    }

    private bool IsBrokerComing(Trigger trigger) =>
        context.Store.Objects.Brokers.TryGetValue(trigger.BrokerName, out var broker)
        && !broker.IsBeingDeleted
        && BrokerClasses.IsOurs(broker.Annotation(BrokerAnnotations.Class));

    private TimeSpan? DeleteGroup(Trigger trigger, string group, Resource resource)
    {
        var answer = context.GroupDeletions.Get(
            trigger.Key,
            $"{trigger.Uid}/{group}",
            resource,
            async (log, cancellation) =>
            {
                await log.Cursors.DeleteAsync(group, cancellation);
                return true;
            },
            out var next
        );
        if (answer.IsDone)
        {
            context.Logger.GroupDeleted(group);
            return null;
        }

        if (answer.Kind == LogAnswerKind.Pending || answer.Failures < context.Options.CleanUpAttempts)
        {
            return next ?? TimeSpan.FromSeconds(30);
        }

        context.Writer.Tell(
            trigger,
            Component,
            "ConsumerGroupLeft",
            $"Consumer group {group} was not deleted and is left: {answer.Text}",
            isWarning: true
        );
        return null;
    }

    /// <summary>Takes off both finalizers: the original may have put either on it.</summary>
    private async Task ReleaseAsync(Trigger trigger, CancellationToken cancellation)
    {
        foreach (var (finalizer, component) in new[] { (Finalizer, Component), (NamespacedFinalizer, NamespacedComponent) })
        {
            var newest = context.Writer.Newest(
                trigger,
                ApisJson.Default.Trigger,
                static (shown, newest) => shown with { Metadata = newest.Metadata, Status = newest.Status }
            );
            await context.Writer.RemoveFinalizerAsync(newest, finalizer, component, cancellation);
        }
    }

    private void Forget(ObjectKey key)
    {
        context.Owners.Forget(key);
        context.Writer.Forget(key);
        context.Waiting.TryRemove(key, out _);
        context.GroupDeletions.Forget(key);
        context.GroupHomes.TryRemove(key, out _);
    }

    private void TellFailures(Trigger trigger, StatusDraft draft)
    {
        foreach (
            var condition in draft.Conditions.Where(condition =>
                condition.State == ConditionState.False && condition.Type is not Conditions.BrokerReady
            )
        )
        {
            var known = trigger.Status?.ConditionOf(condition.Type);
            if (known is not { Status: "False" } || !string.Equals(known.Message ?? "", condition.Message, StringComparison.Ordinal))
            {
                context.Writer.Tell(trigger, Component, "InternalError", $"{condition.Reason}: {condition.Message}", isWarning: true);
            }
        }
    }

    private static JsonNode? Text(string? text) => string.IsNullOrEmpty(text) ? null : JsonValue.Create(text);
}
