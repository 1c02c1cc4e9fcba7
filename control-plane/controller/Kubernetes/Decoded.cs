using System.Buffers;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using Brokkr.Apis;

namespace Brokkr.Controller.Kubernetes;

/// <summary>An object as the server sent it.</summary>
/// <param name="Metadata">Its metadata.</param>
/// <param name="Object">The object; null where it cannot be read.</param>
/// <param name="Problem">Why it cannot be read; empty where it can.</param>
internal readonly record struct Decoded<T>(ObjectMeta Metadata, T? Object, string Problem)
    where T : ApiObject
{
    public ObjectName Name => new(Metadata.Namespace ?? "", Metadata.Name ?? "");

    public string ResourceVersion => Metadata.ResourceVersion ?? "";
}

/// <summary>Reads objects of one kind.</summary>
internal sealed class Decoder<T>(ApiResource resource, JsonTypeInfo<T> type)
    where T : ApiObject
{
    // A copy of the whole object, which kubectl leaves for itself.
    private const string LastApplied = "kubectl.kubernetes.io/last-applied-configuration";

    private readonly string _apiVersion = resource.ApiVersion;

    /// <summary>Reads the object at which a reader stands, and leaves the reader at its end. The whole of it must be in the reader's buffer.</summary>
    public Decoded<T> Read(ref Utf8JsonReader reader)
    {
        var start = reader;
        try
        {
            var item = JsonSerializer.Deserialize(ref reader, type);
            if (item?.Metadata is { } metadata)
            {
                item = Trim(item, metadata);
                return new Decoded<T>(item.Metadata!, item, "");
            }

            return new Decoded<T>(new ObjectMeta(), null, "has no metadata");
        }
        catch (JsonException exception)
        {
            reader = start;
            var bare = JsonSerializer.Deserialize(ref reader, ClusterJson.Default.BareObject);
            var path = exception.Path is { Length: > 2 } whole ? whole[2..] : "the object";
            return new Decoded<T>(bare?.Metadata ?? new ObjectMeta(), null, $"{path}: is not of the type it should have");
        }
    }

    /// <summary>Reads the object in a text.</summary>
    public Decoded<T> Read(ReadOnlySequence<byte> json)
    {
        var reader = new Utf8JsonReader(json);
        reader.Read();
        return Read(ref reader);
    }

    /// <summary>Items of lists do not say their kind; and what is kept for long should be small.</summary>
    private T Trim(T item, ObjectMeta metadata)
    {
        if (metadata.Annotations?.ContainsKey(LastApplied) is true)
        {
            metadata = metadata with
            {
                Annotations = metadata
                    .Annotations.Where(annotation => annotation.Key is not LastApplied)
                    .ToDictionary(StringComparer.Ordinal),
            };
        }

        return (T)((ApiObject)item with { ApiVersion = _apiVersion, Kind = resource.Kind, Metadata = metadata });
    }
}
