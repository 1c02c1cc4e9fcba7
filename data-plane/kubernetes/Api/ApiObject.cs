using System.Diagnostics.CodeAnalysis;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace Brokkr.Kubernetes.Api;

// What JSON leaves out is null in what the source generator makes, whatever the initial value is: getters say what absence means.

/// <summary>What the objects that are watched have in common.</summary>
internal abstract record ApiObject
{
    [AllowNull]
    public ApiMetadata Metadata
    {
        get => field ?? ApiMetadata.None;
        init;
    }
}

/// <summary>What Kubernetes knows of an object, as far as it matters here.</summary>
internal sealed record ApiMetadata
{
    public static ApiMetadata None { get; } = new();

    [AllowNull]
    public string Name
    {
        get => field ?? "";
        init;
    }

    [AllowNull]
    public string Uid
    {
        get => field ?? "";
        init;
    }

    [AllowNull]
    public string ResourceVersion
    {
        get => field ?? "";
        init;
    }
}

/// <summary>A Secret. Its content is never printed.</summary>
internal sealed record SecretObject : ApiObject
{
    public Dictionary<string, byte[]>? Data { get; init; }

    public override string ToString() => $"Secret {Metadata.Name} {Metadata.ResourceVersion}";
}

/// <summary>A ConfigMap.</summary>
internal sealed record ConfigMapObject : ApiObject
{
    public Dictionary<string, string>? Data { get; init; }

    public Dictionary<string, byte[]>? BinaryData { get; init; }
}

/// <summary>A page of a list.</summary>
internal sealed record ApiList<T>
    where T : ApiObject
{
    [AllowNull]
    public ApiListMetadata Metadata
    {
        get => field ?? ApiListMetadata.None;
        init;
    }

    [AllowNull]
    public IReadOnlyList<T> Items
    {
        get => field ?? [];
        init;
    }
}

/// <summary>Of a list.</summary>
internal sealed record ApiListMetadata
{
    public static ApiListMetadata None { get; } = new();

    [AllowNull]
    public string ResourceVersion
    {
        get => field ?? "";
        init;
    }

    /// <summary>Asks for the next page; empty on the last.</summary>
    [AllowNull]
    public string Continue
    {
        get => field ?? "";
        init;
    }
}

/// <summary>A line of a watch.</summary>
internal sealed record WatchEvent
{
    [AllowNull]
    public string Type
    {
        get => field ?? "";
        init;
    }

    public JsonElement Object { get; init; }
}

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase)]
[JsonSerializable(typeof(ApiFailure))]
[JsonSerializable(typeof(WatchEvent))]
[JsonSerializable(typeof(NamedObject))]
[JsonSerializable(typeof(SecretObject))]
[JsonSerializable(typeof(ApiList<SecretObject>), TypeInfoPropertyName = "SecretList")]
[JsonSerializable(typeof(ConfigMapObject))]
[JsonSerializable(typeof(ApiList<ConfigMapObject>), TypeInfoPropertyName = "ConfigMapList")]
internal sealed partial class ApiJson : JsonSerializerContext;

/// <summary>An object of which no more than its name and version matter.</summary>
internal sealed record NamedObject : ApiObject;
