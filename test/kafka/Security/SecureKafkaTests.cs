using Brokkr.Kafka.Groups;
using Brokkr.Testing.Kafka.Security;
using Microsoft.Extensions.Logging.Abstractions;

namespace Brokkr.Kafka.Tests.Security;

/// <summary>The tests that share a secured Kafka.</summary>
[CollectionDefinition]
public sealed class SecureKafkaTests : ICollectionFixture<SecureKafka>;

/// <summary>Clients of a secured Kafka.</summary>
internal static class SecureClients
{
    /// <summary>A client that goes in by a listener.</summary>
    public static GroupOffsetsClient Open(this SecureKafka kafka, string listener, params (string Name, string Value)[] settings)
    {
        var all = new Dictionary<string, string>(StringComparer.Ordinal)
        {
            ["bootstrap.servers"] = kafka.Servers(listener),
            ["client.id"] = "brokkr-tests",
        };
        foreach (var (name, value) in settings)
        {
            all[name] = value;
        }

        return new GroupOffsetsClient(all, TimeSpan.FromSeconds(8), NullLogger.Instance);
    }
}
