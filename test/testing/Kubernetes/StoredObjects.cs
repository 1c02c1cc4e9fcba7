using System.Net;
using System.Text;
using System.Text.Json.Nodes;

namespace Brokkr.Testing.Kubernetes;

/// <summary>Objects that tests put into an API server, as the administrator.</summary>
public static class StoredObjects
{
    /// <summary>Creates a Secret, or gives it another content.</summary>
    public static async Task PutSecretAsync(
        this ApiServer api,
        string @namespace,
        string name,
        params IEnumerable<(string Key, string Value)> entries
    )
    {
        var data = new JsonObject();
        foreach (var (key, value) in entries)
        {
            data[key] = Convert.ToBase64String(Encoding.UTF8.GetBytes(value));
        }

        await api.PutAsync($"/api/v1/namespaces/{@namespace}/secrets", name, new JsonObject { ["data"] = data });
    }

    /// <summary>Creates a ConfigMap with one entry of <c>binaryData</c>, or gives it another content.</summary>
    /// <returns>The object as it was stored.</returns>
    public static Task<JsonObject> PutConfigMapAsync(
        this ApiServer api,
        string @namespace,
        string name,
        string key,
        byte[] content,
        params IEnumerable<(string Key, string Value)> labels
    ) =>
        api.PutAsync(
            $"/api/v1/namespaces/{@namespace}/configmaps",
            name,
            new JsonObject
            {
                ["metadata"] = new JsonObject
                {
                    ["labels"] = new JsonObject(labels.Select(label => KeyValuePair.Create(label.Key, (JsonNode?)label.Value))),
                },
                ["binaryData"] = new JsonObject { [key] = Convert.ToBase64String(content) },
            }
        );

    /// <summary>Deletes an object, and fails the test when the server refuses.</summary>
    public static async Task DeleteAsync(this ApiServer api, string path)
    {
        using var response = await api.SendAsync(HttpMethod.Delete, path);
        Assert.True(response.IsSuccessStatusCode, $"DELETE {path} answered {response.StatusCode}");
    }

    /// <summary>Creates an object, or replaces the one that has its name.</summary>
    /// <param name="api">The server.</param>
    /// <param name="path">Path of the collection.</param>
    /// <param name="name">Its name.</param>
    /// <param name="content">The object, without a name.</param>
    /// <returns>The object as it was stored.</returns>
    public static async Task<JsonObject> PutAsync(this ApiServer api, string path, string name, JsonObject content)
    {
        content["metadata"] ??= new JsonObject();
        content["metadata"]!["name"] = name;
        using var response = await api.SendAsync(HttpMethod.Put, $"{path}/{name}", content.ToJsonString());
        if (response.StatusCode == HttpStatusCode.NotFound)
        {
            return await api.CreateAsync(path, content.ToJsonString());
        }

        var text = await response.Content.ReadAsStringAsync(TestContext.Current.CancellationToken);
        Assert.True(response.IsSuccessStatusCode, $"PUT {path}/{name} answered {response.StatusCode}: {text}");
        return JsonNode.Parse(text)!.AsObject();
    }

    /// <summary>Writes what a pod of a service account finds in its folder: <c>ca.crt</c>, <c>token</c> and <c>namespace</c>.</summary>
    /// <param name="api">The server.</param>
    /// <param name="folder">Where to.</param>
    /// <param name="namespace">The namespace of the pod.</param>
    /// <param name="serviceAccount">Its service account.</param>
    public static async Task WriteAccountAsync(this ApiServer api, TemporaryFolder folder, string @namespace, string serviceAccount)
    {
        folder.Write("ca.crt", await File.ReadAllTextAsync(api.CaFile, TestContext.Current.CancellationToken));
        folder.Write("token", await api.TokenAsync(@namespace, serviceAccount));
        folder.Write("namespace", @namespace);
    }
}
