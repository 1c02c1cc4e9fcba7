using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Brokkr.Apis;
using Brokkr.Controller.Contracts;
using Brokkr.Controller.Logs;
using Brokkr.Controller.Stores;
using Brokkr.Core.Contract.Wire;

namespace Brokkr.Controller.Reconcilers;

/// <summary>A Broker or KafkaSink in a pass.</summary>
internal sealed class ResourcePass
{
    public required ApiObject Value { get; init; }

    /// <summary>Its status as it is.</summary>
    public required AddressableStatus? Status { get; init; }

    public required ResourceKind Kind { get; init; }

    /// <summary>Namespace of its data plane.</summary>
    public required string DataPlaneNamespace { get; init; }

    /// <summary>Namespace of its contract.</summary>
    public required string ContractNamespace { get; init; }

    public required EventingFeatures Features { get; init; }

    /// <summary>What it should be; null where that cannot be said, and then the draft says why.</summary>
    public required ResourcePlan? Plan { get; init; }

    /// <summary>Its contract as it is stored.</summary>
    public required StoredContract? Stored { get; init; }

    /// <summary>Its status to be.</summary>
    public StatusDraft Draft { get; } = new(ResourceKind.ConditionTypes);

    /// <summary>Whether it is served by https.</summary>
    public bool IsTls => Features.IsTransportEncryptionPermissive || Features.IsTransportEncryptionStrict;

    /// <summary>Whether its topic is there.</summary>
    public bool IsTopicReady { get; set; }

    /// <summary>When to look again without having been told; null for never.</summary>
    public TimeSpan? Next { get; private set; }

    /// <summary>What kept the pass from being complete, so that it is repeated.</summary>
    public Exception? Failure { get; set; }

    public void LookAgainIn(TimeSpan? delay)
    {
        if (delay is not null && (Next is null || delay < Next))
        {
            Next = delay;
        }
    }
}

/// <summary>What is done for Brokers and KafkaSinks alike: topic, contract, data plane, addresses.</summary>
internal sealed class ResourceServer(ReconcilerContext context)
{
    /// <summary>Sees to the topic.</summary>
    public void SeeToTopic(ResourcePass pass)
    {
        if (pass.Plan is not { } plan)
        {
            return;
        }

        var key = TopicKey.Of(plan);
        context.Topics.Forget(pass.Value.Key, key);
        var answer = context.Topics.Get(
            pass.Value.Key,
            key,
            plan.Resource,
            (log, cancellation) => TopicMaker.EnsureAsync(log.Topics, plan.Topic, comparesReplication: true, context.Logger, cancellation),
            out var next
        );
        pass.LookAgainIn(next);
        var topic = plan.Topic.Specification.Name;
        var servers = plan.Resource.BootstrapServers;
        pass.IsTopicReady = answer is { IsDone: true, Value.Finding: TopicFinding.Created or TopicFinding.Existed };
        var owner = pass.Status?.Annotations?.GetValueOrDefault(ResourceKind.TopicOwner);
        if (pass.IsTopicReady)
        {
            owner =
                !plan.Topic.IsExternal
                && (answer.Value!.Finding == TopicFinding.Created || string.Equals(owner, pass.Kind.Owner, StringComparison.Ordinal))
                    ? pass.Kind.Owner
                    : ResourceKind.External;
            pass.Draft.Annotations[ResourceKind.TopicOwner] = owner;
        }

        pass.Draft.Set(
            answer switch
            {
                { IsDone: true } when pass.IsTopicReady => Conditions.True(
                    Conditions.TopicReady,
                    pass.Value.Kind is KafkaSink.KindName ? $"Topic {topic} (owner {owner})"
                        : owner is ResourceKind.External ? $"Topic {topic} (owner external)"
                        : $"Topic {topic} created",
                    string.Join(' ', answer.Value!.Drift)
                ),
                { IsDone: true, Value.Finding: TopicFinding.Missing } => Conditions.False(
                    Conditions.TopicReady,
                    "Topic is not present or invalid",
                    $"topics [{topic}]: there is no such topic on {servers}, and it is its owner who must make it"
                ),
                { Kind: LogAnswerKind.Refused } => Conditions.False(Conditions.TopicReady, $"Failed to create topic: {topic}", answer.Text),
                { Kind: LogAnswerKind.Misconfigured or LogAnswerKind.Unavailable } => Conditions.False(
                    Conditions.TopicReady,
                    "Failed to obtain Kafka cluster admin",
                    answer.Text
                ),
                _ => Remembered(pass, Conditions.TopicReady)
                    ?? Conditions.Unknown(Conditions.TopicReady, "TopicPending", $"Waiting for topic {topic} on {servers}."),
            }
        );
    }

