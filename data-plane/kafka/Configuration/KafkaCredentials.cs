using System.Text;
using Brokkr.Core.Contract;
using Brokkr.Core.Contract.Wire;
using Brokkr.Core.Log;
using Brokkr.Kafka.Groups;
using Brokkr.Kafka.Tokens;

namespace Brokkr.Kafka.Configuration;

/// <summary>
/// Turns the Secrets that a resource refers to into client settings, checked by the rules of receiver-and-core §10. Unlike the original, an unknown
/// mechanism is refused instead of read as PLAIN, and blank entries count as absent.
/// </summary>
internal static class KafkaCredentials
{
    private static readonly string[] TokenSettings =
    [
        ClientCredentials.EndpointSetting,
        ClientCredentials.ScopeSetting,
        ClientCredentials.ExtensionsSetting,
    ];

    private static readonly string[] Mechanisms = ["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512", BearerLogin.Mechanism];

    /// <summary>
    /// Which Secrets the credentials are made of, and how; for logs too. Versions are no part of it: a new one says when to look, the content what changed.
    /// </summary>
    public static string Identity(Resource resource) =>
        resource.AuthCase switch
        {
            Resource.AuthOneofCase.AuthSecret => "Secret " + Name(resource.AuthSecret),
            Resource.AuthOneofCase.MultiAuthSecret => $"Secrets {resource.MultiAuthSecret.Protocol} "
                + string.Join(
                    ' ',
                    resource.MultiAuthSecret.References.Select(secret =>
                        Name(secret.Reference)
                        + "="
                        + string.Join(',', secret.KeyFieldReferences.Select(field => $"{field.SecretKey}:{field.Field}"))
                    )
                ),
            _ => string.Empty,
        };

    /// <summary>Versions of these Secrets.</summary>
    public static string Versions(Resource resource) =>
        resource.AuthCase switch
        {
            Resource.AuthOneofCase.AuthSecret => resource.AuthSecret.Version,
            Resource.AuthOneofCase.MultiAuthSecret => string.Join(
                ' ',
                resource.MultiAuthSecret.References.Select(static secret => secret.Reference?.Version)
            ),
            _ => string.Empty,
        };

    /// <summary>The client settings for a resource; empty without authentication.</summary>
    /// <exception cref="LogConfigurationException">A Secret is missing or its content is not valid; the message names the entry.</exception>
    public static async ValueTask<IReadOnlyDictionary<string, string>> ReadAsync(
        Resource resource,
        ISecretSource secrets,
        CancellationToken cancellation
    )
    {
        switch (resource.AuthCase)
        {
            case Resource.AuthOneofCase.AuthSecret:
            {
                var entries = await EntriesAsync(secrets, resource.AuthSecret, cancellation);
                return Settings(Name(resource.AuthSecret), key => Text(entries, key), allowNoClientCertificate: false);
            }

            case Resource.AuthOneofCase.MultiAuthSecret:
            {
                var fields = new Dictionary<string, string?>(StringComparer.Ordinal)
                {
                    ["protocol"] = resource.MultiAuthSecret.Protocol.ToString().ToUpperInvariant() switch
                    {
                        "SASLPLAINTEXT" => "SASL_PLAINTEXT",
                        "SASLSSL" => "SASL_SSL",
                        var other => other,
                    },
                };
                foreach (var secret in resource.MultiAuthSecret.References)
                {
                    var entries = await EntriesAsync(secrets, secret.Reference, cancellation);
                    foreach (var field in secret.KeyFieldReferences)
                    {
                        fields[Key(field.Field)] = Text(entries, field.SecretKey);
                    }

                    // The contract has no field for these.
                    foreach (var name in TokenSettings)
                    {
                        if (Text(entries, name) is { } value)
                        {
                            fields.TryAdd(name, value);
                        }
                    }
                }

                // There is no way to say "no client certificate" here, so its absence says it (receiver-and-core §10.2).
                var names = string.Join(", ", resource.MultiAuthSecret.References.Select(static secret => Name(secret.Reference)));
                return Settings(names, fields.GetValueOrDefault, allowNoClientCertificate: true);
            }

            default:
                return new Dictionary<string, string>(StringComparer.Ordinal);
        }
    }

    private static Dictionary<string, string> Settings(string source, Func<string, string?> entry, bool allowNoClientCertificate)
    {
        try
        {
            return Settings(entry, allowNoClientCertificate);
        }
        catch (LogConfigurationException exception)
        {
            throw new LogConfigurationException($"Secret {source}: {exception.Message}", exception);
        }
    }

