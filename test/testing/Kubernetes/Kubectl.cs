using Brokkr.Testing.Processes;

namespace Brokkr.Testing.Kubernetes;

/// <summary>Speaks to an API server as people do, with <c>kubectl</c>. Where it is missing, the test is skipped.</summary>
/// <param name="api">The server.</param>
/// <param name="token">Whose token is shown; the administrator's if null.</param>
public sealed class Kubectl(ApiServer api, string? token = null)
{
    /// <summary>Runs it, and fails the test when it does.</summary>
    /// <returns>What it prints.</returns>
    public Task<string> RunAsync(params IEnumerable<string> arguments) =>
        RenderAsync(["--server", api.Url, "--certificate-authority", api.CaFile, "--token", token ?? api.AdminToken, .. arguments]);

    /// <summary>Puts together the manifests of a folder of the checkout.</summary>
    public static Task<string> KustomizeAsync(string folder) => RenderAsync(["kustomize", Path.Combine(Repository.Root, folder)]);

    /// <summary>Whether the holder of the token may do something.</summary>
    /// <param name="verb">Such as <c>get</c>.</param>
    /// <param name="resource">Such as <c>secrets</c> or <c>pods/status</c>, with the group after a dot where it has one.</param>
    /// <param name="namespaceName">Where.</param>
    /// <param name="name">Which; any if null.</param>
    public async Task<bool> MayAsync(string verb, string resource, string namespaceName, string? name = null)
    {
        var parts = resource.Split('/');
        List<string> arguments = ["auth", "can-i", verb, name is null ? parts[0] : $"{parts[0]}/{name}", "--namespace", namespaceName];
        if (parts.Length > 1)
        {
            arguments.Add($"--subresource={parts[1]}");
        }

        // It says no with an exit code, too.
        var said = await ChildProcess.RunAsync(
            "bash",
            [
                "-c",
                "kubectl \"$@\" || true",
                "kubectl",
                "--server",
                api.Url,
                "--certificate-authority",
                api.CaFile,
                "--token",
                token ?? api.AdminToken,
                .. arguments,
            ]
        );
        Assert.True(said.Trim() is "yes" or "no", $"kubectl {string.Join(' ', arguments)} printed: {said}");
        return said.Trim() is "yes";
    }

    private static Task<string> RenderAsync(IEnumerable<string> arguments)
    {
        Needs.Program("kubectl");
        return ChildProcess.RunAsync("kubectl", [.. arguments]);
    }
}
