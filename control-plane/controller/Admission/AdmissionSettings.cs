using Brokkr.Apis;
using Brokkr.Controller.Contracts;
using Brokkr.Controller.Stores;

namespace Brokkr.Controller.Admission;

/// <summary>What the rules of admission depend on, at one moment.</summary>
internal sealed record AdmissionSettings
{
    /// <summary>Features of <c>config-features</c>.</summary>
    public EventingFeatures Features { get; init; } = EventingFeatures.Default;

    /// <summary>What <c>config-br-defaults</c> says; null where it is not there or is none.</summary>
    public BrokerDefaults? BrokerDefaults { get; init; }

    /// <summary>Namespace of the data plane.</summary>
    public string SystemNamespace { get; init; } = "knative-eventing";

    /// <summary>Reads them from the ConfigMaps of a store.</summary>
    public static AdmissionSettings Of(ObjectSet objects, string systemNamespace) =>
        new()
        {
            Features = EventingFeatures.Read(Data(objects, systemNamespace, EventingFeatures.ConfigMapName), EventingFeatures.Default),
            BrokerDefaults = BrokerDefaultsConfig.Read(Data(objects, systemNamespace, BrokerDefaultsConfig.ConfigMapName)).Defaults,
            SystemNamespace = systemNamespace,
        };

    private static IReadOnlyDictionary<string, string>? Data(ObjectSet objects, string systemNamespace, string name) =>
        objects.ConfigMaps.GetValueOrDefault(new ObjectName(systemNamespace, name))?.Data;
}

/// <summary>Asks the API server what somebody may do.</summary>
internal interface ISubscribeAccess
{
    /// <summary>Whether somebody may use the verb <c>knsubscribe</c> on a Broker, that is, have a Trigger of another namespace get its events (ADM-04).</summary>
    ValueTask<bool> MaySubscribeAsync(AdmissionUser user, ObjectName broker, CancellationToken cancellation);
}
