using System.Buffers;
using System.Buffers.Binary;
using System.Net.Sockets;

namespace Brokkr.Kafka.Groups;

/// <summary>
/// One connection to one broker, shared by all who ask it something. Requests are sent without waiting for the answers to earlier ones, and the
/// broker answers in order.
/// <code>
/// SendAsync -- under one lock: number it, queue it, append its frame --> outgoing block --> FlushAsync --> socket
/// caller    &lt;-- answer &lt;-- first of the queue &lt;-- ReadAsync &lt;-- socket
/// </code>
/// A connection that breaks, sends what is no answer, or is silent for too long while something is asked fails all its requests and is of no more
/// use. While nothing is asked it costs one pending receive and one timer, which closes it after the idle time.
/// </summary>
internal sealed class BrokerConnection : IAsyncDisposable
{
    /// <summary>Offsets of one group are tens of kilobytes at most; more than this is no answer to us.</summary>
    public const int MaxFrameBytes = 100 * 1024 * 1024;

    private const int MaxInFlight = 256;
    private const int ReadBytes = 16 * 1024;

    private readonly Socket _socket;
    private readonly Stream _stream;
    private readonly ConnectionSettings _settings;
    private readonly TimeProvider _time;
    private readonly Action<BrokerConnection> _closed;
    private readonly Lock _lock = new();
    private readonly SemaphoreSlim _slots = new(MaxInFlight, MaxInFlight);
    private readonly Queue<PendingRequest> _pending = new();
    private readonly ITimer _timer;
    private readonly Task _reading;
    private FrameWriter _outgoing = new();
    private FrameWriter _sending = new();
    private Task _flushing = Task.CompletedTask;
    private bool _isFlushing;
    private int _correlation;
    private int _answers;
    private long _heard;
    private long _due;
    private bool _retiring;
    private ConnectionLostException? _broken;

    /// <summary>Takes over an open socket.</summary>
    /// <param name="address">Whose it is.</param>
    /// <param name="socket">The socket.</param>
    /// <param name="stream">What to read and write: the socket's own stream, or an encrypted one above it.</param>
    /// <param name="settings">Idle time, silence, client id.</param>
    /// <param name="time">The clock.</param>
    /// <param name="closed">Is called once when the connection is of no more use.</param>
    public BrokerConnection(
        BrokerAddress address,
        Socket socket,
        Stream stream,
        ConnectionSettings settings,
        TimeProvider time,
        Action<BrokerConnection> closed
    )
    {
        Address = address;
        _socket = socket;
        _stream = stream;
        _settings = settings;
        _time = time;
        _closed = closed;
        _heard = time.GetTimestamp();
        _due = _heard + Ticks(settings.Idle);
        _timer = time.CreateTimer(static self => ((BrokerConnection)self!).OnTimer(), this, settings.Idle, Timeout.InfiniteTimeSpan);
        _reading = Task.Run(ReadAsync);
    }

    /// <summary>Whose it is.</summary>
    public BrokerAddress Address { get; }

    /// <summary>What both sides know; set once by who opens the connection.</summary>
    public ApiVersions Versions { get; set; } = ApiVersions.Initial;

    /// <summary>When it should be replaced, since the broker wants a new login; set by who opens the connection.</summary>
    public long RetireAt { get; set; } = long.MaxValue;

    /// <summary>Whether requests may be sent.</summary>
    public bool IsUsable
    {
        get
        {
            lock (_lock)
            {
                return _broken is null && !_retiring && _time.GetTimestamp() < RetireAt;
            }
        }
    }

    /// <summary>Why it is of no more use; null while it works, and when it was closed because nobody used it.</summary>
    public ConnectionLostException? Loss { get; private set; }

    /// <summary>Sends a request and waits for its answer.</summary>
    /// <exception cref="ConnectionLostException">The connection broke; the request may have been carried out.</exception>
    /// <exception cref="Core.Log.LogUnavailableException">The request cannot be written, or the broker does not know it. Nothing was sent.</exception>
    public async Task<T> SendAsync<T>(Request<T> request)
    {
        await _slots.WaitAsync();
        PendingRequest<T> pending;
        try
        {
            pending = Enqueue(request);
        }
        catch
        {
            _slots.Release();
            throw;
        }

        return await pending.Answer;
    }

