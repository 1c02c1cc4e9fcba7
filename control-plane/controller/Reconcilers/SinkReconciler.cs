using System.Text.Json;
using System.Text.Json.Nodes;
using Brokkr.Apis;
using Brokkr.Apis.Validation;
using Brokkr.Controller.Contracts;
using Brokkr.Controller.Stores;

namespace Brokkr.Controller.Reconcilers;

/// <summary>Makes a KafkaSink what it should be: topic, contract, addresses, status (control-plane §10).</summary>
internal sealed class SinkReconciler(ReconcilerContext context, ResourceServer server, ResourceRemover remover)
{
    private readonly ResourceKind _kind = ResourceKind.KafkaSink(context.Options);

    /// <summary>A pass over a KafkaSink.</summary>
    /// <returns>When to look again without having been told; null for never.</returns>
    public async Task<TimeSpan?> ReconcileAsync(ObjectKey key, CancellationToken cancellation)
    {
        if (!context.Store.Objects.KafkaSinks.TryGetValue(key.ObjectName, out var shown))
        {
            Forget(key);
            await context.DeleteLeftAsync(key, cancellation);
            return null;
        }

        var sink = Defaulting.Apply(
            context.Writer.Newest(
                shown,
                ApisJson.Default.KafkaSink,
                static (shown, newest) => shown with { Metadata = newest.Metadata, Status = newest.Status }
            )
        );
        var features = context.Features;
        if (sink.IsBeingDeleted)
        {
            Forget(key);
            if (!sink.HasFinalizer(_kind.Finalizer))
            {
                return null;
            }

            var (last, _) = await PlanAsync(sink, features, cancellation);
            return await remover.RemoveAsync(
                sink,
                _kind,
                context.Options.SystemNamespace,
                _kind.Ingress.ContractNamespace,
                sink.Status,
                last?.Resource,
                sink.Spec?.Topic,
                cancellation
            );
        }

        await context.Writer.AddFinalizerAsync(sink, _kind.Finalizer, _kind.Component, cancellation);
        context.Owners.Set(key, ReferencesOf(sink));
        var (plan, conditions) = await PlanAsync(sink, features, cancellation);
        var pass = new ResourcePass
        {
            Value = sink,
            Status = sink.Status,
            Kind = _kind,
            DataPlaneNamespace = context.Options.SystemNamespace,
            ContractNamespace = _kind.Ingress.ContractNamespace,
            Features = features,
            Plan = plan,
            Stored = context.Contracts.Read(_kind.Contract, _kind.Ingress.ContractNamespace, sink.Uid),
        };
        context.Known[key] = (_kind.Contract, _kind.Ingress.ContractNamespace, sink.Uid);
        foreach (var condition in conditions)
        {
            pass.Draft.Set(condition);
        }

        server.ApplyPolicies(sink, plan?.Resource, features, pass.Draft);
        server.SeeToTopic(pass);
        var version = await server.WriteContractAsync(pass, pass.IsTopicReady ? plan!.Resource : null, cancellation);
        await server.SeeToAddressAsync(pass, version, cancellation);
        server.TellFailures(sink, sink.Status, pass.Draft, _kind.Component);
        await context.Writer.WriteStatusAsync(
            sink,
            sink.Status is null ? null : JsonSerializer.SerializeToNode(sink.Status, ApisJson.Default.KafkaSinkStatus) as JsonObject,
            pass.Draft,
            cancellation
        );
        return pass.Failure is null ? pass.Next : throw pass.Failure;
    }

    private void Forget(ObjectKey key)
    {
        context.Owners.Forget(key);
        context.Topics.Forget(key);
        context.Writer.Forget(key);
        context.Waiting.TryRemove(key, out _);
    }

    private async Task<(ResourcePlan? Plan, IReadOnlyList<ObjectCondition> Conditions)> PlanAsync(
        KafkaSink sink,
        EventingFeatures features,
        CancellationToken cancellation
    )
    {
        var problems = KafkaSinkRules.Check(sink).Where(problem => !problem.IsWarning).ToList();
        if (problems.Count > 0)
        {
            return (null, [Conditions.False(Conditions.ConfigParsed, "KafkaSinkInvalid", $"{string.Join("; ", problems)}.")]);
        }

        var objects = new ObjectSet { KafkaSinks = new Dictionary<ObjectName, KafkaSink> { [sink.ObjectName] = sink } };
        var plan = ContractBuilder.Build(
            new ContractInput
            {
                Objects = objects,
                Destinations = context.Destinations,
                Features = features,
                KafkaFeatures = context.KafkaFeatures,
                Secrets = await SecretVersions.OfAsync(objects, context.Store, cancellation),
            }
        );
        return (plan.Resources.GetValueOrDefault(sink.Key), plan.Objects[0].Status.Conditions);
    }

    private List<ObjectReference> ReferencesOf(KafkaSink sink)
    {
        List<ObjectReference> references =
        [
            new ObjectReference("", GroupVersion.CoreV1, Secret.KindName, context.Options.SystemNamespace, _kind.Ingress.CertificateSecret),
        ];
        if (sink.Spec?.Auth?.Secret?.Ref?.Name is { Length: > 0 } secret)
        {
            references.Add(new ObjectReference("", GroupVersion.CoreV1, Secret.KindName, sink.Namespace, secret));
        }

        return references;
    }
}
