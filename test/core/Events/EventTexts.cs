using System.Buffers;
using System.Text;
using Brokkr.Core.Events;
using Brokkr.Core.Log;

namespace Brokkr.Core.Tests.Events;

/// <summary>Makes events from text and shows them as text, so that tests read like the tables of the specification.</summary>
internal static class EventTexts
{
    public static byte[] Utf8(string text) => Encoding.UTF8.GetBytes(text);

    public static string Text(ReadOnlySpan<byte> utf8) => Encoding.UTF8.GetString(utf8);

    /// <summary>The four required attributes and more; a null value leaves an attribute out.</summary>
    public static List<(string Name, string Value)> Headers(params (string Name, string? Value)[] changes)
    {
        var headers = new List<(string Name, string Value)>
        {
            ("ce-specversion", "1.0"),
            ("ce-id", "i-1"),
            ("ce-source", "/src"),
            ("ce-type", "t.x"),
        };
        foreach (var (name, value) in changes)
        {
            headers.RemoveAll(h => h.Name == name);
            if (value is not null)
            {
                headers.Add((name, value));
            }
        }

        return headers;
    }

    /// <summary>What a receiver does with a request in binary mode.</summary>
    public static EventError Accept(EventBuffer buffer, IEnumerable<(string Name, string Value)> headers, byte[]? body = null)
    {
        foreach (var (name, value) in headers)
        {
            var error = name.Equals("content-type", StringComparison.OrdinalIgnoreCase)
                ? HttpBinding.SetContentType(buffer, Utf8(value))
                : HttpBinding.AddHeader(buffer, Utf8(name), Utf8(value));
            if (error.IsError)
            {
                return error;
            }
        }

        buffer.AppendData(body ?? []);
        return buffer.Validate();
    }

    /// <summary>The record that a binary request becomes, as <c>name=value</c> lines; or its error.</summary>
    public static string Stored(IEnumerable<(string Name, string Value)> headers, byte[]? body = null)
    {
        using var buffer = EventBuffer.Rent();
        var error = Accept(buffer, headers, body);
        if (error.IsError)
        {
            return $"{error.Kind}: {error.Message}";
        }

        using var record = RecordBuffer.Rent();
        buffer.WriteBinary(record);
        return Show(record);
    }

    public static EventError ReadJson(string json, out CloudEvent? @event) => ReadJson(Utf8(json), out @event);

    public static EventError ReadJson(byte[] json, out CloudEvent? @event)
    {
        using var buffer = EventBuffer.Rent();
        var error = JsonEventFormat.Read(json, buffer);
        @event = error.IsError ? null : buffer.ToCloudEvent();
        return error;
    }

    /// <summary>The record that a structured request becomes on a Broker; or its error.</summary>
    public static string StoredJson(string json)
    {
        using var buffer = EventBuffer.Rent();
        var error = JsonEventFormat.Read(Utf8(json), buffer);
        if (error.IsError)
        {
            return $"{error.Kind}: {error.Message}";
        }

        using var record = RecordBuffer.Rent();
        buffer.WriteBinary(record);
        return Show(record);
    }

    public static string Show(RecordBuffer record)
    {
        var lines = new List<string>();
        for (var i = 0; i < record.HeaderCount; i++)
        {
            lines.Add($"{Text(record.HeaderName(i))}={Text(record.HeaderValue(i))}");
        }

        lines.Add(record.HasValue ? $"value={Text(record.Value)}" : "no value");
        if (record.HasKey)
        {
            lines.Add($"key={Text(record.Key)}");
        }

        return string.Join('\n', lines);
    }

    /// <summary>A record with these headers; a null value is a null header.</summary>
    public static StoredRecord Record(byte[]? value, params (string Name, string? Value)[] headers)
    {
        using var record = RecordBuffer.Rent();
        Fill(record, value, headers);
        return StoredRecord.From(record, 0, 0);
    }

    /// <summary>Puts these headers and this value into a record; a null value of a header is a null header.</summary>
    public static void Fill(RecordBuffer record, byte[]? value, params ReadOnlySpan<(string Name, string? Value)> headers)
    {
        foreach (var (name, text) in headers)
        {
            if (text is null)
            {
                record.AddNullHeader(Utf8(name));
            }
            else
            {
                record.AddHeader(Utf8(name), Utf8(text));
            }
        }

        if (value is not null)
        {
            record.AppendValue(value);
        }
    }

    /// <summary>Every attribute of an event by name, and the data.</summary>
    public static string Show(CloudEvent e)
    {
        var lines = new List<string>();
        foreach (var attribute in Enum.GetValues<CoreAttribute>())
        {
            if (e.Has(attribute))
            {
                lines.Add($"{Text(AttributeNames.Of(attribute, e.Get(CoreAttribute.SpecVersion)))}={Text(e.Get(attribute))}");
            }
        }

        for (var i = 0; i < e.ExtensionCount; i++)
        {
            var type = e.ExtensionType(i) == AttributeType.String ? "" : $" ({e.ExtensionType(i)})";
            lines.Add($"{Text(e.ExtensionName(i))}={Text(e.ExtensionValue(i))}{type}");
        }

        lines.Add(e.Form == DataForm.None ? "no data" : $"{e.Form}: {Text(e.Data.Span)}");
        return string.Join('\n', lines);
    }

    public static string Written(CloudEvent e, EventOverlay? overlay = null)
    {
        var to = new ArrayBufferWriter<byte>();
        JsonEventFormat.Write(e, overlay ?? EventOverlay.Empty, to);
        return Text(to.WrittenSpan);
    }

    public static CloudEvent Decoded(StoredRecord record)
    {
        var error = KafkaBinding.Decode(record, out var e);
        Assert.False(error.IsError, error.Message);
        return e!;
    }

    public static CloudEvent Event(params (string Name, string? Value)[] changes)
    {
        using var buffer = EventBuffer.Rent();
        var error = Accept(buffer, Headers(changes));
        Assert.False(error.IsError, error.Message);
        return buffer.ToCloudEvent();
    }

    /// <summary>
    /// Bytes that an action allocates once it is warm: the least of several rounds, because tests beside this one may take buffers out of a pool.
    /// </summary>
    public static long Allocated(Action action)
    {
        var least = long.MaxValue;
        for (var round = 0; round < 20 && least > 0; round++)
        {
            var before = GC.GetAllocatedBytesForCurrentThread();
            for (var i = 0; i < 100; i++)
            {
                action();
            }

            least = Math.Min(least, GC.GetAllocatedBytesForCurrentThread() - before);
        }

        return least / 100;
    }
}
