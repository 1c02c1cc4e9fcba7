using Brokkr.Cli.Hosting;
using Brokkr.Core.Configuration;
using Brokkr.Receiver;
using Brokkr.Receiver.Authentication;
using Brokkr.Receiver.Tls;

namespace Brokkr.Cli.Receiver;

/// <summary>The environment variables of the receiver (receiver-and-core §2).</summary>
internal sealed record ReceiverEnvironment
{
    /// <summary>How much longer than the log's own deadline a request waits, so that the log's reason is the one that senders get.</summary>
    private static readonly TimeSpan Grace = TimeSpan.FromSeconds(5);

    /// <summary>What the dispatcher has too.</summary>
    public required DataPlaneEnvironment Common { get; init; }

    /// <summary><c>INGRESS_PORT</c>.</summary>
    public required int Port { get; init; }

    /// <summary><c>INGRESS_TLS_PORT</c>.</summary>
    public required int TlsPort { get; init; }

    /// <summary><c>INGRESS_TLS_SECRET_PATH</c> (ours): folder with <c>tls.crt</c> and <c>tls.key</c>. Default <see cref="TlsOptions.SecretFolder"/>.</summary>
    public required string TlsFolder { get; init; }

    /// <summary><c>LIVENESS_PROBE_PATH</c>.</summary>
    public required string LivenessPath { get; init; }

    /// <summary><c>READINESS_PROBE_PATH</c>.</summary>
    public required string ReadinessPath { get; init; }

    /// <summary><c>HTTPSERVER_CONFIG_FILE_PATH</c>.</summary>
    public required string HttpServerPropertiesPath { get; init; }

    /// <summary><c>CONFIG_FEATURES_PATH</c>: folder with the entries of <c>config-features</c>. Default null: no feature is on.</summary>
    public string? FeaturesPath { get; init; }

    /// <summary><c>OIDC_ISSUER_URL</c> (ours): whose tokens count. Default the cluster's.</summary>
    public Uri? IssuerUrl { get; init; }

    /// <summary><c>OIDC_CA_FILE</c> (ours): authorities for the issuer's certificate. Default the cluster's for the cluster's issuer, else those of the system.</summary>
    public string? IssuerCaFile { get; init; }

    /// <summary><c>OIDC_TOKEN_FILE</c> (ours): token to show to the issuer. Default the pod's for the cluster's issuer, else none.</summary>
    public string? IssuerTokenFile { get; init; }

    /// <summary><c>INGRESS_MAX_BODY_BYTES</c> (ours): the largest body. Default 0: 1 MiB, or <c>max.request.size</c> of the producer if that is more.</summary>
    public required int MaxBodyBytes { get; init; }

    /// <summary><c>DRAIN_DELAY_SECONDS</c> (ours): how long to serve after SIGTERM before listening stops. Default 3.</summary>
    public required int DrainDelaySeconds { get; init; }

    /// <summary><c>DRAIN_BUDGET_SECONDS</c> (ours): how long running requests may take then. Default 20.</summary>
    public required int DrainBudgetSeconds { get; init; }

    /// <summary>Reads the variables. Problems are noted in the reader.</summary>
    public static ReceiverEnvironment Read(EnvironmentReader environment)
    {
        var defaults = new ReceiverOptions();
        var read = new ReceiverEnvironment
        {
            Common = DataPlaneEnvironment.Read(environment),
            Port = environment.RequiredInteger("INGRESS_PORT", "the port for HTTP, such as 8080", 0, ushort.MaxValue),
            TlsPort = environment.RequiredInteger("INGRESS_TLS_PORT", "the port for HTTPS, such as 8443", 0, ushort.MaxValue),
            TlsFolder = environment.Optional("INGRESS_TLS_SECRET_PATH", TlsOptions.SecretFolder),
            LivenessPath = Path(environment, "LIVENESS_PROBE_PATH", "the path of the liveness probe, such as /healthz"),
            ReadinessPath = Path(environment, "READINESS_PROBE_PATH", "the path of the readiness probe, such as /readyz"),
            HttpServerPropertiesPath = environment.Required("HTTPSERVER_CONFIG_FILE_PATH", "the properties file of the HTTP server"),
            FeaturesPath = environment.Optional("CONFIG_FEATURES_PATH"),
            IssuerUrl = Url(environment, "OIDC_ISSUER_URL", "the address of the token issuer, such as https://issuer.example.com"),
            IssuerCaFile = environment.Optional("OIDC_CA_FILE"),
            IssuerTokenFile = environment.Optional("OIDC_TOKEN_FILE"),
            MaxBodyBytes = environment.OptionalInteger(
                "INGRESS_MAX_BODY_BYTES",
                "the largest request body in bytes",
                0,
                1,
                1024 * 1024 * 1024
            ),
            DrainDelaySeconds = environment.OptionalInteger(
                "DRAIN_DELAY_SECONDS",
                "the seconds to go on serving after SIGTERM",
                (int)defaults.DrainDelay.TotalSeconds,
                0,
                3600
            ),
            DrainBudgetSeconds = environment.OptionalInteger(
                "DRAIN_BUDGET_SECONDS",
                "the seconds that running requests may take after that",
                (int)defaults.DrainBudget.TotalSeconds,
                0,
                3600
            ),
        };
        return read;
    }

