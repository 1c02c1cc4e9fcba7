using System.Collections.Concurrent;
using System.Text;
using Brokkr.Core.Contract;

namespace Brokkr.Kafka.Tests.Security;

/// <summary>Secrets that a test puts there and changes, by <c>namespace/name</c>.</summary>
internal sealed class TestSecrets : ISecretSource
{
    private readonly ConcurrentDictionary<string, IReadOnlyDictionary<string, byte[]>> _secrets = new(StringComparer.Ordinal);
    private int _reads;

    /// <summary>How often one was read.</summary>
    public int Reads => Volatile.Read(ref _reads);

    public void Put(string secret, params IEnumerable<(string Key, string Value)> entries) =>
        _secrets[secret] = entries.ToDictionary(
            static entry => entry.Key,
            static entry => Encoding.UTF8.GetBytes(entry.Value),
            StringComparer.Ordinal
        );

    public void Remove(string secret) => _secrets.TryRemove(secret, out _);

    public ValueTask<IReadOnlyDictionary<string, byte[]>?> GetAsync(string namespaceName, string name, CancellationToken cancellation)
    {
        Interlocked.Increment(ref _reads);
        return new(_secrets.GetValueOrDefault($"{namespaceName}/{name}"));
    }
}
