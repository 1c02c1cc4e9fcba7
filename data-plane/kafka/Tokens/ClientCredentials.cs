using Brokkr.Core.Log;

namespace Brokkr.Kafka.Tokens;

/// <summary>How to get tokens by the client credentials grant (RFC 6749 §4.4). Never printed.</summary>
/// <param name="Endpoint">The token endpoint; https, or http where that was allowed or goes nowhere.</param>
/// <param name="Id">The client's name.</param>
/// <param name="Secret">The client's password.</param>
/// <param name="Scope">What the token should be good for; null to let the endpoint decide.</param>
/// <param name="Extensions">What is told to the brokers beside the token.</param>
/// <param name="AuthorityPem">Certificates that the endpoint may be signed by, beside the system's; null for none.</param>
internal sealed record ClientCredentials(
    Uri Endpoint,
    string Id,
    string Secret,
    string? Scope,
    IReadOnlyDictionary<string, string> Extensions,
    string? AuthorityPem
)
{
    /// <summary>Names of the settings, which are librdkafka's.</summary>
    public const string EndpointSetting = "sasl.oauthbearer.token.endpoint.url";
    public const string IdSetting = "sasl.oauthbearer.client.id";
    public const string SecretSetting = "sasl.oauthbearer.client.secret";
    public const string ScopeSetting = "sasl.oauthbearer.scope";
    public const string ExtensionsSetting = "sasl.oauthbearer.extensions";

    /// <summary>Ours, for the mounted properties: <c>true</c> allows a token endpoint without TLS.</summary>
    public const string InsecureSetting = "sasl.oauthbearer.token.endpoint.insecure";
    private const string Prefix = "sasl.oauthbearer.";

    /// <summary>
    /// Takes the settings out of those of the clients, which are to get tokens, not secrets. Null when these clients do not log in that way.
    /// </summary>
    /// <param name="clients">Settings of each kind of client; the first that has a value decides.</param>
    /// <exception cref="LogConfigurationException">Something is missing or cannot be used; the message names it.</exception>
    public static ClientCredentials? Take(params ReadOnlySpan<Dictionary<string, string>> clients)
    {
        var taken = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (var settings in clients)
        {
            foreach (var name in settings.Keys.Where(static name => name.StartsWith(Prefix, StringComparison.Ordinal)).ToArray())
            {
                settings.Remove(name, out var value);
                taken.TryAdd(name, value!);
            }
        }

        var first = clients[0];
        if (
            first.GetValueOrDefault("sasl.mechanism") is not "OAUTHBEARER"
            || first.GetValueOrDefault("security.protocol")?.StartsWith("sasl", StringComparison.OrdinalIgnoreCase) is not true
        )
        {
            return null;
        }

        return new ClientCredentials(
            Address(Needed(taken, EndpointSetting, EndpointSetting), taken.GetValueOrDefault(InsecureSetting) is "true"),
            Needed(taken, IdSetting, "user"),
            Needed(taken, SecretSetting, "password"),
            taken.GetValueOrDefault(ScopeSetting) is { Length: > 0 } scope ? scope : null,
            ExtensionsOf(taken.GetValueOrDefault(ExtensionsSetting, string.Empty)),
            first.GetValueOrDefault("ssl.ca.pem")
        );
    }

    public override string ToString() => $"{Id} at {Endpoint}";

    private static string Needed(Dictionary<string, string> settings, string name, string entry) =>
        settings.GetValueOrDefault(name) is { Length: > 0 } value
            ? value
            : throw new LogConfigurationException(
                $"with sasl.mechanism OAUTHBEARER the Secret needs '{entry}', unless the client properties say it: "
                    + $"'{EndpointSetting}' is where tokens come from, 'user' and 'password' are the client's id and secret there"
            );

    private static Uri Address(string text, bool mayBeInsecure)
    {
        if (
            !Uri.TryCreate(text, UriKind.Absolute, out var address)
            || address.Scheme is not ("https" or "http")
            || address.UserInfo.Length > 0
        )
        {
            throw new LogConfigurationException($"'{EndpointSetting}' is no http or https URL");
        }

        return address.Scheme is "https" || address.IsLoopback || mayBeInsecure
            ? address
            : throw new LogConfigurationException(
                $"'{EndpointSetting}' is {address.GetLeftPart(UriPartial.Path)}: the client's secret would go there in clear text. Use https, or set {InsecureSetting}=true in the properties of the consumer and the producer"
            );
    }

    private static Dictionary<string, string> ExtensionsOf(string list)
    {
        var extensions = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (var pair in list.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries))
        {
            var equals = pair.IndexOf('=', StringComparison.Ordinal);
            var name = equals < 0 ? pair : pair[..equals].TrimEnd();
            var value = equals < 0 ? string.Empty : pair[(equals + 1)..].TrimStart();

            // RFC 7628 §3.1; "auth" is the token itself.
            if (
                name.Length == 0
                || value.Length == 0
                || name is "auth"
                || !name.All(char.IsAsciiLetter)
                || !value.All(static c => c is >= ' ' and <= '~' or '\t' or '\r' or '\n')
            )
            {
                throw new LogConfigurationException($"'{ExtensionsSetting}' is no list of name=value with names of letters");
            }

            extensions[name] = value;
        }

        return extensions;
    }
}
