using System.Net.Security;
using System.Security.Authentication;
using Brokkr.Controller.Admission;
using Brokkr.Core.Configuration;

namespace Brokkr.Controller.Tests.Admission;

/// <summary>What the webhook takes from its environment (control-plane §13).</summary>
public sealed class WebhookOptionsTests
{
    [Fact]
    public void Nothing_need_be_set() =>
        Assert.Equivalent(new WebhookOptions { SystemNamespace = "sys", ClusterDomain = "example.org" }, Read([], out _), strict: true);

    [Theory]
    [InlineData("1.2", null, SslProtocols.Tls12 | SslProtocols.Tls13)]
    [InlineData("1.2", "1.2", SslProtocols.Tls12)]
    [InlineData(null, "1.3", SslProtocols.Tls13)]
    public void Versions_of_tls_are_a_range(string? least, string? most, SslProtocols protocols)
    {
        var variables = new Dictionary<string, string>();
        Set("WEBHOOK_TLS_MIN_VERSION", least);
        Set("WEBHOOK_TLS_MAX_VERSION", most);
        Assert.Equal(protocols, Read(variables, out var problems).Protocols);
        Assert.Empty(problems);

        void Set(string name, string? value)
        {
            if (value is not null)
            {
                variables[name] = value;
            }
        }
    }

    [Fact]
    public void Names_port_and_suites_are_read()
    {
        var options = Read(
            new()
            {
                ["WEBHOOK_NAME"] = "other",
                ["WEBHOOK_PORT"] = "9443",
                ["WEBHOOK_TLS_CIPHER_SUITES"] = "TLS_AES_128_GCM_SHA256, TLS_AES_256_GCM_SHA384",
            },
            out var problems
        );
        Assert.Empty(problems);
        Assert.Equal(("other", 9443), (options.ServiceName, options.Port));
        Assert.Equal([TlsCipherSuite.TLS_AES_128_GCM_SHA256, TlsCipherSuite.TLS_AES_256_GCM_SHA384], options.CipherSuites);
    }

    [Fact]
    public void What_is_wrong_is_told_all_at_once()
    {
        Read(
            new()
            {
                ["WEBHOOK_PORT"] = "many",
                ["WEBHOOK_TLS_MIN_VERSION"] = "1.0",
                ["WEBHOOK_TLS_MAX_VERSION"] = "1.2",
                ["WEBHOOK_TLS_CIPHER_SUITES"] = "17",
            },
            out var problems
        );
        Assert.Equal(4, problems.Count);
    }

    private static WebhookOptions Read(Dictionary<string, string> variables, out IReadOnlyList<string> problems)
    {
        var environment = new EnvironmentReader(name => variables.GetValueOrDefault(name));
        var options = WebhookOptions.From(environment, "sys", "example.org");
        problems = environment.Problems;
        return options;
    }
}
