using System.Buffers;
using System.Globalization;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using Brokkr.Core.Events;

namespace Brokkr.Cli.Display;

/// <summary>Prints events: for people with indentation, for programs as one JSON object per line.</summary>
internal static class EventPrinter
{
    private const int MaxData = 16 * 1024;

    /// <summary>The text for people.</summary>
    /// <param name="event">The event.</param>
    /// <param name="attempt">Which attempt it is, from 1.</param>
    /// <param name="status">What it is answered with.</param>
    /// <param name="reply">Type of the event that is sent back; null for none.</param>
    /// <param name="at">When it came.</param>
    public static string Text(CloudEvent @event, int attempt, int status, string? reply, DateTimeOffset at)
    {
        var text = new StringBuilder();
        text.Append(CultureInfo.InvariantCulture, $"{at.ToLocalTime():HH:mm:ss.fff}  {Value(@event, CoreAttribute.Type)}  ");
        text.Append(CultureInfo.InvariantCulture, $"id {Value(@event, CoreAttribute.Id)} from {Value(@event, CoreAttribute.Source)}");
        if (attempt > 1)
        {
            text.Append(CultureInfo.InvariantCulture, $", attempt {attempt}");
        }

        text.Append(CultureInfo.InvariantCulture, $" -> {status}");
        if (reply is not null)
        {
            text.Append(CultureInfo.InvariantCulture, $", reply {reply}");
        }

        text.Append('\n');
        Line(text, "subject", @event, CoreAttribute.Subject);
        Line(text, "time", @event, CoreAttribute.Time);
        Line(text, "dataschema", @event, CoreAttribute.DataSchema);
        for (var i = 0; i < @event.ExtensionCount; i++)
        {
            text.Append(CultureInfo.InvariantCulture, $"  {Utf8(@event.ExtensionName(i))}: {Utf8(@event.ExtensionValue(i))}\n");
        }

        Line(text, "datacontenttype", @event, CoreAttribute.DataContentType);
        if (@event.Form != DataForm.None)
        {
            foreach (var line in Data(@event).Split('\n'))
            {
                text.Append("  ").Append(line).Append('\n');
            }
        }

        return text.ToString();
    }

    /// <summary>The line for programs: the event in CloudEvents' JSON with what became of it.</summary>
    public static string Json(CloudEvent @event, int attempt, int status, DateTimeOffset at)
    {
        var buffer = new ArrayBufferWriter<byte>();
        JsonEventFormat.Write(@event, EventOverlay.Empty, buffer);
        var output = new ArrayBufferWriter<byte>();
        using var json = new Utf8JsonWriter(output, new JsonWriterOptions { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping });
        json.WriteStartObject();
        json.WriteString("at", at.UtcDateTime);
        json.WriteNumber("attempt", attempt);
        json.WriteNumber("status", status);
        json.WritePropertyName("event");
        json.WriteRawValue(buffer.WrittenSpan);
        json.WriteEndObject();
        json.Flush();
        output.Write("\n"u8);
        return Encoding.UTF8.GetString(output.WrittenSpan);
    }

    private static string Data(CloudEvent @event)
    {
        var data = @event.Data.Span;
        if (!System.Text.Unicode.Utf8.IsValid(data))
        {
            return $"({data.Length} bytes that are no text)";
        }

        if (data.Length > MaxData)
        {
            return $"({data.Length} bytes)";
        }

        try
        {
            using var document = JsonDocument.Parse(@event.Data);
            var output = new ArrayBufferWriter<byte>();
            using (
                var json = new Utf8JsonWriter(
                    output,
                    new JsonWriterOptions { Indented = true, Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping }
                )
            )
            {
                document.WriteTo(json);
            }

            return Utf8(output.WrittenSpan);
        }
        catch (JsonException)
        {
            return Utf8(data);
        }
    }

    private static void Line(StringBuilder text, string name, CloudEvent @event, CoreAttribute attribute)
    {
        if (@event.Has(attribute))
        {
            text.Append(CultureInfo.InvariantCulture, $"  {name}: {Value(@event, attribute)}\n");
        }
    }

    private static string Value(CloudEvent @event, CoreAttribute attribute) => Utf8(@event.Get(attribute));

    private static string Utf8(ReadOnlySpan<byte> bytes) => Encoding.UTF8.GetString(bytes);
}
