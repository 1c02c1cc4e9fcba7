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
            problems.Invalid("spec.topic", "", "is missing", isPlain: true);
        }
        else if (KafkaNames.WhyNoTopic(spec.Topic) is { } why)
        {
            problems.Invalid("spec.topic", spec.Topic, why);
        }

        CheckServers(spec?.BootstrapServers, problems);
        if (spec?.ContentMode is not (null or "binary" or "structured"))
        {
            problems.Invalid(
                "spec.contentMode",
                spec.ContentMode,
                $"must be \"binary\" or \"structured\", is {ProblemList.Quote(spec.ContentMode)}",
                isPlain: true
            );
        }

        if (spec?.NumPartitions <= 0)
        {
            problems.Invalid("spec.numPartitions", spec.NumPartitions, "must be at least 1", isPlain: true);
        }

        if (spec?.ReplicationFactor is <= 0 or > short.MaxValue)
        {
            problems.Invalid("spec.replicationFactor", spec.ReplicationFactor, $"must be 1 to {short.MaxValue}", isPlain: true);
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
            problems.Invalid("spec.auth.secret.ref.name", "", "is missing", isPlain: true);
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
                problems.Fault(
                    path,
                    $"must not change from {Text(old)} to {Text(current)}",
                    new AdmissionFault("Immutable field updated", [path])
                );
            }
        }
    }

    private static string Text<T>(T? value) => value is null ? "nothing" : $"{value}";

    private static void CheckServers(IReadOnlyList<string>? servers, ProblemList problems)
    {
        if (servers is null or { Count: 0 })
        {
            problems.Invalid("spec.bootstrapServers", "[]", "must name at least one server", isPlain: true);
            return;
        }

        for (var i = 0; i < servers.Count; i++)
        {
            if (string.IsNullOrWhiteSpace(servers[i]) || servers[i].Contains(',', StringComparison.Ordinal))
            {
                problems.Invalid(
                    FieldPath.Element("spec.bootstrapServers", i),
                    servers[i],
                    $"must be one server, such as kafka:9092, is {ProblemList.Quote(servers[i])}"
                );
            }
        }
    }
}
