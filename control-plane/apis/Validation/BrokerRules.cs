namespace Brokkr.Apis.Validation;

/// <summary>What a Broker must be, after its defaults have been filled in.</summary>
public static class BrokerRules
{
    /// <summary>Checks a Broker (ADM-13, ADM-16 to ADM-25). Of another class only what concerns every class is checked.</summary>
    /// <param name="broker">The Broker.</param>
    /// <param name="features">Features that are on.</param>
    /// <param name="defaults">Says whether the config may be in another namespace; null where nothing forbids it.</param>
    public static IReadOnlyList<FieldProblem> Check(Broker broker, EventingFeatures features, BrokerDefaults? defaults = null)
    {
        var problems = new ProblemList();
        MetadataRules.Check(broker, problems);
        var brokerClass = broker.Annotation(BrokerAnnotations.Class);
        if (string.IsNullOrEmpty(brokerClass))
        {
            problems.Fault(
                FieldPath.Annotation(BrokerAnnotations.Class),
                "is missing",
                new AdmissionFault("missing field(s)", [BrokerAnnotations.Class])
            );
        }

        if (broker.Spec?.Config is { } config)
        {
            CheckConfig(broker, config, brokerClass, defaults, problems);
        }

        if (broker.Spec?.Delivery is { } delivery)
        {
            DeliveryRules.Check(delivery, "spec.delivery", features, problems);
        }

        if (
            BrokerClasses.IsOurs(brokerClass)
            && broker.Annotation(BrokerAnnotations.ExternalTopic) is { } topic
            && KafkaNames.WhyNoTopic(topic) is { } why
        )
        {
            problems.Invalid(FieldPath.Annotation(BrokerAnnotations.ExternalTopic), topic, why);
        }

        return problems.Problems;
    }

    /// <summary>Checks what may change in a Broker: its delivery options alone (ADM-14).</summary>
    public static IReadOnlyList<FieldProblem> CheckUpdate(Broker before, Broker after)
    {
        var problems = new ProblemList();
        if (before.Spec?.Config != after.Spec?.Config)
        {
            const string Message = "must not change; only spec.delivery may";
            problems.Fault(
                "spec.config",
                Message,
                new AdmissionFault("Immutable fields changed (-old +new)", ["spec"], $"spec.config {Message}")
            );
        }

        if (!string.Equals(before.Annotation(BrokerAnnotations.Class), after.Annotation(BrokerAnnotations.Class), StringComparison.Ordinal))
        {
            problems.Fault(
                FieldPath.Annotation(BrokerAnnotations.Class),
                "must not change",
                new AdmissionFault(
                    "Immutable annotations changed (-old +new)",
                    ["annotations"],
                    $"{BrokerAnnotations.Class} must not change"
                )
            );
        }

        return problems.Problems;
    }

    private static void CheckConfig(Broker broker, KReference config, string? brokerClass, BrokerDefaults? defaults, ProblemList problems)
    {
        if (string.IsNullOrEmpty(config.Name))
        {
            problems.Missing("spec.config.name");
        }

        if (string.IsNullOrEmpty(config.Kind))
        {
            problems.Missing("spec.config.kind");
        }
        else if (BrokerClasses.IsOurs(brokerClass) && !config.Kind.Equals(ConfigMap.KindName, StringComparison.OrdinalIgnoreCase))
        {
            problems.Fault(
                "spec.config.kind",
                $"must be \"ConfigMap\", is {ProblemList.Quote(config.Kind)}",
                new AdmissionFault($"invalid value: {config.Kind}", ["spec.config.kind"], "Expected ConfigMap")
            );
        }

        if (string.IsNullOrEmpty(config.ApiVersion))
        {
            problems.Missing("spec.config.apiVersion");
        }

        var isElsewhere =
            !string.IsNullOrEmpty(config.Namespace) && !string.Equals(config.Namespace, broker.Namespace, StringComparison.Ordinal);
        if (isElsewhere && string.Equals(brokerClass, BrokerClasses.KafkaNamespaced, StringComparison.Ordinal))
        {
            problems.Fault(
                "spec.config.namespace",
                $"must be the Broker's own namespace \"{broker.Namespace}\" for class {BrokerClasses.KafkaNamespaced}",
                new AdmissionFault(
                    $"invalid value: {config.Namespace}",
                    ["spec.config.namespace"],
                    "Expected ConfigMap in same namespace with broker resource"
                )
            );
        }
        else if (isElsewhere && defaults?.DisallowsOtherNamespace(broker.Namespace) == true)
        {
            problems.Invalid(
                "spec.config.namespace",
                config.Namespace,
                $"must be the Broker's own namespace \"{broker.Namespace}\": config-br-defaults says disallowDifferentNamespaceConfig"
            );
        }
    }
}