    /// <summary>Makes the contract so.</summary>
    /// <param name="pass">The pass.</param>
    /// <param name="resource">What it should hold; null for nothing new.</param>
    /// <param name="cancellation">Ends the wait.</param>
    /// <returns>The version of the contract; 0 where there is none.</returns>
    public async Task<ulong> WriteContractAsync(ResourcePass pass, Resource? resource, CancellationToken cancellation)
    {
        var name = $"{pass.ContractNamespace}/kafka-{pass.Kind.Contract}-contract-{pass.Value.Uid}";
        if (resource is null)
        {
            pass.Draft.Set(
                pass.Stored is { Resource: not null }
                    ? Conditions.True(Conditions.ConfigMapUpdated, $"Config map {name} updated")
                    : Conditions.Unknown(Conditions.ConfigMapUpdated, "ContractPending", "It is written when settings and topic are right.")
            );
            return pass.Stored?.Version ?? 0;
        }

        try
        {
            var version = await context.Contracts.WriteAsync(
                pass.Kind.Contract,
                pass.ContractNamespace,
                pass.Value.Uid,
                resource,
                cancellation
            );
            pass.Draft.Set(Conditions.True(Conditions.ConfigMapUpdated, $"Config map {name} updated"));
            return version;
        }
        catch (StoreException exception)
        {
            pass.Failure = exception;
            pass.Draft.Set(Conditions.False(Conditions.ConfigMapUpdated, $"Failed to update ConfigMap: {name}", exception.Message));
            return pass.Stored?.Version ?? 0;
        }
    }

    /// <summary>Sees whether the receivers have the contract, and gives the object its addresses once they have.</summary>
    public async Task SeeToAddressAsync(ResourcePass pass, ulong version, CancellationToken cancellation)
    {
        var key = pass.Value.Key;
        var pods = context.DataPlane.ReadyPods(pass.DataPlaneNamespace, pass.Kind.Ingress.ReceiverApp);
        pass.Draft.Set(
            pods.Count > 0
                ? Conditions.True(Conditions.DataPlaneAvailable)
                : Conditions.False(
                    Conditions.DataPlaneAvailable,
                    "Data plane not available",
                    $"No Pod labelled app={pass.Kind.Ingress.ReceiverApp} is ready in namespace {pass.DataPlaneNamespace}. Did you install the data plane for this component?"
                )
        );
        var certificates = "";
        if (pass.IsTls)
        {
            if (await CertificatesAsync(pass, cancellation) is not { } found)
            {
                pass.Draft.Set(
                    Conditions.False(
                        Conditions.Addressable,
                        "CertificateMissing",
                        $"failed to get CA certs from {pass.DataPlaneNamespace}/{pass.Kind.Ingress.CertificateSecret}: there is no such Secret, which transport-encryption needs"
                    )
                );
                pass.Draft.Set(
                    Conditions.Unknown(Conditions.ProbeSucceeded, "CertificateMissing", "Receivers are not asked without the certificate.")
                );
                return;
            }

            certificates = found;
        }

        var state =
            version == 0 ? new DataPlaneState(ConditionState.Unknown, "ContractPending", "There is no contract with it yet.")
            : pods.Count == 0
                ? new DataPlaneState(ConditionState.Unknown, "DataPlaneNotAvailable", "There is no receiver that could serve it.")
            : context.DataPlane.Receivers(key, pods, version, pod => TargetsOf(pass, pod, certificates));
        pass.LookAgainIn(state.Next);
        if (state.State == ConditionState.True)
        {
            context.Waiting.TryRemove(key, out _);
        }
        else
        {
            context.Waiting[key] = 0;
        }

        pass.Draft.Set(
            state.State == ConditionState.True
                ? Conditions.True(Conditions.ProbeSucceeded)
                : new ObjectCondition(Conditions.ProbeSucceeded, state.State, state.Reason, state.Message)
        );
        if (state.State == ConditionState.True)
        {
            var addresses = AddressesOf(pass, certificates);
            pass.Draft.Fields["address"] = Json(addresses[pass.Features.IsTransportEncryptionPermissive && pass.Kind.HttpsFirst ? 1 : 0]);
            pass.Draft.Fields["addresses"] = new JsonArray([.. addresses.Select(Json)]);
            pass.Draft.Set(Conditions.True(Conditions.Addressable));
        }
        else if (pass.Status?.Address is not null)
        {
            // It goes on being served where it was.
            pass.Draft.Set(Conditions.True(Conditions.Addressable));
        }
        else
        {
            pass.Draft.Set(
                Conditions.Unknown(Conditions.Addressable, "NotServedYet", "It gets its address when the data plane serves it.")
            );
        }
    }

