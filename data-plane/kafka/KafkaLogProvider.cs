using System.Diagnostics.CodeAnalysis;
using System.Security.Cryptography;
using System.Text;
using Brokkr.Core.Contract;
using Brokkr.Core.Contract.Wire;
using Brokkr.Core.Log;
using Brokkr.Kafka.Configuration;
using Brokkr.Kafka.Telemetry;
using Microsoft.Extensions.Logging;

namespace Brokkr.Kafka;

/// <summary>
/// Opens one <see cref="KafkaLog"/> for each distinct pair of bootstrap servers and credentials, shared by all resources that name them and closed
/// with the last (conformance OIN-13). Secrets are looked at every now and then: when one has changed, and a broker lets the new credentials in, a new log takes the
/// place of the old one, whose leases are told so (<see cref="LogLease.Outdated"/>). Until then the old one goes on.
/// </summary>
public sealed class KafkaLogProvider : ILogProvider, IDisposable
{
    private readonly KafkaOptions _options;
    private readonly ISecretSource _secrets;
    private readonly TimeProvider _time;
    private readonly ProducerMetrics _metrics = new();
    private readonly ILogger<KafkaLog> _logger;
    private readonly Lock _lock = new();
    private readonly Dictionary<PlaceKey, Place> _places = [];
    private readonly CancellationTokenSource _stop = new();
    private readonly CancellationToken _stopping;
    private bool _isWatching;

    /// <summary>Creates a provider; it connects to nothing before a log is used.</summary>
    /// <param name="options">How to talk to Kafka.</param>
    /// <param name="secrets">Where credentials come from.</param>
    /// <param name="loggers">Makes the logger.</param>
    /// <param name="time">The clock; the system's by default.</param>
    public KafkaLogProvider(KafkaOptions options, ISecretSource secrets, ILoggerFactory loggers, TimeProvider? time = null)
    {
        _options = options;
        _secrets = secrets;
        _time = time ?? TimeProvider.System;
        _logger = loggers.CreateLogger<KafkaLog>();
        _stopping = _stop.Token;
    }

    /// <inheritdoc/>
    public async ValueTask<LogLease> AcquireAsync(Resource resource, CancellationToken cancellation)
    {
        var key = new PlaceKey(Servers(resource.BootstrapServers), KafkaCredentials.Identity(resource));
        var versions = KafkaCredentials.Versions(resource);
        while (true)
        {
            lock (_lock)
            {
                // Thousands of resources may name the same Secret. That it changes without a new version is noticed later.
                if (_places.TryGetValue(key, out var known) && string.Equals(known.Versions, versions, StringComparison.Ordinal))
                {
                    return Lease(known.Current!);
                }
            }

            var credentials = new Credentials(await KafkaCredentials.ReadAsync(resource, _secrets, cancellation));
            Task change;
            lock (_lock)
            {
                if (!_places.TryGetValue(key, out var place))
                {
                    place = new Place(key, resource);
                    place.Current = new Shared(place, Open(place, credentials), credentials.Fingerprint);
                    _places.Add(key, place);
                    Watch(place);
                }

                if (string.Equals(place.Current!.Fingerprint, credentials.Fingerprint, StringComparison.Ordinal))
                {
                    place.Versions = versions;
                    return Lease(place.Current);
                }

                change = Change(place, credentials);
            }

            await change.WaitAsync(cancellation);
        }
    }

    /// <summary>Looks at Secrets no more. Logs are closed with their last lease.</summary>
    public void Dispose()
    {
        if (!_stop.IsCancellationRequested)
        {
            _stop.Cancel();
            _stop.Dispose();
            _metrics.Dispose();
        }
    }

    private KafkaLog Open(Place place, Credentials credentials) =>
        new(place.Resource.BootstrapServers, credentials.Settings, _options, _metrics, _logger);

    /// <summary>Under the lock.</summary>
    private LogLease Lease(Shared shared)
    {
        shared.Leases++;
        return new LogLease(shared.Log, () => ReleaseAsync(shared), shared.Outdated);
    }

    private async ValueTask ReleaseAsync(Shared shared)
    {
        lock (_lock)
        {
            if (--shared.Leases > 0)
            {
                return;
            }

            if (shared.Place.Current == shared)
            {
                _places.Remove(shared.Place.Key);
            }
        }

        await shared.Log.DisposeAsync();
        if (shared.Successor is { } successor)
        {
            await successor.DisposeAsync();
        }
    }

    /// <summary>
    /// Puts a log with other credentials in a place; one attempt at a time, whoever asks. Under the lock; what follows happens outside.
    /// </summary>
    private Task Change(Place place, Credentials credentials)
    {
        if (place.Changing is { IsCompleted: false } changing)
        {
            return changing;
        }

        return place.Changing = Task.Run(() => ChangeAsync(place, credentials), CancellationToken.None);
    }

    /// <exception cref="LogConfigurationException">No broker lets these credentials in; the old ones stay.</exception>
    private async Task ChangeAsync(Place place, Credentials credentials)
    {
        var log = Open(place, credentials);
        Shared? replaced = null;
        try
        {
            if (await log.FindRefusalAsync() is { } refusal)
            {
                throw new LogConfigurationException($"the credentials have changed, but {refusal}; those from before stay in use");
            }

            lock (_lock)
            {
                // If all leases were given back meanwhile, whoever asks next begins anew.
                if (_places.GetValueOrDefault(place.Key) == place)
                {
                    replaced = place.Current!;
                    place.Current = new Shared(place, log, credentials.Fingerprint) { IsProven = true };
                    // Stays open until all have come over.
                    replaced.Successor = Lease(place.Current);
                    place.Problem = null;
                }
            }
        }
        finally
        {
            if (replaced is null)
            {
                await log.DisposeAsync();
            }
        }

        if (replaced is not null)
        {
            _logger.CredentialsChanged(place.Key.Credentials, place.Key.Servers);
            await replaced.TellAsync();
        }
    }

