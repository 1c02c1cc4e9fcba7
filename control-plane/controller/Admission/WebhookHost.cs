using Brokkr.Controller.Stores;
using Microsoft.Extensions.Logging;

namespace Brokkr.Controller.Admission;

/// <summary>The admission webhook: answers the API server's reviews of Brokers, Triggers, KafkaSinks and Pods, and keeps its own certificate and registration.</summary>
public sealed class WebhookHost : IAsyncDisposable
{
    private readonly WebhookServer _server;
    private readonly CancellationTokenSource _stopping;
    private readonly Task _keeping;

    private WebhookHost(WebhookServer server, Task keeping, CancellationTokenSource stopping)
    {
        _server = server;
        _keeping = keeping;
        _stopping = stopping;
    }

    /// <summary>The port that is listened on.</summary>
    public int Port => _server.Port;

    /// <summary>Ends when the host can no longer look after its certificate, which is a defect; else never before it is disposed.</summary>
    public Task Completion => _keeping;

    /// <summary>Starts: listens, and then makes or takes the certificate and registers. Until there is a certificate, connections are refused.</summary>
    /// <param name="options">What to do.</param>
    /// <param name="store">Has the ConfigMaps of the system namespace, and writes Secret and configurations.</param>
    /// <param name="loggers">Makes the loggers.</param>
    /// <param name="time">The clock.</param>
    /// <param name="cancellation">Ends the start.</param>
    /// <exception cref="IOException">The port is in use.</exception>
    public static Task<WebhookHost> StartAsync(
        WebhookOptions options,
        IClusterStore store,
        ILoggerFactory loggers,
        TimeProvider time,
        CancellationToken cancellation
    ) => StartAsync(options, store, store as ISubscribeAccess, loggers, time, cancellation);

    internal static async Task<WebhookHost> StartAsync(
        WebhookOptions options,
        IClusterStore store,
        ISubscribeAccess? access,
        ILoggerFactory loggers,
        TimeProvider time,
        CancellationToken cancellation
    )
    {
        var logger = loggers.CreateLogger("Brokkr.Controller.Admission");
        var keeper = new WebhookKeeper(options, store, time, logger);
        var handler = new AdmissionHandler(() => AdmissionSettings.Of(store.Objects, options.SystemNamespace), access);
        var server = await WebhookServer.StartAsync(options, handler, () => keeper.Certificate, loggers, logger, cancellation);
        logger.WebhookListening(server.Port);
        var stopping = new CancellationTokenSource();
        return new WebhookHost(server, KeepAsync(keeper, stopping.Token), stopping);
    }

    /// <summary>From now on probes are told that the process is ending.</summary>
    public void Drain() => _server.Drain();

    /// <summary>Lets running requests end and stops.</summary>
    public async ValueTask DisposeAsync()
    {
        await _stopping.CancelAsync();
        await _server.DisposeAsync();
        try
        {
            await _keeping;
        }
        finally
        {
            _stopping.Dispose();
        }
    }

    private static async Task KeepAsync(WebhookKeeper keeper, CancellationToken cancellation)
    {
        try
        {
            await keeper.RunAsync(cancellation);
        }
        catch (OperationCanceledException) when (cancellation.IsCancellationRequested)
        {
            // Asked to.
        }
    }
}
