namespace Brokkr.Testing.Kubernetes;

/// <summary>What service accounts may do.</summary>
public static class Rights
{
    private const string Group = "rbac.authorization.k8s.io";

    /// <summary>Lets a service account make tokens of the service accounts of its namespace, as that of a dispatcher may in the whole cluster.</summary>
    public static Task AllowTokensAsync(this ApiServer api, string @namespace, string serviceAccount) =>
        api.AllowAsync(@namespace, serviceAccount, "serviceaccounts/token", "create");

    /// <summary>Lets a service account do something in its namespace; effective soon after.</summary>
    /// <param name="api">The server.</param>
    /// <param name="namespace">The namespace of both.</param>
    /// <param name="serviceAccount">Its name.</param>
    /// <param name="resource">A resource of the core API, as <c>pods/status</c>.</param>
    /// <param name="verbs">What it may do with it.</param>
    public static async Task AllowAsync(
        this ApiServer api,
        string @namespace,
        string serviceAccount,
        string resource,
        params IEnumerable<string> verbs
    )
    {
        var name = $"may-{Guid.NewGuid():n}";
        var list = string.Join(',', verbs.Select(verb => $"\"{verb}\""));
        await api.CreateAsync(
            $"/apis/{Group}/v1/namespaces/{@namespace}/roles",
            $$"""{"metadata":{"name":"{{name}}"},"rules":[{"apiGroups":[""],"resources":["{{resource}}"],"verbs":[{{list}}]}]}"""
        );
        await api.CreateAsync(
            $"/apis/{Group}/v1/namespaces/{@namespace}/rolebindings",
            $$"""
            {
              "metadata": {"name": "{{name}}"},
              "roleRef": {"apiGroup": "{{Group}}", "kind": "Role", "name": "{{name}}"},
              "subjects": [{"kind": "ServiceAccount", "name": "{{serviceAccount}}", "namespace": "{{@namespace}}"}]
            }
            """
        );
    }
}
