namespace Brokkr.Apis.Validation;

/// <summary>What may change in an object, by its kind.</summary>
public static class UpdateRules
{
    /// <summary>Checks a change (ADM-09, ADM-14, ADM-27). Of kinds without immutable fields, or different kinds, nothing is said.</summary>
    public static IReadOnlyList<FieldProblem> Check(ApiObject? before, ApiObject? after) =>
        (before, after) switch
        {
            (Broker old, Broker current) => BrokerRules.CheckUpdate(old, current),
            (Trigger old, Trigger current) => TriggerRules.CheckUpdate(old, current),
            (KafkaSink old, KafkaSink current) => KafkaSinkRules.CheckUpdate(old, current),
            _ => [],
        };
}
