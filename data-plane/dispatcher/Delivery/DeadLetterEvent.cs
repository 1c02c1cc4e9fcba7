using System.Globalization;
using System.Text;
using Brokkr.Core.Events;
using Brokkr.Core.Log;
using Brokkr.Dispatcher.Feed;

namespace Brokkr.Dispatcher.Delivery;

/// <summary>Makes the event that goes to a dead letter sink or topic (dispatcher §9, OEG-06): specversion 1.0, with the error attributes laid over it.</summary>
internal static class DeadLetterEvent
{
    private static readonly byte[] Destination = "knativeerrordest"u8.ToArray();
    private static readonly byte[] Code = "knativeerrorcode"u8.ToArray();
    private static readonly byte[] Data = "knativeerrordata"u8.ToArray();

    /// <summary>The event with its error attributes.</summary>
    /// <param name="view">The event as it was sent.</param>
    /// <param name="subscriber">The URL that was called.</param>
    /// <param name="failure">The last failure.</param>
    public static EventView From(EventView view, string subscriber, AttemptResult failure)
    {
        var extensions = new List<OverlaidExtension>(view.Overlay.Extensions.ToArray())
        {
            new(Destination, Encoding.UTF8.GetBytes(subscriber), AttributeType.String),
        };
        if (failure.Status > 0)
        {
            var code = Encoding.ASCII.GetBytes(failure.Status.ToString(CultureInfo.InvariantCulture));
            extensions.Add(new OverlaidExtension(Code, code, AttributeType.String));
        }

        if (failure.Detail is { } detail)
        {
            foreach (var (name, value) in detail.Headers)
            {
                extensions.Add(new OverlaidExtension(Encoding.ASCII.GetBytes(name), value, AttributeType.String));
            }

            if (detail.Body.Length > 0)
            {
                var text = Encoding.ASCII.GetBytes(Convert.ToBase64String(detail.Body));
                extensions.Add(new OverlaidExtension(Data, text, AttributeType.String));
            }
        }

        return new EventView(view.Event.ToVersion10(), view.Record, new EventOverlay(extensions), view.Overrides);
    }

    /// <summary>Writes an event as a record in binary mode, with the key of the record it came in, so that order per key survives.</summary>
    public static void Write(EventView view, RecordBuffer record)
    {
        var version = view.Event.Get(CoreAttribute.SpecVersion);
        for (var i = 0; i < CloudEvent.CoreCount; i++)
        {
            var attribute = (CoreAttribute)i;
            if (!view.Event.Has(attribute))
            {
                continue;
            }

            if (attribute == CoreAttribute.DataContentType)
            {
                record.AddHeader("content-type"u8, view.Event.Get(attribute));
            }
            else
            {
                record.AddHeader("ce_"u8, AttributeNames.Of(attribute, version), view.Event.Get(attribute));
            }
        }

        for (var i = 0; i < view.Event.ExtensionCount; i++)
        {
            var name = view.Event.ExtensionName(i);
            if (!view.Overlay.TryGet(name, out _))
            {
                record.AddHeader("ce_"u8, name, view.Event.ExtensionValue(i));
            }
        }

        foreach (ref readonly var extension in view.Overlay.Extensions)
        {
            record.AddHeader("ce_"u8, extension.Name, extension.Value);
        }

        if (view.Record.HasKey)
        {
            record.SetKey(view.Record.Key);
        }

        if (view.Event.Form != DataForm.None)
        {
            record.AppendValue(view.Event.Data.Span);
        }
    }
}
