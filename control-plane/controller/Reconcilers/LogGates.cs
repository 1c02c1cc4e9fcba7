using System.Collections.Concurrent;
using Brokkr.Core.Contract.Wire;
using Brokkr.Core.Log;

namespace Brokkr.Controller.Reconcilers;

/// <summary>How much is known of something that a log was asked for.</summary>
internal enum LogAnswerKind
{
    /// <summary>It was not answered yet.</summary>
    Pending,

    /// <summary>It was done.</summary>
    Done,

    /// <summary>The log refuses it.</summary>
    Refused,

    /// <summary>Servers, credentials or settings are unusable.</summary>
    Misconfigured,

    /// <summary>The log did not answer.</summary>
    Unavailable,
}

/// <summary>What a log answered.</summary>
/// <param name="Kind">How much is known.</param>
/// <param name="Value">The answer; only where it is <see cref="LogAnswerKind.Done"/>.</param>
/// <param name="Text">Why not, for people; empty where it was done.</param>
/// <param name="Failures">How often in a row it was not done.</param>
internal sealed record LogAnswer<T>(LogAnswerKind Kind, T? Value, string Text, int Failures)
{
    public static LogAnswer<T> Nothing { get; } = new(LogAnswerKind.Pending, default, "", 0);

    public bool IsDone => Kind == LogAnswerKind.Done;
}

/// <summary>
/// Bounds what is asked of each log at the same time, so that a dead one delays its own users only; and once it has not answered one of them, the others are told so
/// without waiting for it, until one has tried again.
/// </summary>
/// <param name="logs">Gives the logs.</param>
/// <param name="options">Says how long and how many.</param>
/// <param name="time">The clock.</param>
internal sealed class LogGates(ILogProvider logs, ControlPlaneOptions options, TimeProvider time)
{
    private readonly ConcurrentDictionary<string, Gate> _gates = new(StringComparer.Ordinal);

    /// <summary>Asks the log of a resource.</summary>
    public async Task<LogAnswer<T>> AskAsync<T>(Resource resource, Func<ILog, CancellationToken, Task<T>> work, CancellationToken stop)
    {
        var servers = resource.BootstrapServers;
        var secret = resource.AuthSecret;
        var gate = _gates.GetOrAdd(
            $"{servers}|{secret?.Namespace}|{secret?.Name}|{secret?.Version}",
            static (_, calls) => new Gate(calls),
            options.CallsPerLog
        );
        await gate.Calls.WaitAsync(stop);
        try
        {
            if (gate.ClosedUntil is { } until && time.GetUtcNow() < until)
            {
                return new LogAnswer<T>(LogAnswerKind.Unavailable, default, gate.Reason, 0);
            }

            using var timeout = new CancellationTokenSource(options.LogTimeout, time);
            using var both = CancellationTokenSource.CreateLinkedTokenSource(timeout.Token, stop);
            try
            {
                await using var lease = await logs.AcquireAsync(resource, both.Token);
                var value = await work(lease.Log, both.Token);
                gate.ClosedUntil = null;
                return new LogAnswer<T>(LogAnswerKind.Done, value, "", 0);
            }
            catch (OperationCanceledException) when (!stop.IsCancellationRequested)
            {
                return Close<T>(gate, $"{servers} did not answer within {options.LogTimeout.TotalSeconds} s.");
            }
        }
        catch (TopicRefusedException exception)
        {
            return new LogAnswer<T>(LogAnswerKind.Refused, default, exception.Message, 0);
        }
        catch (LogConfigurationException exception)
        {
            return new LogAnswer<T>(LogAnswerKind.Misconfigured, default, exception.Message, 0);
        }
        catch (Exception exception) when (exception is not OperationCanceledException)
        {
            return Close<T>(gate, $"{servers} did not answer: {exception.Message}");
        }
        finally
        {
            gate.Calls.Release();
        }
    }

    private LogAnswer<T> Close<T>(Gate gate, string reason)
    {
        gate.Reason = reason;
        gate.ClosedUntil = time.GetUtcNow() + options.LogPause;
        return new LogAnswer<T>(LogAnswerKind.Unavailable, default, reason, 0);
    }

    private sealed class Gate(int calls)
    {
        private long _closedUntil;
        private volatile string _reason = "";

        public SemaphoreSlim Calls { get; } = new(calls);

        public string Reason
        {
            get => _reason;
            set => _reason = value;
        }

        public DateTimeOffset? ClosedUntil
        {
            get => Interlocked.Read(ref _closedUntil) is var ticks and not 0 ? new DateTimeOffset(ticks, TimeSpan.Zero) : null;
            set => Interlocked.Exchange(ref _closedUntil, value?.UtcTicks ?? 0);
        }
    }
}
