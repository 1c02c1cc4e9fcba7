using Brokkr.Core.Log;
using Brokkr.Kafka.Native;
using Microsoft.Extensions.Logging;

namespace Brokkr.Kafka.Clients;

/// <summary>Reads one partition through a native queue of its own; woken by the client, so an idle partition costs nothing.</summary>
internal sealed class PartitionReader : ILogReader
{
    private static readonly TimeSpan RetryDelay = TimeSpan.FromSeconds(1);
    private readonly TopicPartition _partition;
    private readonly ITopics _topics;
    private readonly TopicWatch _watch;
    private readonly ILogger _logger;
    private readonly Action _closed;
    private readonly WakeUp _wakeUp = new();
    private readonly nint _topic;
    private readonly nint _queue;
    private long _next;
    private bool _heard;
    private bool _gone;
    private int _disposed;

    public PartitionReader(
        nint client,
        TopicPartition partition,
        long offset,
        ITopics topics,
        TopicWatch watch,
        ILogger logger,
        Action closed
    )
    {
        _partition = partition;

        // Negative offsets are commands to the client; none is meant here.
        _next = Math.Max(0, offset);
        _topics = topics;
        _watch = watch;
        _logger = logger;
        _closed = closed;
        _topic = Rd.TopicNew(client, partition.Topic, 0);
        if (_topic == 0)
        {
            throw new PartitionGoneException($"{partition}: {Rd.Describe(Rd.LastError())}");
        }

        _queue = Rd.QueueNew(client);
        _wakeUp.Attach(_queue);
    }

    /// <summary>What it reads.</summary>
    public TopicPartition Partition => _partition;

    public void Start()
    {
        Begin();
        _watch.Add(this);
    }

    /// <summary>Whether something was read since the last call.</summary>
    public bool TakeHeard() => Interlocked.Exchange(ref _heard, false);

    /// <summary>The partition does not exist any more: ends the wait.</summary>
    public void TellGone()
    {
        Volatile.Write(ref _gone, true);
        _wakeUp.Set();
    }

    private void Begin()
    {
        if (Rd.ConsumeStart(_topic, _partition.Partition, _next, _queue) != 0)
        {
            throw new PartitionGoneException($"{_partition}: {Rd.Describe(Rd.LastError())}");
        }
    }

    public async ValueTask<long> ReadAsync(List<StoredRecord> records, int maxBytes, CancellationToken cancellation)
    {
        records.Clear();
        while (true)
        {
            cancellation.ThrowIfCancellationRequested();
            var before = _next;
            var error = Drain(records, maxBytes);
            if (records.Count > 0 || _next != before)
            {
                Volatile.Write(ref _heard, true);
                return _next;
            }

            switch (error)
            {
                case ErrorCodes.None when Volatile.Read(ref _gone):
                    throw new PartitionGoneException($"{_partition}: it was deleted");
                case ErrorCodes.None:
                    await _wakeUp.WaitAsync(cancellation);
                    break;
                case ErrorCodes.AutoOffsetReset:
                    await StartWithinBoundsAsync(cancellation);
                    break;
                default:
                    throw new PartitionGoneException($"{_partition}: {Rd.Describe(error)}");
            }
        }
    }

    public async ValueTask DisposeAsync()
    {
        if (Interlocked.Exchange(ref _disposed, 1) != 0)
        {
            return;
        }

        _watch.Remove(this);

        // Stopping waits for the client's own thread.
        await Task.Run(() => Rd.ConsumeStop(_topic, _partition.Partition));
        _wakeUp.Dispose();
        Rd.QueueDestroy(_queue);
        Rd.TopicDestroy(_topic);
        _closed();
    }

    /// <summary>Takes what is at hand. Returns an error that ends the reading, if one stands first in the queue.</summary>
    private unsafe int Drain(List<StoredRecord> records, int maxBytes)
    {
        long bytes = 0;
        while (bytes < maxBytes)
        {
            var message = Rd.ConsumeQueue(_queue, 0);
            if (message == null)
            {
                return ErrorCodes.None;
            }

            var error = message->Error;
            if (error == ErrorCodes.None)
            {
                if (message->Offset >= _next)
                {
                    var record = RecordCopy.From(message);
                    records.Add(record);
                    bytes += record.SizeInMemory;
                    _next = message->Offset + 1;
                }
            }
            else if (error == ErrorCodes.PartitionEnd)
            {
                // The end may lie beyond the last record: what is between are markers of transactions.
                _next = Math.Max(_next, message->Offset);
            }

            Rd.MessageDestroy(message);
            switch (error)
            {
                case ErrorCodes.AutoOffsetReset
                or ErrorCodes.UnknownTopicOrPartition
                or ErrorCodes.UnknownTopicLocal
                or ErrorCodes.UnknownPartition
                or ErrorCodes.TopicAuthorizationFailed when records.Count == 0:
                    return error;
                default:
                    // The others pass; the client goes on by itself.
                    break;
            }
        }

        return ErrorCodes.None;
    }

    /// <summary>The wanted offset is not in the partition: too old (retention) or beyond the end. Goes on at the nearest one that is.</summary>
    private async Task StartWithinBoundsAsync(CancellationToken cancellation)
    {
        while (true)
        {
            try
            {
                var bounds = (await _topics.BoundsAsync(_partition.Topic, [_partition.Partition], cancellation))[_partition.Partition];
                var next = Math.Clamp(_next, bounds.Start, bounds.End);
                if (next != _next)
                {
                    _logger.OffsetGone(_partition.ToString(), _next, next);
                }

                await Task.Run(() => Rd.ConsumeStop(_topic, _partition.Partition), cancellation);
                _next = next;
                Begin();
                return;
            }
            catch (LogUnavailableException exception)
            {
                if (Volatile.Read(ref _gone))
                {
                    throw new PartitionGoneException($"{_partition}: it was deleted", exception);
                }

                await Task.Delay(RetryDelay, TimeProvider.System, cancellation);
            }
        }
    }
}
