using Brokkr.Core.Filters.Cesql;

namespace Brokkr.Apis.Validation;

/// <summary>What filters must be (ADM-05 to ADM-08).</summary>
internal static class FilterRules
{
    public static void CheckAttributes(IReadOnlyDictionary<string, string>? attributes, string path, ProblemList problems)
    {
        foreach (var name in attributes?.Keys ?? [])
        {
            if (!IsAttributeName(name))
            {
                const string Message = "must be the name of an attribute: lower case letters and digits, the first a letter";
                var member = FieldPath.Member(path, name);
                problems.Fault(member, Message, new AdmissionFault($"invalid key name {ProblemList.Quote(name)}", [member], Message));
            }
        }
    }

    public static void CheckAll(IReadOnlyList<SubscriptionsFilter>? filters, string path, ProblemList problems)
    {
        for (var i = 0; i < (filters?.Count ?? 0); i++)
        {
            Check(filters![i], FieldPath.Element(path, i), problems);
        }
    }

    private static void Check(SubscriptionsFilter filter, string path, ProblemList problems)
    {
        List<string> dialects = [];
        Note(filter.All is not null, "all");
        Note(filter.Any is not null, "any");
        Note(filter.Not is not null, "not");
        Note(filter.Exact is not null, "exact");
        Note(filter.Prefix is not null, "prefix");
        Note(filter.Suffix is not null, "suffix");
        Note(!string.IsNullOrEmpty(filter.Cesql), "cesql");
        if (dialects.Count > 1)
        {
            var message = $"must be the only dialect of its entry, which has {string.Join(", ", dialects)}: make an entry of each";
            problems.Fault(
                FieldPath.Member(path, dialects[0]),
                message,
                new AdmissionFault("multiple dialects found, filters can have only one dialect set", [path])
            );
        }

        CheckAll(filter.All, FieldPath.Member(path, "all"), problems);
        CheckAll(filter.Any, FieldPath.Member(path, "any"), problems);
        if (filter.Not is not null)
        {
            Check(filter.Not, FieldPath.Member(path, "not"), problems);
        }

        if (!string.IsNullOrEmpty(filter.Cesql))
        {
            CheckExpression(filter.Cesql, FieldPath.Member(path, "cesql"), problems);
        }

        CheckAttributes(filter.Exact, FieldPath.Member(path, "exact"), problems);
        CheckAttributes(filter.Prefix, FieldPath.Member(path, "prefix"), problems);
        CheckAttributes(filter.Suffix, FieldPath.Member(path, "suffix"), problems);

        void Note(bool isSet, string dialect)
        {
            if (isSet)
            {
                dialects.Add(dialect);
            }
        }
    }

    /// <summary>An expression by the data plane's own compiler, so that what is admitted runs.</summary>
    private static void CheckExpression(string expression, string path, ProblemList problems)
    {
        foreach (var problem in CesqlExpression.Check(expression))
        {
            var message = $"is CESQL with a fault at character {problem.Position}: {problem.Message}";
            if (problem.IsWarning)
            {
                problems.Warn(path, message);
            }
            else
            {
                problems.Invalid(path, expression, message);
            }
        }
    }

    private static bool IsAttributeName(string name)
    {
        if (name.Length == 0 || !char.IsAsciiLetterLower(name[0]))
        {
            return false;
        }

        foreach (var c in name)
        {
            if (!char.IsAsciiLetterLower(c) && !char.IsAsciiDigit(c))
            {
                return false;
            }
        }

        return true;
    }
}
