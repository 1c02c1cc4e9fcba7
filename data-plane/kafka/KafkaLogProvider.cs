using Brokkr.Core.Contract;
using Brokkr.Core.Contract.Wire;
using Brokkr.Core.Log;
using Brokkr.Kafka.Configuration;
using Microsoft.Extensions.Logging;

namespace Brokkr.Kafka;

/// <summary>
/// Opens one <see cref="KafkaLog"/> for each distinct pair of bootstrap servers and credentials, shared by all resources that name them and closed
/// with the last (conformance OIN-13). A changed Secret has another version, hence another log.
/// </summary>
/// <param name="options">How to talk to Kafka.</param>
/// <param name="secrets">Where credentials come from.</param>
/// <param name="loggers">Makes the loggers.</param>
public sealed class KafkaLogProvider(KafkaOptions options, ISecretSource secrets, ILoggerFactory loggers) : ILogProvider, IDisposable
{
    private readonly SemaphoreSlim _opening = new(1, 1);
    private readonly Dictionary<(string Servers, string Credentials), Shared> _logs = [];

    /// <inheritdoc/>
    public async ValueTask<LogLease> AcquireAsync(Resource resource, CancellationToken cancellation)
    {
        var key = (Servers(resource.BootstrapServers), KafkaCredentials.Identity(resource));
        await _opening.WaitAsync(cancellation);
        try
        {
            if (!_logs.TryGetValue(key, out var shared))
            {
                var credentials = await KafkaCredentials.ReadAsync(resource, secrets, cancellation);
                shared = new Shared(new KafkaLog(resource.BootstrapServers, credentials, options, loggers.CreateLogger<KafkaLog>()));
                _logs.Add(key, shared);
            }

            shared.Leases++;
            return new LogLease(shared.Log, () => ReleaseAsync(key));
        }
        finally
        {
            _opening.Release();
        }
    }

    /// <summary>Frees the provider itself; logs are closed with their last lease.</summary>
    public void Dispose() => _opening.Dispose();

    private async ValueTask ReleaseAsync((string, string) key)
    {
        KafkaLog? last = null;
        await _opening.WaitAsync();
        try
        {
            var shared = _logs[key];
            if (--shared.Leases == 0)
            {
                _logs.Remove(key);
                last = shared.Log;
            }
        }
        finally
        {
            _opening.Release();
        }

        if (last is not null)
        {
            await last.DisposeAsync();
        }
    }

    private static string Servers(string list) =>
        string.Join(
            ',',
            list.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries).Order(StringComparer.Ordinal)
        );

    private sealed class Shared(KafkaLog log)
    {
        public KafkaLog Log { get; } = log;

        public int Leases { get; set; }
    }
}
