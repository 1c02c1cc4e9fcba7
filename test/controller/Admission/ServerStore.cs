using System.Net;
using System.Text.Json.Nodes;
using Brokkr.Apis;
using Brokkr.Controller.Stores;
using Brokkr.Testing.Kubernetes;

namespace Brokkr.Controller.Tests.Admission;

/// <summary>The part of an object store that the webhook uses, straight on an API server: no caches, so no <see cref="Objects"/>.</summary>
internal sealed class ServerStore(ApiServer api) : IClusterStore
{
    public ObjectSet Objects { get; init; } = ObjectSet.Empty;

    public async Task<JsonObject?> ReadAsync(ObjectKey key, CancellationToken cancellation)
    {
        using var answer = await api.SendAsync(HttpMethod.Get, PathOf(key));
        return answer.StatusCode == HttpStatusCode.NotFound ? null : await ObjectOf(answer);
    }

    public async Task<JsonObject> PatchAsync(ObjectKey key, JsonObject patch, string subresource, CancellationToken cancellation)
    {
        using var answer = await api.SendAsync(HttpMethod.Patch, PathOf(key), patch.ToJsonString(), "application/merge-patch+json");
        return await ObjectOf(answer);
    }

    public async Task<JsonObject> ApplyAsync(JsonObject manifest, CancellationToken cancellation)
    {
        var metadata = manifest["metadata"]!;
        var key = new ObjectKey("", (string)manifest["kind"]!, (string)metadata["namespace"]!, (string)metadata["name"]!);
        using var answer = await api.SendAsync(
            HttpMethod.Patch,
            PathOf(key) + "?fieldManager=test&force=true",
            manifest.ToJsonString(),
            "application/apply-patch+yaml"
        );
        return await ObjectOf(answer);
    }

    public IDisposable Watch(Action onChange) => throw new NotSupportedException();

    public IDisposable WatchObjects(Action<ObjectKey> onChange) => throw new NotSupportedException();

    public void SetReferences(ObjectKey owner, IReadOnlyCollection<ObjectReference> references) => throw new NotSupportedException();

    public ReferenceState StateOf(ObjectReference reference) => throw new NotSupportedException();

    public ValueTask<Secret?> GetSecretAsync(ObjectName name, CancellationToken cancellation) => throw new NotSupportedException();

    public Task DeleteAsync(ObjectKey key, string? uid, CancellationToken cancellation) => throw new NotSupportedException();

    public void Record(ObjectEvent happened) => throw new NotSupportedException();

    private static string PathOf(ObjectKey key) =>
        key.Group.Length == 0
            ? $"/api/v1/namespaces/{key.Namespace}/{key.Kind.ToLowerInvariant()}s/{key.Name}"
            : $"/apis/{key.Group}/v1/{key.Kind.ToLowerInvariant()}s/{key.Name}";

    private static async Task<JsonObject> ObjectOf(HttpResponseMessage answer)
    {
        var text = await answer.Content.ReadAsStringAsync(TestContext.Current.CancellationToken);
        return answer.IsSuccessStatusCode
            ? JsonNode.Parse(text)!.AsObject()
            : throw new StoreException(
                answer.StatusCode == HttpStatusCode.Conflict ? StoreFailure.Conflict : StoreFailure.Unavailable,
                $"{answer.StatusCode}: {text}"
            );
    }
}
