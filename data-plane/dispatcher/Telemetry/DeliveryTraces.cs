using System.Diagnostics;
using System.Text;
using Brokkr.Core.Events;
using Brokkr.Core.Telemetry;
using Brokkr.Dispatcher.Feed;

namespace Brokkr.Dispatcher.Telemetry;

/// <summary>
/// The dispatcher's spans (dispatcher §11.5, RDP-20, RDP-21): one for the delivery of a record to a Trigger, with its attempts as events, and under it one for a
/// reply and one for a dead letter. While nobody listens nothing of this is called but <see cref="IsOn"/>.
/// </summary>
internal sealed class DeliveryTraces : IDisposable
{
    private readonly ActivitySource _source = new(TraceHeaders.DispatcherSource);

    /// <summary>Whether anybody wants spans.</summary>
    public bool IsOn => _source.HasListeners();

    /// <summary>Begins with a delivery; null if the trace of the record is not sampled.</summary>
    public Activity? BeginDelivery(Trigger trigger, string topic, EventView view)
    {
        var span = Recorded(_source.CreateActivity("kafka_receive", ActivityKind.Consumer, ParentOf(view)));
        if (span is null)
        {
            return null;
        }

        span.SetTag("peer.service", "kafka");
        span.SetTag("messaging.destination.name", topic);
        span.SetTag("message_bus.destination", topic);
        span.SetTag("messaging.system", "knative");
        span.SetTag("messaging.protocol", "HTTP");
        span.SetTag("messaging.destination", $"trigger:{trigger.Name.Name}.{trigger.Name.Namespace}");
        span.SetTag("consumer.uuid", trigger.Uid);
        span.SetTag("consumer.name", trigger.Name.Name);
        span.SetTag("messaging.message_id", Text(view, CoreAttribute.Id));
        span.SetTag("messaging.message_source", Text(view, CoreAttribute.Source));
        span.SetTag("messaging.message_type", Text(view, CoreAttribute.Type));
        return Start(span);
    }

    /// <summary>Begins with what a delivery brings about.</summary>
    /// <param name="delivery">Its span.</param>
    /// <param name="name">What it is.</param>
    /// <param name="kind">Whether something is sent or stored.</param>
    /// <param name="destination">URL or topic.</param>
    public Activity? BeginChild(Activity delivery, string name, ActivityKind kind, string destination)
    {
        var span = Recorded(_source.CreateActivity(name, kind, delivery.Context));
        span?.SetTag("messaging.destination.name", destination);
        return span is null ? null : Start(span);
    }

    /// <inheritdoc/>
    public void Dispose() => _source.Dispose();

    private static string Text(EventView view, CoreAttribute attribute) => Encoding.UTF8.GetString(view.Event.Get(attribute));

    private static ActivityContext ParentOf(EventView view)
    {
        string? parent = null;
        string? state = null;
        foreach (ref readonly var header in view.Record.Headers)
        {
            var name = view.Record.NameOf(header);
            if (name.SequenceEqual("traceparent"u8))
            {
                parent = Encoding.Latin1.GetString(view.Record.ValueOf(header));
            }
            else if (name.SequenceEqual("tracestate"u8) && header.ValueLength > 0)
            {
                state = Encoding.Latin1.GetString(view.Record.ValueOf(header));
            }
        }

        return ActivityContext.TryParse(parent, state, isRemote: true, out var context) ? context : default;
    }

    /// <summary>Spans that only carry a trace on are not worth having: the headers do that.</summary>
    private static Activity? Recorded(Activity? span) => span is { IsAllDataRequested: true } ? span : null;

    /// <summary>Starts a span without making it the current one, which would follow the thread into other deliveries.</summary>
    private static Activity Start(Activity span)
    {
        var before = Activity.Current;
        span.Start();
        Activity.Current = before;
        return span;
    }
}
