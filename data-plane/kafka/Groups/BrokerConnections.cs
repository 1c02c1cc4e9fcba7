using System.Diagnostics.CodeAnalysis;
using Brokkr.Core;
using Microsoft.Extensions.Logging;

namespace Brokkr.Kafka.Groups;

/// <summary>One connection for each broker, opened when first needed and again when it was lost.</summary>
internal sealed class BrokerConnections(ConnectionSettings settings, TimeProvider time, ILogger logger) : IAsyncDisposable
{
    private static readonly TimeSpan ShortestPause = TimeSpan.FromMilliseconds(100);
    private static readonly TimeSpan LongestPause = TimeSpan.FromSeconds(1);

    private readonly BrokerConnector _connector = new(settings, time);
    private readonly Dictionary<BrokerAddress, Place> _places = [];
    private readonly Lock _lock = new();
    private int _bootstrap;
    private bool _disposed;

    /// <summary>The connection to a broker.</summary>
    /// <exception cref="ConnectionLostException">It cannot be opened now.</exception>
    /// <exception cref="Core.Log.LogUnavailableException">The broker refuses us, or we the broker.</exception>
    public Task<BrokerConnection> GetAsync(BrokerAddress address)
    {
        lock (_lock)
        {
            ObjectDisposedException.ThrowIf(_disposed, this);
            if (!_places.TryGetValue(address, out var place))
            {
                _places.Add(address, place = new Place());
            }

            if (place.Connection is { } connection)
            {
                if (connection.IsUsable)
                {
                    return Task.FromResult(connection);
                }

                place.Connection = null;
                connection.Retire();
            }

            // All who need it wait for the same attempt, and hear of the same failure for a moment after it.
            if (place.Opening is { } opening && (!opening.IsCompleted || time.GetTimestamp() < place.NotBefore))
            {
                return opening;
            }

            return place.Opening = OpenAsync(address, place);
        }
    }

    /// <summary>A connection to any broker: one that is open, or else to the next of the list that can be reached.</summary>
    /// <exception cref="ConnectionLostException">None of the list can be reached now; the message is about the last.</exception>
    /// <exception cref="Core.Log.LogUnavailableException">A broker refuses us, or we the broker.</exception>
    public async Task<BrokerConnection> GetAnyAsync()
    {
        lock (_lock)
        {
            foreach (var place in _places.Values)
            {
                if (place.Connection is { IsUsable: true } connection)
                {
                    return connection;
                }
            }
        }

        for (var attempt = 1; ; attempt++)
        {
            var next = Volatile.Read(ref _bootstrap);
            try
            {
                return await GetAsync(settings.Bootstrap[(int)((uint)next % (uint)settings.Bootstrap.Count)]);
            }
            catch (ConnectionLostException)
            {
                Interlocked.CompareExchange(ref _bootstrap, unchecked(next + 1), next);
                if (attempt >= settings.Bootstrap.Count)
                {
                    throw;
                }
            }
        }
    }

    /// <summary>Closes all connections.</summary>
    public async ValueTask DisposeAsync()
    {
        Place[] places;
        lock (_lock)
        {
            _disposed = true;
            places = [.. _places.Values];
        }

        foreach (var place in places)
        {
            if (place.Opening is { } opening)
            {
                await ((Task)opening).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            }

            if (place.Connection is { } connection)
            {
                await connection.DisposeAsync();
            }
        }
    }

    [SuppressMessage("Reliability", "CA2016", Justification = "Opening has a deadline of its own and serves all who wait.")]
    private async Task<BrokerConnection> OpenAsync(BrokerAddress address, Place place)
    {
        await Task.Yield();
        try
        {
            var connection = await _connector.OpenAsync(address, Closed);
            lock (_lock)
            {
                place.Connection = connection;
                place.Opening = null;
                place.Failures = 0;
            }

            logger.BrokerConnected(address.ToString());
            return connection;
        }
        catch (Exception exception)
        {
            int failures;
            lock (_lock)
            {
                failures = ++place.Failures;
                var pause = ShortestPause * Math.Pow(2, Math.Min(failures - 1, 10));
                pause = pause < LongestPause ? pause : LongestPause;
                place.NotBefore = time.GetTimestamp() + (long)(pause.TotalSeconds * time.TimestampFrequency);
            }

            // The first says it; while it stays like that there is no news.
            if (failures == 1)
            {
                logger.BrokerNotReached(address.ToString(), exception.WithCause());
            }

            throw;
        }
    }

    private void Closed(BrokerConnection connection)
    {
        var known = false;
        lock (_lock)
        {
            if (_places.TryGetValue(connection.Address, out var place) && place.Connection == connection)
            {
                place.Connection = null;
                known = true;
            }
        }

        if (known && connection.Loss is { } loss)
        {
            logger.BrokerLost(connection.Address.ToString(), loss.Message);
        }
    }

    private sealed class Place
    {
        public BrokerConnection? Connection { get; set; }

        public Task<BrokerConnection>? Opening { get; set; }

        public int Failures { get; set; }

        public long NotBefore { get; set; }
    }
}