    /// <summary>Closes the connection as soon as what was asked is answered. Nobody else should ask.</summary>
    public void Retire()
    {
        bool idle;
        lock (_lock)
        {
            _retiring = true;
            idle = _pending.Count == 0;
        }

        if (idle)
        {
            Break(null);
        }
    }

    /// <summary>Closes the connection. Requests that wait for answers fail.</summary>
    public async ValueTask DisposeAsync()
    {
        Break(null);
        await _reading;
        await _flushing;
    }

    private PendingRequest<T> Enqueue<T>(Request<T> request)
    {
        var version = Versions.Of(request.Api);
        lock (_lock)
        {
            if (_broken is not null)
            {
                throw new ConnectionLostException(_broken.Message, _broken);
            }

            var start = _outgoing.Begin();
            var now = _time.GetTimestamp();
            var pending = new PendingRequest<T>(request, version, _correlation, now);
            try
            {
                _outgoing.Int16((short)request.Api);
                _outgoing.Int16(version);
                _outgoing.Int32(pending.Correlation);
                _outgoing.String(_settings.ClientId);
                request.Write(_outgoing, version);
                _outgoing.End(start);
            }
            catch
            {
                _outgoing.Undo(start);
                throw;
            }

            _correlation = unchecked(_correlation + 1);
            _pending.Enqueue(pending);
            if (_pending.Count == 1)
            {
                WakeAt(now + Ticks(_settings.Silence));
            }

            if (!_isFlushing)
            {
                _isFlushing = true;
                _flushing = FlushAsync();
            }

            return pending;
        }
    }

    /// <summary>Writes what has been appended until there is nothing more.</summary>
    private async Task FlushAsync()
    {
        // Out of the caller's lock; requests that are made meanwhile go with the same write.
        await Task.Yield();
        try
        {
            while (true)
            {
                lock (_lock)
                {
                    if (_broken is not null || _outgoing.Written.Length == 0)
                    {
                        _isFlushing = false;
                        break;
                    }

                    (_outgoing, _sending) = (_sending, _outgoing);
                }

                await _stream.WriteAsync(_sending.Written);
                _sending.Clear();
            }
        }
        catch (Exception exception)
        {
            Break(Lost($"{Address} does not take requests: {exception.Message}", exception));
        }
        finally
        {
            lock (_lock)
            {
                if (_broken is not null)
                {
                    _outgoing.Dispose();
                    _sending.Dispose();
                }
            }
        }
    }

    private async Task ReadAsync()
    {
        var block = ArrayPool<byte>.Shared.Rent(ReadBytes);
        var filled = 0;
        try
        {
            while (true)
            {
                var read = await _stream.ReadAsync(block.AsMemory(filled));
                if (read == 0)
                {
                    Break(Lost($"{Address} closed the connection", null));
                    return;
                }

                filled += read;
                Volatile.Write(ref _heard, _time.GetTimestamp());
                var used = TakeFrames(block.AsSpan(0, filled), out var wanted);
                block.AsSpan(used, filled - used).CopyTo(block);
                filled -= used;
                if (filled == block.Length || (block.Length > ReadBytes && filled <= ReadBytes / 2))
                {
                    // A long frame gets room as it arrives, never because it says that it is long; afterwards the room is given back.
                    var other = ArrayPool<byte>.Shared.Rent(filled == block.Length ? Math.Min(wanted, block.Length * 2) : ReadBytes);
                    block.AsSpan(0, filled).CopyTo(other);
                    ArrayPool<byte>.Shared.Return(block);
                    block = other;
                }
            }
        }
        catch (ProtocolException exception)
        {
            Break(
                new ConnectionLostException($"{Address} sent what is no answer of a Kafka broker: {exception.Message}{Hint()}", exception)
            );
        }
        catch (Exception exception)
        {
            // Whatever it is: without a reader the connection is of no use, and whoever waits must be told.
            Break(Lost($"the connection to {Address} broke: {exception.Message}", exception));
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(block);
        }
    }

    /// <summary>
    /// A broker that refuses a connection just ends it, and it is chance whether that is first seen by reading or by writing, as an end or as an
    /// error: the same refusal has the same message.
    /// </summary>
    private ConnectionLostException Lost(string how, Exception? exception) =>
        _answers > 1
            ? new ConnectionLostException(how, exception)
            : new ConnectionLostException(
                $"{Address} ended the connection{Hint()}",
                exception ?? new EndOfStreamException("nothing more came")
            );