    /// <summary>The receiver's options as far as the environment and the producer's properties decide them.</summary>
    /// <param name="producer">Properties of the Kafka producer.</param>
    /// <param name="features">Entries of <c>config-features</c>.</param>
    public ReceiverOptions ToOptions(IReadOnlyDictionary<string, string> producer, IReadOnlyDictionary<string, string> features)
    {
        var defaults = new ReceiverOptions();
        var largestRecord = Math.Clamp(producer.WholeNumber("max.request.size", 0), 0, 1024 * 1024 * 1024);
        var body = MaxBodyBytes > 0 ? MaxBodyBytes : Math.Max(defaults.MaxBodyBytes, (int)largestRecord);
        var delivery = producer.WholeNumber("delivery.timeout.ms", (long)defaults.AppendDeadline.TotalMilliseconds);
        return defaults with
        {
            Port = Port,
            Issuer = Issuer(features),
            Tls = new TlsOptions { Port = TlsPort, Folder = TlsFolder },
            RequireTls = string.Equals(features.GetValueOrDefault("transport-encryption"), "strict", StringComparison.OrdinalIgnoreCase),
            LivenessPath = LivenessPath,
            ReadinessPath = ReadinessPath,
            MaxBodyBytes = body,
            MaxBytesInFlight = Math.Max(defaults.MaxBytesInFlight, 16L * body),
            AppendDeadline = TimeSpan.FromMilliseconds(Math.Clamp(delivery, 1, int.MaxValue)) + Grace,
            DrainDelay = TimeSpan.FromSeconds(DrainDelaySeconds),
            DrainBudget = TimeSpan.FromSeconds(DrainBudgetSeconds),
        };
    }

    /// <summary>
    /// Whose tokens count. The contract decides which resources want one; the feature only has the keys fetched before (receiver-and-core §11.1).
    /// </summary>
    private IssuerOptions Issuer(IReadOnlyDictionary<string, string> features)
    {
        var defaults = new IssuerOptions();
        return defaults with
        {
            Address = IssuerUrl ?? defaults.Address,
            CaFile = IssuerCaFile ?? (IssuerUrl is null ? defaults.CaFile : null),
            TokenFile = IssuerTokenFile ?? (IssuerUrl is null ? defaults.TokenFile : null),
            AtStart = string.Equals(features.GetValueOrDefault("authentication-oidc"), "enabled", StringComparison.OrdinalIgnoreCase),
        };
    }

    private static Uri? Url(EnvironmentReader environment, string name, string meaning)
    {
        if (environment.Optional(name) is not { } text)
        {
            return null;
        }

        if (Uri.TryCreate(text, UriKind.Absolute, out var url) && url.Scheme is "https" or "http")
        {
            return url;
        }

        environment.Report($"{name} is \"{text}\", which is no http or https URL: set it to {meaning}.");
        return null;
    }

    private static string Path(EnvironmentReader environment, string name, string meaning)
    {
        var path = environment.Required(name, meaning);
        if (path.Length > 0 && path[0] != '/')
        {
            environment.Report($"{name} is \"{path}\", which does not begin with a slash: set it to {meaning}.");
        }

        return path;
    }
}
