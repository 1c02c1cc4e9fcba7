using System.Text.Json.Serialization;

namespace Brokkr.Apis;

/// <summary>Reads and writes API objects as JSON, without reflection.</summary>
[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull
)]
[JsonSerializable(typeof(Broker))]
[JsonSerializable(typeof(Trigger))]
[JsonSerializable(typeof(KafkaSink))]
[JsonSerializable(typeof(EventPolicy))]
[JsonSerializable(typeof(ConfigMap))]
[JsonSerializable(typeof(Secret))]
[JsonSerializable(typeof(Service))]
[JsonSerializable(typeof(Pod))]
[JsonSerializable(typeof(ServiceAccount))]
[JsonSerializable(typeof(AddressableObject))]
[JsonSerializable(typeof(Addressable))]
[JsonSerializable(typeof(BrokerDefaults))]
[JsonSerializable(typeof(KReference))]
public sealed partial class ApisJson : JsonSerializerContext;
