using System.Collections.Concurrent;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Brokkr.Core.Log;
using Brokkr.Kafka.Native;
using Brokkr.Kafka.Telemetry;
using Brokkr.Kafka.Tokens;
using Microsoft.Extensions.Logging;

namespace Brokkr.Kafka.Clients;

/// <summary>A topic that is written to, with the bytes of it that are under way.</summary>
internal sealed class ProducedTopic(nint handle, ProducerMetrics metrics, string name)
{
    private long _underWay;

    /// <summary>What is counted of the topic.</summary>
    public ProducerMetrics.TopicCounts Counts { get; } = metrics.Of(name);

    /// <summary>Where that is shown.</summary>
    public ProducerMetrics Metrics => metrics;

    /// <summary>The native topic; owned by the producer.</summary>
    public nint Handle { get; } = handle;

    public long Add(int bytes) => Interlocked.Add(ref _underWay, bytes);
}

/// <summary>
/// Writes records with one idempotent producer. Hot path: an append is one native call with pointers into the caller's record and no allocation.
/// The native queue is bounded; a full one is <see cref="AppendOutcome.RetryLater"/>. No topic may take more than half of it, so a topic that
/// cannot be written does not stop the others (receiver-and-core §18.13). A producer that met a fatal error is replaced.
/// </summary>
internal sealed class KafkaWriter : ILogWriter, IAsyncDisposable
{
    private const int FlushBudgetMs = 15_000;

    /// <summary>
    /// Of so many acknowledgements that come together the senders are answered on the thread that takes them, which saves a wake-up for each; the thread
    /// pool shares what goes beyond.
    /// </summary>
    private const int AnsweredHere = 64;

    /// <summary>What is left of that; nothing on threads that do not take acknowledgements in turn, such as one that waits for the end.</summary>
    [ThreadStatic]
    private static int s_answeredHere;

    private readonly IReadOnlyDictionary<string, string> _settings;
    private readonly ProducerMetrics _metrics;
    private readonly ILogger _logger;
    private readonly BearerTokens? _tokens;
    private readonly long _shareOfOneTopic;
    private readonly Lock _replacing = new();
    private volatile Producer? _producer;
    private volatile bool _closed;

    public KafkaWriter(IReadOnlyDictionary<string, string> settings, ProducerMetrics metrics, ILogger logger, BearerTokens? tokens = null)
    {
        _settings = settings;
        _metrics = metrics;
        _tokens = tokens;
        _logger = logger;
        var kilobytes =
            settings.TryGetValue("queue.buffering.max.kbytes", out var text)
            && long.TryParse(text, System.Globalization.CultureInfo.InvariantCulture, out var given)
                ? given
                : 32 * 1024;
        _shareOfOneTopic = kilobytes * 1024 / 2;
        _producer = new Producer(settings, metrics, logger, tokens);
    }

    public ValueTask<AppendResult> AppendAsync(string topic, RecordBuffer record)
    {
        if (_closed || _producer is not { } producer)
        {
            return ValueTask.FromResult(AppendResult.Failed(AppendOutcome.RetryLater, "the producer is closed"));
        }

        if (!producer.TryGetTopic(topic, out var produced))
        {
            return ValueTask.FromResult(AppendResult.Failed(AppendOutcome.Fatal, $"'{topic}' is no valid topic name"));
        }

        var size = record.SizeInBytes;
        if (produced.Add(size) > _shareOfOneTopic)
        {
            produced.Add(-size);
            return ValueTask.FromResult(AppendResult.Failed(AppendOutcome.RetryLater, "too much waits for this topic"));
        }

        produced.Counts.Begin(size);
        var pending = PendingAppend.Rent(produced, size, _metrics.Now);
        var answer = pending.AsValueTask();
        var code = Produce(producer, produced, record, pending.Opaque);
        if (code == ErrorCodes.None)
        {
            return answer;
        }

        produced.Add(-size);
        produced.Counts.Refuse(size);
        pending.Return();
        if (code != ErrorCodes.QueueFull && producer.FatalReason() is { } reason)
        {
            Replace(producer, reason);
        }

        var outcome = _producer == producer ? OutcomeOf(code) : AppendOutcome.RetryLater;
        return ValueTask.FromResult(AppendResult.Failed(outcome, Rd.Describe(code)));
    }

