namespace Brokkr.Apis.Validation;

/// <summary>What an EventPolicy must be.</summary>
public static class EventPolicyRules
{
    /// <summary>Checks an EventPolicy.</summary>
    public static IReadOnlyList<FieldProblem> Check(EventPolicy policy)
    {
        var problems = new ProblemList();
        MetadataRules.Check(policy, problems);
        for (var i = 0; i < (policy.Spec?.To?.Count ?? 0); i++)
        {
            CheckTarget(policy.Spec!.To![i], FieldPath.Element("spec.to", i), problems);
        }

        for (var i = 0; i < (policy.Spec?.From?.Count ?? 0); i++)
        {
            CheckSource(policy.Spec!.From![i], FieldPath.Element("spec.from", i), problems);
        }

        FilterRules.CheckAll(policy.Spec?.Filters, "spec.filters", problems);
        return problems.Problems;
    }

    private static void CheckTarget(EventPolicyTarget target, string path, ProblemList problems)
    {
        CheckOne(target.Ref is not null, target.Selector is not null, path, "ref", "selector", problems);
        if (target.Ref is { } reference)
        {
            var refPath = FieldPath.Member(path, "ref");
            Require(reference.ApiVersion, refPath, "apiVersion", problems);
            Require(reference.Kind, refPath, "kind", problems);
            Require(reference.Name, refPath, "name", problems);
        }

        if (target.Selector is { } selector)
        {
            var selectorPath = FieldPath.Member(path, "selector");
            Require(selector.ApiVersion, selectorPath, "apiVersion", problems);
            Require(selector.Kind, selectorPath, "kind", problems);
            for (var i = 0; i < (selector.MatchExpressions?.Count ?? 0); i++)
            {
                CheckRequirement(
                    selector.MatchExpressions![i],
                    FieldPath.Element(FieldPath.Member(selectorPath, "matchExpressions"), i),
                    problems
                );
            }
        }
    }

    private static void CheckRequirement(LabelRequirement requirement, string path, ProblemList problems)
    {
        Require(requirement.Key, path, "key", problems);
        var values = requirement.Values?.Count ?? 0;
        switch (requirement.Operator)
        {
            case "In" or "NotIn" when values == 0:
                problems.Missing(FieldPath.Member(path, "values"));
                break;
            case "Exists" or "DoesNotExist" when values > 0:
                problems.Disallowed(FieldPath.Member(path, "values"), $"must not be given with {requirement.Operator}");
                break;
            case "In" or "NotIn" or "Exists" or "DoesNotExist":
                break;
            default:
                problems.Invalid(
                    FieldPath.Member(path, "operator"),
                    requirement.Operator,
                    $"must be In, NotIn, Exists or DoesNotExist, is {ProblemList.Quote(requirement.Operator ?? "")}"
                );
                break;
        }
    }

    private static void CheckSource(EventPolicySource source, string path, ProblemList problems)
    {
        CheckOne(source.Ref is not null, !string.IsNullOrEmpty(source.Sub), path, "ref", "sub", problems);
        if (source.Ref is { } reference)
        {
            var refPath = FieldPath.Member(path, "ref");
            Require(reference.ApiVersion, refPath, "apiVersion", problems);
            Require(reference.Kind, refPath, "kind", problems);
            Require(reference.Name, refPath, "name", problems);
        }

        if (
            source.Sub?.TrimEnd('*').Contains('*', StringComparison.Ordinal) == true
            || source.Sub?.EndsWith("**", StringComparison.Ordinal) == true
        )
        {
            problems.Invalid(FieldPath.Member(path, "sub"), source.Sub, "may have one \"*\", as its last character");
        }
    }

    private static void CheckOne(bool hasFirst, bool hasSecond, string path, string first, string second, ProblemList problems)
    {
        if (hasFirst == hasSecond)
        {
            problems.ExactlyOne(
                path,
                hasFirst,
                [FieldPath.Member(path, first), FieldPath.Member(path, second)],
                $"must have {first} or {second}{(hasFirst ? ", not both" : "")}"
            );
        }
    }

    private static void Require(string? value, string path, string name, ProblemList problems)
    {
        if (string.IsNullOrEmpty(value))
        {
            problems.Missing(FieldPath.Member(path, name));
        }
    }
}
