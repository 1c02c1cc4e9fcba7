using System.Buffers;
using System.Diagnostics;
using System.Net;
using System.Text;
using Brokkr.Core.Events;
using Brokkr.Core.Telemetry;
using Brokkr.Dispatcher.Feed;

namespace Brokkr.Dispatcher.Http;

/// <summary>Makes the requests that carry events (dispatcher §7.1). Hot path: header texts are made once per event, not once per Trigger.</summary>
internal sealed class RequestWriter
{
    private const string UserAgent = "Brokkr";

    // As they stand in CoreAttribute; the content type is a header of the content.
    private static readonly string[] CoreNames =
    [
        "ce-specversion",
        "ce-id",
        "ce-source",
        "ce-type",
        "",
        "ce-dataschema",
        "ce-subject",
        "ce-time",
    ];

    private readonly TextCache _texts = new();

    /// <summary>Makes a request.</summary>
    /// <param name="to">The URL.</param>
    /// <param name="view">The event.</param>
    /// <param name="isStructured">Structured JSON mode instead of binary mode.</param>
    /// <param name="sender">Namespace of the Trigger.</param>
    /// <param name="span">The span that the request belongs to, instead of the one that the record came from; null for none.</param>
    public HttpRequestMessage Create(Uri to, EventView view, bool isStructured, string sender, Activity? span = null)
    {
        var request = new HttpRequestMessage(HttpMethod.Post, to)
        {
            Version = HttpVersion.Version11,
            VersionPolicy = HttpVersionPolicy.RequestVersionExact,
        };
        if (isStructured)
        {
            var json = new ArrayBufferWriter<byte>(view.Event.Data.Length + 512);
            JsonEventFormat.Write(view.Event, view.Overlay, json);
            request.Content = new EventContent(json.WrittenMemory);
            request.Content.Headers.TryAddWithoutValidation("Content-Type", "application/cloudevents+json; charset=utf-8");
            var trace = new List<string>();
            AddTraceContext(view, trace);
            Add(request, [.. trace]);
        }
        else
        {
            WriteBinary(request, view);
        }

        if (span is not null)
        {
            Replace(request, "traceparent", TraceHeaders.Parent(span.Context));
            if (span.TraceStateString is { Length: > 0 } state)
            {
                Replace(request, "tracestate", state);
            }
        }

        request.Headers.TryAddWithoutValidation("Prefer", "reply");
        request.Headers.TryAddWithoutValidation("Kn-Namespace", sender);
        request.Headers.TryAddWithoutValidation("User-Agent", UserAgent);
        return request;
    }

    private static string AsHeader(ReadOnlySpan<byte> contentType)
    {
        foreach (var b in contentType)
        {
            if (b is < 0x20 or > 0x7e)
            {
                return HttpBinding.EncodeValue(contentType);
            }
        }

        return Encoding.ASCII.GetString(contentType);
    }

    private static void Add(HttpRequestMessage request, string[] headers)
    {
        for (var i = 0; i < headers.Length; i += 2)
        {
            request.Headers.TryAddWithoutValidation(headers[i], headers[i + 1]);
        }
    }

    private static void Replace(HttpRequestMessage request, string name, string value)
    {
        request.Headers.Remove(name);
        request.Headers.TryAddWithoutValidation(name, value);
    }

    private static void AddTraceContext(EventView view, List<string> headers)
    {
        foreach (ref readonly var header in view.Record.Headers)
        {
            var name = view.Record.NameOf(header);
            if (name.IsEmpty || name[0] is not ((byte)'t' or (byte)'b') || header.ValueLength <= 0)
            {
                continue;
            }

            var text =
                name.SequenceEqual("traceparent"u8) ? "traceparent"
                : name.SequenceEqual("tracestate"u8) ? "tracestate"
                : name.SequenceEqual("baggage"u8) ? "baggage"
                : null;
            if (text is not null)
            {
                headers.Add(text);
                headers.Add(AsHeader(view.Record.ValueOf(header)));
            }
        }
    }

    private void WriteBinary(HttpRequestMessage request, EventView view)
    {
        Add(request, view.Headers ??= Headers(view));
        request.Content = new EventContent(view.Event.Data);
        if (view.Event.Has(CoreAttribute.DataContentType))
        {
            var contentType = view.Event.Get(CoreAttribute.DataContentType);
            request.Content.Headers.TryAddWithoutValidation("Content-Type", _texts.Find(contentType, "") ?? AsHeader(contentType));
        }
    }

    private string[] Headers(EventView view)
    {
        var headers = new List<string>(2 * (CloudEvent.CoreCount + view.Event.ExtensionCount + view.Overlay.Extensions.Length));
        var isVersion03 = view.Event.Get(CoreAttribute.SpecVersion).SequenceEqual("0.3"u8);
        for (var i = 0; i < CloudEvent.CoreCount; i++)
        {
            var attribute = (CoreAttribute)i;
            if (attribute == CoreAttribute.DataContentType || !view.Event.Has(attribute))
            {
                continue;
            }

            var value = view.Event.Get(attribute);
            headers.Add(attribute == CoreAttribute.DataSchema && isVersion03 ? "ce-schemaurl" : CoreNames[i]);
            headers.Add(
                attribute is CoreAttribute.Id or CoreAttribute.Time or CoreAttribute.Subject ? HttpBinding.EncodeValue(value) : Text(value)
            );
        }

        for (var i = 0; i < view.Event.ExtensionCount; i++)
        {
            var name = view.Event.ExtensionName(i);
            if (!view.Overlay.TryGet(name, out _))
            {
                headers.Add(Name(name));
                headers.Add(HttpBinding.EncodeValue(view.Event.ExtensionValue(i)));
            }
        }

        foreach (ref readonly var extension in view.Overlay.Extensions)
        {
            headers.Add(Name(extension.Name));
            headers.Add(HttpBinding.EncodeValue(extension.Value));
        }

        AddTraceContext(view, headers);
        return [.. headers];
    }

    private string Name(ReadOnlySpan<byte> name) => _texts.Find(name, "ce-") ?? "ce-" + Encoding.ASCII.GetString(name);

    private string Text(ReadOnlySpan<byte> value) => _texts.Find(value, "") ?? HttpBinding.EncodeValue(value);
}