    public async ValueTask DisposeAsync()
    {
        _closed = true;
        Producer? producer;
        lock (_replacing)
        {
            producer = _producer;
            _producer = null;
        }

        if (producer is not null)
        {
            await producer.DisposeAsync();
        }
    }

    /// <summary>Puts the producer into the state that a fatal error leaves; for tests.</summary>
    internal void FailForTest() => Rd.TestFatalError(_producer!.Handle, 45, "a test");

    internal static AppendOutcome OutcomeOf(int code) =>
        code switch
        {
            ErrorCodes.None => AppendOutcome.Stored,
            ErrorCodes.MessageSizeTooLarge or ErrorCodes.RecordListTooLarge => AppendOutcome.TooLarge,
            ErrorCodes.TopicAuthorizationFailed
            or ErrorCodes.ClusterAuthorizationFailed
            or ErrorCodes.SaslAuthenticationFailed
            or ErrorCodes.Authentication => AppendOutcome.Unauthorized,
            ErrorCodes.UnknownTopicLocal or ErrorCodes.UnknownTopicOrPartition or ErrorCodes.UnknownPartition => AppendOutcome.UnknownTopic,
            ErrorCodes.InvalidTopic or ErrorCodes.InvalidArgument or ErrorCodes.PolicyViolation => AppendOutcome.Fatal,
            _ => AppendOutcome.RetryLater,
        };

    private static unsafe int Produce(Producer producer, ProducedTopic topic, RecordBuffer record, nint opaque)
    {
        const int copyPayload = 2;
        const int fixedArguments = 5;
        var headers = record.Headers;
        var arguments = stackalloc Argument[Math.Min(headers.Length, 64) + fixedArguments];
        if (headers.Length > 64)
        {
            // Rare; too many for the stack.
            var heap = new Argument[headers.Length + fixedArguments];
            fixed (Argument* pinned = heap)
            {
                return Produce(producer, topic, record, opaque, pinned);
            }
        }

        return Produce(producer, topic, record, opaque, arguments);

        static int Produce(Producer producer, ProducedTopic topic, RecordBuffer record, nint opaque, Argument* arguments)
        {
            byte nothing = 0;
            nuint count = 0;
            arguments[count++] = new Argument { Kind = ArgumentKind.Topic, Pointer = topic.Handle };
            arguments[count++] = new Argument { Kind = ArgumentKind.MessageFlags, Number = copyPayload };
            arguments[count++] = new Argument { Kind = ArgumentKind.Opaque, Pointer = opaque };
            fixed (
                byte* value = record.Value,
                    key = record.Key,
                    block = record.HeaderBlock
            )
            {
                // Zero bytes must still have an address: without one the client takes them for null.
                if (record.HasValue)
                {
                    arguments[count++] = new Argument
                    {
                        Kind = ArgumentKind.Value,
                        Pointer = (nint)(value == null ? &nothing : value),
                        Size = (nuint)record.Value.Length,
                    };
                }

                if (record.HasKey)
                {
                    arguments[count++] = new Argument
                    {
                        Kind = ArgumentKind.Key,
                        Pointer = (nint)(key == null ? &nothing : key),
                        Size = (nuint)record.Key.Length,
                    };
                }

                foreach (ref readonly var header in record.Headers)
                {
                    arguments[count++] = new Argument
                    {
                        Kind = ArgumentKind.Header,
                        Pointer = (nint)(block + header.NameStart),
                        HeaderValue = header.ValueLength < 0 ? 0 : (nint)(block + header.ValueStart),
                        HeaderSize = Math.Max(0, header.ValueLength),
                    };
                }

                return Rd.Consume(Rd.Produce(producer.Handle, arguments, count)).Code;
            }
        }
    }

