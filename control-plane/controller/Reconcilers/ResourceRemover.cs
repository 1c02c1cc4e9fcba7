using Brokkr.Apis;
using Brokkr.Controller.Stores;
using Brokkr.Core.Contract.Wire;

namespace Brokkr.Controller.Reconcilers;

/// <summary>
/// Lets a Broker or KafkaSink go: out of the contract, then, when the data plane has let go of it, its topic if it was made for it, then the finalizer. This ends
/// whatever is away: what cannot be cleaned up within bounded attempts is left, and an event says so.
/// </summary>
internal sealed class ResourceRemover(ReconcilerContext context)
{
    /// <summary>A pass over an object that is being deleted.</summary>
    /// <param name="value">The object.</param>
    /// <param name="kind">Its kind.</param>
    /// <param name="dataPlane">Namespace of its data plane.</param>
    /// <param name="contracts">Namespace of its contract.</param>
    /// <param name="status">Its status.</param>
    /// <param name="planned">A resource that tells where its topic is; null where its settings do not.</param>
    /// <param name="topic">Its topic; null where none was made for it.</param>
    /// <param name="cancellation">Ends the wait.</param>
    /// <returns>When to look again; null when it is gone.</returns>
    public async Task<TimeSpan?> RemoveAsync(
        ApiObject value,
        ResourceKind kind,
        string dataPlane,
        string contracts,
        ResourceStatus? status,
        Resource? planned,
        string? topic,
        CancellationToken cancellation
    )
    {
        var removal = context.Removals.GetOrAdd(value.Uid, _ => new Removal(context.Time.GetUtcNow()));
        var stored = context.Contracts.Read(kind.Contract, contracts, value.Uid);
        if (!await TakeOutAsync(value, kind, dataPlane, contracts, removal, stored, cancellation))
        {
            context.Waiting[value.Key] = 0;
            return TimeSpan.FromSeconds(1);
        }

        context.Waiting.TryRemove(value.Key, out _);
        var isOurs = string.Equals(status?.Annotations?.GetValueOrDefault(ResourceKind.TopicOwner), kind.Owner, StringComparison.Ordinal);
        if (isOurs && topic is not null && DeleteTopic(value, kind, planned ?? stored?.Resource, topic) is { } wait)
        {
            return wait;
        }

        await context.Writer.RemoveFinalizerAsync(value, kind.Finalizer, kind.Component, cancellation);
        context.TopicDeletions.Forget(value.Key);
        context.Removals.TryRemove(value.Uid, out _);
        return null;
    }

    /// <summary>Takes the object out of the contract, and waits a while for the data plane to see it: one that still writes might make the topic anew.</summary>
    private async Task<bool> TakeOutAsync(
        ApiObject value,
        ResourceKind kind,
        string dataPlane,
        string contracts,
        Removal removal,
        StoredContract? stored,
        CancellationToken cancellation
    )
    {
        if (removal.IsContractDeleted)
        {
            return true;
        }

        try
        {
            if (stored is not null)
            {
                // First without it, then no more: of what is deleted there is no version that a Pod could report.
                removal.Version = Math.Max(
                    removal.Version,
                    await context.Contracts.WriteAsync(kind.Contract, contracts, value.Uid, null, cancellation)
                );
                var pods = context.DataPlane.ReadyPods(dataPlane, kind.Ingress.ReceiverApp);
                pods.AddRange(context.DataPlane.ReadyPods(dataPlane, context.Options.DispatcherApp));
                var isLate = context.Time.GetUtcNow() - removal.Since >= context.Options.LetGoTime;
                if (!isLate && !DataPlane.HaveApplied(pods, removal.Version))
                {
                    return false;
                }

                await context.Contracts.DeleteAsync(kind.Contract, contracts, value.Uid, cancellation);
            }
        }
        catch (StoreException exception) when (exception.Failure == StoreFailure.Forbidden)
        {
            // The namespace is being deleted, and the contract with it.
            context.Logger.ContractLeft(value.Key.ToString(), exception.Message);
        }

        removal.IsContractDeleted = true;
        return true;
    }

    private TimeSpan? DeleteTopic(ApiObject value, ResourceKind kind, Resource? resource, string topic)
    {
        if (resource is null)
        {
            Left(value, kind, topic, "where it is cannot be told any more: the settings or the Secret are gone");
            return null;
        }

        var answer = context.TopicDeletions.Get(
            value.Key,
            topic,
            resource,
            async (log, cancellation) => await log.Topics.DeleteAsync(topic, cancellation),
            out var next
        );
        if (answer.IsDone)
        {
            context.Logger.TopicDeleted(topic, value.Key.ToString());
            return null;
        }

        if (answer.Kind == LogAnswerKind.Pending || answer.Failures < context.Options.CleanUpAttempts)
        {
            return next ?? TimeSpan.FromSeconds(30);
        }

        Left(value, kind, topic, answer.Text);
        return null;
    }

    private void Left(ApiObject value, ResourceKind kind, string topic, string why) =>
        context.Writer.Tell(value, kind.Component, "TopicLeft", $"Topic {topic} was not deleted and is left: {why}", isWarning: true);
}