    /// <summary>
    /// A broker does not say why it closes a connection. When it has not answered more than which versions it knows, it was no use to ask.
    /// </summary>
    private string Hint() =>
        _answers > 1
            ? string.Empty
            : $"; does the listener speak {_settings.Protocol}{(_settings.Tls is null ? string.Empty : ", and accept the client certificate")}?";

    /// <summary>Takes all whole frames. Returns how many bytes they had, and how long the next one with its length will be.</summary>
    private int TakeFrames(ReadOnlySpan<byte> bytes, out int wanted)
    {
        var used = 0;
        while (true)
        {
            var rest = bytes[used..];
            wanted = sizeof(int);
            if (rest.Length < sizeof(int))
            {
                return used;
            }

            var size = BinaryPrimitives.ReadInt32BigEndian(rest);
            if (size is < sizeof(int) or > MaxFrameBytes)
            {
                throw new ProtocolException($"a frame of {size} bytes");
            }

            wanted = sizeof(int) + size;
            if (rest.Length < wanted)
            {
                return used;
            }

            Take(rest[sizeof(int)..wanted]);
            used += wanted;
        }
    }

    private void Take(ReadOnlySpan<byte> frame)
    {
        var reader = new FrameReader(frame);
        var correlation = reader.Int32();
        PendingRequest? pending;
        bool retire;
        lock (_lock)
        {
            if (!_pending.TryPeek(out pending) || pending.Correlation != correlation)
            {
                throw new ProtocolException($"an answer to request {correlation}, which was not asked");
            }

            // Still first in the queue: an answer that cannot be read fails it with all others.
            pending.Complete(ref reader);
            _pending.Dequeue();
            _answers++;
            retire = _retiring && _pending.Count == 0;
        }

        _slots.Release();
        if (retire)
        {
            Break(null);
        }
    }

    /// <summary>Somebody has waited for the silence or the idle time, or the timer was set for a request that was answered since.</summary>
    private void OnTimer()
    {
        ConnectionLostException? loss = null;
        lock (_lock)
        {
            if (_broken is not null)
            {
                return;
            }

            var heard = Volatile.Read(ref _heard);
            var next = _pending.TryPeek(out var first)
                ? Math.Max(heard, first.Sent) + Ticks(_settings.Silence)
                : heard + Ticks(_settings.Idle);
            if (next > _time.GetTimestamp())
            {
                _due = long.MaxValue;
                WakeAt(next);
                return;
            }

            if (first is not null)
            {
                loss = new ConnectionLostException($"{Address} did not answer for {_settings.Silence.TotalSeconds:0.#} s");
            }
        }

        Break(loss);
    }

    /// <summary>Sets the timer, if it is not to fire earlier anyway. Under the lock.</summary>
    private void WakeAt(long timestamp)
    {
        if (timestamp >= _due)
        {
            return;
        }

        _due = timestamp;
        var left = _time.GetElapsedTime(_time.GetTimestamp(), timestamp);
        _timer.Change(left > TimeSpan.FromMilliseconds(1) ? left : TimeSpan.FromMilliseconds(1), Timeout.InfiniteTimeSpan);
    }

    /// <summary>The end, once: null when it is nobody's fault.</summary>
    private void Break(ConnectionLostException? loss)
    {
        PendingRequest[] pending;
        lock (_lock)
        {
            if (_broken is not null)
            {
                return;
            }

            Loss = loss;
            _broken = loss ?? new ConnectionLostException($"the connection to {Address} was closed");
            pending = [.. _pending];
            _pending.Clear();
            if (!_isFlushing)
            {
                _outgoing.Dispose();
                _sending.Dispose();
            }
        }

        _timer.Dispose();
        if (pending.Length > 0 && loss is not null)
        {
            // What was not answered is asked again elsewhere: a broker that comes to itself later should not find the old requests.
            Quietly(() => _socket.LingerState = new LingerOption(true, 0));
        }

        Quietly(_socket.Dispose);
        Quietly(_stream.Dispose);
        foreach (var request in pending)
        {
            request.Fail(new ConnectionLostException(_broken.Message, _broken));
            _slots.Release();
        }

        _closed(this);
    }

    private static void Quietly(Action close)
    {
        try
        {
            close();
        }
        catch (Exception exception)
            when (exception is IOException or SocketException or ObjectDisposedException or InvalidOperationException)
        {
            // It is closed; that the other side knows it already is no news.
        }
    }

    private long Ticks(TimeSpan time) => (long)(time.TotalSeconds * _time.TimestampFrequency);
}
