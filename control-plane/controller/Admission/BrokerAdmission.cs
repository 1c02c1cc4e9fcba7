using Brokkr.Apis;
using Brokkr.Apis.Validation;

namespace Brokkr.Controller.Admission;

/// <summary>Brokers. Those of classes that others serve are left to others.</summary>
internal sealed class BrokerAdmission : ObjectRules<Broker>
{
    /// <inheritdoc/>
    public override Broker Default(Broker value, Broker? old, AdmissionRequest request, AdmissionSettings settings)
    {
        var named = WithNamespace(value, request);
        var defaulted = Defaulting.Apply(named, settings.BrokerDefaults, BrokerClasses.Kafka);
        if (!BrokerClasses.IsOurs(defaulted.Annotation(BrokerAnnotations.Class)))
        {
            return value;
        }

        return defaulted with
        {
            Metadata = defaulted.Metadata! with { Namespace = value.Metadata?.Namespace },
            Spec = defaulted.Spec == new BrokerSpec() ? value.Spec : defaulted.Spec,
        };
    }

    /// <inheritdoc/>
    protected override IReadOnlyList<FieldProblem> Check(Broker value, AdmissionSettings settings) =>
        value.Annotation(BrokerAnnotations.Class) is { Length: > 0 } brokerClass && !BrokerClasses.IsOurs(brokerClass)
            ? []
            : BrokerRules.Check(value, settings.Features, settings.BrokerDefaults);
}
