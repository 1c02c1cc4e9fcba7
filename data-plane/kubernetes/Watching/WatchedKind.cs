using System.Text.Json.Serialization.Metadata;
using Brokkr.Kubernetes.Api;

namespace Brokkr.Kubernetes.Watching;

/// <summary>A kind of objects, for the API and for JSON.</summary>
/// <param name="Plural">Its name in paths and in rights.</param>
/// <param name="Item">One of them.</param>
/// <param name="List">A page of them.</param>
internal sealed record WatchedKind<T>(string Plural, JsonTypeInfo<T> Item, JsonTypeInfo<ApiList<T>> List)
    where T : ApiObject;

/// <summary>The kinds of objects that are watched.</summary>
internal static class WatchedKinds
{
    public static WatchedKind<SecretObject> Secrets { get; } = new("secrets", ApiJson.Default.SecretObject, ApiJson.Default.SecretList);

    public static WatchedKind<ConfigMapObject> ConfigMaps { get; } =
        new("configmaps", ApiJson.Default.ConfigMapObject, ApiJson.Default.ConfigMapList);
}
