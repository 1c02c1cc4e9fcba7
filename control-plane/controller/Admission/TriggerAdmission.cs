using Brokkr.Apis;
using Brokkr.Apis.Validation;

namespace Brokkr.Controller.Admission;

/// <summary>Triggers, of whatever Broker: which class it has may not be known yet, and the rules are those of all.</summary>
/// <param name="access">Asked about Brokers in other namespaces; null where nobody can be asked.</param>
internal sealed class TriggerAdmission(ISubscribeAccess? access) : ObjectRules<Trigger>
{
    /// <inheritdoc/>
    public override Trigger Default(Trigger value, Trigger? old, AdmissionRequest request, AdmissionSettings settings)
    {
        var defaulted = Defaulting.Apply(WithNamespace(value, request));
        return defaulted with { Metadata = defaulted.Metadata! with { Namespace = value.Metadata?.Namespace } };
    }

    /// <inheritdoc/>
    public override async ValueTask<AdmissionResponse> CheckAsync(
        Trigger value,
        Trigger? old,
        AdmissionRequest request,
        AdmissionSettings settings,
        CancellationToken cancellation
    )
    {
        var response = Check(value, old, request, settings);
        var named = WithNamespace(value, request);
        var broker = named.BrokerName;
        if (response.Denial is not null || string.Equals(broker.Namespace, named.Namespace, StringComparison.Ordinal) || old is not null)
        {
            // A Trigger's Broker does not change: who could have a Trigger made may change it.
            return response;
        }

        return access is not null && await access.MaySubscribeAsync(request.User, broker, cancellation)
            ? response
            : AdmissionResponse.Denied(
                $"validation failed: user {request.User.Name} may not have events of another namespace's Broker: spec.brokerRef\n"
                    + $"it takes the verb knsubscribe on Broker {broker}"
            );
    }

    /// <inheritdoc/>
    protected override IReadOnlyList<FieldProblem> Check(Trigger value, AdmissionSettings settings) =>
        TriggerRules.Check(value, settings.Features);
}
