using System.Text.Json;

namespace Brokkr.Apis.Validation;

/// <summary>What a Trigger must be, after its defaults have been filled in.</summary>
public static class TriggerRules
{
    /// <summary>
    /// Checks a Trigger (ADM-01 to ADM-03, ADM-05 to ADM-08, ADM-10, ADM-11, ADM-19 to ADM-25).
    /// </summary>
    public static IReadOnlyList<FieldProblem> Check(Trigger trigger, EventingFeatures features)
    {
        var problems = new ProblemList();
        MetadataRules.Check(trigger, problems);
        CheckBroker(trigger, features, problems);
        var spec = trigger.Spec;
        FilterRules.CheckAttributes(spec?.Filter?.Attributes, "spec.filter.attributes", problems);
        FilterRules.CheckAll(spec?.Filters, "spec.filters", problems);
        if (spec?.Subscriber is { } subscriber)
        {
            DestinationRules.Check(subscriber, "spec.subscriber", features, problems);
        }
        else
        {
            problems.Missing("spec.subscriber");
        }

        if (spec?.Delivery is { } delivery)
        {
            DeliveryRules.Check(delivery, "spec.delivery", features, problems);
        }

        CheckAnnotations(trigger, problems);
        return problems.Problems;
    }

    /// <summary>Checks what may change in a Trigger: anything but its Broker (ADM-09).</summary>
    public static IReadOnlyList<FieldProblem> CheckUpdate(Trigger before, Trigger after)
    {
        var problems = new ProblemList();
        if (before.BrokerName != after.BrokerName)
        {
            var path = after.Spec?.BrokerRef is null ? "spec.broker" : "spec.brokerRef";
            var message = $"must not change from {before.BrokerName} to {after.BrokerName}";
            problems.Fault(
                path,
                message,
                new AdmissionFault(
                    "Immutable fields changed (-old +new)",
                    ["spec", FieldPath.Member("", path["spec.".Length..])],
                    $"{path} {message}"
                )
            );
        }

        return problems.Problems;
    }

    private static void CheckBroker(Trigger trigger, EventingFeatures features, ProblemList problems)
    {
        var hasName = !string.IsNullOrEmpty(trigger.Spec?.Broker);
        if (trigger.Spec?.BrokerRef is not { } reference)
        {
            if (!hasName)
            {
                problems.Missing("spec.broker");
            }

            return;
        }

        if (hasName)
        {
            problems.ExactlyOne("spec.brokerRef", hasBoth: true, ["spec.broker", "spec.brokerRef"], "must not be given beside spec.broker");
        }

        DestinationRules.CheckReference(reference, "spec.brokerRef", features, problems);
        if (
            !string.IsNullOrEmpty(reference.Kind)
            && (reference.Kind is not Broker.KindName || reference.GroupName is not GroupVersion.EventingGroup)
        )
        {
            problems.Invalid("spec.brokerRef", reference.Kind, $"must refer to a Broker of {GroupVersion.EventingGroup}");
        }

        if (!string.IsNullOrEmpty(reference.Namespace) && !features.CrossNamespaceEventLinks)
        {
            problems.Disallowed("spec.brokerRef.namespace", "is not allowed while the feature cross-namespace-event-links is off");
        }
    }

    private static void CheckAnnotations(Trigger trigger, ProblemList problems)
    {
        if (!TriggerDeliveryOrders.TryRead(trigger, out _))
        {
            problems.Invalid(
                FieldPath.Annotation(TriggerAnnotations.DeliveryOrder),
                trigger.Annotation(TriggerAnnotations.DeliveryOrder),
                $"must be \"ordered\" or \"unordered\", is {ProblemList.Quote(trigger.Annotation(TriggerAnnotations.DeliveryOrder)!)}"
            );
        }

        if (trigger.Annotation(TriggerAnnotations.Injection) is { } injection)
        {
            var path = FieldPath.Annotation(TriggerAnnotations.Injection);
            if (injection is not ("enabled" or "disabled"))
            {
                problems.Invalid(path, injection, $"must be \"enabled\" or \"disabled\", is {ProblemList.Quote(injection)}");
            }

            if (!string.Equals(trigger.Spec?.Broker, "default", StringComparison.Ordinal))
            {
                problems.Invalid(path, injection, "is only for Triggers of the Broker \"default\"");
            }
        }

        if (trigger.Annotation(TriggerAnnotations.Dependency) is { } dependency)
        {
            CheckDependency(dependency, trigger.Namespace, problems);
        }
    }

    private static void CheckDependency(string dependency, string triggerNamespace, ProblemList problems)
    {
        var path = FieldPath.Annotation(TriggerAnnotations.Dependency);
        KReference? reference = null;
        try
        {
            reference = JsonSerializer.Deserialize(dependency, ApisJson.Default.KReference);
        }
        catch (JsonException)
        {
            // Told below, as for "null".
        }

        if (reference is null)
        {
            problems.Invalid(path, dependency, "must be a reference to an object in JSON");
            return;
        }

        if (string.IsNullOrEmpty(reference.Kind) || string.IsNullOrEmpty(reference.Name) || string.IsNullOrEmpty(reference.ApiVersion))
        {
            problems.Invalid(path, dependency, "must have kind, name and apiVersion");
        }

        if (!string.IsNullOrEmpty(reference.Namespace) && !string.Equals(reference.Namespace, triggerNamespace, StringComparison.Ordinal))
        {
            problems.Invalid(path, dependency, $"must refer to an object of the Trigger's namespace \"{triggerNamespace}\"");
        }
    }
}
