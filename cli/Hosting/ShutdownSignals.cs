using System.Runtime.InteropServices;

namespace Brokkr.Cli.Hosting;

/// <summary>SIGTERM and SIGINT: the first one asks the process to end in good order, the second one ends it at once.</summary>
internal sealed class ShutdownSignals : IDisposable
{
    private readonly CancellationTokenSource _stopping = new();
    private readonly PosixSignalRegistration[] _registrations;
    private int _signals;

    public ShutdownSignals() =>
        _registrations = [
            PosixSignalRegistration.Create(PosixSignal.SIGTERM, Received),
            PosixSignalRegistration.Create(PosixSignal.SIGINT, Received),
            PosixSignalRegistration.Create(PosixSignal.SIGQUIT, Received),
        ];

    /// <summary>Cancelled by the first signal.</summary>
    public CancellationToken Stopping => _stopping.Token;

    public void Dispose()
    {
        foreach (var registration in _registrations)
        {
            registration.Dispose();
        }

        _stopping.Dispose();
    }

    private void Received(PosixSignalContext context)
    {
        if (Interlocked.Increment(ref _signals) > 1)
        {
            Environment.Exit(context.Signal == PosixSignal.SIGINT ? 130 : 143);
        }

        context.Cancel = true;
        // Not on the signal's own thread: what hangs on the token may take its time, and a second signal must get through.
        _ = _stopping.CancelAsync();
    }
}