    private static Dictionary<string, string> Settings(Func<string, string?> entry, bool allowNoClientCertificate)
    {
        var protocol = entry("protocol");
        if (protocol is not ("PLAINTEXT" or "SSL" or "SASL_PLAINTEXT" or "SASL_SSL"))
        {
            throw new LogConfigurationException(
                "its entry 'protocol' must be one of PLAINTEXT, SSL, SASL_PLAINTEXT, SASL_SSL"
                    + (string.IsNullOrWhiteSpace(protocol) ? "; it is missing" : string.Empty)
            );
        }

        var settings = new Dictionary<string, string>(StringComparer.Ordinal) { ["security.protocol"] = protocol };
        if (protocol is "SSL" or "SASL_SSL")
        {
            Tls(settings, entry, protocol, allowNoClientCertificate);
        }

        if (protocol.StartsWith("SASL", StringComparison.Ordinal))
        {
            Sasl(settings, entry, protocol);
        }

        return settings;
    }

    private static void Tls(
        Dictionary<string, string> settings,
        Func<string, string?> entry,
        string protocol,
        bool allowNoClientCertificate
    )
    {
        if (Present(entry("ca.crt")) is { } authority)
        {
            settings["ssl.ca.pem"] = authority;
        }

        var certificate = Present(entry("user.crt"));
        var key = Present(entry("user.key"));
        if (certificate is not null && key is not null)
        {
            settings["ssl.certificate.pem"] = certificate;
            settings["ssl.key.pem"] = key;
        }
        else if (
            protocol is "SSL"
            && !allowNoClientCertificate
            && entry("user.skip")?.Trim() is not ("true" or "True" or "TRUE" or "1" or "t" or "T")
        )
        {
            throw new LogConfigurationException(
                "with protocol SSL it needs 'user.crt' and 'user.key', or 'user.skip: true' to connect without a client certificate"
            );
        }
    }

    private static void Sasl(Dictionary<string, string> settings, Func<string, string?> entry, string protocol)
    {
        var mechanism = Present(entry("sasl.mechanism")) ?? "PLAIN";
        if (!Mechanisms.Contains(mechanism, StringComparer.Ordinal))
        {
            throw new LogConfigurationException($"its entry 'sasl.mechanism' must be one of {string.Join(", ", Mechanisms)}");
        }

        settings["sasl.mechanism"] = mechanism;
        if (mechanism is BearerLogin.Mechanism)
        {
            Tokens(settings, entry);
            return;
        }

        var user = Present(entry("user"));
        var password = Present(entry("password"));
        if (user is not null && password is not null)
        {
            settings["sasl.username"] = user;
            settings["sasl.password"] = password;
        }
        else
        {
            throw new LogConfigurationException($"with protocol {protocol} it needs 'user' and 'password'");
        }
    }

    /// <summary>
    /// What the client properties may say instead may be absent here; <see cref="ClientCredentials"/> looks whether all is there. A token provider is the
    /// address of a token endpoint too, since Secrets that are put together have no other field for it.
    /// </summary>
    private static void Tokens(Dictionary<string, string> settings, Func<string, string?> entry)
    {
        foreach (
            var (name, value) in ((string, string?)[])
                [
                    (ClientCredentials.IdSetting, entry("user")),
                    (ClientCredentials.SecretSetting, entry("password")),
                    (ClientCredentials.EndpointSetting, entry(ClientCredentials.EndpointSetting) ?? Provider(entry("tokenProvider"))),
                    (ClientCredentials.ScopeSetting, entry(ClientCredentials.ScopeSetting)),
                    (ClientCredentials.ExtensionsSetting, entry(ClientCredentials.ExtensionsSetting)),
                ]
        )
        {
            if (Present(value) is { } present)
            {
                settings[name] = present;
            }
        }
    }

    private static string? Provider(string? provider) =>
        Present(provider)?.Trim() switch
        {
            null => null,
            { } url when url.Contains("://", StringComparison.Ordinal) => url,
            { } other => throw new LogConfigurationException(
                $"its entry 'tokenProvider' must be the URL of a token endpoint; '{other}' is none of those that this version knows"
            ),
        };

    private static async ValueTask<IReadOnlyDictionary<string, byte[]>> EntriesAsync(
        ISecretSource secrets,
        Reference reference,
        CancellationToken cancellation
    ) =>
        await secrets.GetAsync(reference.Namespace, reference.Name, cancellation)
        ?? throw new LogConfigurationException($"Secret {reference.Namespace}/{reference.Name} does not exist");

    private static string Key(SecretField field) =>
        field switch
        {
            SecretField.SaslMechanism => "sasl.mechanism",
            SecretField.CaCrt => "ca.crt",
            SecretField.UserCrt => "user.crt",
            SecretField.UserKey => "user.key",
            SecretField.User => "user",
            SecretField.Password => "password",
            SecretField.Type => "type",
            SecretField.TokenProvider => "tokenProvider",
            SecretField.RoleArn => "roleARN",
            _ => field.ToString(),
        };

    private static string Name(Reference reference) => $"{reference.Namespace}/{reference.Name}";

    private static string? Text(IReadOnlyDictionary<string, byte[]> entries, string key) =>
        entries.TryGetValue(key, out var bytes) ? Encoding.UTF8.GetString(bytes) : null;

    private static string? Present(string? text) => string.IsNullOrWhiteSpace(text) ? null : text;
}
