namespace Brokkr.Apis.Validation;

/// <summary>A fault as Knative's webhooks word it (control-plane §13): people search for these texts, and tools match on them.</summary>
/// <param name="Headline">What kind of fault, such as <c>invalid value: x</c>.</param>
/// <param name="Fields">The fields that have it.</param>
/// <param name="Details">What else there is to say; empty for nothing.</param>
public sealed record AdmissionFault(string Headline, IReadOnlyList<string> Fields, string Details = "")
{
    /// <summary>
    /// The text of a refusal: one line for each kind of fault with the fields that have it, in alphabetical order, and its details on the line below.
    /// </summary>
    public static string Text(IEnumerable<FieldProblem> problems) =>
        string.Join(
            '\n',
            problems
                .Select(problem => problem.Fault ?? new AdmissionFault(problem.Message, [problem.Path]))
                .GroupBy(fault => (fault.Headline, fault.Details))
                .OrderBy(group => group.Key.Headline, StringComparer.Ordinal)
                .ThenBy(group => group.Key.Details, StringComparer.Ordinal)
                .Select(group =>
                {
                    var fields = group.SelectMany(fault => fault.Fields).Distinct(StringComparer.Ordinal).Order(StringComparer.Ordinal);
                    var line = $"{group.Key.Headline}: {string.Join(", ", fields)}";
                    return group.Key.Details.Length == 0 ? line : $"{line}\n{group.Key.Details}";
                })
        );
}
