using System.Buffers;
using System.IO.Pipelines;
using System.Text.Json;
using Brokkr.Apis;

namespace Brokkr.Controller.Kubernetes;

/// <summary>Reads a page of a list while it comes, one object after the other: never more than one of them is in memory as text.</summary>
internal sealed class ListReader<T>(Decoder<T> decoder, List<Decoded<T>> into)
    where T : ApiObject
{
    // Larger ones are not in any etcd.
    private const int MaxItem = 32 * 1024 * 1024;

    private JsonReaderState _state;
    private bool _inItems;
    private ListMeta _meta = new();

    /// <summary>Reads a page to its end.</summary>
    /// <returns>The list's metadata.</returns>
    /// <exception cref="JsonException">It is no list.</exception>
    public static async ValueTask<ListMeta> ReadAsync(
        Stream stream,
        Decoder<T> decoder,
        List<Decoded<T>> into,
        CancellationToken cancellation
    )
    {
        var reader = new ListReader<T>(decoder, into);
        var pipe = PipeReader.Create(stream, new StreamPipeReaderOptions(bufferSize: 64 * 1024));
        try
        {
            while (true)
            {
                var result = await pipe.ReadAsync(cancellation);
                var consumed = reader.Take(result.Buffer, result.IsCompleted);
                if (result.IsCompleted)
                {
                    return reader._meta;
                }

                if (result.Buffer.Slice(consumed).Length > MaxItem)
                {
                    throw new JsonException("An object is too large.");
                }

                pipe.AdvanceTo(consumed, result.Buffer.End);
            }
        }
        finally
        {
            await pipe.CompleteAsync();
        }
    }

    private SequencePosition Take(ReadOnlySequence<byte> buffer, bool isLast)
    {
        var reader = new Utf8JsonReader(buffer, isLast, _state);
        while (true)
        {
            // Where a value is not all here yet, it is read again from its beginning when more has come.
            var before = reader;
            if (!reader.Read() || !TakeToken(ref reader))
            {
                _state = before.CurrentState;
                return before.Position;
            }
        }
    }

    private bool TakeToken(ref Utf8JsonReader reader)
    {
        if (_inItems)
        {
            if (reader.TokenType == JsonTokenType.EndArray)
            {
                _inItems = false;
                return true;
            }

            var end = reader;
            if (!end.TrySkip())
            {
                return false;
            }

            into.Add(decoder.Read(ref reader));
            reader = end;
            return true;
        }

        if (reader.TokenType != JsonTokenType.PropertyName || reader.CurrentDepth != 1)
        {
            return true;
        }

        if (reader.ValueTextEquals("items"u8))
        {
            if (!reader.Read())
            {
                return false;
            }

            // Some lists have null for nothing.
            _inItems = reader.TokenType == JsonTokenType.StartArray;
            return true;
        }

        var isMeta = reader.ValueTextEquals("metadata"u8);
        if (!reader.Read())
        {
            return false;
        }

        var after = reader;
        if (!after.TrySkip())
        {
            return false;
        }

        if (isMeta)
        {
            _meta = JsonSerializer.Deserialize(ref reader, ClusterJson.Default.ListMeta) ?? _meta;
        }

        reader = after;
        return true;
    }
}
