using System.Text;
using Brokkr.Core.Contract;
using Brokkr.Core.Contract.Wire;
using Brokkr.Core.Log;

namespace Brokkr.Kafka.Configuration;

/// <summary>
/// Turns the Secrets that a resource refers to into client settings, checked by the rules of receiver-and-core §10. Unlike the original, an unknown
/// mechanism is refused instead of read as PLAIN, and blank entries count as absent.
/// </summary>
internal static class KafkaCredentials
{
    private static readonly string[] Mechanisms = ["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512", "OAUTHBEARER"];

    /// <summary>What tells two sets of credentials apart without reading them: names and versions of the Secrets.</summary>
    public static string Identity(Resource resource) =>
        resource.AuthCase switch
        {
            Resource.AuthOneofCase.AuthSecret => "secret " + Name(resource.AuthSecret),
            Resource.AuthOneofCase.MultiAuthSecret => $"secrets {resource.MultiAuthSecret.Protocol} "
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
                return Settings(key => Text(entries, key), allowNoClientCertificate: false);
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
                }

                // There is no way to say "no client certificate" here, so its absence says it (receiver-and-core §10.2).
                return Settings(fields.GetValueOrDefault, allowNoClientCertificate: true);
            }

            default:
                return new Dictionary<string, string>(StringComparer.Ordinal);
        }
    }

    private static Dictionary<string, string> Settings(Func<string, string?> entry, bool allowNoClientCertificate)
    {
        var protocol = entry("protocol");
        if (protocol is not ("PLAINTEXT" or "SSL" or "SASL_PLAINTEXT" or "SASL_SSL"))
        {
            throw new LogConfigurationException(
                "the Secret's entry 'protocol' must be one of PLAINTEXT, SSL, SASL_PLAINTEXT, SASL_SSL"
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
                "with protocol SSL the Secret needs 'user.crt' and 'user.key', or 'user.skip: true' to connect without a client certificate"
            );
        }
    }

    private static void Sasl(Dictionary<string, string> settings, Func<string, string?> entry, string protocol)
    {
        var mechanism = Present(entry("sasl.mechanism")) ?? "PLAIN";
        if (!Mechanisms.Contains(mechanism, StringComparer.Ordinal))
        {
            throw new LogConfigurationException($"the Secret's entry 'sasl.mechanism' must be one of {string.Join(", ", Mechanisms)}");
        }

        settings["sasl.mechanism"] = mechanism;
        var user = Present(entry("user"));
        var password = Present(entry("password"));
        if (user is not null && password is not null)
        {
            settings["sasl.username"] = user;
            settings["sasl.password"] = password;
        }
        else if (mechanism is not "OAUTHBEARER")
        {
            throw new LogConfigurationException($"with protocol {protocol} the Secret needs 'user' and 'password'");
        }

        if (mechanism is "OAUTHBEARER")
        {
            throw new LogConfigurationException("sasl.mechanism OAUTHBEARER is not supported by this version");
        }
    }

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

    private static string Name(Reference reference) => $"{reference.Namespace}/{reference.Name}@{reference.Version}";

    private static string? Text(IReadOnlyDictionary<string, byte[]> entries, string key) =>
        entries.TryGetValue(key, out var bytes) ? Encoding.UTF8.GetString(bytes) : null;

    private static string? Present(string? text) => string.IsNullOrWhiteSpace(text) ? null : text;
}
