using System.Text;
using Brokkr.Core.Configuration;
using Brokkr.Kubernetes.Api;
using Brokkr.Testing;

namespace Brokkr.Kubernetes.Tests.Api;

/// <summary>What is taken from the file that KUBECONFIG names.</summary>
public sealed class KubeConfigTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void The_current_context_says_where_and_as_whom()
    {
        _folder.Write("pki/ca.pem", "authority");
        var options = Read(
            $$"""
            apiVersion: v1
            kind: Config
            current-context: here
            contexts:
              - name: there
                context: {cluster: far, user: nobody}
              - name: here
                context: {cluster: near, user: me, namespace: shop}
            clusters:
              - name: far
                cluster: {server: https://far.example}
              - name: near
                cluster: {server: "https://127.0.0.1:6443/below", certificate-authority: pki/ca.pem}
            users:
              - name: nobody
                user: {}
              - name: me
                user:
                  client-certificate-data: {{Base64("certificate")}}
                  client-key-data: {{Base64("key")}}
                  token: secret-token
            """
        );
        Assert.Equal(new Uri("https://127.0.0.1:6443/below"), options.Address);
        Assert.Equal("shop", options.Namespace);
        Assert.False(options.SkipVerification);
        Assert.Equal("authority", options.Authorities!.Read());
        Assert.Equal("certificate", options.ClientCertificate!.Read());
        Assert.Equal("key", options.ClientKey!.Read());
        Assert.Equal("secret-token", options.Token!.Read());
        Assert.DoesNotContain("secret-token", options.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public void Nobody_and_any_certificate_are_possible()
    {
        var options = Read(
            """
            current-context: c
            contexts: [{name: c, context: {cluster: c}}]
            clusters: [{name: c, cluster: {server: "http://localhost:8001", insecure-skip-tls-verify: true}}]
            """
        );
        Assert.True(options.SkipVerification);
        Assert.Null(options.Token);
        Assert.Null(options.Authorities);
    }

    [Theory]
    [InlineData("a: [", "no YAML")]
    [InlineData("- a", "no mapping")]
    [InlineData("{}", "current-context is not set")]
    [InlineData("current-context: c", "contexts has no \"c\"")]
    [InlineData("{current-context: c, contexts: [{name: c, context: {cluster: x}}]}", "clusters has no \"x\"")]
    [InlineData(
        "{current-context: c, contexts: [{name: c, context: {cluster: c}}], clusters: [{name: c, cluster: {server: 'ftp://x'}}]}",
        "no http or https URL"
    )]
    [InlineData(
        "{current-context: c, contexts: [{name: c, context: {cluster: c, user: u}}], clusters: [{name: c, cluster: {server: 'https://x'}}], users: [{name: u, user: {exec: {command: aws}}}]}",
        "from a program"
    )]
    [InlineData(
        "{current-context: c, contexts: [{name: c, context: {cluster: c, user: u}}], clusters: [{name: c, cluster: {server: 'https://x'}}], users: [{name: u, user: {client-key: k}}]}",
        "need each other"
    )]
    [InlineData(
        "{current-context: c, contexts: [{name: c, context: {cluster: c}}], clusters: [{name: c, cluster: {server: 'https://x', certificate-authority-data: '%'}}]}",
        "no base64"
    )]
    public void What_cannot_be_used_is_told(string text, string problem) =>
        Assert.Contains(problem, Assert.Throws<ConfigurationException>(() => Read(text)).Message, StringComparison.Ordinal);

    [Fact]
    public void A_file_that_is_not_there_is_told() =>
        Assert.Contains("KUBECONFIG", Assert.Throws<ConfigurationException>(() => KubeConfig.Read(_folder["none"])).Message);

    private static string Base64(string text) => Convert.ToBase64String(Encoding.UTF8.GetBytes(text));

    private ApiServerOptions Read(string text) => KubeConfig.Read(_folder.Write("config", text));
}
