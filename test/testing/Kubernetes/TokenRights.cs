namespace Brokkr.Testing.Kubernetes;

/// <summary>What service accounts may do.</summary>
public static class TokenRights
{
    private const string Group = "rbac.authorization.k8s.io";

    /// <summary>Lets a service account make tokens of the service accounts of its namespace, as that of a dispatcher may in the whole cluster.</summary>
    public static async Task AllowTokensAsync(this ApiServer api, string @namespace, string serviceAccount)
    {
        await api.CreateAsync(
            $"/apis/{Group}/v1/namespaces/{@namespace}/roles",
            """{"metadata":{"name":"tokens"},"rules":[{"apiGroups":[""],"resources":["serviceaccounts/token"],"verbs":["create"]}]}"""
        );
        await api.CreateAsync(
            $"/apis/{Group}/v1/namespaces/{@namespace}/rolebindings",
            $$"""
            {
              "metadata": {"name": "tokens"},
              "roleRef": {"apiGroup": "{{Group}}", "kind": "Role", "name": "tokens"},
              "subjects": [{"kind": "ServiceAccount", "name": "{{serviceAccount}}", "namespace": "{{@namespace}}"}]
            }
            """
        );
    }
}
