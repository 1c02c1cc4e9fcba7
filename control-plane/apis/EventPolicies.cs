namespace Brokkr.Apis;

/// <summary>Which policies are for an object.</summary>
/// <param name="Policies">Those that are, by name.</param>
/// <param name="Errors">Sentences about policies that cannot be told to be or not to be for it: nobody may be let in on their account.</param>
public sealed record AppliedPolicies(IReadOnlyList<EventPolicy> Policies, IReadOnlyList<string> Errors);

/// <summary>Tells which policies are for an object (control-plane §12.1). Pure.</summary>
public static class EventPolicies
{
    /// <summary>
    /// The policies of the object's namespace with no <c>spec.to</c>, or with an entry that names the object (group, kind and name, in any case) or
    /// selects it by its labels.
    /// </summary>
    public static AppliedPolicies Of(ApiObject value, IEnumerable<EventPolicy> policies)
    {
        List<EventPolicy> applied = [];
        List<string> errors = [];
        foreach (
            var policy in policies
                .Where(policy => string.Equals(policy.Namespace, value.Namespace, StringComparison.Ordinal))
                .OrderBy(policy => policy.Name, StringComparer.Ordinal)
        )
        {
            string? error = null;
            if (policy.Spec?.To is not { Count: > 0 } targets || targets.Any(target => IsFor(target, value, ref error)))
            {
                applied.Add(policy);
            }
            else if (error is not null)
            {
                errors.Add($"EventPolicy {policy.ObjectName} {error}");
            }
        }

        return new AppliedPolicies(applied, errors);
    }

    private static bool IsFor(EventPolicyTarget target, ApiObject value, ref string? error)
    {
        if (
            target.Ref is { } reference
            && IsKind(reference.ApiVersion, reference.Kind, value, ref error)
            && string.Equals(reference.Name, value.Name, StringComparison.OrdinalIgnoreCase)
        )
        {
            return true;
        }

        return target.Selector is { } selector
            && IsKind(selector.ApiVersion, selector.Kind, value, ref error)
            && HasLabels(selector, value, ref error);
    }

    private static bool IsKind(string? apiVersion, string? kind, ApiObject value, ref string? error)
    {
        if (apiVersion?.AsSpan().Count('/') > 1)
        {
            error = $"has the apiVersion \"{apiVersion}\" in spec.to, which is none";
            return false;
        }

        return string.Equals(GroupVersion.GroupOf(apiVersion ?? ""), value.Key.Group, StringComparison.OrdinalIgnoreCase)
            && string.Equals(kind, value.Kind, StringComparison.OrdinalIgnoreCase);
    }

    private static bool HasLabels(EventPolicySelector selector, ApiObject value, ref string? error)
    {
        var labels = value.Metadata?.Labels ?? System.Collections.ObjectModel.ReadOnlyDictionary<string, string>.Empty;
        var matches = (selector.MatchLabels ?? System.Collections.ObjectModel.ReadOnlyDictionary<string, string>.Empty).All(wanted =>
            labels.TryGetValue(wanted.Key, out var actual) && string.Equals(actual, wanted.Value, StringComparison.Ordinal)
        );
        foreach (var requirement in selector.MatchExpressions ?? [])
        {
            if (Holds(requirement, labels) is { } holds)
            {
                matches &= holds;
                continue;
            }

            error = $"has a selector in spec.to whose expression on \"{requirement.Key}\" with operator \"{requirement.Operator}\" is none";
            return false;
        }

        return matches;
    }

    /// <summary>Whether it holds; null where it says nothing that could.</summary>
    private static bool? Holds(LabelRequirement requirement, IReadOnlyDictionary<string, string> labels)
    {
        if (string.IsNullOrEmpty(requirement.Key))
        {
            return null;
        }

        var exists = labels.TryGetValue(requirement.Key, out var actual);
        var values = requirement.Values ?? [];
        return (requirement.Operator, values.Count) switch
        {
            ("In", > 0) => exists && values.Contains(actual!, StringComparer.Ordinal),
            // As in Kubernetes: a label that is absent has none of the values.
            ("NotIn", > 0) => !exists || !values.Contains(actual!, StringComparer.Ordinal),
            ("Exists", 0) => exists,
            ("DoesNotExist", 0) => !exists,
            _ => null,
        };
    }
}