    /// <summary>Under the lock.</summary>
    private void Watch(Place place)
    {
        if (!_isWatching && place.HasSecrets)
        {
            _isWatching = true;
            _ = WatchAsync();
        }
    }

    private async Task WatchAsync()
    {
        try
        {
            while (true)
            {
                await Task.Delay(_options.SecretInterval, _time, _stopping);
                Place[] places;
                lock (_lock)
                {
                    places = [.. _places.Values.Where(static place => place.HasSecrets)];
                    if (places.Length == 0)
                    {
                        _isWatching = false;
                        return;
                    }
                }

                // Each on its own: one that does not answer delays no other. It is left out until it has.
                foreach (var place in places)
                {
                    if (place.Looking.IsCompleted)
                    {
                        place.Looking = LookAsync(place);
                    }
                }
            }
        }
        catch (OperationCanceledException)
        {
            // Closed.
        }
    }

    private async Task LookAsync(Place place)
    {
        try
        {
            var credentials = new Credentials(await KafkaCredentials.ReadAsync(place.Resource, _secrets, _stopping));
            Shared current;
            Task? change = null;
            lock (_lock)
            {
                current = place.Current!;
                if (!string.Equals(current.Fingerprint, credentials.Fingerprint, StringComparison.Ordinal))
                {
                    change = Change(place, credentials);
                }
            }

            if (change is not null)
            {
                await change;
                return;
            }

            if (!current.IsProven && await current.Log.FindRefusalAsync() is { } refusal)
            {
                throw new LogUnavailableException(refusal);
            }

            current.IsProven = true;
            if (place.Problem is not null)
            {
                place.Problem = null;
                _logger.CredentialsWork(place.Key.Credentials, place.Key.Servers);
            }
        }
        catch (OperationCanceledException) when (_stopping.IsCancellationRequested)
        {
            // Closed.
        }
        catch (Exception exception)
        {
            // It concerns this place alone. While it stays like that there is no news, nor after its end.
            if (IsOpen(place) && !string.Equals(place.Problem, exception.Message, StringComparison.Ordinal))
            {
                place.Problem = exception.Message;
                _logger.CredentialsProblem(place.Key.Credentials, place.Key.Servers, exception.Message);
            }
        }
    }

    private bool IsOpen(Place place)
    {
        lock (_lock)
        {
            return _places.GetValueOrDefault(place.Key) == place;
        }
    }

    private static string Servers(string list) =>
        string.Join(
            ',',
            list.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries).Order(StringComparer.Ordinal)
        );

    /// <summary>What Secrets say at one moment.</summary>
    private sealed class Credentials(IReadOnlyDictionary<string, string> settings)
    {
        public IReadOnlyDictionary<string, string> Settings { get; } = settings;

        /// <summary>Tells contents apart without keeping them.</summary>
        public string Fingerprint { get; } = Digest(settings);

        private static string Digest(IReadOnlyDictionary<string, string> settings)
        {
            if (settings.Count == 0)
            {
                // Without OpenSSL, then: megabytes that a process without credentials does not need.
                return "";
            }

            using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
            foreach (var (name, value) in settings.OrderBy(static setting => setting.Key, StringComparer.Ordinal))
            {
                hash.AppendData(Encoding.UTF8.GetBytes($"{name.Length}:{name}{value.Length}:{value}"));
            }

            return Convert.ToHexString(hash.GetHashAndReset());
        }
    }

    /// <summary>What a log is opened for.</summary>
    private readonly record struct PlaceKey(string Servers, string Credentials);

    /// <summary>Bootstrap servers with the Secrets to go there with, and the log that stands for them now.</summary>
    private sealed class Place(PlaceKey key, Resource resource)
    {
        public PlaceKey Key { get; } = key;

        /// <summary>One that names the servers and the Secrets.</summary>
        public Resource Resource { get; } = resource;

        /// <summary>Versions of the Secrets, as the contract has them, for which the current log is known to be right.</summary>
        public string? Versions { get; set; }

        public bool HasSecrets => Key.Credentials.Length > 0;

        public Shared? Current { get; set; }

        public Task? Changing { get; set; }

        public Task Looking { get; set; } = Task.CompletedTask;

        /// <summary>What was last said to be wrong.</summary>
        public string? Problem { get; set; }
    }

    /// <summary>A log with those who use it.</summary>
    [SuppressMessage("Design", "CA1001", Justification = "A source of cancellation without a timer or a wait handle holds nothing.")]
    private sealed class Shared(Place place, KafkaLog log, string fingerprint)
    {
        private readonly CancellationTokenSource _outdated = new();

        public Place Place { get; } = place;

        public KafkaLog Log { get; } = log;

        public string Fingerprint { get; } = fingerprint;

        public int Leases { get; set; }

        /// <summary>Whether a broker has let these credentials in.</summary>
        public bool IsProven { get; set; }

        /// <summary>A share in the log that follows this one, held while this one is in use.</summary>
        public LogLease? Successor { get; set; }

        public CancellationToken Outdated => _outdated.Token;

        public Task TellAsync() => _outdated.CancelAsync();
    }
}