    /// <summary>Fills in what depends on features and policies.</summary>
    public EventPolicyPlan ApplyPolicies(ApiObject value, Resource? resource, EventingFeatures features, StatusDraft draft)
    {
        var policies = EventPolicyPlan.Of(value, context.Store.Objects.EventPolicies.Values, features);
        draft.Set(policies.Condition);
        draft.Fields["policies"] =
            policies.Status.Count == 0
                ? null
                : new JsonArray([
                    .. policies.Status.Select(policy => new JsonObject { ["apiVersion"] = policy.ApiVersion, ["name"] = policy.Name }),
                ]);
        if (resource is not null && features.IsAuthenticationOidcEnabled)
        {
            resource.Ingress.Audience = ResourceKind.AudienceOf(value);
            resource.Ingress.EventPolicies.Clear();
            resource.Ingress.EventPolicies.AddRange(policies.Contract);
        }

        return policies;
    }

    /// <summary>Tells people when something has become false, or false for another reason.</summary>
    public void TellFailures(ApiObject value, ResourceStatus? before, StatusDraft draft, string component)
    {
        // That a receiver does not serve a path yet is no event: it is asked again in a moment.
        foreach (
            var condition in draft.Conditions.Where(condition =>
                condition.State == ConditionState.False && condition.Type is not Conditions.ProbeSucceeded
            )
        )
        {
            var known = before?.ConditionOf(condition.Type);
            if (
                known is not { Status: "False" }
                || !string.Equals(known.Reason ?? "", condition.Reason, StringComparison.Ordinal)
                || !string.Equals(known.Message ?? "", condition.Message, StringComparison.Ordinal)
            )
            {
                context.Writer.Tell(value, component, "InternalError", $"{condition.Reason}: {condition.Message}", isWarning: true);
            }
        }
    }

    /// <summary>The certificates that senders and probes trust; null where the Secret is not there.</summary>
    private async Task<string?> CertificatesAsync(ResourcePass pass, CancellationToken cancellation)
    {
        var name = new ObjectName(pass.DataPlaneNamespace, pass.Kind.Ingress.CertificateSecret);
        if (await context.Store.GetSecretAsync(name, cancellation) is not { } secret)
        {
            return null;
        }

        return Folders.SecretData.Decode(secret).GetValueOrDefault("ca.crt") is { } bytes ? Encoding.UTF8.GetString(bytes) : "";
    }

    private static IEnumerable<ProbeTarget> TargetsOf(ResourcePass pass, Pod pod, string certificates)
    {
        var ingress = pass.Kind.Ingress;
        var host = $"{ingress.ServiceName}.{pass.DataPlaneNamespace}.svc";
        var path = $"/{pass.Value.Namespace}/{pass.Value.Name}";
        var ip = pod.Status?.PodIP ?? "";
        if (!pass.Features.IsTransportEncryptionStrict)
        {
            yield return new ProbeTarget(pod.Uid, ip, host, ingress.PodPort, IsTls: false, path, "");
        }

        if (pass.IsTls)
        {
            yield return new ProbeTarget(pod.Uid, ip, host, ingress.PodTlsPort, IsTls: true, path, certificates);
        }
    }

    private List<Addressable> AddressesOf(ResourcePass pass, string certificates)
    {
        var host = $"{pass.Kind.Ingress.ServiceName}.{pass.DataPlaneNamespace}.svc.{context.Options.ClusterDomain}";
        var path = $"/{pass.Value.Namespace}/{pass.Value.Name}";
        var audience = pass.Features.IsAuthenticationOidcEnabled ? ResourceKind.AudienceOf(pass.Value) : null;
        var http = new Addressable
        {
            Name = "http",
            Url = $"http://{host}{path}",
            Audience = audience,
        };
        var https = new Addressable
        {
            Name = "https",
            Url = $"https://{host}{path}",
            CACerts = certificates.Length > 0 ? certificates : null,
            Audience = audience,
        };
        if (pass.Features.IsTransportEncryptionStrict)
        {
            return [https];
        }

        if (!pass.Features.IsTransportEncryptionPermissive)
        {
            return [http];
        }

        return pass.Kind.HttpsFirst ? [https, http] : [http, https];
    }

    private static ObjectCondition? Remembered(ResourcePass pass, string type) =>
        pass.Status?.ConditionOf(type) is { Status: "True" } known ? Conditions.True(type, known.Reason ?? "", known.Message ?? "") : null;

    private static JsonNode? Json(Addressable address) => JsonSerializer.SerializeToNode(address, ApisJson.Default.Addressable);
}