    private void Replace(Producer failed, string reason)
    {
        lock (_replacing)
        {
            if (_closed || _producer != failed)
            {
                return;
            }

            _logger.ProducerReplaced(reason);
            _producer = new Producer(_settings, _metrics, _logger, _tokens);
        }

        _ = failed.DisposeAsync().AsTask();
    }

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static unsafe void OnDelivered(nint client, Message* message, nint opaque)
    {
        var pending = PendingAppend.From(message->Private);
        var topic = pending.Topic!;
        topic.Add(-pending.Size);
        topic.Metrics.Ended(topic.Counts, pending.Size, pending.HandedOverAt, message->Error == ErrorCodes.None);
        pending.Complete(
            message->Error == ErrorCodes.None
                ? new AppendResult(AppendOutcome.Stored, message->Partition, message->Offset, null)
                : AppendResult.Failed(OutcomeOf(message->Error), Rd.Describe(message->Error)),
            here: --s_answeredHere >= 0
        );
    }

    /// <summary>One native producer with the thread that takes its delivery reports.</summary>
    private sealed class Producer : IAsyncDisposable
    {
        private const int PollMs = 1000;
        private readonly NativeClient _client;
        private readonly ConcurrentDictionary<string, ProducedTopic> _topics = new(StringComparer.Ordinal);
        private readonly ProducerMetrics _metrics;
        private readonly ILogger _logger;
        private readonly TaskCompletionSource _stopped = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private volatile bool _stop;
        private int _disposed;

        public unsafe Producer(IReadOnlyDictionary<string, string> settings, ProducerMetrics metrics, ILogger logger, BearerTokens? tokens)
        {
            _metrics = metrics;
            _logger = logger;
            _client = NativeClient.Create(Rd.TypeProducer, settings, &OnDelivered, 0, logger, tokens);
            new Thread(Poll) { IsBackground = true, Name = "kafka-acknowledgements" }.Start();
        }

        public nint Handle => _client.Handle;

        public bool TryGetTopic(string name, out ProducedTopic topic)
        {
            if (!_topics.TryGetValue(name, out topic!))
            {
                var added = new ProducedTopic(Rd.TopicNew(Handle, name, 0), _metrics, name);
                topic = _topics.GetOrAdd(name, added);
                if (topic != added)
                {
                    // Another thread was first.
                    Forget(added);
                }
            }

            return topic.Handle != 0;
        }

        /// <summary>The error after which this producer accepts nothing any more; null while there is none.</summary>
        public unsafe string? FatalReason()
        {
            var error = stackalloc byte[512];
            return Rd.FatalError(Handle, error, 512) == ErrorCodes.None ? null : Rd.Text(error);
        }

        public async ValueTask DisposeAsync()
        {
            if (Interlocked.Exchange(ref _disposed, 1) != 0)
            {
                return;
            }

            var left = await Task.Run(() =>
            {
                const int queuedAndInFlight = 1 | 2;
                if (Rd.Flush(Handle, FlushBudgetMs) == ErrorCodes.None)
                {
                    return false;
                }

                _ = Rd.Purge(Handle, queuedAndInFlight);
                return true;
            });
            if (left)
            {
                _logger.ClosedWithRecords();
            }

            _stop = true;
            await _stopped.Task;
            foreach (var topic in _topics.Values)
            {
                Forget(topic);
            }

            await _client.DisposeAsync();
        }

        private void Forget(ProducedTopic topic)
        {
            _metrics.Release(topic.Counts);
            if (topic.Handle != 0)
            {
                Rd.TopicDestroy(topic.Handle);
            }
        }

        private void Poll()
        {
            while (!_stop)
            {
                s_answeredHere = AnsweredHere;
                _ = Rd.Poll(Handle, PollMs);
            }

            // What was purged is answered now.
            while (Rd.Poll(Handle, 0) > 0) { }

            _stopped.SetResult();
        }
    }
}
