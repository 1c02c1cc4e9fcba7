using Brokkr.Core.Log;
using Brokkr.Kafka.Native;
using Brokkr.Kafka.Tokens;
using Microsoft.Extensions.Logging;

namespace Brokkr.Kafka.Clients;

/// <summary>
/// Opens readers. A native client can read a partition at one place at a time only, so the feeds share one client and catch-up readers share a few
/// others, made when first needed; a catch-up reader for which none is free waits.
/// </summary>
internal sealed class KafkaReaders : ILogReaders, IAsyncDisposable
{
    private readonly Place _feeds;
    private readonly Place[] _catchUps;
    private readonly KafkaTopics _topics;
    private readonly TopicWatch _watch;
    private readonly ILogger _logger;
    private readonly Lock _lock = new();
    private readonly List<TaskCompletionSource> _waiting = [];
    private bool _disposed;

    public KafkaReaders(
        IReadOnlyDictionary<string, string> settings,
        KafkaOptions options,
        KafkaTopics topics,
        ILogger logger,
        BearerTokens? tokens = null
    )
    {
        _topics = topics;
        _watch = new TopicWatch(topics, TimeProvider.System);
        _logger = logger;
        _feeds = new Place(WithPrefetch(settings, options.FeedPrefetchKilobytes), logger, tokens);
        _catchUps = new Place[options.CatchUpClients];
        for (var i = 0; i < _catchUps.Length; i++)
        {
            _catchUps[i] = new Place(WithPrefetch(settings, options.CatchUpPrefetchKilobytes), logger, tokens);
        }
    }

    public async ValueTask<ILogReader> OpenAsync(TopicPartition partition, long offset, ReadPurpose purpose, CancellationToken cancellation)
    {
        var place = await TakeAsync(partition, purpose, cancellation);
        PartitionReader reader;
        try
        {
            var client = place.Client();
            reader = new PartitionReader(client.Handle, partition, offset, _topics, _watch, _logger, () => Free(place, partition));
        }
        catch
        {
            Free(place, partition);
            throw;
        }

        try
        {
            reader.Start();
            return reader;
        }
        catch
        {
            await reader.DisposeAsync();
            throw;
        }
    }

    public async ValueTask DisposeAsync()
    {
        lock (_lock)
        {
            _disposed = true;
        }

        await _watch.DisposeAsync();
        await _feeds.DisposeAsync();
        foreach (var place in _catchUps)
        {
            await place.DisposeAsync();
        }
    }

    private async ValueTask<Place> TakeAsync(TopicPartition partition, ReadPurpose purpose, CancellationToken cancellation)
    {
        while (true)
        {
            TaskCompletionSource freed;
            lock (_lock)
            {
                ObjectDisposedException.ThrowIf(_disposed, this);
                if (purpose == ReadPurpose.Feed)
                {
                    if (_feeds.InUse.Add(partition))
                    {
                        return _feeds;
                    }
                }
                else
                {
                    foreach (var place in _catchUps)
                    {
                        if (place.InUse.Add(partition))
                        {
                            return place;
                        }
                    }
                }

                freed = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
                _waiting.Add(freed);
            }

            try
            {
                await freed.Task.WaitAsync(cancellation);
            }
            finally
            {
                lock (_lock)
                {
                    _waiting.Remove(freed);
                }
            }
        }
    }

    private void Free(Place place, TopicPartition partition)
    {
        TaskCompletionSource[] waiting;
        lock (_lock)
        {
            place.InUse.Remove(partition);
            waiting = [.. _waiting];
        }

        foreach (var one in waiting)
        {
            one.TrySetResult();
        }
    }

    private static Dictionary<string, string> WithPrefetch(IReadOnlyDictionary<string, string> settings, int kilobytes)
    {
        var result = new Dictionary<string, string>(settings, StringComparer.Ordinal)
        {
            ["queued.max.messages.kbytes"] = kilobytes.ToString(System.Globalization.CultureInfo.InvariantCulture),
            ["queued.min.messages"] = "100000",
            ["fetch.message.max.bytes"] = "262144",
            ["fetch.queue.backoff.ms"] = "20",
            ["enable.partition.eof"] = "true",
            ["auto.offset.reset"] = "error",
            ["enable.auto.commit"] = "false",
            ["allow.auto.create.topics"] = "false",
        };
        result.Remove("max.poll.interval.ms");
        result.Remove("session.timeout.ms");
        result.Remove("heartbeat.interval.ms");
        return result;
    }

    /// <summary>A native client, made when first used, and the partitions that it reads.</summary>
    private sealed class Place(IReadOnlyDictionary<string, string> settings, ILogger logger, BearerTokens? tokens) : IAsyncDisposable
    {
        private readonly Lock _lock = new();
        private NativeClient? _client;

        public HashSet<TopicPartition> InUse { get; } = [];

        public unsafe NativeClient Client()
        {
            lock (_lock)
            {
                return _client ??= NativeClient.Create(Rd.TypeConsumer, settings, null, 0, logger, tokens);
            }
        }

        public async ValueTask DisposeAsync()
        {
            NativeClient? client;
            lock (_lock)
            {
                client = _client;
                _client = null;
            }

            if (client is not null)
            {
                await client.DisposeAsync();
            }
        }
    }
}
