using System.Text;
using Brokkr.Core.Configuration;
using YamlDotNet.Core;
using YamlDotNet.RepresentationModel;

namespace Brokkr.Kubernetes.Api;

/// <summary>
/// Reads the file that <c>KUBECONFIG</c> names, for people and tests: server, <c>certificate-authority(-data)</c>, <c>insecure-skip-tls-verify</c>, <c>token</c>,
/// <c>tokenFile</c>, <c>client-certificate(-data)</c>, <c>client-key(-data)</c> and the namespace of its current context. Programs that make credentials
/// (<c>exec</c>) are not run. Files that it names are relative to its folder.
/// </summary>
public static class KubeConfig
{
    /// <summary>Reads a file.</summary>
    /// <param name="path">The file.</param>
    /// <exception cref="ConfigurationException">It cannot be read, or does not say how to reach an API server; the message shows no secret.</exception>
    public static ApiServerOptions Read(string path)
    {
        try
        {
            using var text = System.IO.File.OpenText(path);
            var stream = new YamlStream();
            stream.Load(text);
            return stream.Documents is [{ RootNode: YamlMappingNode root }]
                ? Read(root, Path.GetDirectoryName(Path.GetFullPath(path))!)
                : throw new FormatException("it is no mapping");
        }
        catch (YamlException failure)
        {
            throw Refused(path, $"it is no YAML: line {failure.Start.Line}", failure);
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException or FormatException)
        {
            throw Refused(path, failure.Message, failure);
        }
    }

    private static ConfigurationException Refused(string path, string problem, Exception cause) =>
        new($"KUBECONFIG is {path}, which cannot be used: {problem}.", cause);

    private static ApiServerOptions Read(YamlMappingNode root, string folder)
    {
        var current = Text(root, "current-context") ?? throw new FormatException("current-context is not set");
        var context = Named(root, "contexts", "context", current);
        var cluster = Named(root, "clusters", "cluster", Text(context, "cluster") ?? "");
        var user = Text(context, "user") is { } name ? Named(root, "users", "user", name) : [];
        if (!Uri.TryCreate(Text(cluster, "server"), UriKind.Absolute, out var server) || server.Scheme is not ("https" or "http"))
        {
            throw new FormatException("the server of its current context is no http or https URL");
        }

        var certificate = Pem(user, "client-certificate", folder);
        var key = Pem(user, "client-key", folder);
        if (certificate is null != key is null)
        {
            throw new FormatException("client-certificate and client-key of its user need each other");
        }

        var token = Text(user, "token") is { } given ? ApiMaterial.Given(given) : File(user, "tokenFile", folder);
        return token is null && certificate is null && Child(user, "exec") is not null
            ? throw new FormatException("its user gets its credentials from a program; give it a token or a client certificate")
            : new ApiServerOptions
            {
                Address = server,
                Authorities = Pem(cluster, "certificate-authority", folder),
                SkipVerification = Text(cluster, "insecure-skip-tls-verify") is "true",
                Token = token,
                ClientCertificate = certificate,
                ClientKey = key,
                Namespace = Text(context, "namespace"),
            };
    }

    /// <summary>The <paramref name="what"/> of the entry of a list that has this name.</summary>
    private static YamlMappingNode Named(YamlMappingNode root, string list, string what, string name)
    {
        if (Child(root, list) is YamlSequenceNode entries)
        {
            foreach (var entry in entries.OfType<YamlMappingNode>())
            {
                if (string.Equals(Text(entry, "name"), name, StringComparison.Ordinal))
                {
                    return Child(entry, what) as YamlMappingNode ?? [];
                }
            }
        }

        throw new FormatException($"{list} has no \"{name}\"");
    }

    private static ApiMaterial? Pem(YamlMappingNode node, string name, string folder)
    {
        if (Text(node, name + "-data") is not { } data)
        {
            return File(node, name, folder);
        }

        try
        {
            return ApiMaterial.Given(Encoding.UTF8.GetString(Convert.FromBase64String(data)));
        }
        catch (FormatException failure)
        {
            throw new FormatException($"{name}-data is no base64", failure);
        }
    }

    private static ApiMaterial? File(YamlMappingNode node, string name, string folder) =>
        Text(node, name) is { } path ? ApiMaterial.InFile(Path.Combine(folder, path)) : null;

    private static string? Text(YamlMappingNode node, string name) =>
        (Child(node, name) as YamlScalarNode)?.Value is { Length: > 0 } text ? text : null;

    private static YamlNode? Child(YamlMappingNode node, string name) => node.Children.TryGetValue(name, out var child) ? child : null;
}
