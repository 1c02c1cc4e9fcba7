namespace Brokkr.Apis.Validation;

/// <summary>What a KafkaSink must be, after its defaults have been filled in.</summary>
public static class KafkaSinkRules
{
    /// <summary>Checks a KafkaSink (ADM-26).</summary>
    public static IReadOnlyList<FieldProblem> Check(KafkaSink sink)
    {
        var problems = new ProblemList();
        MetadataRules.Check(sink, problems);
        var spec = sink.Spec;
        if (string.IsNullOrEmpty(spec?.Topic))
        {
            problems.Error("spec.topic", "is missing");
        }
        else if (KafkaNames.WhyNoTopic(spec.Topic) is { } why)
        {
            problems.Error("spec.topic", why);
        }

        CheckServers(spec?.BootstrapServers, problems);
        if (spec?.ContentMode is not (null or "binary" or "structured"))
        {
            problems.Error("spec.contentMode", $"must be \"binary\" or \"structured\", is {ProblemList.Quote(spec.ContentMode)}");
        }

        if (spec?.NumPartitions <= 0)
        {
            problems.Error("spec.numPartitions", "must be at least 1");
        }

        if (spec?.ReplicationFactor is <= 0 or > short.MaxValue)
        {
            problems.Error("spec.replicationFactor", $"must be 1 to {short.MaxValue}");
        }

        if (spec?.NumPartitions is not null && spec.ReplicationFactor is null)
        {
            problems.Warn("spec.numPartitions", "does nothing without replicationFactor: the topic must exist already");
        }
        else if (spec?.NumPartitions is null && spec?.ReplicationFactor is not null)
        {
            problems.Warn("spec.replicationFactor", "does nothing without numPartitions: the topic must exist already");
        }

        if (spec?.Auth?.Secret?.Ref is { } secret && string.IsNullOrEmpty(secret.Name))
        {
            problems.Error("spec.auth.secret.ref.name", "is missing");
        }

        return problems.Problems;
    }

    /// <summary>Checks what may change in a KafkaSink: anything but the topic and how it is made (ADM-27).</summary>
    public static IReadOnlyList<FieldProblem> CheckUpdate(KafkaSink before, KafkaSink after)
    {
        var problems = new ProblemList();
        Check("spec.topic", before.Spec?.Topic, after.Spec?.Topic);
        Check("spec.numPartitions", before.Spec?.NumPartitions, after.Spec?.NumPartitions);
        Check("spec.replicationFactor", before.Spec?.ReplicationFactor, after.Spec?.ReplicationFactor);
        return problems.Problems;

        void Check<T>(string path, T? old, T? current)
        {
            if (!EqualityComparer<T>.Default.Equals(old, current))
            {
                problems.Error(path, $"must not change from {old} to {current}");
            }
        }
    }

    private static void CheckServers(IReadOnlyList<string>? servers, ProblemList problems)
    {
        if (servers is null or { Count: 0 })
        {
            problems.Error("spec.bootstrapServers", "must name at least one server");
            return;
        }

        for (var i = 0; i < servers.Count; i++)
        {
            if (string.IsNullOrWhiteSpace(servers[i]) || servers[i].Contains(',', StringComparison.Ordinal))
            {
                problems.Error(
                    FieldPath.Element("spec.bootstrapServers", i),
                    $"must be one server, such as kafka:9092, is {ProblemList.Quote(servers[i])}"
                );
            }
        }
    }
}
