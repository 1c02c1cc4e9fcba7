using System.Net.Sockets;
using System.Runtime.CompilerServices;

namespace Brokkr.Dispatcher.Http;

/// <summary>
/// A kept connection turned out to be closed by the peer before it had read the request: the request may be sent again on another connection without
/// counting as an attempt.
/// </summary>
internal sealed class StaleConnectionException : IOException
{
    public StaleConnectionException()
        : base("The peer had closed the connection before the request reached it.") { }

    public StaleConnectionException(string message)
        : base(message) { }

    public StaleConnectionException(string message, Exception inner)
        : base(message, inner) { }

    /// <summary>Whether a failed request failed for this reason.</summary>
    public static bool IsCauseOf(Exception failure)
    {
        for (var cause = failure; cause is not null; cause = cause.InnerException)
        {
            if (cause is StaleConnectionException)
            {
                return true;
            }
        }

        return false;
    }
}

/// <summary>
/// A connection that knows whether it carried a request before. The peer's close and our next request may cross on the way; the peer's system then
/// resets the connection, because nobody reads the request any more. That is told apart from a peer that reads a request and closes without an answer
/// (end of stream, no reset), which is a failed attempt.
/// </summary>
/// <param name="socket">The connected socket.</param>
internal sealed class WatchedStream(Socket socket) : Stream
{
    /// <summary>How long a reset may take to follow the end of the stream: the way there and back, and the peer between ending its side and letting go of the socket.</summary>
    private static readonly TimeSpan ResetDelay = TimeSpan.FromMilliseconds(20);

    /// <summary>How often that is waited for.</summary>
    private const int ResetLooks = 5;

    private readonly NetworkStream _inner = new(socket, ownsSocket: true);
    private volatile bool _wasAnswered;
    private volatile bool _isReused;

    public override bool CanRead => true;

    public override bool CanSeek => false;

    public override bool CanWrite => true;

    public override long Length => throw new NotSupportedException();

    public override long Position
    {
        get => throw new NotSupportedException();
        set => throw new NotSupportedException();
    }

    public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        var reading = _inner.ReadAsync(buffer, cancellationToken);
        if (!reading.IsCompletedSuccessfully)
        {
            return FinishReadAsync(reading, buffer.IsEmpty);
        }

        var read = reading.Result;
        if (read == 0)
        {
            return FinishReadAsync(new ValueTask<int>(0), buffer.IsEmpty);
        }

        _wasAnswered = true;
        return new ValueTask<int>(read);
    }

    public override ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
    {
        if (_wasAnswered)
        {
            // The first bytes after an answer begin the next request.
            _wasAnswered = false;
            _isReused = true;
        }

        var writing = _inner.WriteAsync(buffer, cancellationToken);
        return writing.IsCompletedSuccessfully ? writing : FinishWriteAsync(writing);
    }

    public override int Read(byte[] buffer, int offset, int count) => _inner.Read(buffer, offset, count);

    public override void Write(byte[] buffer, int offset, int count) => _inner.Write(buffer, offset, count);

    public override Task<int> ReadAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) =>
        ReadAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

    public override Task WriteAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) =>
        WriteAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

    public override void Flush() { }

    public override Task FlushAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();

    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            _inner.Dispose();
        }

        base.Dispose(disposing);
    }

    private static bool IsReset(Exception failure) =>
        failure is IOException { InnerException: SocketException socketError } && IsReset(socketError.SocketErrorCode);

    private static bool IsReset(SocketError error) =>
        error is SocketError.ConnectionReset or SocketError.ConnectionAborted or SocketError.Shutdown;

    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
    private async ValueTask<int> FinishReadAsync(ValueTask<int> reading, bool isProbe)
    {
        int read;
        try
        {
            read = await reading;
        }
        catch (IOException failure) when (_isReused && !_wasAnswered && IsReset(failure))
        {
            throw new StaleConnectionException("The peer had closed the connection before the request reached it.", failure);
        }

        if (read > 0)
        {
            _wasAnswered = true;
        }
        else if (!isProbe && _isReused && !_wasAnswered && await WasResetAsync())
        {
            throw new StaleConnectionException();
        }

        return read;
    }

    private async ValueTask FinishWriteAsync(ValueTask writing)
    {
        try
        {
            await writing;
        }
        catch (IOException failure) when (_isReused && !_wasAnswered && IsReset(failure))
        {
            throw new StaleConnectionException("The peer had closed the connection before the request reached it.", failure);
        }
    }

    private async ValueTask<bool> WasResetAsync()
    {
        for (var look = 0; look < ResetLooks; look++)
        {
            if (HasReset())
            {
                return true;
            }

            await Task.Delay(ResetDelay, TimeProvider.System, CancellationToken.None);
        }

        return HasReset();
    }

    private bool HasReset()
    {
        try
        {
            return IsReset((SocketError)(int)socket.GetSocketOption(SocketOptionLevel.Socket, SocketOptionName.Error)!);
        }
        catch (Exception failure) when (failure is SocketException or ObjectDisposedException)
        {
            return failure is SocketException;
        }
    }
}
