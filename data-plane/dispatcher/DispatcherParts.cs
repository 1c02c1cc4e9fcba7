using Brokkr.Core.Events;
using Brokkr.Dispatcher.Delivery;
using Brokkr.Dispatcher.Feed;
using Brokkr.Dispatcher.Http;
using Brokkr.Dispatcher.Telemetry;
using Brokkr.Dispatcher.Tokens;
using Microsoft.Extensions.Logging;

namespace Brokkr.Dispatcher;

/// <summary>What all Triggers of a dispatcher share.</summary>
internal sealed record DispatcherParts(
    DispatcherOptions Options,
    SubscriberConnections Connections,
    RequestWriter Requests,
    DeliveryPool Deliveries,
    MemoryShares Memory,
    CatchUpPlaces CatchUpPlaces,
    Startup Startup,
    DispatcherMetrics Metrics,
    IEventTypeRegistry? EventTypes,
    SubscriberTokens Tokens,
    TimeProvider Time,
    ILogger Logger
) : IDisposable
{
    public DeliveryTraces Traces { get; } = new();

    public void Dispose()
    {
        Tokens.Stop();
        Connections.Dispose();
        CatchUpPlaces.Dispose();
        Metrics.Dispose();
        Traces.Dispose();
    }
}
