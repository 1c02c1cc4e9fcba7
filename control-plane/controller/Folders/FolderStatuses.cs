using System.Text;
using Brokkr.Apis;
using Brokkr.Controller.Contracts;

namespace Brokkr.Controller.Folders;

/// <summary>Puts together what is known about each object: files, plan and topics.</summary>
internal static class FolderStatuses
{
    public static List<ObjectStatus> Of(FolderSnapshot snapshot, ContractPlan plan, Func<ResourcePlan, TopicState> topicOf, Uri baseAddress)
    {
        // Brokers come first by name, so that Triggers find theirs finished.
        var statuses = new Dictionary<ObjectKey, ObjectStatus>();
        foreach (var planned in plan.Objects)
        {
            var status = planned.Status with { Source = snapshot.SourceOf(planned.Status.Key) };
            if (planned.ResourceKey is { } key)
            {
                status = status.Broker is null
                    ? OfResource(status, topicOf(plan.Resources[key]), baseAddress)
                    : OfTrigger(status, statuses[key], topicOf(plan.Resources[key]).IsReady);
            }

            if (status.Broker is { } broker && FindInvalid(snapshot, broker) is { } invalidBroker && planned.ResourceKey is null)
            {
                status = Conditions.With(
                    status,
                    Conditions.False(Conditions.BrokerReady, "BrokerInvalid", $"Broker {broker} has an error: {invalidBroker.Error}")
                );
            }

            statuses[status.Key] = status;
        }

        foreach (var (key, invalid) in snapshot.Invalid)
        {
            statuses[key] = statuses.TryGetValue(key, out var status)
                ? status with
                {
                    Notes = [.. status.Notes, $"{invalid.Error}; the version before it is in force."],
                }
                : new ObjectStatus
                {
                    Key = key,
                    Source = invalid.Source,
                    Ready = ConditionState.False,
                    Reason = "Invalid",
                    Message = invalid.Error.ToString(),
                };
        }

        return
        [
            .. statuses
                .Values.Where(status => status.Key.Group is GroupVersion.EventingGroup)
                .OrderBy(status => status.Key.Kind, StringComparer.Ordinal)
                .ThenBy(status => status.Key.Namespace, StringComparer.Ordinal)
                .ThenBy(status => status.Key.Name, StringComparer.Ordinal),
        ];
    }

    /// <summary>The Broker, if it stands in a file with an error and no version of it is in force.</summary>
    private static InvalidObject? FindInvalid(FolderSnapshot snapshot, ObjectName broker) =>
        snapshot.Invalid.TryGetValue(
            new ObjectKey(GroupVersion.EventingGroup, Broker.KindName, broker.Namespace, broker.Name),
            out var invalid
        ) && !invalid.HasLastGood
            ? invalid
            : null;

    /// <summary>A text that differs when there is something new to tell.</summary>
    public static string Fingerprint(IReadOnlyList<ObjectStatus> statuses, IReadOnlyList<FileProblem> problems)
    {
        var text = new StringBuilder();
        foreach (var status in statuses)
        {
            // The lists would print as their type.
            text.AppendLine((status with { Conditions = [], Notes = [] }).ToString())
                .AppendJoin('\n', status.Conditions)
                .AppendLine()
                .AppendJoin('\n', status.Notes)
                .AppendLine();
        }

        return text.AppendJoin('\n', problems.Select(problem => $"{problem.IsError} {problem}")).ToString();
    }

    private static ObjectStatus OfResource(ObjectStatus status, TopicState topic, Uri baseAddress)
    {
        var address = topic.IsReady ? FolderDestinations.AddressOf(baseAddress, status.Key.ObjectName) : null;
        return Conditions.With(
            status with
            {
                Address = address,
                Notes = [.. status.Notes, .. topic.Notes],
            },
            topic.Condition,
            address is null
                ? Conditions.Unknown(Conditions.Addressable, "TopicNotReady", topic.Condition.Message)
                : Conditions.True(Conditions.Addressable)
        );
    }

    private static ObjectStatus OfTrigger(ObjectStatus status, ObjectStatus broker, bool isServed) =>
        Conditions.With(
            status,
            broker.Ready == ConditionState.True
                ? Conditions.True(Conditions.BrokerReady)
                : new ObjectCondition(
                    Conditions.BrokerReady,
                    broker.Ready,
                    broker.Reason,
                    $"Broker {broker.Key.ObjectName} is not ready: {broker.Message}"
                ),
            isServed
                ? Conditions.True(Conditions.DependencyReady)
                : Conditions.Unknown(Conditions.DependencyReady, "BrokerNotServed", $"Waiting for Broker {broker.Key.ObjectName}.")
        );
}
