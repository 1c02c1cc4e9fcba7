using Brokkr.Apis;
using Brokkr.Apis.Validation;

namespace Brokkr.Controller.Admission;

/// <summary>What admission does with objects of a kind.</summary>
internal abstract class ObjectRules<T>
    where T : ApiObject
{
    /// <summary>The object with its defaults; the same one where nothing is to be filled in.</summary>
    public abstract T Default(T value, T? old, AdmissionRequest request, AdmissionSettings settings);

    /// <summary>Whether the object may be stored.</summary>
    public virtual ValueTask<AdmissionResponse> CheckAsync(
        T value,
        T? old,
        AdmissionRequest request,
        AdmissionSettings settings,
        CancellationToken cancellation
    ) => new(Check(value, old, request, settings));

    /// <summary>What is wrong with an object.</summary>
    protected abstract IReadOnlyList<FieldProblem> Check(T value, AdmissionSettings settings);

    /// <summary>
    /// Checks an object and how it has changed. What was wrong before, and is wrong in the same way, is only warned about: it does not stand in the way of a
    /// change to something else.
    /// </summary>
    protected AdmissionResponse Check(T value, T? old, AdmissionRequest request, AdmissionSettings settings)
    {
        value = WithNamespace(value, request);
        IReadOnlyList<FieldProblem> problems = Check(value, settings);
        if (old is not null)
        {
            old = WithNamespace(old, request);
            var before = Check(old, settings).Select(problem => problem.ToString()).ToHashSet(StringComparer.Ordinal);
            problems =
            [
                .. UpdateRules.Check(old, value),
                .. problems.Select(problem => before.Contains(problem.ToString()) ? problem with { IsWarning = true } : problem),
            ];
        }

        var errors = problems.Where(problem => !problem.IsWarning && !IsOnlyWarnedAbout(problem)).ToList();
        return errors.Count > 0
            ? AdmissionResponse.Denied($"validation failed: {AdmissionFault.Text(errors)}")
            : new AdmissionResponse { Warnings = [.. problems.Select(problem => problem.ToString())] };
    }

    /// <summary>The namespace stands in the request; in the object it may be left out.</summary>
    protected static T WithNamespace(T value, AdmissionRequest request) =>
        value.Namespace.Length > 0 || request.Namespace.Length == 0
            ? value
            : value with
            {
                Metadata = (value.Metadata ?? new ObjectMeta()) with { Namespace = request.Namespace },
            };

    /// <summary>
    /// Names are the API server's matter (one may still have to be generated). Values of our annotations were not looked at before, so that objects
    /// with bad ones may be around: the status tells.
    /// </summary>
    private static bool IsOnlyWarnedAbout(FieldProblem problem) =>
        problem.Path is "metadata.name" or "metadata.namespace"
        || problem.Path.StartsWith("metadata.annotations[kafka.eventing.knative.dev/", StringComparison.Ordinal);
}
