using System.Runtime.InteropServices;
using Brokkr.Core.Log;
using Brokkr.Kafka.Native;
using Brokkr.Kafka.Tokens;
using Microsoft.Extensions.Logging;

namespace Brokkr.Kafka.Clients;

/// <summary>Sends administrative requests; the answers come back through one queue, without a thread of our own.</summary>
internal sealed class AdminClient : IAsyncDisposable
{
    private readonly NativeClient _client;
    private readonly nint _queue;
    private readonly WakeUp _wakeUp = new();
    private readonly CancellationTokenSource _stop = new();
    private readonly Task _pump;
    private readonly int _timeoutMs;
    private int _open;

    public unsafe AdminClient(IReadOnlyDictionary<string, string> settings, TimeSpan timeout, ILogger logger, BearerTokens? tokens = null)
    {
        _timeoutMs = (int)timeout.TotalMilliseconds;
        _client = NativeClient.Create(Rd.TypeProducer, settings, null, 0, logger, tokens);
        _queue = Rd.QueueNew(_client.Handle);
        _wakeUp.Attach(_queue);
        _pump = PumpAsync();
    }

    /// <summary>Starts a request: the client, the options with the opaque value, and the queue to answer on.</summary>
    public delegate void Start(nint client, nint options, nint queue);

    /// <summary>Sends a request and reads its answer.</summary>
    /// <param name="operation">The operation's number, see <see cref="RdAdmin"/>.</param>
    /// <param name="start">Sends it; all that it allocates it frees.</param>
    /// <param name="read">Reads the answer from the event, which lives only during the call.</param>
    /// <param name="cancellation">Ends the wait; the request itself goes on.</param>
    /// <exception cref="LogUnavailableException">The cluster did not answer, or the request as a whole failed: <see cref="RequestFailedException"/>.</exception>
    public async Task<T> CallAsync<T>(int operation, Start start, Func<nint, T> read, CancellationToken cancellation)
    {
        cancellation.ThrowIfCancellationRequested();
        ObjectDisposedException.ThrowIf(_stop.IsCancellationRequested, this);
        var call = new Call<T>(read);
        var handle = GCHandle.Alloc(call);
        Interlocked.Increment(ref _open);
        try
        {
            Send(operation, start, GCHandle.ToIntPtr(handle));
        }
        catch
        {
            // Nothing was sent, so there will be no answer to wait for.
            handle.Free();
            Interlocked.Decrement(ref _open);
            throw;
        }

        return await call.Answer.Task.WaitAsync(cancellation);
    }

    /// <summary>Waits for open requests, at most their own timeout, then closes.</summary>
    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        _wakeUp.Set();
        await _pump;
        _wakeUp.Dispose();
        Rd.QueueDestroy(_queue);
        await _client.DisposeAsync();
        _stop.Dispose();
    }

    private unsafe void Send(int operation, Start start, nint opaque)
    {
        var error = stackalloc byte[256];
        var options = RdAdmin.OptionsNew(_client.Handle, operation);
        _ = RdAdmin.OptionsRequestTimeout(options, _timeoutMs, error, 256);
        if (operation is RdAdmin.CreateTopicsOperation or RdAdmin.DeleteTopicsOperation)
        {
            _ = RdAdmin.OptionsOperationTimeout(options, _timeoutMs, error, 256);
        }

        RdAdmin.OptionsOpaque(options, opaque);
        try
        {
            start(_client.Handle, options, _queue);
        }
        finally
        {
            RdAdmin.OptionsDestroy(options);
        }
    }

    private async Task PumpAsync()
    {
        while (!_stop.IsCancellationRequested || Volatile.Read(ref _open) > 0)
        {
            for (var answer = Rd.QueuePoll(_queue, 0); answer != 0; answer = Rd.QueuePoll(_queue, 0))
            {
                var opaque = Rd.EventOpaque(answer);
                if (opaque != 0)
                {
                    var handle = GCHandle.FromIntPtr(opaque);
                    var call = (Call)handle.Target!;
                    handle.Free();
                    Interlocked.Decrement(ref _open);
                    call.Complete(answer);
                }

                Rd.EventDestroy(answer);
            }

            if (!_stop.IsCancellationRequested || Volatile.Read(ref _open) > 0)
            {
                await _wakeUp.WaitAsync(CancellationToken.None);
            }
        }
    }

    private abstract class Call
    {
        public abstract void Complete(nint answer);
    }

    private sealed class Call<T>(Func<nint, T> read) : Call
    {
        public TaskCompletionSource<T> Answer { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public override unsafe void Complete(nint answer)
        {
            var code = Rd.EventErrorCode(answer);
            if (code != ErrorCodes.None)
            {
                var failure = new RequestFailedException(code, Rd.Text(Rd.EventErrorString(answer)));
                Answer.TrySetException(new LogUnavailableException($"Kafka: {failure.Message}", failure));
                return;
            }

            try
            {
                Answer.TrySetResult(read(answer));
            }
            catch (Exception exception)
            {
                Answer.TrySetException(exception);
            }
        }
    }
}
