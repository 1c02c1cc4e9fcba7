using System.Collections.ObjectModel;
using Brokkr.Apis;
using Brokkr.Apis.Validation;

namespace Brokkr.Controller.Admission;

/// <summary>KafkaSinks. They also note who made them and who changed them last.</summary>
internal sealed class KafkaSinkAdmission : ObjectRules<KafkaSink>
{
    private const string Creator = "eventing.knative.dev/creator";
    private const string LastModifier = "eventing.knative.dev/lastModifier";

    /// <inheritdoc/>
    public override KafkaSink Default(KafkaSink value, KafkaSink? old, AdmissionRequest request, AdmissionSettings settings)
    {
        var defaulted = Defaulting.Apply(value);
        if (request.Operation is "CREATE")
        {
            defaulted = Annotated(Annotated(defaulted, Creator, request.User.Name), LastModifier, request.User.Name);
        }
        else if (old is not null && !SameSpec(old, value))
        {
            defaulted = Annotated(defaulted, LastModifier, request.User.Name);
        }

        return defaulted;
    }

    /// <inheritdoc/>
    protected override IReadOnlyList<FieldProblem> Check(KafkaSink value, AdmissionSettings settings) => KafkaSinkRules.Check(value);

    private static bool SameSpec(KafkaSink old, KafkaSink value) =>
        (old.Spec?.BootstrapServers ?? []).SequenceEqual(value.Spec?.BootstrapServers ?? [], StringComparer.Ordinal)
        && old.Spec == (value.Spec is null ? null : value.Spec with { BootstrapServers = old.Spec?.BootstrapServers });

    private static KafkaSink Annotated(KafkaSink sink, string name, string value)
    {
        var annotations = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (var (other, kept) in sink.Metadata?.Annotations ?? ReadOnlyDictionary<string, string>.Empty)
        {
            annotations[other] = kept;
        }

        annotations[name] = value;
        return sink with { Metadata = (sink.Metadata ?? new ObjectMeta()) with { Annotations = annotations } };
    }
}
