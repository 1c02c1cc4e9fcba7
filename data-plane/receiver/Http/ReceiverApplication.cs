using Brokkr.Core.Events;
using Brokkr.Receiver.Authentication;
using Brokkr.Receiver.Routing;
using Brokkr.Receiver.Telemetry;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Abstractions;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.Logging;

namespace Brokkr.Receiver.Http;

/// <summary>
/// What the web server calls for every request. It sits directly on the server: routing, hosting and logging middleware would cost more than the
/// work itself. Contexts live as long as their connection or stream and are used again.
/// </summary>
internal sealed class ReceiverApplication(
    ReceiverOptions options,
    IngressStore store,
    TokenVerifier? tokens,
    IEventTypeRegistry? eventTypes,
    ReceiverMetrics metrics,
    Deadlines deadlines,
    TimeProvider time,
    ILogger logger
) : IHttpApplication<RequestContext>
{
    private volatile string? _notReady = "The receiver is starting.";
    private volatile bool _draining;

    public ReceiverOptions Options { get; } = options;

    public IngressStore Store { get; } = store;

    /// <summary>Verifies tokens; null without an issuer.</summary>
    public TokenVerifier? Tokens { get; } = tokens;

    /// <summary>Is told about the types of stored events, for resources that ask for it; null where nobody makes something of it.</summary>
    public IEventTypeRegistry? EventTypes { get; } = eventTypes;

    public ReceiverMetrics Metrics { get; } = metrics;

    public IngressTraces Traces { get; } = new();

    public Deadlines Deadlines { get; } = deadlines;

    public AppendWait.Pool Appends { get; } = new(deadlines, options.AppendDeadline);

    public InFlightBytes Bytes { get; } = new(options.MaxBytesInFlight);

    public TimeProvider Time { get; } = time;

    public ILogger Logger { get; } = logger;

    /// <summary>Why no events are wanted here now; null when they are.</summary>
    public string? NotReady
    {
        get => _notReady;
        set => _notReady = value;
    }

    /// <summary>Whether senders should look for another receiver: answers close their connection.</summary>
    public bool Draining
    {
        get => _draining;
        set => _draining = value;
    }

    /// <inheritdoc/>
    public RequestContext CreateContext(IFeatureCollection contextFeatures)
    {
        if (contextFeatures is not IHostContextContainer<RequestContext> container)
        {
            return new RequestContext(this).Begin(contextFeatures);
        }

        return (container.HostContext ??= new RequestContext(this)).Begin(contextFeatures);
    }

    /// <inheritdoc/>
    public Task ProcessRequestAsync(RequestContext context) => context.RunAsync();

    /// <inheritdoc/>
    public void DisposeContext(RequestContext context, Exception? exception) => context.End();
}
