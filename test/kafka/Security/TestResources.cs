using Brokkr.Core.Contract.Wire;
using Brokkr.Testing.Kafka.Security;

namespace Brokkr.Kafka.Tests.Security;

/// <summary>Resources of a contract as far as their credentials go.</summary>
internal static class TestResources
{
    /// <summary>A resource behind a listener with one Secret.</summary>
    public static Resource Single(SecureKafka kafka, string listener, string secret = "kafka", string version = "1") =>
        new()
        {
            BootstrapServers = kafka.Servers(listener),
            AuthSecret = new Reference
            {
                Namespace = "ns",
                Name = secret,
                Version = version,
            },
        };
}
