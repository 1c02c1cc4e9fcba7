using System.Buffers;
using System.IO.Pipelines;
using System.Runtime.CompilerServices;
using System.Text.Json;
using Brokkr.Apis;

namespace Brokkr.Controller.Kubernetes;

/// <summary>What a watch tells.</summary>
internal enum WatchEventType
{
    /// <summary>Something that is not known here.</summary>
    Other,

    /// <summary>An object is there, new or changed.</summary>
    Set,

    /// <summary>An object is gone.</summary>
    Gone,

    /// <summary>Everything up to a version has been told.</summary>
    Bookmark,

    /// <summary>The watch cannot go on.</summary>
    Error,
}

/// <summary>Something that a watch tells.</summary>
/// <param name="Type">What.</param>
/// <param name="Item">The object; of a bookmark only its version.</param>
/// <param name="Status">Of an error: which.</param>
internal readonly record struct WatchEvent<T>(WatchEventType Type, Decoded<T> Item, ApiStatus? Status)
    where T : ApiObject;

/// <summary>Reads the answer of a watch: one JSON object per line.</summary>
internal static class WatchReader
{
    private const int MaxLine = 32 * 1024 * 1024;

    /// <summary>Reads what is told, until the server ends the watch.</summary>
    /// <exception cref="JsonException">It is no watch.</exception>
    public static async IAsyncEnumerable<WatchEvent<T>> ReadAsync<T>(
        Stream stream,
        Decoder<T> decoder,
        [EnumeratorCancellation] CancellationToken cancellation
    )
        where T : ApiObject
    {
        var pipe = PipeReader.Create(stream, new StreamPipeReaderOptions(bufferSize: 16 * 1024));
        try
        {
            while (true)
            {
                var result = await pipe.ReadAsync(cancellation);
                var rest = result.Buffer;
                while (rest.PositionOf((byte)'\n') is { } end)
                {
                    var line = rest.Slice(0, end);
                    rest = rest.Slice(rest.GetPosition(1, end));
                    if (!line.IsEmpty)
                    {
                        yield return Parse(line, decoder);
                    }
                }

                if (rest.Length > MaxLine)
                {
                    throw new JsonException("An object is too large.");
                }

                pipe.AdvanceTo(rest.Start, result.Buffer.End);
                if (result.IsCompleted)
                {
                    yield break;
                }
            }
        }
        finally
        {
            await pipe.CompleteAsync();
        }
    }

    private static WatchEvent<T> Parse<T>(ReadOnlySequence<byte> line, Decoder<T> decoder)
        where T : ApiObject
    {
        var type = WatchEventType.Other;
        var content = default(ReadOnlySequence<byte>);
        var reader = new Utf8JsonReader(line);
        reader.Read();
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            var isType = reader.ValueTextEquals("type"u8);
            var isObject = reader.ValueTextEquals("object"u8);
            reader.Read();
            if (isType)
            {
                type = TypeOf(ref reader);
            }

            var start = reader.TokenStartIndex;
            reader.Skip();
            if (isObject)
            {
                content = line.Slice(start, reader.BytesConsumed - start);
            }
        }

        return type switch
        {
            WatchEventType.Error => new WatchEvent<T>(type, default, StatusOf(content)),
            WatchEventType.Bookmark => new WatchEvent<T>(type, new Decoded<T>(MetadataOf(content), null, ""), null),
            WatchEventType.Set or WatchEventType.Gone => new WatchEvent<T>(type, decoder.Read(content), null),
            _ => default,
        };
    }

    private static WatchEventType TypeOf(ref Utf8JsonReader reader) =>
        reader.ValueTextEquals("ADDED"u8) || reader.ValueTextEquals("MODIFIED"u8) ? WatchEventType.Set
        : reader.ValueTextEquals("DELETED"u8) ? WatchEventType.Gone
        : reader.ValueTextEquals("BOOKMARK"u8) ? WatchEventType.Bookmark
        : reader.ValueTextEquals("ERROR"u8) ? WatchEventType.Error
        : WatchEventType.Other;

    private static ApiStatus? StatusOf(ReadOnlySequence<byte> content)
    {
        var reader = new Utf8JsonReader(content);
        return JsonSerializer.Deserialize(ref reader, ClusterJson.Default.ApiStatus);
    }

    private static ObjectMeta MetadataOf(ReadOnlySequence<byte> content)
    {
        var reader = new Utf8JsonReader(content);
        return JsonSerializer.Deserialize(ref reader, ClusterJson.Default.BareObject)?.Metadata ?? new ObjectMeta();
    }
}
