using Brokkr.Apis;
using Brokkr.Apis.Validation;

namespace Brokkr.Controller.Contracts;

/// <summary>What the API allows but this version does not do. Said when the object is read, so that nothing is silently different.</summary>
internal static class NotYetSupported
{
    public static IEnumerable<FieldProblem> In(Trigger trigger) => InFilters(trigger.Spec?.Filters, "spec.filters");

    private static IEnumerable<FieldProblem> InFilters(IReadOnlyList<SubscriptionsFilter>? filters, string path)
    {
        for (var i = 0; i < (filters?.Count ?? 0); i++)
        {
            foreach (var problem in InFilter(filters![i], FieldPath.Element(path, i)))
            {
                yield return problem;
            }
        }
    }

    private static IEnumerable<FieldProblem> InFilter(SubscriptionsFilter filter, string path)
    {
        if (!string.IsNullOrEmpty(filter.Cesql))
        {
            yield return new FieldProblem(
                FieldPath.Member(path, "cesql"),
                "CESQL filters are not supported by this version; use exact, prefix, suffix, all, any, not"
            );
        }

        var below = InFilters(filter.All, FieldPath.Member(path, "all"))
            .Concat(InFilters(filter.Any, FieldPath.Member(path, "any")))
            .Concat(filter.Not is null ? [] : InFilter(filter.Not, FieldPath.Member(path, "not")));
        foreach (var problem in below)
        {
            yield return problem;
        }
    }
}
