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
            problems.Error(FieldPath.Annotation(BrokerAnnotations.Class), "is missing");
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
            problems.Error(FieldPath.Annotation(BrokerAnnotations.ExternalTopic), why);
        }

        return problems.Problems;
    }

    /// <summary>Checks what may change in a Broker: its delivery options alone (ADM-14).</summary>
    public static IReadOnlyList<FieldProblem> CheckUpdate(Broker before, Broker after)
    {
        var problems = new ProblemList();
        if (before.Spec?.Config != after.Spec?.Config)
        {
            problems.Error("spec.config", "must not change; only spec.delivery may");
        }

        if (!string.Equals(before.Annotation(BrokerAnnotations.Class), after.Annotation(BrokerAnnotations.Class), StringComparison.Ordinal))
        {
            problems.Error(FieldPath.Annotation(BrokerAnnotations.Class), "must not change");
        }

        return problems.Problems;
    }

    private static void CheckConfig(Broker broker, KReference config, string? brokerClass, BrokerDefaults? defaults, ProblemList problems)
    {
        if (string.IsNullOrEmpty(config.Name))
        {
            problems.Error("spec.config.name", "is missing");
        }

        if (string.IsNullOrEmpty(config.Kind))
        {
            problems.Error("spec.config.kind", "is missing");
        }
        else if (BrokerClasses.IsOurs(brokerClass) && !config.Kind.Equals(ConfigMap.KindName, StringComparison.OrdinalIgnoreCase))
        {
            problems.Error("spec.config.kind", $"must be \"ConfigMap\", is {ProblemList.Quote(config.Kind)}");
        }

        if (string.IsNullOrEmpty(config.ApiVersion))
        {
            problems.Error("spec.config.apiVersion", "is missing");
        }

        var isElsewhere =
            !string.IsNullOrEmpty(config.Namespace) && !string.Equals(config.Namespace, broker.Namespace, StringComparison.Ordinal);
        if (isElsewhere && string.Equals(brokerClass, BrokerClasses.KafkaNamespaced, StringComparison.Ordinal))
        {
            problems.Error(
                "spec.config.namespace",
                $"must be the Broker's own namespace \"{broker.Namespace}\" for class {BrokerClasses.KafkaNamespaced}"
            );
        }
        else if (isElsewhere && defaults?.DisallowsOtherNamespace(broker.Namespace) == true)
        {
            problems.Error(
                "spec.config.namespace",
                $"must be the Broker's own namespace \"{broker.Namespace}\": config-br-defaults says disallowDifferentNamespaceConfig"
            );
        }
    }
}
