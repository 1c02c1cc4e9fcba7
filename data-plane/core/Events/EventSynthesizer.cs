using System.Buffers.Binary;
using System.Buffers.Text;
using System.Globalization;
using System.Text;
using Brokkr.Core.Contract.Wire;
using Brokkr.Core.Log;

namespace Brokkr.Core.Events;

/// <summary>
/// Makes events of records that are none, for KafkaSources (dispatcher §4.1, §4.4, source-channel-scheduling §2.9): type
/// <c>dev.knative.kafka.event</c>, the value as it is, the key and the other headers as extensions. Immutable, thread-safe.
/// </summary>
public sealed class EventSynthesizer
{
    private const int OnStack = 256;

    private readonly byte[] _source;
    private readonly KeyType _keyType;

    /// <summary>Makes events for one source.</summary>
    /// <param name="namespaceName">Namespace of the source.</param>
    /// <param name="kindPlural">Its kind as it stands in URLs, such as <c>kafkasources</c>.</param>
    /// <param name="name">Its name.</param>
    /// <param name="keyType">How keys are read.</param>
    public EventSynthesizer(string namespaceName, string kindPlural, string name, KeyType keyType)
    {
        _source = Encoding.UTF8.GetBytes($"/apis/v1/namespaces/{namespaceName}/{kindPlural}/{name}#");
        _keyType = keyType;
    }

    /// <summary>Makes an event of a record. Every record can be one.</summary>
    /// <param name="record">The record; kept alive by the event, whose data is its value.</param>
    /// <param name="topic">The topic as UTF-8.</param>
    /// <param name="partition">The partition.</param>
    public CloudEvent Make(StoredRecord record, ReadOnlySpan<byte> topic, int partition)
    {
        using var buffer = EventBuffer.Rent();
        buffer.Lenient = true;
        buffer.SetAttribute("specversion"u8, "1.0"u8);
        buffer.SetAttribute("type"u8, "dev.knative.kafka.event"u8);
        SetPlace(buffer, record, topic, partition);
        SetTime(buffer, record.Timestamp);
        if (record.Key.Length > 0)
        {
            SetKey(buffer, record.Key);
        }

        foreach (ref readonly var header in record.Headers)
        {
            // A null value is an empty one. In the original such a header loses every plain record that was read along with it.
            SetHeader(buffer, record.NameOf(header), record.ValueOf(header));
        }

        return buffer.ToCloudEvent(record.Value, record.HasValue ? DataForm.Bytes : DataForm.None);
    }

    private void SetPlace(EventBuffer buffer, StoredRecord record, ReadOnlySpan<byte> topic, int partition)
    {
        Span<byte> text = stackalloc byte[64];
        var at = Put("partition:"u8, text, 0);
        at += Digits(partition, text[at..]);
        var subject = Put("#"u8, text, at);
        subject += Digits(record.Offset, text[subject..]);
        buffer.SetAttribute("subject"u8, text[..subject]);
        at = Put("/offset:"u8, text, at);
        at += Digits(record.Offset, text[at..]);
        buffer.SetAttribute("id"u8, text[..at]);

        var length = _source.Length + topic.Length;
        var source = length <= 2 * OnStack ? stackalloc byte[2 * OnStack] : new byte[length];
        Put(topic, source, Put(_source, source, 0));
        buffer.SetAttribute("source"u8, source[..length]);
    }

    private static void SetTime(EventBuffer buffer, long milliseconds)
    {
        // Whoever wrote the record may have given it a time that no calendar has; then the event has none.
        if (
            milliseconds < DateTimeOffset.MinValue.ToUnixTimeMilliseconds()
            || milliseconds > DateTimeOffset.MaxValue.ToUnixTimeMilliseconds()
        )
        {
            return;
        }

        Span<byte> text = stackalloc byte[32];
        DateTimeOffset
            .FromUnixTimeMilliseconds(milliseconds)
            .TryFormat(text, out var length, "yyyy-MM-dd'T'HH:mm:ss.FFF'Z'", CultureInfo.InvariantCulture);
        buffer.SetAttribute("time"u8, text[..length]);
    }

    private void SetKey(EventBuffer buffer, ReadOnlySpan<byte> key)
    {
        Span<byte> text = stackalloc byte[JavaNumbers.MaxLength];
        switch (_keyType)
        {
            case KeyType.Integer when key.Length == sizeof(int):
                SetKey(buffer, text[..Digits(BinaryPrimitives.ReadInt32BigEndian(key), text)], AttributeType.Integer);
                break;
            case KeyType.Double when key.Length == sizeof(double):
                SetKey(buffer, text[..JavaNumbers.Write(BinaryPrimitives.ReadDoubleBigEndian(key), text)], AttributeType.String);
                break;
            case KeyType.Double when key.Length == sizeof(float):
                SetKey(buffer, text[..JavaNumbers.Write(BinaryPrimitives.ReadSingleBigEndian(key), text)], AttributeType.String);
                break;
            case KeyType.ByteArray:
                var base64 = new byte[Base64.GetMaxEncodedToUtf8Length(key.Length)];
                Base64.EncodeToUtf8(key, base64, out _, out _);
                SetKey(buffer, base64, AttributeType.String);
                break;
            default:
                SetKey(buffer, key, AttributeType.String);
                break;
        }
    }

    private static void SetKey(EventBuffer buffer, ReadOnlySpan<byte> text, AttributeType type)
    {
        buffer.SetAttribute(AttributeNames.PartitionKey, text, type);
        buffer.SetAttribute("key"u8, text, type);
    }

    private static void SetHeader(EventBuffer buffer, ReadOnlySpan<byte> name, ReadOnlySpan<byte> value)
    {
        if (Ascii.EqualsIgnoreCase(name, "content-type"u8))
        {
            SetContentType(buffer, value);
            return;
        }

        var prefix = "kafkaheader"u8;
        var extension = name.Length <= OnStack ? stackalloc byte[OnStack + prefix.Length] : new byte[prefix.Length + name.Length];
        var length = Put(prefix, extension, 0);
        foreach (var b in name)
        {
            var lower = char.IsAsciiLetterUpper((char)b) ? (byte)(b | 0x20) : b;
            if (char.IsAsciiLetterLower((char)lower) || char.IsAsciiDigit((char)lower))
            {
                extension[length++] = lower;
            }
        }

        // Headers beyond what an event can have are left out.
        buffer.SetAttribute(extension[..length], value);
    }

    private static void SetContentType(EventBuffer buffer, ReadOnlySpan<byte> value)
    {
        if (value.IsEmpty)
        {
            return;
        }

        var lower = value.Length <= OnStack ? stackalloc byte[OnStack] : new byte[value.Length];
        for (var i = 0; i < value.Length; i++)
        {
            lower[i] = char.IsAsciiLetterUpper((char)value[i]) ? (byte)(value[i] | 0x20) : value[i];
        }

        buffer.SetAttribute("datacontenttype"u8, lower[..value.Length]);
    }

    private static int Digits(long number, Span<byte> to)
    {
        Utf8Formatter.TryFormat(number, to, out var written);
        return written;
    }

    private static int Put(ReadOnlySpan<byte> text, Span<byte> to, int at)
    {
        text.CopyTo(to[at..]);
        return at + text.Length;
    }
}
