using System.Globalization;
using Brokkr.Core.Log;
using Brokkr.Kafka.Tokens;

namespace Brokkr.Kafka.Groups;

/// <summary>Name and password, or tokens, for a broker. Never printed.</summary>
/// <param name="Mechanism"><c>PLAIN</c>, <c>SCRAM-SHA-256</c>, <c>SCRAM-SHA-512</c> or <c>OAUTHBEARER</c>.</param>
/// <param name="User">The name.</param>
/// <param name="Password">The password; empty with tokens.</param>
/// <param name="Tokens">The tokens; null with a password.</param>
internal sealed record SaslCredentials(string Mechanism, string User, string Password, BearerTokens? Tokens = null)
{
    public override string ToString() => Mechanism;
}

/// <summary>How to reach and to convince the brokers, read from the settings that the native clients get.</summary>
internal sealed class ConnectionSettings
{
    /// <summary>A minute before a broker closes a connection that nobody uses, with the broker's default of ten.</summary>
    private static readonly TimeSpan DefaultIdle = TimeSpan.FromMinutes(9);

    /// <summary>Brokers to begin with; at least one.</summary>
    public required IReadOnlyList<BrokerAddress> Bootstrap { get; init; }

    /// <summary>By what name the brokers' logs call this process.</summary>
    public required string ClientId { get; init; }

    /// <summary>The security protocol's name.</summary>
    public required string Protocol { get; init; }

    /// <summary>How to encrypt; null for not.</summary>
    public TlsSettings? Tls { get; init; }

    /// <summary>How to log in; null for not.</summary>
    public SaslCredentials? Sasl { get; init; }

    /// <summary>After how long without a request a connection is closed.</summary>
    public TimeSpan Idle { get; init; } = DefaultIdle;

    /// <summary>Deadline of one request with all its attempts.</summary>
    public TimeSpan RequestTimeout { get; init; }

    /// <summary>After how long without an answer a connection counts as dead. Leaves time for another attempt.</summary>
    public TimeSpan Silence => RequestTimeout / 2;

    /// <summary>Deadline of a connection's opening, with encryption and login. Leaves time for another broker.</summary>
    public TimeSpan SetUp { get; init; }

    /// <summary>Reads the settings.</summary>
    /// <param name="settings">By librdkafka's names.</param>
    /// <param name="requestTimeout">Deadline of one request with all its attempts.</param>
    /// <param name="tokens">What to log in with, for mechanism OAUTHBEARER.</param>
    /// <exception cref="LogConfigurationException">A setting cannot be used; the message names it.</exception>
    public static ConnectionSettings Read(
        IReadOnlyDictionary<string, string> settings,
        TimeSpan requestTimeout,
        BearerTokens? tokens = null
    )
    {
        var protocol = settings.GetValueOrDefault("security.protocol", "plaintext").ToUpperInvariant();
        if (protocol is not ("PLAINTEXT" or "SSL" or "SASL_PLAINTEXT" or "SASL_SSL"))
        {
            throw new LogConfigurationException($"Kafka client setting security.protocol: '{protocol}' is unknown");
        }

        var setUp = requestTimeout / 3;
        if (Time(settings, "socket.connection.setup.timeout.ms") is { } wanted && wanted < setUp)
        {
            setUp = wanted;
        }

        return new ConnectionSettings
        {
            Bootstrap = Servers(settings.GetValueOrDefault("bootstrap.servers", string.Empty)),
            ClientId = settings.GetValueOrDefault("client.id", "brokkr"),
            Protocol = protocol,
            Tls = protocol.EndsWith("SSL", StringComparison.Ordinal) ? TlsSettings.Read(settings) : null,
            Sasl = protocol.StartsWith("SASL", StringComparison.Ordinal) ? Credentials(settings, tokens) : null,
            Idle = Time(settings, "connections.max.idle.ms") ?? DefaultIdle,
            RequestTimeout = requestTimeout,
            SetUp = setUp,
        };
    }

    private static List<BrokerAddress> Servers(string list)
    {
        var servers = new List<BrokerAddress>();
        foreach (var text in list.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries))
        {
            servers.Add(
                BrokerAddress.TryParse(text, out var address)
                    ? address
                    : throw new LogConfigurationException($"bootstrapServers: '{text}' is no host:port")
            );
        }

        return servers.Count > 0
            ? servers
            : throw new LogConfigurationException("bootstrapServers is empty: give a comma separated list of host:port");
    }

    private static SaslCredentials Credentials(IReadOnlyDictionary<string, string> settings, BearerTokens? tokens)
    {
        var mechanism = settings.GetValueOrDefault("sasl.mechanism") ?? settings.GetValueOrDefault("sasl.mechanisms");
        if (mechanism is BearerLogin.Mechanism && tokens is not null)
        {
            return new SaslCredentials(mechanism, tokens.Principal, string.Empty, tokens);
        }

        if (mechanism is not (ScramLogin.Sha256 or ScramLogin.Sha512 or "PLAIN"))
        {
            throw new LogConfigurationException(
                $"Kafka client setting sasl.mechanism: '{mechanism}' is not one of PLAIN, {ScramLogin.Sha256}, {ScramLogin.Sha512}"
            );
        }

        return new SaslCredentials(
            mechanism,
            settings.GetValueOrDefault("sasl.username")
                ?? throw new LogConfigurationException("Kafka client setting sasl.username is missing"),
            settings.GetValueOrDefault("sasl.password")
                ?? throw new LogConfigurationException("Kafka client setting sasl.password is missing")
        );
    }

    private static TimeSpan? Time(IReadOnlyDictionary<string, string> settings, string name) =>
        settings.TryGetValue(name, out var text)
        && int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var milliseconds)
        && milliseconds > 0
            ? TimeSpan.FromMilliseconds(milliseconds)
            : null;
}
